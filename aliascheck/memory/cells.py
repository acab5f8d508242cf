"""Cells: single numbers in memory, numbered, found from the memory itself and not from bookkeeping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from aliascheck.memory.values import Array

Cells = NDArray[np.intp]

TABLED = 1 << 16  # cells that are looked up one by one; beyond, memory is numbered span by span


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
    """The cells of some arrays, numbered from 0.

    Cells are numbered in the order in which the arrays show them; those of more than 65,536 in the order of
    memory within each stretch that one array fills. Either way the numbering follows the arrays, not their
    addresses: the same arrays in fresh memory are numbered alike.
    """

    def __init__(self, arrays: Iterable[Array]) -> None:
        shown = [array for array in arrays if array.size]
        spans = _spans_of(shown) if sum(array.size for array in shown) > TABLED else None
        self._numbers: _Spans | _Table = _Table(shown) if spans is None else spans
        self._looked_up: dict[tuple[object, ...], Cells] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, array: Array) -> Cells:
        """The numbers of the cells that `array` shows. Shapes: as `array`.

        Raises: KeyError where it shows a cell that is not in the map.
        """
        view = (array.ctypes.data, array.shape, array.strides)
        if view not in self._looked_up:
            numbers = self._numbers.of(array)
            numbers.flags.writeable = False
            self._looked_up[view] = numbers
        return self._looked_up[view]

    def show(self, vector: Array, array: Array) -> Array:
        """What `array` would show, were `vector` in the cells: a view of it where one can be had.

        Shapes: (number of cells,) to that of `array`.
        """
        if isinstance(self._numbers, _Spans):
            return self._numbers.view(vector, array)
        return np.asarray(vector[self.of(array)])

    def shown_by(self, array: Array) -> NDArray[np.bool_]:
        """Which cells `array` shows. Shapes: (number of cells,)."""
        shown = np.zeros(len(self), bool)
        if isinstance(self._numbers, _Spans):
            self._numbers.view(shown, array)[...] = True
        else:
            shown[self.of(array)] = True
        return shown

    def layout(self, array: Array) -> tuple[object, ...]:
        """What two arrays share exactly when they show the same cells at the same elements."""
        if isinstance(self._numbers, _Spans):
            strides = zip(array.shape, array.strides, strict=True)
            steps = [stride for extent, stride in strides if extent > 1 and array.size]
            return self._numbers.offset(array), array.shape, *steps
        return array.shape, self.of(array).tobytes()

    def touches(self, array: Array) -> bool:
        """Whether `array` shows any cell of the map."""
        return bool(array.size) and len(self) > 0 and self._numbers.touches(array)

    def groups(self, arrays: Sequence[Array]) -> list[list[int]]:
        """Which of several arrays of the map are connected by shared cells: lists of positions, in order."""
        if isinstance(self._numbers, _Spans):
            return self._numbers.groups(arrays)
        return alias_groups([self.of(array) for array in arrays])


class _Table:
    """The number of every address, looked up."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        parts = [addresses(array).ravel() for array in arrays]
        shown = np.concatenate(parts) if parts else np.empty(0, np.intp)
        self._addresses, first = np.unique(shown, return_index=True)
        self._number = np.empty(len(first), np.intp)
        self._number[np.argsort(first)] = np.arange(len(first))

    def __len__(self) -> int:
        return len(self._addresses)

    def of(self, array: Array) -> Cells:
        wanted = addresses(array)
        found = np.searchsorted(self._addresses, wanted)
        if wanted.size and (found.max() >= len(self._addresses) or np.any(self._addresses[found] != wanted)):
            raise KeyError("the array shows a cell outside the map")
        return np.asarray(self._number[found])

    def touches(self, array: Array) -> bool:
        wanted = addresses(array)
        found = np.minimum(np.searchsorted(self._addresses, wanted), len(self) - 1)
        return bool(np.any(self._addresses[found] == wanted))


