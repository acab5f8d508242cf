"""Rectangles of a matrix, and how several are made fewer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from aliascheck.memory import Data, replace

Cell = tuple[int, int]


class Block(Data, frozen=True):
    """A rectangle of a matrix: the rows and the columns from a start up to, not including, a stop."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def size(self) -> int:
        """How many elements."""
        height, width = self.shape
        return height * width

    @property
    def is_element(self) -> bool:
        """Whether it holds a single element."""
        return self.size == 1

    @property
    def slices(self) -> tuple[slice, slice]:
        """The subscript of the region."""
        return slice(*self.rows), slice(*self.columns)

    def cells(self) -> Iterator[Cell]:
        """The place of every element, row by row."""
        return ((row, column) for row in range(*self.rows) for column in range(*self.columns))

    def holds(self, cell: Cell) -> bool:
        """Whether an element lies in it."""
        row, column = cell
        return self.rows[0] <= row < self.rows[1] and self.columns[0] <= column < self.columns[1]

    def halves(self) -> tuple[Block, Block]:
        """The region in two, across its longer side."""
        height, width = self.shape
        start, stop = self.rows if height >= width else self.columns
        middle = (start + stop) // 2
        if height >= width:
            return replace(self, rows=(start, middle)), replace(self, rows=(middle, stop))
        return replace(self, columns=(start, middle)), replace(self, columns=(middle, stop))


def element(row: int, column: int) -> Block:
    """The region of one element."""
    return Block((row, row + 1), (column, column + 1))


def hull(regions: Iterable[Block]) -> Block:
    """The smallest region that holds all of `regions`."""
    sides = np.array([(*region.rows, *region.columns) for region in regions])
    top, _, left, _ = sides.min(axis=0).tolist()
    _, bottom, _, right = sides.max(axis=0).tolist()
    return Block((top, bottom), (left, right))


def edges(region: Block) -> tuple[Block, ...]:
    """The first and the last row, the first and the last column."""
    (top, bottom), (left, right) = region.rows, region.columns
    return (
        replace(region, rows=(top, top + 1)),
        replace(region, rows=(bottom - 1, bottom)),
        replace(region, columns=(left, left + 1)),
        replace(region, columns=(right - 1, right)),
    )


def corners(region: Block) -> list[Cell]:
    """The elements at the corners, each once."""
    (top, bottom), (left, right) = region.rows, region.columns
    return sorted({(row, column) for row in (top, bottom - 1) for column in (left, right - 1)})


def merge(pieces: Sequence[Block]) -> list[Block]:
    """The same cells in fewer regions: first side by side, then one above the other."""
    beside = join(pieces, lambda region: region.rows, lambda region: region.columns)
    merged = join(beside, lambda region: region.columns, lambda region: region.rows)
    return merged if len(merged) == len(pieces) else merge(merged)


Side = Callable[[Block], tuple[int, int]]


def join(pieces: Sequence[Block], kept: Side, joined: Side) -> list[Block]:
    """Regions that agree in the `kept` side and touch in the `joined` one made one."""
    done: list[Block] = []
    for piece in sorted(pieces, key=lambda region: (kept(region), joined(region))):
        if done and kept(done[-1]) == kept(piece) and joined(done[-1])[1] == joined(piece)[0]:
            done[-1] = hull((done[-1], piece))
        else:
            done.append(piece)
    return done
