"""The law of directions: how often an error of known size passes along a random one."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aliascheck.memory import signed_uniform
from aliascheck.oracle.directions import directions_needed, miss_probability, smallest_fault_seen

DRAWS = 400_000
steady = settings(deadline=None, derandomize=True)

ERRORS = {
    "two equal": [1.0, 1.0],
    "two opposite": [1.0, -1.0],
    "two unequal": [1.0, 0.8],
    "three": [1.0, 1.0, 1.0],
    "four": [1.0, -1.0, 1.0, -1.0],
    "graded": [1.0, 0.5, 0.25, 0.125],
    "one and dust": [1.0, 1e-3, 1e-3],
    "dense": np.sin(np.arange(1.0, 13.0)).tolist(),
}


def misses(error: NDArray[np.float64], ratio: float, seed: int) -> float:
    """The share of directions along which `error` moves by less than `ratio` of its norm."""
    along = signed_uniform((DRAWS, error.size), seed) @ error
    return float(np.mean(np.abs(along) <= ratio * np.linalg.norm(error)))


@pytest.mark.parametrize("ratio", [0.1, 0.01])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_is_missed_no_oftener_than_said(error: list[float], ratio: float) -> None:
    said = miss_probability(ratio)
    assert misses(np.array(error), ratio, seed=1) <= said + 4.0 * math.sqrt(said / DRAWS)


def test_what_is_said_of_misses_is_no_more_than_the_worst_error_does() -> None:
    assert misses(np.array([1.0, 1.0]), 0.1, seed=2) > 0.9 * miss_probability(0.1)


def test_a_second_direction_is_independent_of_the_first() -> None:
    ratio = 0.3
    along = signed_uniform((DRAWS, 2, 2), seed=3) @ np.array([1.0, 1.0])
    both = float(np.mean(np.all(np.abs(along) <= ratio * math.sqrt(2.0), axis=1)))
    once = misses(np.array([1.0, 1.0]), ratio, seed=4)
    assert both == pytest.approx(once**2, rel=0.05)
    assert both <= miss_probability(ratio, 2)


def test_one_wrong_element_is_never_missed_below_half_its_size() -> None:
    assert misses(np.array([1.0]), 0.4999, seed=5) == 0.0
    assert misses(np.array([1.0]), 0.51, seed=5) > 0.0


def test_entries_are_even_in_sign_and_size() -> None:
    entries = signed_uniform((DRAWS,), seed=6)
    sizes = np.sort(np.abs(entries))
    assert sizes[0] >= 0.5 and sizes[-1] <= 1.5
    assert abs(float(np.mean(entries > 0.0)) - 0.5) < 4.0 * 0.5 / math.sqrt(DRAWS)
    assert np.max(np.abs(sizes - np.linspace(0.5, 1.5, DRAWS))) < 3.0 / math.sqrt(DRAWS)
    assert abs(np.corrcoef(entries[1:], entries[:-1])[0, 1]) < 4.0 / math.sqrt(DRAWS)
    assert abs(np.corrcoef(np.sign(entries), np.abs(entries))[0, 1]) < 4.0 / math.sqrt(DRAWS)


def test_seeds_and_shapes_are_kept() -> None:
    first = signed_uniform((3, 4), seed=7)
    assert first.shape == (3, 4) and first.dtype == np.float32
    assert signed_uniform((3, 4), 7, np.float64).dtype == np.float64
    assert np.array_equal(first, signed_uniform((3, 4), seed=7))
    assert not np.any(first == signed_uniform((3, 4), seed=8))
    assert not np.any(signed_uniform((3, 4), (7, 0)) == signed_uniform((3, 4), (7, 1)))
    assert signed_uniform((), seed=7).shape == () and signed_uniform((0, 3), seed=7).shape == (0, 3)


def test_a_long_direction_takes_little_memory() -> None:
    tracemalloc.start()
    size = signed_uniform((1_000_000,), seed=9).nbytes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.1 * size


@pytest.mark.parametrize(("ratio", "needed"), [(0.1, 11), (0.01, 5), (0.001, 4), (1e-10, 1), (0.0, 1)])
def test_directions_needed_are_those_measured(ratio: float, needed: int) -> None:
    assert directions_needed(ratio) == needed


@steady
@given(st.floats(0.0, 0.68), st.floats(1e-15, 0.5))
def test_directions_needed_are_the_fewest_that_do(ratio: float, miss: float) -> None:
    needed = directions_needed(ratio, miss)
    assert needed is not None
    assert miss_probability(ratio, needed) <= miss
    assert needed == 1 or miss_probability(ratio, needed - 1) > miss


def test_no_number_of_directions_sees_an_error_within_the_bound() -> None:
    assert directions_needed(0.7) is None
    assert miss_probability(5.0, 3) == 1.0


@steady
@given(st.floats(1e-14, 1e-6), st.floats(1e-3, 1e3), st.floats(1e-6, 1e3), st.integers(0, 2**32))
def test_the_smallest_fault_seen_is_just_seen(bound: float, scale: float, typical: float, seed: int) -> None:
    smallest = smallest_fault_seen(bound, scale, typical)
    entries = np.abs(signed_uniform((1000,), seed)) * scale
    assert np.all(entries * typical * smallest * (1.0 + 1e-12) >= bound)
    assert smallest == pytest.approx(bound / (0.5 * scale * typical))


def test_nothing_relative_is_seen_of_a_gradient_that_is_zero() -> None:
    assert smallest_fault_seen(1e-12, 1.0, 0.0) == math.inf
