"""The variables that a loss reads, as places whose values can be exchanged while it is evaluated.

Cells of closures, globals, arguments of partial applications, what a bound object holds, and what lists,
dicts and objects in any of these hold.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from aliascheck.memory import Data
from aliascheck.subjects.trees import FARTHEST_SEARCH, captured_functions, content

DEEP = 3  # containers and objects within each other


class Variable(Data, frozen=True, eq=False):
    """A place that holds a value; `put` has it hold another one."""

    name: str
    value: Any
    put: Callable[[Any], None]


def variables_of(function: Callable[..., Any]) -> Iterator[Variable]:
    """The variables of a loss and of the functions that it calls by them, and what these hold."""
    seen: set[int] = set()
    for variable in [*_of_wrappers(function), *_of_functions(function)]:
        yield from _with_parts(variable, seen, DEEP)


def _of_wrappers(function: Any) -> Iterator[Variable]:
    """Arguments of partial applications, and objects that methods are bound to."""
    for _ in range(FARTHEST_SEARCH):
        if isinstance(function, functools.partial):
            yield from _of_partial(function)
            function = function.func
        elif isinstance(function, MethodType):
            yield Variable("self", function.__self__, _refuse)
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = inspect.unwrap(function)
        else:
            return


def _of_partial(applied: functools.partial[Any]) -> Iterator[Variable]:
    def put(number: int, value: Any) -> None:
        args = (*applied.args[:number], value, *applied.args[number + 1 :])
        applied.__setstate__((applied.func, args, applied.keywords, applied.__dict__))  # type: ignore[attr-defined]

    for number, value in enumerate(applied.args):
        yield Variable(f"argument_{number + 1}", value, functools.partial(put, number))
    yield from _of_dict(applied.keywords)


def _of_functions(function: Callable[..., Any]) -> Iterator[Variable]:
    for taken in captured_functions(function):
        names = set(_names_in(taken.__code__))
        yield from (one for one in _of_dict(taken.__globals__) if one.name in names)
        for name, cell in zip(taken.__code__.co_freevars, taken.__closure__ or (), strict=True):
            yield Variable(name, content(cell), functools.partial(setattr, cell, "cell_contents"))


def _names_in(code: Any) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if hasattr(part, "co_names"):
            yield from _names_in(part)


def _of_dict(held: Any) -> Iterator[Variable]:
    for key, value in list(held.items()):
        yield Variable(str(key), value, functools.partial(held.__setitem__, key))


def _with_parts(variable: Variable, seen: set[int], deep: int) -> Iterator[Variable]:
    yield variable
    value = variable.value
    if deep == 0 or id(value) in seen or hasattr(value, "dtype"):
        return
    seen.add(id(value))
    for part in _parts(value):
        yield from _with_parts(part, seen, deep - 1)


def _parts(value: Any) -> Iterable[Variable]:
    if isinstance(value, list):
        return [
            Variable("array", part, functools.partial(value.__setitem__, number))
            for number, part in enumerate(value)
        ]
    if isinstance(value, dict):
        return _of_dict(value)
    if isinstance(value, ModuleType | FunctionType | type) or not isinstance(
        getattr(value, "__dict__", None), dict
    ):
        return ()
    return _of_dict(vars(value))


def _refuse(value: Any) -> None:
    raise AssertionError("what a method is bound to is not exchanged")


def in_memory_of(jax: Any, function: Callable[..., Any], hosts: Iterable[Any]) -> list[list[Variable]]:
    """The variables of a loss whose arrays lie in given memory: those of one array together."""
    given = list(hosts)
    found: dict[int, list[Variable]] = {}
    for variable in variables_of(function):
        value = variable.value
        if _is_of_floats(jax, value):
            host = np.asarray(value)
            if any(np.may_share_memory(host, one) and np.shares_memory(host, one) for one in given):
                found.setdefault(id(value), []).append(variable)
    return list(found.values())


def _is_of_floats(jax: Any, value: Any) -> bool:
    if not isinstance(value, jax.Array | np.ndarray) or isinstance(value, jax.core.Tracer):
        return False
    return bool(jax.numpy.issubdtype(value.dtype, jax.numpy.floating))


@contextmanager
def exchanged(variables: Iterable[tuple[Variable, Any]]) -> Iterator[None]:
    """Variables holding other values for a while."""
    with ExitStack() as undoing:
        for variable, value in variables:
            undoing.callback(variable.put, variable.value)
            variable.put(value)
        yield
