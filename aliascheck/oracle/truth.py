"""What the derivative of a loss is along memory and along each access, measured by finite differences.

Moving memory moves every view of it; moving a private copy moves what one access reads. No derivative of
an engine is used here. The oracle shares the primal with an engine, never a derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Array, CellMap, Cells, Data, Path, Probe, Probes, signed_uniform
from aliascheck.oracle.complex_step import STEP, accepts, witnessed
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.perturbation import Line, MemoryBlock
from aliascheck.oracle.stencil import FIRST_STEP, derivative

ROUNDING = 256 * 2.0**-53  # relative: what a right engine's own rounding may add

Loss = Callable[[], float]
LossReading = Callable[[Path, Array], float]
Phi = Callable[[float], float]


class Measured(Data, frozen=True, eq=False):
    """Derivatives with what may separate a right gradient from them.

    Shapes: all alike. `bounds` is the error bound of each; `accept` (twice that, plus rounding; at a kink
    half the jump as well) is what a right value may be off by, infinite where `undecided`: where the loss
    has no derivative that a bound could be given for. `noisy` marks where the loss has noise beyond its
    rounding, or comes in quanta.
    """

    values: NDArray[np.float64]
    bounds: NDArray[np.float64]
    accept: NDArray[np.float64]
    kinks: NDArray[np.bool_]
    undecided: NDArray[np.bool_]
    noisy: NDArray[np.bool_]


class AccessView(Data, frozen=True, eq=False):
    """An access as the oracle sees it: its path, and the array there."""

    path: Path
    array: Array


class Twin(Protocol):
    """A model some of whose memory holds complex numbers: `arrays`, the counterparts of those asked for."""

    @property
    def arrays(self) -> Sequence[Array]: ...

    def loss(self) -> complex: ...


class Witness(Protocol):
    """A loss that takes complex numbers: one access reading private ones, or some memory holding them."""

    def complex_loss_reading(self, access: Path, private: Array) -> complex: ...

    def complex_twin(self, arrays: Sequence[Array]) -> Twin: ...


class Truth(Data, frozen=True, eq=False):
    """What one group's finite differences are; `witnessed` where complex steps stand in for some of them.

    `total` and `effects[access]` (the path derivative, scattered into memory) are in probes;
    `paths[access]` is in the shape of the access, None where the group is too large for that.
    """

    total: Measured
    effects: dict[Path, Measured]
    paths: dict[Path, Measured | None]
    witnessed: bool = False


class Oracle:
    """A loss that is to be differentiated at one point: its value there, its noise, and every evaluation.

    `loss` evaluates it at the memory as it is, `loss_reading` with one access reading a private array. What
    they raise on their way (a matrix without inverse, the edge of a domain) counts as not-a-number; the
    first such thing is kept in words in `raised`.
    """

    def __init__(
        self,
        loss: Loss,
        loss_reading: LossReading,
        base: float,
        noise: float = 0.0,
        witness: Witness | None = None,
    ) -> None:
        self._loss = loss
        self._loss_reading = loss_reading
        self.base = base
        self.noise = noise
        self.witness = witness
        self.evaluations = 0
        self.raised: str | None = None

    def _evaluate(self, loss: Loss) -> float:
        self.evaluations += 1
        try:
            return loss()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  a loss is anybody's code
            self.raised = self.raised or f"{type(error).__name__}: {error}"
            return math.nan

    @contextmanager
    def moving_memory(self, moves: Sequence[tuple[MemoryBlock, Array, float]]) -> Iterator[Phi]:
        """The loss as memory itself moves, each block along its direction times a scale.

        Shapes: each direction (cells of its block,). The memory is put back at the end, bit by bit.
        """
        with ExitStack() as stack:
            steps = [stack.enter_context(block.along(to, scale)) for block, to, scale in moves]

            def phi(t: float) -> float:
                for step in steps:
                    step(t)
                return self._evaluate(self._loss)

            yield phi

    @contextmanager
    def moving_access(self, access: AccessView, direction: Array, scale: float) -> Iterator[Phi]:
        """The loss as what one access reads moves along a direction of its shape times a scale."""
        private = np.array(access.array, dtype=float)
        line = Line(private, direction)

        def phi(t: float) -> float:
            line.move(t * scale)
            return self._evaluate(lambda: self._loss_reading(access.path, private))

        yield phi

    def slope(self, phi: Phi, first_step: float = FIRST_STEP, accuracy: float = 0.0) -> Estimate:
        """The derivative of the loss along a line at the base point; see `derivative`."""
        return derivative(phi, self.base, self.noise, first_step, accuracy)


def measure_noise(loss: Loss, blocks: Sequence[MemoryBlock], base: float) -> tuple[float, int]:
    """The noise of a loss along one dense direction of all memory, and the evaluations it took."""
    oracle = Oracle(loss, lambda access, private: loss(), base)
    moves = [(block, signed_uniform(block.size, (0, 0)), block.scale) for block in blocks]
    with oracle.moving_memory(moves) as phi:
        return noise_level(phi, base), oracle.evaluations


def measure_truth(
    oracle: Oracle, block: MemoryBlock, cells: CellMap, probes: Probes, accesses: Sequence[AccessView]
) -> Truth:
    """Measure a group's total derivative and the path derivative of each access.

    The memory is the same afterwards, bit by bit, whatever the loss does.
    """
    if probes.exact:
        total = collect([measure_total(oracle, block, probe) for probe in probes.items])
        by_element = {access.path: _measure_elements(oracle, access, block.scale) for access in accesses}
        effects = {
            access.path: _in_memory(by_element[access.path], cells.of(access.array), probes.size)
            for access in accesses
        }
        return Truth(total, effects, dict(by_element))
    along_memory = Series(partial(measure_total, oracle, block), _steps_of_memory(oracle, block))
    total = collect(along_memory.over(probes))
    spoken_for = along_memory.witnessed
    effects = {}
    for access in accesses:
        difference = partial(measure_path, oracle, block, cells, access)
        along_access = Series(difference, _steps_of_access(oracle, block, cells, access))
        effects[access.path] = collect(along_access.over(probes))
        spoken_for |= along_access.witnessed
    return Truth(total, effects, dict.fromkeys(effects), spoken_for)


class Series:
    """Derivatives along the probes of a group: differences, and complex steps where one has borne them out.

    In each region the first probe is measured by a difference. A witness that agrees with it speaks for the
    others.
    """

    def __init__(
        self, difference: Callable[[Probe], Estimate], step: Callable[[Probe], float] | None
    ) -> None:
        self._difference = difference
        self._step = step
        self._accepted: dict[int, Estimate | None] = {}
        self.witnessed = False

    def over(self, probes: Probes) -> list[Estimate]:
        """An estimate along each probe, in order."""
        return [self._estimate(probe) for probe in probes.items]

    def _estimate(self, probe: Probe) -> Estimate:
        region = id(probe.region)
        if region in self._accepted and self._step is not None:
            accepted = self._accepted[region]
            slope = math.nan if accepted is None else self._step(probe)
            if accepted is not None and math.isfinite(slope):
                self.witnessed = True
                return witnessed(slope, _terms(probe, slope, accepted), accepted)
        estimate = self._difference(probe)
        if self._step is not None and region not in self._accepted:
            borne_out = len(probe.weights) > 1 and accepts(estimate, self._step(probe))
            self._accepted[region] = estimate if borne_out else None
        return estimate


def _terms(probe: Probe, slope: float, accepted: Estimate) -> float:
    """The sum of the sizes of the terms of a slope, as far as two random directions tell."""
    return math.sqrt(len(probe.weights)) * max(abs(slope), abs(accepted.value))


def _steps_of_memory(oracle: Oracle, block: MemoryBlock) -> Callable[[Probe], float] | None:
    """The slope along a probe by a complex step of memory, where the loss takes complex numbers."""
    if oracle.witness is None or block.size > MOST_WITNESSED:
        return None
    twin = oracle.witness.complex_twin(block.arrays)

    def step(probe: Probe) -> float:
        oracle.evaluations += 1
        block.imagine(twin.arrays, probe.direction(block.size))
        return twin.loss().imag / STEP

    return step


def _steps_of_access(
    oracle: Oracle, block: MemoryBlock, cells: CellMap, access: AccessView
) -> Callable[[Probe], float] | None:
    """The slope along a probe by a complex step of what one access reads."""
    if oracle.witness is None or block.size > MOST_WITNESSED:
        return None
    witness = oracle.witness

    def step(probe: Probe) -> float:
        direction = cells.show(probe.direction(block.size), access.array)
        if not direction.any():
            return 0.0
        oracle.evaluations += 1
        private = access.array.astype(np.complex128)
        private.imag = direction
        private.imag *= STEP
        return witness.complex_loss_reading(access.path, private).imag / STEP

    return step


def measure_total(oracle: Oracle, block: MemoryBlock, probe: Probe) -> Estimate:
    """The derivative of the loss along a probe, by moving the memory itself."""
    scale = block.scale
    with oracle.moving_memory([(block, probe.direction(block.size), scale)]) as phi:
        return oracle.slope(phi, _step_along(probe, block)).scaled(1.0 / scale)


def measure_path(
    oracle: Oracle, block: MemoryBlock, cells: CellMap, access: AccessView, probe: Probe
) -> Estimate:
    """The derivative of the loss along a probe, by moving what one access reads of it."""
    direction = cells.show(probe.direction(block.size), access.array)
    if not direction.any():
        return _ZERO
    scale = block.scale
    with oracle.moving_access(access, direction, scale) as phi:
        return oracle.slope(phi, _step_along(probe, block)).scaled(1.0 / scale)


def _step_along(probe: Probe, block: MemoryBlock) -> float:
    return FIRST_STEP if block.size <= SMALL else first_step(len(probe.weights), block.size)


MOST_WITNESSED = 1 << 18  # cells: beyond, twice the memory is dearer than a few evaluations


SMALL = 256  # cells: of so few, one is a good part of all


def first_step(moving: int, size: int) -> float:
    """Steps may be longer where few of the cells move: the loss bends less.

    Source: measured on tied models of 1e3 to 1e7 cells.
    """
    return FIRST_STEP * min(64.0, 2.0 ** math.floor(math.log2(size / moving) / 2))


def _measure_elements(oracle: Oracle, access: AccessView, scale: float) -> Measured:
    """The path derivative of one access at each of its elements. Shapes: as the access."""
    elements = []
    for place in np.ndindex(access.array.shape):
        unit = np.zeros(access.array.shape)
        unit[place] = 1.0
        with oracle.moving_access(access, unit, scale) as phi:
            elements.append(oracle.slope(phi).scaled(1.0 / scale))
    return collect(elements, access.array.shape)


_ZERO = Estimate(0.0, 0.0, Status.OK, 0.0, 0.0, 0)


def collect(estimates: Sequence[Estimate], shape: tuple[int, ...] | None = None) -> Measured:
    """Estimates as one record of arrays. Shapes: `shape`, or one dimension."""
    shape = (len(estimates),) if shape is None else shape
    low = np.array([estimate.low for estimate in estimates], float).reshape(shape)
    high = np.array([estimate.high for estimate in estimates], float).reshape(shape)
    bounds = np.array([estimate.bound for estimate in estimates], float).reshape(shape)
    kinks = np.array([estimate.status is Status.KINK for estimate in estimates], bool).reshape(shape)
    noise = (Status.NOISY, Status.QUANTISED)
    noisy = np.array([estimate.status in noise for estimate in estimates], bool).reshape(shape)
    known = np.array([_is_known(estimate) for estimate in estimates], bool).reshape(shape)
    with np.errstate(invalid="ignore"):
        values = np.where(known, (low + high) / 2, 0.0)
        half = np.where(known, (high - low) / 2, np.inf)
    accept = half + np.where(known, bounds, 0.0) + ROUNDING * np.abs(values)
    return Measured(values, bounds, accept, kinks, ~known, noisy)


def _is_known(estimate: Estimate) -> bool:
    """Whether an engine can be held to it: a loss in quanta has another slope from afar than here."""
    return estimate.status.bounded and estimate.status is not Status.QUANTISED


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
        any_of(dense.noisy),
    )
