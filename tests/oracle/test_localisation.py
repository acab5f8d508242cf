"""The law of localisation: the places named are wrong, and if they are all there are, it says so."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from aliascheck.oracle.blocks import Block, hull, merge
from aliascheck.oracle.conclusion import Kind, Location
from aliascheck.oracle.localisation import localise
from tests.oracle.locations import cells_of
from tests.oracle.tied import FAULTS, Differences, Tied

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
steady = settings(deadline=None, derandomize=True, max_examples=20)

seeds = st.integers(0, 2**32)
shapes = st.sampled_from([(32, 32), (12, 7), (90, 64), (3, 200), (211, 5), (300, 240), (1000, 800)])
levels = st.sampled_from([1e-12, 1e-9, 1e-6, 1e-4])


class Exact:
    """The residual of a known error: exact up to noise, which is as large as its bound admits."""

    def __init__(self, error: Matrix, level: float, seed: int = 0) -> None:
        self.error = error
        self.level = level
        self.rng = np.random.default_rng(seed)
        self.asked: list[tuple[Block, Matrix]] = []

    def __call__(self, region: Block, weights: Matrix, accuracy: float) -> tuple[float, float]:
        assert weights.shape == region.shape == self.error[region.slices].shape
        assert weights.any() and accuracy >= 0.0
        self.asked.append((region, weights.copy()))
        spread = self.error.size / np.count_nonzero(weights)
        bound = max(self.level / min(64.0, math.sqrt(spread)), 2.0 * accuracy)
        return float(np.sum(weights * self.error[region.slices])) + bound * self.rng.uniform(-1.0, 1.0), bound


def errors_at(wrong: Mask, seed: int) -> Matrix:
    """Random errors of either sign, none tiny."""
    rng = np.random.default_rng(seed)
    return np.where(wrong, rng.choice([-1.0, 1.0], wrong.shape) * rng.uniform(0.1, 2.0, wrong.shape), 0.0)


def find(error: Matrix, level: float = 1e-9, seed: int = 0, scale: float = 1.0) -> Location:
    location = localise(Exact(error, level, seed), error.shape, scale, seed)
    named = cells_of(location, error.shape)
    assert location.complete == (location.bounding is None)
    if location.bounding is not None:
        assert np.array_equal(mask(error.shape, location.bounding) & named, named)
    if location.kind in (Kind.ELEMENTS, Kind.NONE):
        assert not np.any(named & (error == 0.0)), location
    if location.complete:
        assert np.linalg.norm(error[~named]) * scale <= 30.0 * level, location
    return location


def assert_exact(wrong: Mask, level: float = 1e-9, seed: int = 0) -> Location:
    location = find(errors_at(wrong, seed), level, seed)
    assert location.complete, location
    assert np.array_equal(cells_of(location, wrong.shape), wrong), location
    return location


def mask(shape: tuple[int, int], *regions: Block) -> Mask:
    wrong = np.zeros(shape, bool)
    for region in regions:
        wrong[region.slices] = True
    return wrong


def scattered(shape: tuple[int, int], count: int, seed: int) -> Mask:
    wrong = np.zeros(shape, bool)
    wrong.ravel()[np.random.default_rng(seed).choice(wrong.size, count, replace=False)] = True
    return wrong


def draw_interval(rng: Generator, side: int) -> tuple[int, int]:
    start, stop = np.sort(rng.choice(side + 1, 2, replace=False)).tolist()
    return start, stop


# Each kind of place, anywhere --------------------------------------------------------------------------


@steady
@given(shapes, levels, seeds)
def test_a_wrong_element_is_found_anywhere(shape: tuple[int, int], level: float, seed: int) -> None:
    wrong = scattered(shape, 1, seed)
    location = assert_exact(wrong, level, seed)
    assert location.kind is Kind.ELEMENTS
    assert location.elements == tuple(map(tuple, np.argwhere(wrong).tolist()))


@pytest.mark.parametrize("place", [(0, 0), (0, -1), (-1, 0), (-1, -1), (0, 100), (100, 0)])
def test_a_wrong_element_is_found_at_the_rim(place: tuple[int, int]) -> None:
    wrong = np.zeros((300, 240), bool)
    wrong[place] = True
    assert assert_exact(wrong).kind is Kind.ELEMENTS


@steady
@given(shapes, levels, st.integers(1, 3), st.booleans(), seeds)
def test_wrong_lines_are_found(
    shape: tuple[int, int], level: float, count: int, across: bool, seed: int
) -> None:
    wrong = np.zeros(shape, bool)
    lines = wrong if across else wrong.T
    count = min(count, len(lines) // 2)
    lines[np.random.default_rng(seed).choice(len(lines), count, replace=False)] = True
    location = assert_exact(wrong, level, seed)
    assert location.kind is (Kind.ROWS if across else Kind.COLUMNS)
    assert len(location.rows) + len(location.columns) == count


@steady
@given(shapes, levels, seeds)
def test_a_wrong_rectangle_is_found_with_its_corners(shape: tuple[int, int], level: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    region = Block(draw_interval(rng, shape[0]), draw_interval(rng, shape[1]))
    location = assert_exact(mask(shape, region), level, seed)
    if region.size >= 4 and region.shape[0] < shape[0] and region.shape[1] < shape[1]:
        assert location.blocks == (region,)


@steady
@given(st.sampled_from([(32, 32), (300, 240), (1000, 800)]), levels, seeds)
def test_a_64th_is_found_as_a_block(shape: tuple[int, int], level: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    top, left = (int(rng.choice([0, rng.integers(side - side // 8), side - side // 8])) for side in shape)
    region = Block((top, top + shape[0] // 8), (left, left + shape[1] // 8))
    location = assert_exact(mask(shape, region), level, seed)
    assert (location.kind, location.blocks) == (Kind.BLOCK, (region,))


@pytest.mark.parametrize("rows", [(0, 30), (30, 90), (10, 88), (0, 89), (1, 90)])
def test_a_rectangle_of_full_width_is_rows(rows: tuple[int, int]) -> None:
    location = assert_exact(mask((90, 64), Block(rows, (0, 64))))
    assert (location.kind, location.rows) == (Kind.ROWS, tuple(range(*rows)))


@pytest.mark.parametrize("columns", [(0, 63), (1, 64)])
def test_a_matrix_that_is_wrong_but_for_a_column_is_not_dense(columns: tuple[int, int]) -> None:
    location = assert_exact(mask((90, 64), Block((0, 90), columns)))
    assert (location.kind, location.columns) == (Kind.COLUMNS, tuple(range(*columns)))


@pytest.mark.parametrize("count", [2, 5, 20])
@pytest.mark.parametrize("shape", [(32, 32), (300, 240), (1, 1000), (1000, 1)], ids=str)
def test_scattered_elements_are_found(shape: tuple[int, int], count: int) -> None:
    for seed in range(3):
        location = assert_exact(scattered(shape, count, seed), seed=seed)
        assert len(location.elements) == count or location.blocks


MIXTURES = {
    "row and element": (Block((7, 8), (0, 64)), Block((50, 51), (3, 4))),
    "row and element beside it": (Block((7, 8), (0, 64)), Block((8, 9), (3, 4))),
    "row and column": (Block((7, 8), (0, 64)), Block((0, 90), (20, 21))),
    "row and column at the rim": (Block((0, 1), (0, 64)), Block((0, 90), (63, 64))),
    "block and element": (Block((10, 30), (5, 25)), Block((80, 81), (60, 61))),
    "block and its neighbour": (Block((10, 30), (5, 25)), Block((20, 21), (26, 27))),
    "block and row": (Block((10, 30), (5, 25)), Block((60, 61), (0, 64))),
    "row through a block": (Block((10, 30), (5, 25)), Block((20, 21), (0, 64))),
    "two blocks": (Block((10, 30), (5, 25)), Block((50, 80), (40, 60))),
    "two blocks in the same rows": (Block((10, 30), (5, 20)), Block((10, 30), (40, 60))),
    "two blocks that overlap": (Block((10, 40), (5, 30)), Block((30, 80), (20, 60))),
    "corner cut out": (Block((10, 60), (5, 30)), Block((40, 60), (5, 60))),
    "two blocks with a row between": (Block((10, 17), (5, 30)), Block((18, 25), (5, 30))),
    "two blocks with a column between": (Block((10, 70), (5, 12)), Block((10, 70), (13, 20))),
    "frame": (
        Block((10, 19), (5, 50)),
        Block((51, 60), (5, 50)),
        Block((10, 60), (5, 14)),
        Block((10, 60), (41, 50)),
    ),
    "block, row, element": (Block((10, 30), (5, 25)), Block((60, 61), (0, 64)), Block((80, 81), (60, 61))),
}


@pytest.mark.parametrize("regions", MIXTURES.values(), ids=MIXTURES.keys())
def test_mixed_faults_come_out_right(regions: tuple[Block, ...]) -> None:
    for seed in range(8):
        assert_exact(mask((90, 64), *regions), seed=seed)


def test_mixed_faults_are_named_each() -> None:
    location = assert_exact(mask((90, 64), *MIXTURES["block, row, element"]))
    assert (location.kind, location.rows, location.elements) == (Kind.MIXED, (60,), ((80, 60),))
    assert location.blocks == (Block((10, 30), (5, 25)),)
    crossing = assert_exact(mask((90, 64), *MIXTURES["row and column"]))
    assert (crossing.rows, crossing.columns, crossing.elements, crossing.blocks) == ((7,), (20,), (), ())
    beside = mask((90, 64), Block((7, 8), (0, 64)), Block((8, 18), (3, 13)))
    for seed in range(8):
        rim = assert_exact(mask((90, 64), *MIXTURES["row and column at the rim"]), seed=seed)
        assert (rim.rows, rim.columns, rim.elements, rim.blocks) == ((0,), (63,), (), ())
        assert assert_exact(beside, seed=seed).blocks == (Block((8, 18), (3, 13)),)
        assert len(assert_exact(mask((90, 64), *MIXTURES["corner cut out"]), seed=seed).blocks) <= 3
    two = assert_exact(mask((90, 64), *MIXTURES["two blocks"]))
    assert (two.kind, two.blocks) == (Kind.BLOCK, MIXTURES["two blocks"])


@steady
@given(st.integers(1, 8), st.integers(1, 8), st.data())
def test_every_pattern_of_a_small_matrix_is_found(height: int, width: int, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    assert_exact(np.array(cells).reshape(height, width))


def test_a_faint_fault_is_found_beside_a_strong_one() -> None:
    error = np.zeros((90, 64))
    error[3, 4], error[70, 50], error[20, 20:40] = 1e-5, 1e3, 1.0
    location = find(error, 1e-8)
    assert location.complete and np.array_equal(cells_of(location, error.shape), error != 0.0)


# Names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "region", "kind"),
    [
        ((1, 1), Block((0, 1), (0, 1)), Kind.ELEMENTS),
        ((1, 2), Block((0, 1), (0, 2)), Kind.DENSE),
        ((5, 5), Block((0, 5), (0, 5)), Kind.DENSE),
        ((5, 5), Block((1, 2), (0, 5)), Kind.ROWS),
        ((5, 5), Block((0, 5), (2, 4)), Kind.COLUMNS),
        ((5, 5), Block((1, 2), (0, 3)), Kind.ELEMENTS),
        ((5, 5), Block((1, 3), (0, 2)), Kind.BLOCK),
        ((1, 500), Block((0, 1), (3, 5)), Kind.ELEMENTS),
        ((1, 500), Block((0, 1), (30, 60)), Kind.BLOCK),
        ((500, 1), Block((30, 60), (0, 1)), Kind.BLOCK),
    ],
)
def test_places_are_called_what_they_are(shape: tuple[int, int], region: Block, kind: Kind) -> None:
    assert assert_exact(mask(shape, region)).kind is kind


def test_an_empty_matrix_is_right() -> None:
    assert find(np.zeros((0, 3))) == Location(Kind.NONE, (), (), (), (), True, None, 0)


regions = st.tuples(st.integers(0, 6), st.integers(1, 3), st.integers(0, 6), st.integers(1, 3)).map(
    lambda sides: Block((sides[0], sides[0] + sides[1]), (sides[2], sides[2] + sides[3]))
)


@steady
@given(st.lists(regions, max_size=8))
def test_merging_keeps_the_cells(pieces: list[Block]) -> None:
    merged = merge(pieces)
    assert len(merged) <= len(pieces)
    assert np.array_equal(mask((10, 10), *merged), mask((10, 10), *pieces))


@steady
@given(regions.filter(lambda region: not region.is_element))
def test_halves_are_all_of_a_region(region: Block) -> None:
    halves = region.halves()
    assert hull(halves) == region
    assert sum(half.size for half in halves) == region.size and min(half.size for half in halves) > 0


# Too many, and none ------------------------------------------------------------------------------------


def transposed(shape: tuple[int, int], rng: Generator) -> Matrix:
    """What a transpose that is missing leaves: nothing on the diagonal, unless the matrix is a vector."""
    if 1 in shape:
        return rng.standard_normal(shape)
    square = rng.standard_normal((max(shape), max(shape)))
    return (square - square.T)[: shape[0], : shape[1]]


THROUGHOUT: dict[str, Callable[[tuple[int, int], Generator], Matrix]] = {
    "random": lambda shape, rng: rng.standard_normal(shape),
    "scaled": lambda shape, rng: 1e-3 * rng.standard_normal(shape),
    "constant": lambda shape, rng: np.ones(shape),
    "transposed": transposed,
}


@pytest.mark.parametrize("draw", THROUGHOUT.values(), ids=THROUGHOUT.keys())
@pytest.mark.parametrize("shape", [(32, 32), (300, 240), (1000, 800), (1, 1000)], ids=str)
def test_a_matrix_that_is_wrong_throughout_is_dense(
    shape: tuple[int, int], draw: Callable[[tuple[int, int], Generator], Matrix]
) -> None:
    for seed in range(5):
        location = find(draw(shape, np.random.default_rng(seed)), seed=seed)
        assert location.kind is Kind.DENSE and not location.complete
        assert location.bounding == Block((0, shape[0]), (0, shape[1]))
        assert location.derivatives <= 25


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
def test_a_matrix_that_is_wrong_here_and_there_is_not_listed(share: float) -> None:
    for seed in range(4):
        wrong = np.random.default_rng(seed).random((90, 64)) < share
        location = find(errors_at(wrong, seed), seed=seed)
        assert location.kind in (Kind.MANY, Kind.DENSE) and not location.complete
        assert location.kind is Kind.MANY or share >= 0.1
        assert location.derivatives <= 1000


def test_a_matrix_of_which_half_is_wrong_shows_soon() -> None:
    halves = [errors_at(np.random.default_rng(seed).random((90, 64)) < 0.5, seed) for seed in range(10)]
    assert np.median([find(error, seed=seed).derivatives for seed, error in enumerate(halves)]) <= 100


def test_many_faults_in_a_corner_are_bounded_by_it() -> None:
    wrong = np.zeros((300, 240), bool)
    wrong[100:150, 30:80] = scattered((50, 50), 300, seed=0)
    location = find(errors_at(wrong, 0))
    assert location.kind is Kind.MANY and location.bounding is not None
    (top, bottom), (left, right) = location.bounding.rows, location.bounding.columns
    assert 75 <= top <= 102 and 148 <= bottom <= 188 and 15 <= left <= 32 and 78 <= right <= 120


@steady
@given(shapes, levels, seeds)
def test_a_right_matrix_has_no_wrong_place(shape: tuple[int, int], level: float, seed: int) -> None:
    location = find(np.zeros(shape), level, seed)
    assert (location.kind, location.complete, location.derivatives) == (Kind.NONE, True, 2)


@steady
@given(st.sampled_from([1, 5, 20]), st.floats(-3, 1), seeds)
def test_near_the_bound_no_right_element_is_named(count: int, exponent: float, seed: int) -> None:
    find(errors_at(scattered((60, 40), count, seed), seed), 10.0**exponent, seed)


@steady
@given(st.floats(-3, 1), seeds)
def test_near_the_bound_a_block_is_not_exceeded(exponent: float, seed: int) -> None:
    wrong = mask((60, 40), Block((20, 35), (10, 30)))
    location = find(errors_at(wrong, seed), 10.0**exponent, seed)
    assert not np.any(cells_of(location, wrong.shape) & ~wrong)


@steady
@given(shapes, seeds)
def test_what_is_below_the_bound_is_not_found(shape: tuple[int, int], seed: int) -> None:
    location = find(errors_at(scattered(shape, 1, seed), seed), 1e4, seed)
    assert (location.kind, location.complete) == (Kind.NONE, True)


@pytest.mark.parametrize("reading", [(0.0, math.inf), (math.nan, math.inf), (math.nan, 1.0), (1.0, math.nan)])
def test_what_cannot_be_measured_is_not_said_to_be_right(reading: tuple[float, float]) -> None:
    location = localise(lambda region, weights, accuracy: reading, (40, 30), 1.0, 0)
    assert (location.kind, location.complete, location.bounding) == (Kind.NONE, False, None)


@pytest.mark.parametrize("largest", [1, 8, 300])
def test_a_fault_that_shows_in_no_part_of_the_matrix_is_said_to_be_somewhere(largest: int) -> None:
    def residual(region: Block, weights: Matrix, accuracy: float) -> tuple[float, float]:
        return (20.0, 1.0) if region.size > largest else (0.0, 1.0)

    location = localise(residual, (40, 30), 1.0, 0)
    assert location.kind is Kind.MANY and not location.complete
    assert not cells_of(location, (40, 30)).any()
    assert location.bounding is not None


# Accidents ---------------------------------------------------------------------------------------------


def first_direction(shape: tuple[int, int], seed: int) -> Matrix:
    """The direction that a search starts with."""
    residual = Exact(np.zeros(shape), 1e-9)
    localise(residual, shape, 1.0, seed)
    return residual.asked[0][1]


def test_errors_that_cancel_along_the_first_direction_are_found_along_the_second() -> None:
    direction = first_direction((90, 64), seed=5)
    error = np.zeros((90, 64))
    error[3, 4], error[80, 60] = 1.0 / direction[3, 4], -1.0 / direction[80, 60]
    location = find(error, seed=5)
    assert location.complete and location.elements == ((3, 4), (80, 60))


def test_errors_that_cancel_within_a_half_are_found_in_the_end() -> None:
    direction = first_direction((90, 64), seed=5)
    error = np.zeros((90, 64))
    error[3, 4], error[20, 60], error[70, 9] = 1.0 / direction[3, 4], -1.0 / direction[20, 60], 1.0
    location = find(error, seed=5)
    assert location.complete and location.elements == ((3, 4), (20, 60), (70, 9))


def test_equal_seeds_give_equal_searches() -> None:
    error = errors_at(scattered((90, 64), 5, 1), 1)
    assert find(error, seed=3) == find(error, seed=3)


def test_a_residual_that_never_passes_ends_the_search() -> None:
    location = localise(lambda region, weights, accuracy: (1.0, 1e-9), (40, 30), 1.0, 0)
    assert location.kind is Kind.DENSE and not location.complete
    fickle = iter(np.random.default_rng(0).standard_normal(1_000_000).tolist())
    location = localise(lambda region, weights, accuracy: (next(fickle), 1e-3), (40, 30), 1.0, 0, most=8)
    assert not location.complete


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_steps_are_as_large_as_asked(scale: float) -> None:
    residual = Exact(errors_at(scattered((90, 64), 2, 1), 1), 1e-9 * scale)
    assert localise(residual, (90, 64), scale, 0).complete
    sizes = np.abs(residual.asked[0][1]) / scale
    assert sizes.min() == pytest.approx(0.5, abs=0.01) and sizes.max() == pytest.approx(1.5, abs=0.01)


# Cost --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "most"),
    [
        (Block((412, 413), (77, 78)), 8),
        (Block((412, 413), (0, 800)), 90),
        (Block((0, 1000), (77, 78)), 90),
        (Block((412, 537), (77, 177)), 150),
    ],
    ids=["element", "row", "column", "block"],
)
def test_large_matrices_cost_little(region: Block, most: int) -> None:
    assert max(assert_exact(mask((1000, 800), region), seed=seed).derivatives for seed in range(4)) <= most


def test_scattered_elements_cost_less_than_halving_for_each() -> None:
    derivatives = [assert_exact(scattered((300, 240), 20, seed), seed=seed).derivatives for seed in range(6)]
    assert np.median(derivatives) <= 20 * 9
    pairs = [assert_exact(scattered((300, 240), 2, seed), seed=seed).derivatives for seed in range(20)]
    assert np.median(pairs) <= 25


# Finite differences ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_finite_differences_show_the_place(fault: str) -> None:
    for seed in range(3):
        model = Tied(31, 32, seed)
        gradient = model.gradient()
        wrong = FAULTS[fault](gradient, np.random.default_rng((seed, 1)))
        location = localise(Differences(model, gradient), gradient.shape, model.scale, seed)
        if wrong.all():
            assert location.kind is Kind.DENSE
        else:
            assert location.complete
            assert np.array_equal(cells_of(location, wrong.shape), wrong), (seed, location)
