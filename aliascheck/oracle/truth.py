"""The two truths of an alias group: what moving the memory does, and what moving one access does.

Only values of the loss are used here. The oracle shares the primal with an engine, never a derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Array, Cells, Data, Path, Probe, Probes
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.perturbation import MemoryBlock, restored
from aliascheck.oracle.stencil import derivative

ROUNDING = 256 * 2.0**-53  # relative: what a right engine's own rounding may add

Loss = Callable[[], float]
LossReading = Callable[[Path, Array], float]


class Measured(Data, frozen=True, eq=False):
    """Derivatives with what may separate a right gradient from them.

    Shapes: all alike. `bounds` is the error bound of each; `accept` (twice that, plus rounding; at a kink
    half the jump as well) is what a right value may be off by, infinite where `undecided`: where the loss
    has no derivative that a bound could be given for.
    """

    values: NDArray[np.float64]
    bounds: NDArray[np.float64]
    accept: NDArray[np.float64]
    kinks: NDArray[np.bool_]
    undecided: NDArray[np.bool_]


class AccessView(Data, frozen=True, eq=False):
    """An access as the oracle sees it: its path, the array there, and the cells that this shows."""

    path: Path
    array: Array
    cells: Cells


class Truth(Data, frozen=True, eq=False):
    """What one group's finite differences are.

    `total` and `effects[access]` (the path derivative, scattered into memory) are in probes;
    `paths[access]` is in the shape of the access, None where the group is too large for that.
    """

    total: Measured
    effects: dict[Path, Measured]
    paths: dict[Path, Measured | None]
    evaluations: int


class Evaluations:
    """Counts evaluations of a loss, and turns what it raises on its way into not-a-number."""

    def __init__(self) -> None:
        self.count = 0

    def call(self, loss: Callable[[], float]) -> float:
        self.count += 1
        try:
            return loss()
        except (ArithmeticError, np.linalg.LinAlgError):
            return math.nan


def measure_noise(loss: Loss, blocks: Sequence[MemoryBlock], base: float) -> tuple[float, int]:
    """The noise of a loss along one dense direction of all memory, and the evaluations it took."""
    counted = Evaluations()
    starts = [block.read() for block in blocks]
    steps = [block.scale * _dense_direction(block.size) for block in blocks]

    def phi(t: float) -> float:
        for block, start, step in zip(blocks, starts, steps, strict=True):
            block.write(start + t * step)
        return counted.call(loss)

    try:
        level = noise_level(phi, base)
    finally:
        for block, start in zip(blocks, starts, strict=True):
            block.write(start)
    return level, counted.count


def _dense_direction(size: int) -> NDArray[np.float64]:
    """Steps of either sign and of sizes 0.5 to 1.5, without pattern.

    Source: the multiples of irrational numbers, modulo 1 (Weyl).
    """
    count = np.arange(1, size + 1)
    signs = np.where(count * math.sqrt(2.0) % 1.0 < 0.5, -1.0, 1.0)
    return np.asarray(signs * (0.5 + count * math.sqrt(5.0) % 1.0))


def measure_truth(
    block: MemoryBlock,
    probes: Probes,
    accesses: Sequence[AccessView],
    loss: Loss,
    loss_reading: LossReading,
    base: float,
    noise: float,
) -> Truth:
    """Measure a group's total derivative and the path derivative of each access.

    The memory is the same afterwards, bit by bit, whatever the loss does.
    """
    counted = Evaluations()
    scale = block.scale
    total = _collect(
        [_along_memory(block, probe, loss, base, noise, scale, counted) for probe in probes.items]
    )
    effects: dict[Path, Measured] = {}
    paths: dict[Path, Measured | None] = {}
    for access in accesses:
        effects[access.path], paths[access.path] = _measure_path(
            access, probes, loss_reading, base, noise, scale, counted
        )
    return Truth(total, effects, paths, counted.count)


def _along_memory(
    block: MemoryBlock,
    probe: Probe,
    loss: Loss,
    base: float,
    noise: float,
    scale: float,
    counted: Evaluations,
) -> Estimate:
    """The derivative of the loss along a probe, by moving the memory itself."""
    single = block.single(probe)
    if single is not None:
        array, place = single
        start, reach = array[place], scale * float(probe.weights[0])

        def move_cell(t: float) -> float:
            array[place] = start + t * reach
            return counted.call(loss)

        try:
            return derivative(move_cell, base, noise).scaled(1.0 / scale)
        finally:
            array[place] = start
    with restored(block) as before:

        def move_cells(t: float) -> float:
            moved = before.copy()
            moved[probe.cells] += t * scale * probe.weights
            block.write(moved)
            return counted.call(loss)

        return derivative(move_cells, base, noise).scaled(1.0 / scale)


def _measure_path(
    access: AccessView,
    probes: Probes,
    loss_reading: LossReading,
    base: float,
    noise: float,
    scale: float,
    counted: Evaluations,
) -> tuple[Measured, Measured | None]:
    """The path derivative of one access: in memory, and where the group is small in its own shape."""
    private = np.array(access.array, dtype=float)
    start = private.copy()

    def along(direction: NDArray[np.float64]) -> Estimate:
        def phi(t: float) -> float:
            np.multiply(direction, t * scale, out=private)
            np.add(private, start, out=private)
            return counted.call(lambda: loss_reading(access.path, private))

        return derivative(phi, base, noise).scaled(1.0 / scale)

    if not probes.exact:
        estimates = []
        for probe in probes.items:
            moved = np.zeros(probes.size)
            moved[probe.cells] = probe.weights
            direction = moved[access.cells]
            estimates.append(along(direction) if direction.any() else _ZERO)
        return _collect(estimates), None
    elements = []
    for place in np.ndindex(private.shape):
        np.copyto(private, start)

        def move_element(t: float, place: tuple[int, ...] = place) -> float:
            private[place] = start[place] + t * scale
            return counted.call(lambda: loss_reading(access.path, private))

        elements.append(derivative(move_element, base, noise).scaled(1.0 / scale))
    dense = _collect(elements, private.shape)
    return _in_memory(dense, access.cells, probes.size), dense


_ZERO = Estimate(0.0, 0.0, Status.OK, 0.0, 0.0, 0)


def _collect(estimates: Sequence[Estimate], shape: tuple[int, ...] | None = None) -> Measured:
    shape = (len(estimates),) if shape is None else shape
    low = np.array([estimate.low for estimate in estimates], float).reshape(shape)
    high = np.array([estimate.high for estimate in estimates], float).reshape(shape)
    bounds = np.array([estimate.bound for estimate in estimates], float).reshape(shape)
    kinks = np.array([estimate.status is Status.KINK for estimate in estimates], bool).reshape(shape)
    known = np.array([estimate.status.bounded for estimate in estimates], bool).reshape(shape)
    with np.errstate(invalid="ignore"):
        values = np.where(known, (low + high) / 2, 0.0)
        half = np.where(known, (high - low) / 2, np.inf)
    accept = half + np.where(known, bounds, 0.0) + ROUNDING * np.abs(values)
    return Measured(values, bounds, accept, kinks, ~known)


def _in_memory(dense: Measured, cells: Cells, size: int) -> Measured:
    """The contribution of an access to its cells: the sum over the elements that show each."""

    def scatter(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(cells.ravel(), weights=values.ravel(), minlength=size), float)

    def any_of(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return scatter(flags.astype(float)) > 0

    return Measured(
        scatter(dense.values),
        scatter(dense.bounds),
        scatter(dense.accept),
        any_of(dense.kinks),
        any_of(dense.undecided),
    )
