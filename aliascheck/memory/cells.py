"""Cells: single numbers in memory, numbered, found from the memory itself and not from bookkeeping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory.values import Array

Cells = NDArray[np.intp]


def addresses(array: Array) -> Cells:
    """The byte address of every element. Works for any strides: zero, negative, overlapping.

    Shapes: as `array`.
    """
    start = array.ctypes.data
    if array.flags.c_contiguous:
        return (start + array.itemsize * np.arange(array.size, dtype=np.intp)).reshape(array.shape)
    total = np.full(array.shape, start, dtype=np.intp)
    for axis, (extent, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        offsets = np.arange(extent, dtype=np.intp) * stride
        total += offsets.reshape((-1,) + (1,) * (array.ndim - 1 - axis))
    return total


class CellMap:
    """The cells of some arrays, numbered from 0 in the order in which the arrays show them.

    The numbering follows the arrays, not their addresses: the same arrays in fresh memory are numbered alike.
    """

    def __init__(self, arrays: Iterable[Array]) -> None:
        parts = [addresses(array).ravel() for array in arrays if array.size]
        shown = np.concatenate(parts) if parts else np.empty(0, np.intp)
        self._addresses, first = np.unique(shown, return_index=True)
        self._number = np.empty(len(first), np.intp)
        self._number[np.argsort(first)] = np.arange(len(first))
        self._looked_up: dict[tuple[object, ...], Cells] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def of(self, array: Array) -> Cells:
        """The numbers of the cells that `array` shows. Shapes: as `array`.

        Raises: KeyError where it shows a cell that is not in the map.
        """
        view = (array.ctypes.data, array.shape, array.strides)
        if view not in self._looked_up:
            self._looked_up[view] = self._look_up(array)
        return self._looked_up[view]

    def _look_up(self, array: Array) -> Cells:
        wanted = addresses(array)
        found = np.searchsorted(self._addresses, wanted)
        if wanted.size and (found.max() >= len(self._addresses) or np.any(self._addresses[found] != wanted)):
            raise KeyError("the array shows a cell outside the map")
        numbers = np.asarray(self._number[found])
        numbers.flags.writeable = False
        return numbers

    def touches(self, array: Array) -> bool:
        """Whether `array` shows any cell of the map."""
        if not array.size or not len(self):
            return False
        wanted = addresses(array)
        found = np.minimum(np.searchsorted(self._addresses, wanted), len(self) - 1)
        return bool(np.any(self._addresses[found] == wanted))


def alias_groups(cells: Sequence[Cells]) -> list[list[int]]:
    """Which of several views are connected by shared cells: lists of positions, in order."""
    size = max((int(view.max()) + 1 for view in cells if view.size), default=0)
    first_seen = np.full(size, -1)
    parent = list(range(len(cells)))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    for position, view in enumerate(cells):
        seen = first_seen[view]
        for other in np.unique(seen[seen >= 0]).tolist():
            low, high = sorted((root(other), root(position)))
            parent[high] = low
        first_seen[view[seen < 0]] = position
    groups: dict[int, list[int]] = {}
    for position in range(len(cells)):
        groups.setdefault(root(position), []).append(position)
    return list(groups.values())


def overlaps_itself(cells: Cells) -> bool:
    """Whether some cell is shown more than once (stride 0, sliding windows)."""
    return len(np.unique(cells)) < cells.size
