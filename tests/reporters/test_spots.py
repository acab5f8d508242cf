"""The picture of where a matrix is wrong."""

from __future__ import annotations

import pytest

from aliascheck.report import SpotResult
from aliascheck.reporters.page import Page
from aliascheck.reporters.spots import is_picture, spot_lines


def drawn(shape, *rectangles, more=False, width=80):
    spot = SpotResult(shape=list(shape), rectangles=[list(one) for one in rectangles], more=more)
    return [text.plain for text in spot_lines(spot, Page(width=width), indent=0)]


def test_a_small_matrix_is_drawn_element_by_element():
    assert drawn((2, 3), (1, 2, 0, 1), (0, 1, 2, 3)) == ["··█  2 x 3", "█··"]


def test_a_large_matrix_is_drawn_to_scale():
    lines = drawn((800, 320), (0, 100, 0, 10), (799, 800, 319, 320))
    assert len(lines) == 8 and lines[0] == "█" + "·" * 31 + "  800 x 320"
    assert lines[-1] == "·" * 31 + "█" and set("".join(lines[1:-1])) == {"·"}


def test_no_fault_is_too_small_to_be_seen():
    for row, column in ((0, 0), (399, 77), (7, 249)):
        lines = drawn((400, 250), (row, row + 1, column, column + 1))
        assert sum(line.count("█") for line in lines) == 1
        assert lines[row * 8 // 400][column * 32 // 250] == "█"


def test_a_row_and_a_column_cross_the_picture():
    lines = drawn((16, 64), (4, 5, 0, 64), (0, 16, 63, 64), more=True)
    assert lines[2] == "█" * 32 and all(line[31] == "█" for line in lines)
    assert lines[0].endswith("16 x 64, and more")


def test_narrow_pages_have_narrow_pictures():
    assert len(drawn((8, 64), (0, 1, 0, 1), width=30)[1]) == 18


@pytest.mark.parametrize(
    ("shape", "rectangles", "is_drawn"),
    [((2, 2), [[0, 1, 0, 1]], True), ((1, 9), [[0, 1, 0, 1]], False), ((2, 2), [], False)],
)
def test_only_matrices_with_a_place_are_drawn(shape, rectangles, is_drawn):
    assert is_picture(SpotResult(shape=list(shape), rectangles=rectangles)) == is_drawn
