"""Moving memory, and putting it back whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Array, Cells, Probe


class MemoryBlock:
    """The memory of one alias group: arrays that together hold all its cells.

    Shapes: `cells[k]` is that of `arrays[k]` and numbers its elements.
    """

    def __init__(self, arrays: Sequence[Array], cells: Sequence[Cells], size: int) -> None:
        self._arrays = list(arrays)
        self._cells = list(cells)
        self.size = size
        self._home = [(-1, -1)] * size if size <= _LOCATED else []
        for number, view in enumerate(self._cells):
            if self._home:
                for position, cell in enumerate(view.ravel().tolist()):
                    self._home[cell] = (number, position)

    def read(self) -> NDArray[np.float64]:
        """The numbers in all cells. Shapes: (size,)."""
        values = np.zeros(self.size)
        for array, cells in zip(self._arrays, self._cells, strict=True):
            values[cells] = array
        return values

    def write(self, values: NDArray[np.float64]) -> None:
        """Put numbers into all cells, in place."""
        for array, cells in zip(self._arrays, self._cells, strict=True):
            array[...] = values[cells]

    @property
    def scale(self) -> float:
        """The root mean square of the memory; 1 where it is all zero or not finite."""
        values = self.read()
        with np.errstate(over="ignore"):
            scale = float(np.sqrt(np.mean(values * values))) if values.size else 0.0
        return scale if np.isfinite(scale) and scale > 0 else 1.0

    def single(self, probe: Probe) -> tuple[Array, tuple[int, ...]] | None:
        """Where the only cell of a probe lies; None for a probe of many cells."""
        if not self._home or len(probe.cells) != 1:
            return None
        number, position = self._home[int(probe.cells[0])]
        array = self._arrays[number]
        return array, tuple(int(i) for i in np.unravel_index(position, array.shape))


_LOCATED = 1 << 16


@contextmanager
def restored(block: MemoryBlock) -> Iterator[NDArray[np.float64]]:
    """The memory as it is now, put back bit by bit at the end, also after an exception."""
    before = block.read()
    try:
        yield before
    finally:
        block.write(before)
