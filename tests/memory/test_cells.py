"""Cells are found from the memory: any view, against asking for every element's address."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from aliascheck.memory import CellMap, addresses, alias_groups, overlaps_itself
from tests.memory.strided import address_table, views_of_one_memory, windows

steady = settings(deadline=None, derandomize=True)

MEMORY = np.arange(24.0)

VIEWS = {
    "itself": MEMORY,
    "matrix": MEMORY.reshape(4, 6),
    "transposed": MEMORY.reshape(4, 6).T,
    "permuted": MEMORY.reshape(2, 3, 4).transpose(2, 0, 1),
    "slice": MEMORY[3:17:5],
    "column": MEMORY.reshape(4, 6)[:, 2],
    "backwards": MEMORY[::-1],
    "backwards both": MEMORY.reshape(4, 6)[::-1, ::-2],
    "stride 0": np.broadcast_to(MEMORY[:3], (4, 3)),
    "one cell many times": as_strided(MEMORY[5:], (2, 3), (0, 0)),
    "windows": sliding_window_view(MEMORY, 5),
    "0-d": MEMORY[7:8].reshape(()),
    "empty": MEMORY[5:5],
    "empty matrix": MEMORY.reshape(4, 6)[:, :0],
    "diagonal": np.diagonal(MEMORY[:16].reshape(4, 4)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_addresses_are_those_of_the_elements(name):
    view = VIEWS[name]
    assert addresses(view).shape == view.shape
    assert np.array_equal(addresses(view), address_table(view))


@steady
@given(views_of_one_memory())
def test_addresses_of_any_window(case):
    _, views = case
    for view in views:
        assert np.array_equal(addresses(view), address_table(view))


@steady
@given(views_of_one_memory())
def test_cells_are_numbered_in_the_order_in_which_they_are_shown(case):
    _, views = case
    cells = CellMap(views)
    known = list(dict.fromkeys(address for view in views for address in address_table(view).ravel().tolist()))
    assert len(cells) == len(known)
    for view in views:
        expected = [known.index(address) for address in address_table(view).ravel().tolist()]
        for _ in range(2):
            assert cells.of(view).shape == view.shape
            assert cells.of(view).ravel().tolist() == expected


@steady
@given(views_of_one_memory())
def test_the_same_views_of_fresh_memory_are_numbered_alike(case):
    memory, views = case
    start = memory.__array_interface__["data"][0]
    fresh = memory.copy()

    def moved(view):
        offset = view.__array_interface__["data"][0] - start
        return np.ndarray(view.shape, float, fresh, offset if view.size else 0, view.strides)

    cells, others = CellMap(views), CellMap([moved(view) for view in views])
    assert len(cells) == len(others)
    for view in views:
        assert np.array_equal(cells.of(view), others.of(moved(view)))


@steady
@given(views_of_one_memory(most=3))
def test_equal_cells_are_equal_memory(case):
    _, views = case
    cells = CellMap(views)
    shown = np.full(len(cells), np.nan)
    for view in views:
        numbers = cells.of(view)
        fresh = np.isnan(shown[numbers])
        assert np.array_equal(shown[numbers][~fresh], view[~fresh])
        shown[numbers] = view


def test_a_write_through_one_view_shows_at_the_same_cells_of_another():
    memory = np.zeros(12)
    left, right = memory.reshape(3, 4).T, memory[2:9:3]
    cells = CellMap([left, right])
    left[1, 2] = 7.0
    assert cells.of(left)[1, 2] not in cells.of(right)
    assert not np.any(right == 7.0)
    left[1, 1] = 7.0
    assert right[cells.of(right) == cells.of(left)[1, 1]] == [7.0]


def test_a_cell_outside_the_map_is_an_error():
    memory = np.zeros(6)
    inside = CellMap([memory[1:5]])
    for outside in (memory, memory[:1], memory[5:], memory[::-1], np.zeros(3)):
        with pytest.raises(KeyError):
            inside.of(outside)
    with pytest.raises(KeyError):
        CellMap([memory[::2]]).of(memory[:2])
    with pytest.raises(KeyError):
        CellMap([]).of(memory)
    assert CellMap([]).of(memory[:0]).shape == (0,)


@steady
@given(views_of_one_memory(most=2))
def test_touches_means_a_shared_cell(case):
    _, views = case
    first, last = views[0], views[-1]
    shared = set(addresses(first).ravel().tolist()) & set(addresses(last).ravel().tolist())
    assert CellMap([first]).touches(last) == bool(shared)


def test_interleaved_views_do_not_touch():
    memory = np.zeros(6)
    assert not CellMap([memory[::2]]).touches(memory[1::2])
    assert not CellMap([memory[::2]]).touches(np.zeros(6))


def _connected(sets: list[set[int]]) -> list[list[int]]:
    """Groups of positions by merging sets until none meet."""
    groups = [({position}, set(cells)) for position, cells in enumerate(sets)]
    merged = True
    while merged:
        merged = False
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                if groups[i][1] & groups[j][1]:
                    groups[i] = (groups[i][0] | groups[j][0], groups[i][1] | groups[j][1])
                    del groups[j]
                    merged = True
                    break
            if merged:
                break
    return sorted(sorted(positions) for positions, _ in groups)


@steady
@given(views_of_one_memory(most=7))
def test_alias_groups_are_the_connected_views(case):
    _, views = case
    cells = CellMap(views)
    numbered = [cells.of(view) for view in views]
    expected = _connected([set(view.ravel().tolist()) for view in numbered])
    assert alias_groups(numbered) == expected


def test_a_chain_of_overlaps_is_one_group_in_any_order():
    memory = np.zeros(10)
    parts = [memory[0:3], memory[6:9], memory[2:5], memory[9:], memory[4:7]]
    cells = CellMap(parts)
    assert alias_groups([cells.of(part) for part in parts]) == [[0, 1, 2, 4], [3]]
    assert alias_groups([]) == []
    assert alias_groups([cells.of(memory[:0]), cells.of(memory[:0])]) == [[0], [1]]


@steady
@given(windows(MEMORY))
def test_overlap_with_itself_is_a_repeated_address(view):
    shown = addresses(view).ravel().tolist()
    assert overlaps_itself(CellMap([view]).of(view)) == (len(set(shown)) < len(shown))


def test_overlaps_itself_by_kind():
    overlapping = {"stride 0", "one cell many times", "windows"}
    for name, view in VIEWS.items():
        assert overlaps_itself(addresses(view)) == (name in overlapping), name
