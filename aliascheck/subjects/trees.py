"""Trees of arrays, whatever engine they belong to: what their leaves are called, and what a loss captures."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from types import CodeType, MethodType, ModuleType
from typing import Any

from aliascheck.errors import AliascheckError, UsageError, did_you_mean
from aliascheck.memory import Array, Field, Key, Path, Struct, format_path
from aliascheck.subjects.found import engine_of
from aliascheck.subjects.subject import narrow_names

WHOLE = "tree"  # the name of a tree that is one array
CAPTURED = "<captured>"
LARGEST_INDEX = 1024  # a larger whole number is a key
FARTHEST_SEARCH = 200  # functions: those of libraries call thousands


class Captures(Struct):
    """What a loss captures, by the names of its variables."""

    __slots__ = ()
    call_rule = None  # what an audit knows closures by


class TreeSubject:
    """What subjects whose places are the leaves of a tree share: their class sets `_places`."""

    key = None
    merges: tuple[str, ...] = ()
    _places: list[tuple[Path, Array]]
    _names_read: Collection[str] | None = None  # None: a loss of somebody's own is given all leaves

    def places(self) -> list[tuple[Path, Array]]:
        """The arrays that are moved, in the order of the tree, and of what the loss captures."""
        return self._places

    def narrow(self) -> set[str]:
        """The precisions below float64 that the memory is in."""
        return narrow_names(self._places)

    def remarks(self) -> tuple[str, ...]:
        """Nothing: what there is to know about a tree, its gradients tell."""
        return ()

    def accesses(self) -> dict[Path, Any]:
        """Every place: an argument of the loss, or a constant in it. Of a program, those that it reads."""
        names = self._names_read
        return {path: array for path, array in self._places if names is None or path[0] in names}

    def analytic(self) -> None:
        """Losses are not tried with complex numbers."""


def path_of(steps: Sequence[Any]) -> Path:
    """The path of a leaf: trees have no name, so its first step begins it, as in `enc['w']` or `[0].bias`."""
    if not steps:
        return (WHOLE,)
    first, *rest = steps
    text = format_path(("", first)).removeprefix(".")
    is_name = isinstance(first, Key) and first.isidentifier()
    return (str(first) if is_name else text, *rest)


def key_step(key: Any) -> Any:
    """The step of a key of a dict: small whole numbers are indices."""
    is_index = isinstance(key, int) and not isinstance(key, bool) and 0 <= key < LARGEST_INDEX
    return int(key) if is_index else Key(str(key))


def bindings_of(places: Iterable[tuple[Path, Array]]) -> dict[str, Any]:
    """Named values that hold the arrays at their paths, and nothing else."""
    levels: dict[Any, Any] = {}
    for path, array in places:
        level = levels
        for step in path[:-1]:
            level = level.setdefault(step, {})
        level[path[-1]] = array
    return {
        str(root): Captures(CAPTURED, below) if root == CAPTURED else _holder(below)
        for root, below in levels.items()
    }


def _holder(below: Any) -> Any:
    if not isinstance(below, dict):
        return below
    parts = {step: _holder(part) for step, part in below.items()}
    if all(isinstance(step, Field) for step in parts):
        return Struct("", parts)
    if all(isinstance(step, Key) for step in parts):
        return parts
    return [parts.get(index) for index in range(1 + max(step for step in parts if isinstance(step, int)))]


Name = str | Path


def without_leaves(tree: Any) -> AliascheckError:
    """Why an audit has nothing to do with a tree that has no arrays of floats."""
    try:
        is_module = engine_of(tree) == "torch"
    except UsageError:
        is_module = False
    if is_module:
        return AliascheckError(
            "the model is a torch module, and no tree of arrays", hint="say engine='torch'"
        )
    return AliascheckError("the tree has no arrays of floats", hint="pass the tree of parameters")


def chosen(names: Iterable[Name], paths: Sequence[Path]) -> list[Path]:
    """The leaves that names mean: of a leaf itself, or of all that is below a place.

    Raises: AliascheckError where a name means none, and where something is no name.
    """
    found: dict[Path, None] = {}
    for name in [names] if isinstance(names, str) else names:
        text = text_of(name)
        below = [path for path in paths if text in prefixes(path)]
        if not below:
            known = {format_path(path) for path in paths}
            raise AliascheckError(f"the tree has no array at '{text}'", hint=did_you_mean(text, known))
        found.update(dict.fromkeys(below))
    return list(found)


def text_of(name: Name) -> str:
    """How a place is written. Raises: AliascheckError where something is no name."""
    if isinstance(name, str):
        return name
    if isinstance(name, tuple) and name:
        return format_path(name)
    raise AliascheckError(
        f"an array of the tree has a name, not a {type(name).__name__}",
        hint="names are strings, like \"enc['w']\" or '[0]', or paths",
    )


def prefixes(path: Path) -> list[str]:
    """The places that a leaf lies at or below, from the outermost on."""
    return [format_path(path[:end]) for end in range(1, len(path) + 1)]


def captured_functions(function: Callable[..., Any]) -> Iterator[Any]:
    """The Python function that a loss is, and those that it calls by its variables: the nearest first."""
    return (taken for taken, _, _ in _reached(function))


def captured_values(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The variables that a loss, and the functions that it calls, read from outside.

    What a method reads of its own object counts, and what a partial application holds.
    """
    for taken, owner, given in _reached(function):
        yield from given
        yield from _variables(taken)
        yield from _attributes(taken, owner)


