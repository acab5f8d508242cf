"""A point nearby: what a derivative that is zero at the given point by accident looks like elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.bench import Bench
from aliascheck.errors import AliascheckError
from aliascheck.oracle import MemoryBlock
from aliascheck.subjects.subject import Subject

SIZES = (1.0, 0.5, 0.25)  # tried in turn where the loss leaves its domain
SHARE = 0.25  # of each number, and of the memory's scale


@contextmanager
def moved_nearby(bench: Bench, blocks: Sequence[MemoryBlock], number: int = 1) -> Iterator[bytes | None]:
    """The memory at a random point nearby for a while: another one for each `number`.

    Gives what tells the point from others, or None where the loss leaves its domain whichever way: moved by
    a quarter of each number and of the memory's scale, then by less, then in proportion only.
    """
    before = [block.read() for block in blocks]
    try:
        yield next(_found(bench, blocks, before, number), None)
    finally:
        for block, values in zip(blocks, before, strict=True):
            block.write(values)
        bench.here = bench.loss
        bench.subject.base()


def _found(
    bench: Bench, blocks: Sequence[MemoryBlock], before: Sequence[NDArray[np.float64]], number: int
) -> Iterator[bytes]:
    scales = [block.scale for block in blocks]
    for relative, absolute in (*((size, size) for size in SIZES), (1.0, 0.0)):
        rng = np.random.default_rng(bench.settings.seed + number)
        for block, values, scale in zip(blocks, before, scales, strict=True):
            share = 1 + SHARE * relative * rng.uniform(-1, 1, block.size)
            block.write(values * share + SHARE * absolute * scale * rng.uniform(-1, 1, block.size))
        bench.evaluations += 1
        loss = _base(bench.subject)
        if math.isfinite(loss):
            bench.here = loss
            yield b" ".join(block.fingerprint() for block in blocks)


def _base(subject: Subject) -> float:
    try:
        return subject.base()
    except (AliascheckError, ArithmeticError, np.linalg.LinAlgError):
        return math.nan
