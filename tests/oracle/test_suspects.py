"""The law of suspects: where zeros explain what is wrong, lines of them are named, at a bounded cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.oracle.localisation import localise
from tests.oracle.locations import cells_of
from tests.oracle.test_localisation import Exact, errors_at, steady

SIDES = st.tuples(st.integers(10, 300), st.integers(8, 80))


def find(wrong, suspects, seed):
    error = errors_at(wrong, seed)
    residual = Exact(error, 1e-9, seed)
    location = localise(residual, error.shape, 1.0, seed, suspects=suspects)
    return location, cells_of(location, error.shape), len(residual.asked)


@settings(steady, max_examples=60)
@given(SIDES, st.booleans(), st.data())
def test_wrong_lines_among_zeros_are_named(shape, across, data):
    lines = data.draw(st.sets(st.integers(0, shape[0] - 1), min_size=3, max_size=shape[0] - 2))
    few = data.draw(st.sets(st.sampled_from(sorted(lines)), min_size=3, max_size=12))
    suspects, wrong = np.zeros(shape, bool), np.zeros(shape, bool)
    suspects[sorted(lines)] = wrong[sorted(few)] = True
    if across:
        suspects, wrong = suspects.T, wrong.T
    location, named, asked = find(wrong, suspects, 1)
    assert location.complete
    assert not np.any(wrong & ~named) and asked <= 640
    assert np.array_equal(named, wrong) or np.array_equal(named & suspects, suspects)
    if len(few) <= 6:
        assert np.array_equal(named, wrong)


@settings(steady, max_examples=30)
@given(st.integers(0, 2**16))
def test_half_of_the_rows_are_found_without_asking_for_each(seed):
    suspects = np.zeros((2000, 64), bool)
    suspects[np.random.default_rng(seed).permutation(2000)[:1000]] = True
    location, named, asked = find(suspects, suspects, seed)
    assert location.complete and np.array_equal(named, suspects)
    assert asked <= 500


@settings(steady, max_examples=30)
@given(st.integers(0, 2**16))
def test_zeros_that_do_not_explain_it_accuse_nobody(seed):
    rng = np.random.default_rng(seed)
    suspects, wrong = np.zeros((120, 40), bool), np.zeros((120, 40), bool)
    suspects[rng.permutation(120)[:30]] = True
    for row in rng.permutation(120)[:5]:
        wrong[row] = True
    location, named, _ = find(wrong, suspects, seed)
    assert location.complete and np.array_equal(named, wrong)


@pytest.mark.parametrize("count", [1000, 70])
def test_a_search_ends(count):
    wrong = np.zeros((500, 400), bool)
    wrong.ravel()[np.random.default_rng(0).choice(wrong.size, count, replace=False)] = True
    location, _, asked = find(wrong, None, 0)
    assert not location.complete and location.bounding is not None
    assert asked <= 1000
