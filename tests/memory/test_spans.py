"""The cells of large memory are numbered span by span; whatever is asked of them is as a table answers it."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.array_utils import byte_bounds

from aliascheck.memory import CellMap, cells
from tests.memory.strided import windows

steady = settings(deadline=None, derandomize=True, max_examples=120)


@contextmanager
def tabled(most):
    """Maps of more than so many cells are made of spans."""
    before, cells.TABLED = cells.TABLED, most
    try:
        yield
    finally:
        cells.TABLED = before


@st.composite
def memories(draw):
    """Vectors of memory that lie in one, at some distance or none from each other; and windows on them."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=3))
    gaps = draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    everything = np.arange(float(sum(sizes) + sum(gaps)))
    whole, start = [], 0
    for size, gap in zip(sizes, gaps, strict=True):
        vector = everything[start + gap : start + gap + size]
        whole.append(draw(st.sampled_from([vector, *shaped(vector)])))
        start += gap + size
    views = [draw(windows(everything[:0] if not part.size else part.ravel("K"))) for part in whole]
    views += draw(st.lists(windows(draw(st.sampled_from(whole)).ravel("K")), max_size=3))
    outside = draw(st.lists(windows(everything), max_size=3))
    return draw(st.permutations(whole)), views, outside


def shaped(vector):
    """The same memory as matrices in either order."""
    for rows in (2, 3):
        if vector.size % rows == 0:
            yield vector.reshape(rows, -1)
            yield vector.reshape(rows, -1).T


def both(arrays):
    """The cells of some arrays, by spans and by table."""
    with tabled(0):
        spans = CellMap(arrays)
    table = CellMap(arrays)
    assert type(spans._numbers).__name__ == "_Spans"
    assert type(table._numbers).__name__ == "_Table"
    return spans, table


def answer(ask):
    """What is answered, or that there is no answer."""
    try:
        return ask()
    except KeyError:
        return KeyError


def lies_in_one_of(whole, array):
    """Whether an array begins and ends in one vector of memory."""
    start, end = byte_bounds(array)
    bounds = [byte_bounds(part) for part in whole]
    return not array.size or any(low <= start and end <= high for low, high in bounds)


@steady
@given(memories())
def test_spans_number_the_same_cells(case):
    whole, views, outside = case
    spans, table = both([*views, *whole])
    assert len(spans) == len(table)
    same = np.full(len(table), -1)
    for array in (*whole, *views):
        same[table.of(array)] = spans.of(array)
    assert sorted(same.tolist()) == list(range(len(table)))
    for array in (*whole, *views, *outside):
        numbers = answer(lambda array=array: table.of(array))
        found = answer(lambda array=array: spans.of(array))
        if lies_in_one_of(whole, array):
            assert np.array_equal(found, same[numbers])
        else:
            assert found is KeyError


@steady
@given(memories())
def test_spans_show_what_a_table_shows(case):
    whole, views, _ = case
    spans, table = both([*whole, *views])
    same = np.empty(len(table), int)
    for array in (*whole, *views):
        same[table.of(array)] = spans.of(array)
    vector = np.random.default_rng(0).normal(size=len(table)).astype(np.float32)
    for array in (*whole, *views):
        assert np.array_equal(spans.show(vector, array), table.show(vector[same], array))
        assert np.array_equal(spans.shown_by(array)[same], table.shown_by(array))


@steady
@given(memories())
def test_spans_touch_what_a_table_touches(case):
    whole, views, outside = case
    for inside in ([*whole, *views], whole[:1]):
        spans, table = both(inside)
        for array in (*whole, *views, *outside, np.zeros(3), np.zeros(0)):
            assert spans.touches(array) == table.touches(array)


def test_a_view_that_steps_over_a_stretch_does_not_touch_it():
    memory = np.zeros(30)
    spans, _ = both([memory[10:20]])
    assert not spans.touches(memory[8:24:15])
    assert spans.touches(memory[8:24:5])
    assert not spans.touches(memory[:10]) and not spans.touches(memory[20:])


@steady
@given(memories())
def test_spans_group_what_fills_one_memory(case):
    whole, views, _ = case
    arrays = [*whole, *views]
    spans, table = both(arrays)
    assert spans.groups(arrays) == table.groups(arrays)


@steady
@given(memories())
def test_equal_layouts_are_equal_cells(case):
    whole, views, _ = case
    arrays = [*whole, *views]
    spans, table = both(arrays)
    for one in arrays:
        for other in arrays:
            assert (spans.layout(one) == spans.layout(other)) == (table.layout(one) == table.layout(other))


@steady
@given(memories())
def test_layouts_follow_the_arrays_and_not_their_addresses(case):
    """In fresh memory, where the vectors lie in another order and further apart."""
    whole, views, _ = case
    copies = [np.copy(part, order="K") for part in whole]

    def moved(view):
        for part, copy in zip(whole, copies, strict=True):
            low, high = byte_bounds(part)
            start, end = byte_bounds(view)
            if view.size and low <= start and end <= high:
                offset = view.ctypes.data - low
                return np.ndarray(view.shape, float, copy.ravel("K").data, offset, view.strides)
        return view

    again = [*copies, *map(moved, views)]
    spans, _ = both([*whole, *views])
    fresh, _ = both(again)
    for array, other in zip((*whole, *views), again, strict=True):
        assert spans.layout(array) == fresh.layout(other)
        assert np.array_equal(spans.of(array), fresh.of(other))


@pytest.mark.parametrize(
    "arrays",
    [
        lambda memory: [memory[::2]],
        lambda memory: [memory[:30], memory[20:]],
        lambda memory: [memory.reshape(6, 10)[:, :9]],
        lambda memory: [memory[:30], memory[5:25].view(np.float32)],
        lambda memory: [memory, memory[1:].view(np.int8)[3:-5].view(float)],
    ],
)
def test_memory_that_no_array_fills_is_tabled(arrays):
    shown = arrays(np.arange(60.0))
    with tabled(0):
        found = CellMap(shown)
    assert type(found._numbers).__name__ == "_Table"
    for array in shown:
        assert len(np.unique(found.of(array))) == array.size


def test_what_is_large_is_numbered_by_spans():
    memory = np.zeros(cells.TABLED + 1)
    assert type(CellMap([memory])._numbers).__name__ == "_Spans"
    assert type(CellMap([memory[1:]])._numbers).__name__ == "_Table"
