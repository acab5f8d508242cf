"""What a model or its loss holds, in containers and objects within each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

DEEP = 4  # containers and objects within each other


Sought = Callable[[Any], bool]


def held_by(values: Iterable[Any], is_sought: Sought) -> list[Any]:
    """What is sought among some values and what their containers and objects hold, each once.

    A method stands for what it is a method of.
    """
    found: list[Any] = []
    _collect(values, is_sought, found, {}, 0)
    return found


def _collect(
    values: Iterable[Any],
    is_sought: Callable[[Any], bool],
    found: list[Any],
    seen: dict[int, Any],
    depth: int,
) -> None:
    below: list[Any] = []
    for given in values:
        value = given.__self__ if isinstance(given, MethodType | BuiltinMethodType) else given
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if is_sought(value):
            found.append(value)
        elif not isinstance(value, AS_THEY_ARE):
            below += _parts(value)
    if below and depth < DEEP:
        _collect(below, is_sought, found, seen, depth + 1)


AS_THEY_ARE = (type(None), bool, int, float, complex, str, bytes, np.ndarray, type, ModuleType, FunctionType)


def _parts(value: Any) -> Iterable[Any]:
    """What a container or an object holds."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set):
        return value
    held = getattr(value, "__dict__", None)
    return held.values() if isinstance(held, dict) else ()
