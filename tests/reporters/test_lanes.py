"""Lanes say the same whether their cells are told one by one or as runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliascheck.report import GroupResult, Lane
from aliascheck.reporters.lanes import common, in_words, stretches
from aliascheck.reporters.matrix import memory_lines
from aliascheck.reporters.page import Page

CELLS = st.sets(st.integers(0, 199), min_size=1)


def as_runs(cells: set[int]) -> list[list[int]]:
    starts = sorted(cell for cell in cells if cell - 1 not in cells)
    ends = sorted(cell + 1 for cell in cells if cell + 1 not in cells)
    return [[start, end] for start, end in zip(starts, ends, strict=True)]


def picture(lanes: list[Lane]) -> list[str]:
    group = GroupResult(
        slots=["x"], accesses=["y"], attribution=[[1]], residual=0.0, conserved=True, cells=200, memory=lanes
    )
    return [text.plain for text in memory_lines(group, Page(width=80), indent=5)]


@given(CELLS, CELLS)
def test_cells_and_runs_are_drawn_alike(x: set[int], y: set[int]) -> None:
    told = [Lane(name=name, cells=sorted(cells)) for name, cells in (("x", x), ("y", y))]
    run = [Lane(name=name, cells=[], runs=as_runs(cells)) for name, cells in (("x", x), ("y", y))]
    assert picture(told) == picture(run)
    assert all(
        (mark == "█") == any(cell in x for cell in range(step * 4, step * 4 + 4))
        for step, mark in enumerate(picture(told)[0].partition("x   ")[2])
    )


@given(CELLS, CELLS)
def test_what_two_lanes_have_in_common(x: set[int], y: set[int]) -> None:
    both = common(stretches(Lane(name="x", cells=sorted(x))), stretches(Lane(name="y", cells=sorted(y))))
    assert {cell for start, end in both for cell in range(start, end)} == x & y


@pytest.mark.parametrize(
    ("several", "words"),
    [
        ([], "no cell"),
        ([(3, 4)], "cell 3"),
        ([(0, 4), (6, 7)], "cells 0 to 3, 6"),
        ([(n, n + 1) for n in range(0, 10, 2)], "5 cells from 0 to 8"),
    ],
)
def test_in_words(several: list[tuple[int, int]], words: str) -> None:
    assert in_words(several) == words