def _reached(function: Any) -> Iterator[tuple[Any, Any, list[tuple[str, Any]]]]:
    """Functions, each with the object that it is a method of, and with the arguments that it is given."""
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [function]
    while waiting and len(seen) < FARTHEST_SEARCH:
        value, given = _applied(waiting.pop(0))
        taken, owner = _plain_function(value)
        if taken is not None and (id(taken), id(owner)) not in seen:
            seen.add((id(taken), id(owner)))
            yield taken, owner, given
            read = [*given, *_variables(taken), *_attributes(taken, owner)]
            waiting.extend(value for _, value in read if callable(value))


def _applied(value: Any) -> tuple[Any, list[tuple[str, Any]]]:
    """What partial applications apply, and the arguments that they hold."""
    given: list[tuple[str, Any]] = []
    while isinstance(value, functools.partial):
        given += [*(("array", argument) for argument in value.args), *value.keywords.items()]
        value = value.func
    return value, given


def _plain_function(value: Any) -> tuple[Any, Any]:
    """The Python function inside methods, compiled functions and callable objects, with its object."""
    value = inspect.unwrap(value)
    called = inspect.getattr_static(type(value), "__call__", None)
    if inspect.isfunction(called):
        return inspect.unwrap(called), value
    function, owner = getattr(value, "__func__", value), getattr(value, "__self__", None)
    function = inspect.unwrap(function)
    return (function, owner) if inspect.isfunction(function) else (None, None)


def _variables(function: Any) -> Iterator[tuple[str, Any]]:
    named = [(name, function.__globals__.get(name)) for name in _names_in(function.__code__)]
    yield from ((name, value) for name, value in named if value is not None)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, content(cell)


def _attributes(function: Any, owner: Any) -> Iterator[tuple[str, Any]]:
    """What the code of a method names of its object: attributes and other methods."""
    if owner is None or isinstance(owner, type | ModuleType):
        return
    kept = getattr(owner, "__dict__", {})
    for name in dict.fromkeys(_names_in(function.__code__)):
        if name in kept:
            yield name, kept[name]
        elif inspect.isfunction(method := inspect.getattr_static(type(owner), name, None)):
            yield name, MethodType(method, owner)


def _names_in(code: CodeType) -> Iterator[str]:
    """The names that code reads, that of the functions in it as well."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names_in(part)


def content(cell: Any) -> Any:
    """What a variable of an enclosing function holds; None where it holds nothing yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
