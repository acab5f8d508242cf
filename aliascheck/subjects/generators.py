"""Generators of random numbers that a model or its loss holds: where they are goes back after an evaluation.

An evaluation that leaves them further on would not repeat.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

DEEP = 4  # containers and objects within each other


def generators_in(values: Iterable[Any]) -> list[Any]:
    """The generators among some values and what their containers and objects hold, each once.

    A method stands for what it is a method of.
    """
    found: list[Any] = []
    _collect(values, found, {}, 0)
    return found


def _collect(values: Iterable[Any], found: list[Any], seen: dict[int, Any], depth: int) -> None:
    below: list[Any] = []
    for given in values:
        value = given.__self__ if isinstance(given, MethodType | BuiltinMethodType) else given
        if id(value) in seen or isinstance(value, AS_THEY_ARE):
            continue
        seen[id(value)] = value
        if _is_generator(value):
            found.append(value)
        else:
            below += _parts(value)
    if below and depth < DEEP:
        _collect(below, found, seen, depth + 1)


AS_THEY_ARE = (type(None), bool, int, float, complex, str, bytes, np.ndarray, type, ModuleType, FunctionType)


def _parts(value: Any) -> Iterable[Any]:
    """What a container or an object holds."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set):
        return value
    held = getattr(value, "__dict__", None)
    return held.values() if isinstance(held, dict) else ()


def _is_generator(value: Any) -> bool:
    if isinstance(value, random.Random):
        return not isinstance(value, random.SystemRandom)
    kinds = (np.random.Generator, np.random.RandomState, np.random.BitGenerator)
    return isinstance(value, kinds) or _is_of_torch(value)


def _is_of_torch(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Generator" and kind.__module__.partition(".")[0] == "torch"


def _state_of(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.BitGenerator):
        return generator.state
    return generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.BitGenerator):
        generator.state = state
    else:
        generator.set_state(state)


@contextmanager
def generators_kept(generators: Sequence[Any]) -> Iterator[None]:
    """Let generators be at the end where they are at the beginning."""
    states = [(generator, _state_of(generator)) for generator in generators]
    try:
        yield
    finally:
        for generator, state in states:
            _set_state(generator, state)
