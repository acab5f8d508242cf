"""Whether a rectangle is wrong throughout, tried in a few places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import replace
from aliascheck.oracle.blocks import Block, Cell, corners
from aliascheck.oracle.survey import Survey

GRAIN = 16  # elements: a rectangle no larger is tried everywhere, and may be chance
FEW_LINES = 16
SOLID_SAMPLES = 8


def is_grain(survey: Survey, region: Block) -> bool:
    """Whether a region is so small that chance can make it, and no whole line."""
    is_line = region.rows == survey.whole.rows or region.columns == survey.whole.columns
    return region.size <= GRAIN and not is_line


def is_solid(survey: Survey, region: Block) -> bool:
    """Whether a region is wrong wherever it is tried."""
    return find_flaw(survey, region) is None


def find_flaw(survey: Survey, region: Block) -> Cell | None:
    """An element of a region that is right, if one is met: at spread places, at the corners, in a line.

    A small region is tried everywhere, and few lines are asked for as such, each at once.
    """
    if region.size <= GRAIN:
        return next((cell for cell in region.cells() if not survey.is_wrong_at(*cell)), None)
    for cell in (*spread(survey, region), *corners(region)):
        if not survey.is_wrong_at(*cell):
            return cell
    for line in lines(region):
        if not survey.is_wrong(line):
            return line.rows[0], line.columns[0]
    return None


def spread(survey: Survey, region: Block) -> list[Cell]:
    """Random places, one in each part of the rows and one in each part of the columns (a Latin square)."""

    def along(start: int, stop: int) -> NDArray[np.float64]:
        parts = survey.random.permutation(SOLID_SAMPLES) + survey.random.random(SOLID_SAMPLES)
        return start + np.floor(parts * (stop - start) / SOLID_SAMPLES)

    rows, columns = along(*region.rows), along(*region.columns)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]


def lines(region: Block) -> Iterator[Block]:
    """The rows of a region that has few of them but more than one; then its columns, likewise."""
    height, width = region.shape
    if 1 < height <= FEW_LINES:
        yield from (replace(region, rows=(row, row + 1)) for row in range(*region.rows))
    if 1 < width <= FEW_LINES:
        yield from (replace(region, columns=(left, left + 1)) for left in range(*region.columns))
