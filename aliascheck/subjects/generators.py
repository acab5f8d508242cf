"""Generators of random numbers that a model or its loss holds: where they are goes back after an evaluation.

An evaluation that leaves them further on would not repeat.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import BuiltinMethodType, MethodType
from typing import Any

import numpy as np

DEEP = 4  # containers within containers


def generators_in(values: Iterable[Any]) -> list[Any]:
    """The generators among some values and what their containers hold, each once.

    A method of a generator stands for the generator.
    """
    found = (one for value in values for one in _below(value, 0))
    return list({id(one): one for one in found}.values())


def _below(value: Any, depth: int) -> Iterator[Any]:
    if _is_generator(value):
        yield value
    elif isinstance(value, MethodType | BuiltinMethodType) and _is_generator(value.__self__):
        yield value.__self__
    elif depth < DEEP and isinstance(value, dict | list | tuple | set):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _below(part, depth + 1)


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
