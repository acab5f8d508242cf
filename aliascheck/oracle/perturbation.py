"""Moving memory along straight lines, and putting it back whatever happens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Array, CellMap
from aliascheck.oracle.complex_step import STEP


class Line:
    """An array that is moved from where it is along a direction, in place.

    Only the smallest block that holds all moving elements is ever written. Shapes: `direction` as `array`.
    """

    __slots__ = ("_block", "_direction", "_in_place", "_start")

    def __init__(self, array: Array, direction: Array) -> None:
        block: Any = (*bounding_block(direction), ...)  # a view, of 0-d arrays too
        self._block = array[block]
        self._direction = direction[block]
        self._start = self._block.copy()
        self._in_place = _shows_each_cell_once(array)

    def move(self, t: float) -> None:
        """Put the array at `start + t * direction`."""
        t = np.float64(t)  # a plain float would take on the precision of the direction
        if self._in_place:
            np.multiply(self._direction, t, out=self._block)
            np.add(self._block, self._start, out=self._block)
        else:
            self._block[...] = t * self._direction + self._start

    def back(self) -> None:
        """Put the array where it was, bit by bit."""
        self._block[...] = self._start


def bounding_block(direction: Array) -> tuple[slice, ...]:
    """The smallest block of an array outside which it is zero."""
    if direction.size > _SPARSE and direction[(0,) * direction.ndim] and direction[(-1,) * direction.ndim]:
        return (slice(None),) * direction.ndim
    moving = direction != 0
    block = []
    for axis in range(direction.ndim):
        others = tuple(other for other in range(direction.ndim) if other != axis)
        places = np.flatnonzero(moving.any(axis=others))
        block.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return tuple(block)


_SPARSE = 1 << 12


class MemoryBlock:
    """The memory of one alias group: arrays that together hold all its cells."""

    def __init__(self, arrays: Sequence[Array], cells: CellMap) -> None:
        self._cells = cells
        self._arrays = _cover(arrays, cells)
        self.size = len(cells)

    def read(self) -> NDArray[np.float64]:
        """The numbers in all cells. Shapes: (size,)."""
        values = np.zeros(self.size)
        for array in self._arrays:
            values[self._cells.of(array)] = array
        return values

    def write(self, values: NDArray[np.float64]) -> None:
        """Put numbers into all cells, in place."""
        for array in self._arrays:
            array[...] = self._cells.show(values, array)

    @property
    def arrays(self) -> Sequence[Array]:
        """Arrays that together hold all the cells."""
        return self._arrays

    def imagine(self, counterparts: Sequence[Array], direction: Array) -> None:
        """Give complex counterparts of `arrays` a tiny imaginary part: STEP times a direction.

        Shapes: `direction` (size,).
        """
        for array, counterpart in zip(self._arrays, counterparts, strict=True):
            counterpart.imag = self._cells.show(direction, array)
            counterpart.imag *= STEP

    def fingerprint(self) -> bytes:
        """What tells this memory from the same cells with other numbers in them."""
        digest = blake2b(digest_size=16)
        for array in self._arrays:
            digest.update(np.ascontiguousarray(array).data)
        return digest.digest()

    @property
    def scale(self) -> float:
        """The root mean square of the memory; 1 where it is all zero or not finite."""
        with np.errstate(over="ignore"):
            squares = sum(float(np.vdot(array, array)) for array in self._arrays)
        count = sum(array.size for array in self._arrays)
        scale = math.sqrt(squares / count) if count and math.isfinite(squares) else 0.0
        return scale if scale > 0 else 1.0

    @contextmanager
    def along(self, direction: Array, reach: float = 1.0) -> Iterator[Callable[[float], None]]:
        """Moves the memory: to `start + t * reach * direction`, given t. At the end it is put back.

        Shapes: `direction` (size,).
        """
        lines = []
        for array in self._arrays:
            shown = self._cells.show(direction, array)
            if shown.any():
                lines.append(Line(array, shown))

        def move(t: float) -> None:
            for line in lines:
                line.move(t * reach)

        try:
            yield move
        finally:
            for line in lines:
                line.back()


def _cover(arrays: Sequence[Array], cells: CellMap) -> list[Array]:
    """As many of the arrays as it takes to reach every cell, contiguous ones and large ones first."""
    missing = np.ones(len(cells), bool)
    cover = []
    for array in sorted(arrays, key=lambda array: (not _shows_each_cell_once(array), -array.size)):
        if not missing.any():
            break
        shown = cells.shown_by(array)
        if np.any(missing & shown):
            cover.append(array)
            missing &= ~shown
    return cover


def _shows_each_cell_once(array: Array) -> bool:
    """Whether no two elements are known to lie in one cell: those of a contiguous array do not."""
    return array.flags.c_contiguous or array.flags.f_contiguous
