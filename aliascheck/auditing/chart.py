"""A slot as a matrix in which faults are searched for, and what its places are called in the slot's terms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Array, Cells, Data, overlaps_itself
from aliascheck.oracle import Block, Kind, Location

MOST_NAMED = 4

Box = tuple[tuple[int, int], ...]  # of an array: from where to where along each axis


class Chart(Data, frozen=True, eq=False):
    """The cells of a slot as a matrix: a vector is one row, further axes lie within the columns.

    Each cell stands there once. Where a slot repeats itself along an axis, `shape` has the first index only.
    What overlaps itself in another way (sliding windows) is one row of cells in the order in which they are
    first shown, by the elements numbered `first`. Shapes: `cells` (rows, columns), `first` (columns,).
    """

    cells: Cells
    shape: tuple[int, ...]
    first: NDArray[np.intp] | None = None

    def describe(self, location: Location) -> str:
        """Where a slot is wrong, in its own terms: `elements [3, 5], [7, 0]`, `row 17`, `throughout`."""
        if location.kind is Kind.DENSE:
            return "throughout"
        blocks = list(location.blocks)
        columns = [str(column) for column in location.columns]
        if len(self.shape) > 2:
            blocks += [Block((0, self.shape[0]), (column, column + 1)) for column in location.columns]
            columns = []
        parts = [
            _listed("element", [self._element(place) for place in location.elements]),
            _listed("row", [str(row) for row in location.rows]),
            _listed("column", columns),
            _listed("block", self._blocks(blocks)),
        ]
        found = ", ".join(part for part in parts if part)
        if location.complete or location.bounding is None:
            return found
        more = f"in many places within {self._hull(location.bounding)}"
        return f"{found}, and {more}" if found else more

    def _element(self, place: tuple[int, int]) -> str:
        row, column = place
        number = row * self.cells.shape[1] + column if self.first is None else int(self.first[column])
        return _index(np.unravel_index(number, self.shape))

    def _blocks(self, blocks: Iterable[Block]) -> list[str]:
        """As NumPy writes them: `[16:32, 0:8]`."""
        if self.first is not None:
            return [self._stretch(block) for block in blocks]
        return [_slices(box) for box in merge([box for block in blocks for box in self._boxes(block)])]

    def _hull(self, block: Block) -> str:
        """The smallest box that holds a block."""
        if self.first is not None:
            return self._stretch(block)
        axes = zip(*self._boxes(block), strict=True)
        return _slices(tuple((min(low for low, _ in axis), max(high for _, high in axis)) for axis in axes))

    def _stretch(self, block: Block) -> str:
        start, stop = block.columns
        return f"{self._element((0, start))} to {self._element((0, stop - 1))}"

    def _boxes(self, block: Block) -> list[Box]:
        if len(self.shape) < 2:
            return [(block.columns,)]
        return [(block.rows, *box) for box in stretch_of(*block.columns, self.shape[1:])]


def chart_of(array: Array, cells: Cells) -> Chart:
    """A slot as a matrix. Shapes: `cells` as `array`."""
    once = cells[tuple(slice(None if stride else 1) for stride in array.strides)]
    if overlaps_itself(once):
        numbers, first = np.unique(cells, return_index=True)
        order = np.argsort(first)
        return Chart(numbers[order][np.newaxis], cells.shape, first[order])
    return Chart(once.reshape(once.shape[0] if once.ndim > 1 else 1, -1), once.shape)


def stretch_of(start: int, stop: int, shape: Sequence[int]) -> list[Box]:
    """Consecutive elements of an array, counted row by row, as boxes."""
    inner = math.prod(shape[1:])
    if start % inner == stop % inner == 0:
        return [((start // inner, stop // inner), *((0, extent) for extent in shape[1:]))]
    index = start // inner
    if index == (stop - 1) // inner:
        offset = index * inner
        return [((index, index + 1), *box) for box in stretch_of(start - offset, stop - offset, shape[1:])]
    cut = (index + 1) * inner if start % inner else stop // inner * inner
    return [*stretch_of(start, cut, shape), *stretch_of(cut, stop, shape)]


def merge(boxes: Iterable[Box]) -> list[Box]:
    """The same places in fewer boxes: those that continue each other along an axis are one."""
    merged = sorted(set(boxes))
    for axis in reversed(range(len(merged[0]) if merged else 0)):
        before, merged = sorted(merged, key=lambda box: (box[:axis], box[axis + 1 :], box[axis])), []
        for box in before:
            last = merged[-1] if merged else box
            others = last[:axis] == box[:axis] and last[axis + 1 :] == box[axis + 1 :]
            if others and last[axis][1] == box[axis][0]:
                merged[-1] = (*box[:axis], (last[axis][0], box[axis][1]), *box[axis + 1 :])
            else:
                merged.append(box)
    return sorted(merged)


def _index(place: Iterable[int]) -> str:
    return "[" + ", ".join(str(int(index)) for index in place) + "]"


def _slices(box: Box) -> str:
    return "[" + ", ".join(f"{start}:{stop}" for start, stop in box) + "]"


def _listed(word: str, names: list[str]) -> str:
    if not names:
        return ""
    plural = "" if len(names) == 1 else "s"
    if len(names) > MOST_NAMED:
        return f"{len(names)} {word}s ({', '.join(names[:MOST_NAMED])}, ...)"
    return f"{word}{plural} {', '.join(names)}"
