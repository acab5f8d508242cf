"""What a search found, by name: whole lines, other rectangles, elements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

import numpy as np

from aliascheck.memory import Data, replace
from aliascheck.oracle.blocks import Block, element, hull, merge
from aliascheck.oracle.survey import Survey

SMALLEST_BLOCK = 4


class Kind(StrEnum):
    """The shape of what is wrong.

    MIXED is more than one of the kinds before it. MANY and DENSE may have more places than are listed: MANY
    are scattered, or too faint to be told apart; DENSE is wrong throughout, or so much that shapes tell
    nothing.
    """

    NONE = "none"
    ELEMENTS = "elements"
    ROWS = "rows"
    COLUMNS = "columns"
    BLOCK = "block"
    MIXED = "mixed"
    MANY = "many"
    DENSE = "dense"


class Location(Data, frozen=True):
    """Where a matrix is wrong: elements, whole rows, whole columns and other rectangles.

    `complete` says that the matrix without these places was measured and is right, to within its bound. A
    search that ended before that gives `bounding`, a rectangle that holds all that was seen; a matrix
    that could not be measured gives neither. A rectangle or line was tried in some places, at its corners
    and around its rim, not everywhere: a few right elements inside may go unseen. `derivatives` counts
    the residuals asked for.
    """

    kind: Kind
    elements: tuple[tuple[int, int], ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    blocks: tuple[Block, ...]
    complete: bool
    bounding: Block | None
    derivatives: int


def conclude(survey: Survey, complete: bool, *, in_lines: bool = False) -> Location:
    """What was found, by name: whole lines, other rectangles, elements.

    Where it is known to be `in_lines`, they tell however many they are.
    """
    pieces = {complete_line(survey, piece) for piece in merge(survey.pieces)}
    lines = pieces - {survey.whole}
    rows = {row for piece in lines if piece.columns == survey.whole.columns for row in range(*piece.rows)}
    columns = {col for piece in lines if piece.rows == survey.whole.rows for col in range(*piece.columns)}
    if 1 in survey.whole.shape:
        rows, columns = set(), set()
    stripped = (Block(strip(piece.rows, rows), strip(piece.columns, columns)) for piece in pieces)
    apart = {piece for piece in stripped if piece.size}
    blocks = {
        piece for piece in apart if piece.size >= SMALLEST_BLOCK or piece == survey.whole != element(0, 0)
    }
    elements = {cell for piece in apart - blocks for cell in piece.cells()}
    kinds = {Kind.ELEMENTS: elements, Kind.ROWS: rows, Kind.COLUMNS: columns, Kind.BLOCK: blocks}
    is_shapeless = not in_lines and is_dense(survey, pieces)
    return Location(
        Kind.DENSE if is_shapeless else only([kind for kind, places in kinds.items() if places]),
        tuple(sorted(elements)),
        tuple(sorted(rows)),
        tuple(sorted(columns)),
        tuple(sorted(blocks, key=lambda block: (block.rows, block.columns))),
        complete,
        None,
        survey.derivatives,
    )


def give_up(survey: Survey, left: Sequence[Block], kind: Kind = Kind.MANY) -> Location:
    """The end of a search that leaves regions unexplained."""
    found = conclude(survey, complete=False)
    kind = Kind.DENSE if found.kind is Kind.DENSE else kind
    return replace(found, kind=kind, bounding=hull([*left, *survey.pieces]))


def strip(interval: tuple[int, int], lines: Collection[int]) -> tuple[int, int]:
    """An interval without the outer places that are among `lines`."""
    start, stop = interval
    while start < stop and start in lines:
        start += 1
    while start < stop and stop - 1 in lines:
        stop -= 1
    return start, stop


def only(kinds: Sequence[Kind]) -> Kind:
    """The one kind there is, or that there is none or more."""
    return kinds[0] if len(kinds) == 1 else Kind.MIXED if kinds else Kind.NONE


def is_dense(survey: Survey, pieces: Collection[Block]) -> bool:
    """Whether all was found to be wrong, or so much in so many pieces that their shapes tell nothing."""
    if len(pieces) > SMALLEST_BLOCK:
        return 2 * int(np.count_nonzero(survey.found)) > survey.found.size
    return survey.whole in pieces and not survey.whole.is_element


def complete_line(survey: Survey, region: Block) -> Block:
    """The whole rows or columns that a region is most of, where what it lacks was found as well."""
    height, width = survey.whole.shape
    row = replace(region, columns=survey.whole.columns)
    if 2 * region.shape[1] > width > 1 and survey.found[row.slices].all():
        return row
    column = replace(region, rows=survey.whole.rows)
    if 2 * region.shape[0] > height > 1 and survey.found[column.slices].all():
        return column
    return region
