"""The search for the place of a fault in a large group: elements, rows, columns or blocks, or all over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.chart import chart_of
from aliascheck.auditing.sighting import Sighting
from aliascheck.auditing.slots import tangent_of
from aliascheck.auditing.truths import asking
from aliascheck.memory import (
    NOTHING,
    Cells,
    Data,
    Region,
    inner,
    scatter,
    signed_uniform,
    unwrap,
)
from aliascheck.oracle import AccessView, Block, Kind, Location, Oracle, first_step, localise
from aliascheck.verdicts.evidence import Spot


class Place(Data, frozen=True, eq=False):
    """Where a slot is wrong, and the same as regions of the group's memory."""

    spot: Spot
    regions: tuple[Region, ...]


class Search:
    """One slot's contribution of one access, held against its path derivative region by region.

    The slot is looked at as a matrix in which each of its cells stands once. Where gates cannot tell what is
    the access's, `whole` takes all that the slot holds.
    """

    def __init__(
        self, bench: Bench, mode: str, sighting: Sighting, slot: int, access: int, *, whole: bool
    ) -> None:
        group = sighting.group
        self._bench = bench
        self._group = group
        self._plan = group.slots[slot]
        self._access = sighting.measured.columns[access].plan
        self._scale = group.block.scale
        self._chart = chart_of(self._plan.array, group.cells.of(self._plan.array))
        self._matrix = self._chart.cells
        self._held = self._in_memory(mode, None) if whole else self._contribution(mode, sighting)

    def _contribution(self, mode: str, sighting: Sighting) -> NDArray[np.float64]:
        """What the slot holds of the access, in memory. Shapes: (cells,)."""
        closed = {access.path: 0.0 for access in self._bench.accesses}
        held = self._in_memory(mode, {**closed, self._access.path: 1.0})
        if sighting.gated.silent.any():
            held -= self._in_memory(mode, closed)
        return held

    def _in_memory(self, mode: str, gates: dict[tuple[object, ...], float] | None) -> NDArray[np.float64]:
        gradients = self._bench.gradients(mode, gates)
        value, tangent = unwrap(self._plan.value, tangent_of(self._plan, gradients))
        size = len(self._group.cells)
        if tangent is NOTHING:
            return np.zeros(size)
        return scatter(self._group.cells.of(np.asarray(value)), size, tangent)

    def run(self, seed: int) -> Place:
        """Find the place. Costs some hundred evaluations, whatever the size."""
        with asking(self._bench) as oracle:

            def residual(block: Block, weights: NDArray[np.float64], accuracy: float) -> tuple[float, float]:
                return self._residual(oracle, self._matrix[block.slices], weights, accuracy)

            zeros = self._held[self._matrix] == 0.0
            location = localise(residual, self._matrix.shape, self._scale, seed, suspects=zeros)
            is_turned = location.kind is Kind.DENSE and self._is_transposed(oracle, seed)
        if is_turned:
            return Place(Spot("transposed"), ())
        rows, columns = self._matrix.shape
        spot = Spot(
            self._chart.describe(location), (rows, columns), tuple(rectangles(location, rows, columns))
        )
        regions = list(self._regions(location))
        return Place(spot, tuple(regions) if len(regions) <= MOST_APART else (_union(regions),))

    def _residual(
        self, oracle: Oracle, cells: Cells, weights: NDArray[np.floating], accuracy: float
    ) -> tuple[float, float]:
        """What is held along a direction of some cells, less the derivative along it; and its bound."""
        held, norm = inner(weights, self._held[cells])
        slope, bound = self._slope(oracle, cells, weights, accuracy)
        return held - slope, 2 * bound + self._group.rounding * norm

    def _slope(
        self, oracle: Oracle, cells: Cells, weights: NDArray[np.floating], accuracy: float = 0.0
    ) -> tuple[float, float]:
        direction = np.zeros(len(self._group.cells))
        direction[cells] = weights
        shown = self._group.cells.show(direction, self._access.array)
        if not shown.any():
            return 0.0, 0.0
        view = AccessView(self._access.path, self._access.array)
        with oracle.moving_access(view, shown, 1.0) as phi:
            estimate = oracle.slope(phi, first_step(np.size(weights), direction.size), accuracy)
        return estimate.value, estimate.bound

    def _is_transposed(self, oracle: Oracle, seed: int) -> bool:
        """Whether the slot holds the numbers of the transposed derivative, in the order of its own."""
        rows, columns = self._matrix.shape
        if self._plan.array.ndim != 2 or min(rows, columns) < 2:
            return False
        weights = self._scale * signed_uniform(rows * columns, (seed, 1)).astype(float)
        held, norm = inner(weights.reshape(rows, columns), self._held[self._matrix])
        slope, bound = self._slope(oracle, self._matrix, weights.reshape(columns, rows).T)
        return abs(held - slope) <= 2 * bound + self._group.rounding * norm

    def _regions(self, location: Location) -> Iterator[Region]:
        """What was found, as regions of memory."""
        for row, column in location.elements:
            yield Region(self._matrix[row, column].reshape(1))
        for row in location.rows:
            yield Region(np.sort(self._matrix[row]))
        for column in location.columns:
            yield Region(np.sort(self._matrix[:, column]))
        for block in location.blocks:
            yield Region(np.sort(self._matrix[block.slices].ravel()))


MOST_APART = 8  # regions that are judged one by one


def _union(regions: list[Region]) -> Region:
    """All of several regions as one: what holds for each of many holds for them together."""
    return Region(np.unique(np.concatenate([region.cells for region in regions if region.cells is not None])))


def rectangles(location: Location, rows: int, columns: int) -> Iterator[tuple[int, int, int, int]]:
    """What was found as rectangles: first row, last row + 1, first column, last column + 1."""
    yield from ((row, row + 1, column, column + 1) for row, column in location.elements)
    yield from ((row, row + 1, 0, columns) for row in location.rows)
    yield from ((0, rows, column, column + 1) for column in location.columns)
    yield from ((*block.rows, *block.columns) for block in location.blocks)
    if location.bounding is not None:
        yield *location.bounding.rows, *location.bounding.columns
