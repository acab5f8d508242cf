"""Places: names under which arrays are reached, such as `m.layers[0].weight` or `d['k']`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError, did_you_mean
from aliascheck.memory.values import Array, Field, Key, Record, child, children, is_array, replace_child

Path = tuple[Any, ...]

_STEP = re.compile(r"\.\s*([A-Za-z]\w*)|\[\s*(-?\d+)\s*\]|\[\s*(?:'([^']*)'|\"([^\"]*)\")\s*\]", re.ASCII)
_ROOT = re.compile(r"\s*([A-Za-z]\w*)\s*", re.ASCII)


def format_path(path: Path) -> str:
    """A path as people write it."""
    root, *steps = path
    return str(root) + "".join(_format_step(step) for step in steps)


def _format_step(step: Any) -> str:
    if isinstance(step, Field):
        return f".{step}"
    return f"[{str(step)!r}]" if isinstance(step, Key) else f"[{step}]"


def parse_path(text: str) -> Path:
    """The path that `text` writes. Raises AliascheckError where it writes none."""
    root = _ROOT.match(text)
    if root is None:
        raise AliascheckError(f"'{text}' is not the name of a place", hint="write it like m.layers[0].weight")
    path: list[Any] = [root[1]]
    position = root.end()
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise AliascheckError(
                f"'{text}' is not the name of a place: '{text[position:]}' cannot be followed",
                hint="write it like m.layers[0].weight or d['k']",
            )
        name, index, single, double = step.groups()
        if name is not None:
            path.append(Field(name))
        elif index is not None:
            path.append(int(index))
        else:
            path.append(Key(single if single is not None else double))
        position = step.end()
        while position < len(text) and text[position].isspace():
            position += 1
    return tuple(path)


def lookup(bindings: Mapping[str, Any], path: Path) -> Any:
    """The value at `path`. Raises AliascheckError naming the step that leads nowhere."""
    root, *steps = path
    if root not in bindings:
        raise AliascheckError(f"unknown name '{root}'", hint=did_you_mean(root, bindings))
    value = bindings[root]
    for position, step in enumerate(steps, start=1):
        try:
            value = child(value, step)
        except (KeyError, IndexError):
            here = format_path(path[:position])
            known = [str(name) for name, _ in children(value)]
            if isinstance(step, Field) and isinstance(value, Record):
                hint = did_you_mean(step, known) or f"fields: {', '.join(known)}"
                raise AliascheckError(f"{here} has no field '{step}'", hint=hint) from None
            raise AliascheckError(f"{here} has nothing at {_format_step(step)}") from None
    return value


def normalize(bindings: Mapping[str, Any], path: Path) -> Path:
    """`path` with negative indices counted from the start."""
    value = bindings[path[0]]
    steps: list[Any] = []
    for step in path[1:]:
        steps.append(step + len(value) if isinstance(step, int) and step < 0 else step)
        value = child(value, step)
    return (path[0], *steps)


def rebuild(value: Any, steps: Path, new: Any) -> Any:
    """`value` with `new` below `steps`: containers and records on the way are built anew."""
    if not steps:
        return new
    step, *rest = steps
    return replace_child(value, step, rebuild(child(value, step), tuple(rest), new))


def walk(value: Any, path: Path) -> Iterator[tuple[Path, Array]]:
    """Every place at or below `path`, down to the innermost arrays, in order.

    A place that would lead into itself again (a list that holds itself) is not followed.
    """
    yield from _walk(value, path, frozenset())


def _walk(value: Any, path: Path, above: frozenset[int]) -> Iterator[tuple[Path, Array]]:
    if isinstance(value, np.ndarray):
        yield path, value
    elif id(value) not in above:
        for step, part in children(value):
            yield from _walk(part, (*path, step), above | {id(value)})


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every array and unopened wrapper at or below `path`: what has a slot of its own.

    As with `walk`, a place that would lead into itself again is not followed.
    """
    yield from _leaves(value, path, frozenset())


def _leaves(value: Any, path: Path, above: frozenset[int]) -> Iterator[tuple[Path, Any]]:
    if is_array(value):
        yield path, value
    elif id(value) not in above:
        for step, part in children(value):
            yield from _leaves(part, (*path, step), above | {id(value)})


def is_below(path: Path, above: Path) -> bool:
    """Whether `path` is `above` or below it."""
    return path[: len(above)] == above
