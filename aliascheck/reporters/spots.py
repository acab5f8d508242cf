"""Where a matrix is wrong, as a small picture of it."""

from __future__ import annotations

from rich.text import Text

from aliascheck.report import SpotResult
from aliascheck.reporters.layout import line
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import BAD, EMPTY, FULL, QUIET

MOST_ROWS = 8
MOST_COLUMNS = 32


def is_picture(spot: SpotResult) -> bool:
    """Whether there is a matrix to be drawn: two rows and two columns at least."""
    return min(spot.shape) > 1 and bool(spot.rectangles)


def spot_lines(spot: SpotResult, page: Page, *, indent: int) -> list[Text]:
    """The matrix in characters, each for as many elements as it takes; marked where one of them is wrong."""
    rows, columns = spot.shape
    height, width = min(rows, MOST_ROWS), min(columns, MOST_COLUMNS, max(8, page.width - indent - 12))
    marked = {
        (row, column)
        for top, bottom, left, right in spot.rectangles
        for row in _places(top, bottom, rows, height)
        for column in _places(left, right, columns, width)
    }
    scale = f"{rows} x {columns}" + (", and more" if spot.more else "")
    return [
        line(
            *(_mark((row, column) in marked, page) for column in range(width)),
            *([("  " + scale, QUIET)] if row == 0 else []),
            indent=indent,
        )
        for row in range(height)
    ]


def _places(first: int, end: int, extent: int, cells: int) -> range:
    """The characters that show the elements from `first` up to `end`."""
    return range(first * cells // extent, (end - 1) * cells // extent + 1)


def _mark(is_wrong: bool, page: Page) -> tuple[str, str]:
    return (page.show(FULL), BAD) if is_wrong else (page.show(EMPTY), QUIET)
