"""Probes: what a vector over cells is in the coordinates in which it is measured."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.memory import CellMap, Region, inner, random_directions, single_cells
from aliascheck.memory.probes import BLOCK, DIRECTIONS

steady = settings(deadline=None, derandomize=True)


def views_of(memory, draw):
    """Some views of a vector: slices, repeated, backwards."""
    shown = []
    for _ in range(draw(st.integers(0, 4))):
        start, stop = sorted(draw(st.tuples(st.integers(0, memory.size), st.integers(0, memory.size))))
        view = memory[start:stop][:: draw(st.sampled_from([1, 2, 7, -1]))]
        shown.append(np.broadcast_to(view, (2, *view.shape)) if draw(st.booleans()) else view)
    return shown


@st.composite
def cases(draw, most=60):
    """A map of some memory, and views of it."""
    memory = np.zeros(draw(st.integers(1, most)))
    return CellMap([memory]), memory, views_of(memory, draw)


@steady
@given(cases(most=12))
def test_a_small_group_is_probed_cell_by_cell(case):
    cells, memory, _ = case
    probes = single_cells(len(cells))
    vector = np.random.default_rng(1).normal(size=memory.size)
    assert probes.exact and len(probes) == memory.size
    assert np.array_equal(probes.project(cells, memory, vector)[0], vector)
    for cell, probe in enumerate(probes.items):
        assert np.flatnonzero(probe.direction(memory.size)).tolist() == [cell]
        assert probe.direction(memory.size)[cell] == 1.0


@settings(steady, max_examples=60)
@given(cases())
def test_a_large_group_is_probed_along_directions_within_atoms(case):
    cells, memory, shown = case
    probes = random_directions(cells, shown, (3,))
    vector = np.random.default_rng(2).normal(size=memory.size)
    projected, norms = probes.project(cells, memory, vector)
    assert not probes.exact and projected.shape == norms.shape == (len(probes),)
    for value, norm, probe in zip(projected, norms, probes.items, strict=True):
        direction = np.asarray(probe.direction(memory.size), float)
        assert np.isclose(value, direction @ vector, rtol=1e-13, atol=1e-13)
        assert np.isclose(norm, np.linalg.norm(direction * vector))
        moved = np.abs(direction[direction != 0])
        assert np.all((moved >= 0.5) & (moved <= 1.5))
    for view in shown:
        seen = cells.shown_by(view)
        for probe, whole in zip(probes.items, probes.marked(seen), strict=True):
            inside = probe.region.mask(memory.size)
            assert np.all(seen[inside]) == np.any(seen[inside]) == whole


@settings(steady, max_examples=60)
@given(cases())
def test_a_tangent_of_a_view_is_projected_as_it_would_be_in_memory(case):
    cells, memory, shown = case
    probes = random_directions(cells, shown, (3,))
    for view in shown:
        tangent = np.random.default_rng(4).normal(size=view.shape)
        in_memory = np.zeros(memory.size)
        np.add.at(in_memory, cells.of(view), tangent)
        expected = [np.asarray(p.direction(memory.size), float) @ in_memory for p in probes.items]
        assert np.allclose(probes.project(cells, view, tangent)[0], expected, rtol=1e-12, atol=1e-12)


@settings(steady, max_examples=40)
@given(cases())
def test_atoms_part_the_cells_by_who_shows_them(case):
    cells, memory, shown = case
    probes = random_directions(cells, shown, (0,))
    atoms = list(dict.fromkeys(probe.region for probe in probes.items))
    masks = [atom.mask(memory.size) for atom in atoms]
    assert np.array_equal(np.sum(masks, axis=0), np.ones(memory.size))
    signatures = [tuple(bool(cells.shown_by(view)[atom.first]) for view in shown) for atom in atoms]
    assert len(set(signatures)) == len(atoms)


@settings(steady, max_examples=60)
@given(cases(), st.data())
def test_refined_probes_add_up_to_the_old_ones(case, data):
    cells, memory, shown = case
    probes = random_directions(cells, shown, (0,))
    some = st.lists(st.integers(0, memory.size - 1), min_size=1, max_size=5, unique=True)
    regions = [Region(np.sort(part)) for part in data.draw(st.lists(some, min_size=1, max_size=3))]
    finer = probes.refined(regions)
    covered = np.zeros(memory.size)
    for part in dict.fromkeys(probe.region for probe in finer.items):
        own = part.mask(memory.size)
        covered += own
        assert all(len(set(region.mask(memory.size)[own])) == 1 for region in regions)
    assert np.array_equal(covered, np.ones(memory.size))
    assert sum(np.abs(p.direction(memory.size)).sum() > 0 for p in finer.items) == len(finer)


@settings(steady, max_examples=40)
@given(
    st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=3, unique_by=frozenset), st.data()
)
def test_probes_of_other_regions_have_other_keys(parts, data):
    probes = random_directions(CellMap([np.zeros(10)]), [], (0,))
    regions = [Region(np.array(sorted(part))) for part in parts]
    alike = [Region(np.array(sorted(part))) for part in parts]
    left_out = data.draw(st.integers(0, len(parts) - 1))
    fewer = [region for number, region in enumerate(regions) if number != left_out]
    assert probes.refined(regions).key == probes.refined(alike).key
    assert len({probes.key, probes.refined(regions).key, probes.refined(fewer).key}) == 3 - (not fewer)


def test_thorough_directions_have_one_more_in_each_row():
    memory = np.zeros((5, 7))
    cells = CellMap([memory])
    rows = [Region(row, f"row {n}") for n, row in enumerate(cells.of(memory))]
    probes = random_directions(cells, [memory], (0,), finer=rows)
    assert [probe.region.name for probe in probes.items] == [""] * DIRECTIONS + [f"row {n}" for n in range(5)]


def test_probes_are_those_of_the_seed():
    cells = CellMap([np.zeros(300)])

    def flat(seed):
        return np.concatenate([probe.weights for probe in random_directions(cells, [], seed).items])

    assert np.array_equal(flat((4,)), flat((4,)))
    assert not np.array_equal(flat((4,)), flat((5,)))
    assert not np.array_equal(flat((4, 0)), flat((4, 1)))


def test_one_cell_off_shows_in_every_probe_that_moves_it():
    memory = np.zeros(300)
    view = memory[:100]
    cells = CellMap([memory])
    probes = random_directions(cells, [view], (0,))
    error = np.zeros(300)
    error[17] = 1e-6
    projected, _ = probes.project(cells, memory, error)
    assert np.array_equal(np.abs(projected) >= 5e-7, probes.marked(cells.shown_by(view)))


def test_products_are_summed_as_exactly_as_a_few_would_be():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(7, BLOCK // 3)), rng.normal(size=(7, BLOCK // 3))
    value, norm = inner(left, right)
    exact = np.sum(left.astype(np.longdouble) * right)
    assert abs(value - exact) <= 64 * 2.0**-53 * norm
    assert np.isclose(norm, np.linalg.norm(left * right))
    assert inner(np.array(3.0), np.array(-2.0)) == (-6.0, 6.0)
