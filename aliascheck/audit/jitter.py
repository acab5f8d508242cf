"""A point nearby: what a derivative that is zero at the given point by accident looks like elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from aliascheck.audit.bench import Bench
from aliascheck.errors import AliascheckError
from aliascheck.oracle import MemoryBlock
from aliascheck.subjects.subject import Subject

SIZES = (1.0, 0.5, 0.25)  # tried in turn where the loss leaves its domain
SHARE = 0.25  # of each number, and of the memory's scale


@contextmanager
def moved_nearby(bench: Bench, block: MemoryBlock) -> Iterator[str | None]:
    """The memory at a random point nearby for a while.

    Gives the name of the point, or None where the loss leaves its domain whichever way: moved by a
    quarter of each number and of the memory's scale, then by less, then in proportion only.
    """
    before = block.read()
    try:
        yield next(_found(bench, block), None)
    finally:
        block.write(before)
        bench.subject.base()


def _found(bench: Bench, block: MemoryBlock) -> Iterator[str]:
    for number, values in enumerate(_candidates(block, bench.settings.seed)):
        block.write(values)
        bench.evaluations += 1
        if math.isfinite(_base(bench.subject)):
            yield f"jitter {number}"


def _base(subject: Subject) -> float:
    try:
        return subject.base()
    except (AliascheckError, ArithmeticError, np.linalg.LinAlgError):
        return math.nan


def _candidates(block: MemoryBlock, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed + 1)
    relative, absolute = rng.uniform(-1, 1, block.size), rng.uniform(-1, 1, block.size)
    start, scale = block.read(), block.scale
    for size in SIZES:
        yield start * (1 + SHARE * size * relative) + SHARE * size * scale * absolute
    yield start * (1 + SHARE * relative)
