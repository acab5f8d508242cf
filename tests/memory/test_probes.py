"""Probes: what a vector over cells is in the coordinates in which it is measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.memory import choose_probes
from aliascheck.memory.probes import DIRECTIONS, MOST_CELLS

steady = settings(deadline=None, derandomize=True)

LARGE = MOST_CELLS + 1


@st.composite
def views(draw, size):
    """Some views of `size` cells: slices, repeated, backwards."""
    shown = []
    for _ in range(draw(st.integers(0, 4))):
        start, stop = sorted(draw(st.tuples(st.integers(0, size), st.integers(0, size))))
        cells = np.arange(start, stop)[:: draw(st.sampled_from([1, 2, 7, -1]))]
        shown.append(np.tile(cells, (2, 1)) if draw(st.booleans()) else cells)
    return shown


@steady
@given(st.integers(1, 12).flatmap(lambda size: st.tuples(st.just(size), views(size))))
def test_a_small_group_is_probed_cell_by_cell(case):
    size, shown = case
    probes = choose_probes(size, shown, seed=0)
    vector = np.random.default_rng(1).normal(size=size)
    assert probes.exact and len(probes) == size
    assert np.array_equal(probes.project(vector), vector)
    for cell, probe in enumerate(probes.items):
        assert probe.cells.tolist() == [cell] and probe.weights.tolist() == [1.0]


@settings(steady, max_examples=40)
@given(st.sampled_from([LARGE, 2 * LARGE]).flatmap(lambda size: st.tuples(st.just(size), views(size))))
def test_a_large_group_is_probed_along_directions_within_atoms(case):
    size, shown = case
    probes = choose_probes(size, shown, seed=3)
    vector = np.random.default_rng(2).normal(size=size)
    projected = probes.project(vector)
    assert not probes.exact and projected.shape == (len(probes),)
    for value, probe in zip(projected, probes.items, strict=True):
        assert value == probe.weights @ vector[probe.cells]
        assert np.all((np.abs(probe.weights) >= 0.5) & (np.abs(probe.weights) <= 1.5))
    for view in shown:
        seen = np.isin(np.arange(size), view)
        shows = probes.shown_by(view)
        for probe, whole in zip(probes.items, shows, strict=True):
            assert np.all(seen[probe.cells]) == np.any(seen[probe.cells]) == whole


@settings(steady, max_examples=20)
@given(views(LARGE))
def test_atoms_part_the_cells_by_who_shows_them(shown):
    probes = choose_probes(LARGE, shown, seed=0)
    atoms = [probe.cells for probe in probes.items[::DIRECTIONS]]
    assert sorted(np.concatenate(atoms).tolist()) == list(range(LARGE))
    signatures = [tuple(bool(np.isin(atom[0], view)) for view in shown) for atom in atoms]
    assert len(set(signatures)) == len(atoms)
    for position, probe in enumerate(probes.items):
        assert probe.cells is probes.items[position - position % DIRECTIONS].cells


def test_the_edge_between_small_and_large():
    assert choose_probes(MOST_CELLS, [], 0).exact
    assert not choose_probes(LARGE, [], 0).exact


@pytest.mark.parametrize("size", [3, LARGE])
def test_probes_are_those_of_the_seed(size):
    def flat(seed):
        return np.concatenate([probe.weights for probe in choose_probes(size, [np.arange(2)], seed).items])

    assert np.array_equal(flat(4), flat(4))
    assert np.array_equal(flat(4), flat(5)) == (size == 3)


def test_one_cell_off_shows_in_some_probe():
    view = np.arange(100)
    probes = choose_probes(LARGE, [view], 0)
    error = np.zeros(LARGE)
    error[17] = 1e-6
    projected = probes.project(error)
    assert np.all((np.abs(projected) >= 5e-7) == probes.shown_by(view))
