"""A slot as a matrix: every cell once, and names that lead back to it."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from aliascheck.auditing.chart import chart_of, merge, stretch_of
from aliascheck.memory import CellMap
from aliascheck.oracle import Block, Kind, Location
from tests.memory.strided import windows

steady = settings(deadline=None, derandomize=True, max_examples=60)

MEMORY = np.arange(40.0)
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def filled(boxes, shape):
    """How often each element of an array lies in one of some boxes."""
    count = np.zeros(shape, int)
    for box in boxes:
        count[tuple(slice(*axis) for axis in box)] += 1
    return count


@steady
@given(SHAPES, st.data())
def test_a_stretch_is_parted_into_boxes(shape, data):
    size = int(np.prod(shape))
    start, stop = sorted(data.draw(st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True)))
    boxes = stretch_of(start, stop, shape)
    assert np.array_equal(np.flatnonzero(filled(boxes, shape)), np.arange(start, stop))
    assert filled(boxes, shape).max() == 1
    assert len(boxes) <= 2 * len(shape) - 1


@steady
@given(SHAPES, st.data())
def test_merged_boxes_are_the_same_places(shape, data):
    marks = data.draw(st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    wrong = np.array(marks).reshape(shape)
    boxes = merge(tuple((i, i + 1) for i in place) for place in np.argwhere(wrong).tolist())
    assert np.array_equal(filled(boxes, shape), wrong.astype(int))


@steady
@given(SHAPES, st.data())
def test_a_box_in_pieces_is_merged_again(shape, data):
    axes = [sorted(data.draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))) for n in shape]
    box = tuple((low, high + 1) for low, high in axes)
    pieces = np.argwhere(filled([box], shape)).tolist()
    assert merge(tuple((i, i + 1) for i in place) for place in pieces) == [box]


def location(**found):
    nothing = {"elements": (), "rows": (), "columns": (), "blocks": ()}
    return Location(kind=Kind.MIXED, complete=True, bounding=None, derivatives=0, **{**nothing, **found})


def indices(text):
    """The places that a text names: numbers for indices, slices for ranges."""
    for name in re.findall(r"\[([^\]]*)\]", text):
        axes = [axis.split(":") for axis in name.split(", ") if axis]
        yield tuple(int(axis[0]) if len(axis) == 1 else slice(*map(int, axis)) for axis in axes)


@steady
@given(windows(MEMORY, most_axes=4))
def test_every_cell_stands_in_a_chart_once_and_is_named_by_an_element_that_shows_it(view):
    if not view.size:
        return
    numbers = CellMap([MEMORY]).of(view)
    chart = chart_of(view, numbers)
    assert sorted(chart.cells.ravel().tolist()) == np.unique(numbers).tolist()
    assert chart.first is None or np.all(np.diff(chart.first) > 0)
    for place in np.ndindex(chart.cells.shape):
        (index,) = indices(chart.describe(location(elements=(place,))))
        assert numbers[index or ()] == chart.cells[place]


@steady
@given(windows(MEMORY, most_axes=4), st.data())
def test_blocks_are_named_as_the_slot_is_indexed(view, data):
    if not view.size:
        return
    numbers = CellMap([MEMORY]).of(view)
    chart = chart_of(view, numbers)
    rows, columns = (
        sorted(data.draw(st.tuples(st.integers(0, extent - 1), st.integers(0, extent - 1))))
        for extent in chart.cells.shape
    )
    block = Block((rows[0], rows[1] + 1), (columns[0], columns[1] + 1))
    wrong = set(chart.cells[block.slices].ravel().tolist())
    text = chart.describe(location(blocks=(block,)))
    if chart.first is not None:
        first, last = (numbers[index] for index in indices(text))
        assert (first, last) == (chart.cells[0, columns[0]], chart.cells[0, columns[1]])
    elif "(" not in text and view.ndim:
        named = [numbers[index].ravel().tolist() for index in indices(text)]
        assert sorted(cell for cells in named for cell in cells) == sorted(wrong)
    if chart.first is None and view.ndim:
        within = chart.describe(Location(Kind.MANY, (), (), (), (), False, block, 0))
        (hull,) = indices(within)
        assert wrong <= set(numbers[hull].ravel().tolist())
        assert all(numbers.ndim == len(hull) for hull in indices(within))


def test_names_of_every_kind():
    cube = np.zeros((4, 3, 5))
    chart = chart_of(cube, CellMap([cube]).of(cube))
    assert chart.describe(location(elements=((3, 7),))) == "element [3, 1, 2]"
    assert chart.describe(location(rows=(2,))) == "row 2"
    assert chart.describe(location(columns=tuple(range(5, 10)))) == "block [0:4, 1:2, 0:5]"
    pieces = tuple(Block((1, 3), (5 * n + 2, 5 * n + 4)) for n in range(3))
    assert chart.describe(location(blocks=pieces)) == "block [1:3, 0:3, 2:4]"
    matrix = cube[0]
    chart = chart_of(matrix, CellMap([matrix]).of(matrix))
    assert chart.describe(location(columns=(1, 4))) == "columns 1, 4"
    assert chart.describe(location(rows=(0,), blocks=(Block((1, 3), (2, 4)),))) == "row 0, block [1:3, 2:4]"
    windows_from_the_end = as_strided(MEMORY[30:], (4, 5), (-8, -8))
    chart = chart_of(windows_from_the_end, CellMap([MEMORY]).of(windows_from_the_end))
    assert chart.describe(location(elements=((0, 0), (0, 7)))) == "elements [0, 0], [3, 4]"
    chart = chart_of(matrix, CellMap([matrix]).of(matrix))
    five = tuple((0, column) for column in range(5))
    assert chart.describe(location(elements=five)) == "5 elements ([0, 0], [0, 1], [0, 2], [0, 3], ...)"
    assert chart.describe(Location(Kind.DENSE, five, (), (), (), False, None, 0)) == "throughout"
