"""Generators of random numbers that a model or its loss holds: where they are goes back after an evaluation.

An evaluation that leaves them further on would not repeat.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from aliascheck.subjects.held import held_by


def generators_in(values: Iterable[Any]) -> list[Any]:
    """The generators among some values and what their containers and objects hold, each once."""
    return held_by(values, _is_generator)


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