class _Spans:
    """Stretches of memory that are each filled by one array: numbers are distances, and views of a vector.

    A model of ten million cells has a handful of them, and needs no table.
    """

    def __init__(self, spans: Sequence[tuple[int, int]], itemsize: int) -> None:
        self._itemsize = itemsize
        self._starts = np.array([start for start, _ in spans])
        self._ends = np.array([end for _, end in spans])
        lengths = (self._ends - self._starts) // itemsize
        self._first = np.concatenate([[0], np.cumsum(lengths)])
        self._order = np.argsort(self._starts)

    def __len__(self) -> int:
        return int(self._first[-1])

    def of(self, array: Array) -> Cells:
        return self.view(np.arange(len(self)), array)

    def view(self, vector: Array, array: Array) -> Array:
        """What `array` would show, were `vector` in the cells."""
        if not array.size:
            return np.empty(array.shape, vector.dtype)
        strides = tuple(stride // self._itemsize * vector.itemsize for stride in array.strides)
        return as_strided(vector[self.offset(array) :], array.shape, strides)

    def offset(self, array: Array) -> int:
        """The number of the cell of an array's first element. Raises: KeyError where it is not in a span."""
        if not array.size:
            return 0
        span = self._span_of(array)
        return int(self._first[span]) + (array.ctypes.data - int(self._starts[span])) // self._itemsize

    def _span_of(self, array: Array) -> int:
        low, high = byte_bounds(array)
        place = int(np.searchsorted(self._starts[self._order], low, side="right")) - 1
        span = int(self._order[place]) if place >= 0 else -1
        if span < 0 or high > self._ends[span] or not _is_aligned(array, self._starts[span], self._itemsize):
            raise KeyError("the array shows a cell outside the map")
        return span

    def touches(self, array: Array) -> bool:
        low, high = byte_bounds(array)
        near = (self._starts < high) & (self._ends > low)
        if not near.any():
            return False
        if np.any((self._starts <= low) & (self._ends >= high)):
            return True
        shown = addresses(array)
        return any(
            bool(np.any((shown >= start) & (shown < end)))
            for start, end in zip(self._starts[near], self._ends[near], strict=True)
        )

    def groups(self, arrays: Sequence[Array]) -> list[list[int]]:
        groups: dict[tuple[str, int], list[int]] = {}
        for position, array in enumerate(arrays):
            key = ("span", self._span_of(array)) if array.size else ("empty", position)
            groups.setdefault(key, []).append(position)
        return list(groups.values())


def _spans_of(arrays: Sequence[Array]) -> _Spans | None:
    """The stretches of memory that the arrays lie in, where each is filled by one of them; None elsewhere.

    In the order in which the arrays show them.
    """
    itemsize = arrays[0].itemsize
    bounds = [byte_bounds(array) for array in arrays]
    spans: list[tuple[int, int]] = []
    fills = [_fills(array, itemsize) for array in arrays]
    for number in sorted(range(len(arrays)), key=lambda n: (bounds[n][0], -bounds[n][1], not fills[n])):
        low, high = bounds[number]
        if spans and low < spans[-1][1]:
            if high > spans[-1][1] or not _is_aligned(arrays[number], spans[-1][0], itemsize):
                return None
        elif not fills[number]:
            return None
        else:
            spans.append((low, high))
    shown: dict[tuple[int, int], None] = {}
    for low, _ in bounds:
        shown.setdefault(next(span for span in spans if span[0] <= low < span[1]))
    return _Spans(list(shown), itemsize)


def _fills(array: Array, itemsize: int) -> bool:
    """Whether an array shows every cell between its first and its last."""
    return array.itemsize == itemsize and (array.flags.c_contiguous or array.flags.f_contiguous)


def _is_aligned(array: Array, start: int, itemsize: int) -> bool:
    steps: list[Any] = [array.ctypes.data - start, *array.strides]
    return array.itemsize == itemsize and all(step % itemsize == 0 for step in steps)


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
        for other in np.flatnonzero(np.bincount(seen[seen >= 0])).tolist():
            low, high = sorted((root(other), root(position)))
            parent[high] = low
        first_seen[view[seen < 0]] = position
    groups: dict[int, list[int]] = {}
    for position in range(len(cells)):
        groups.setdefault(root(position), []).append(position)
    return list(groups.values())


def overlaps_itself(cells: Cells) -> bool:
    """Whether some cell is shown more than once (stride 0, sliding windows)."""
    ordered = np.sort(cells, axis=None)
    return bool(np.any(ordered[1:] == ordered[:-1]))
