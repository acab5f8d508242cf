"""Derivatives along several directions, for some of which a complex step may speak."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from aliascheck.memory import CellMap, Probe, Probes
from aliascheck.oracle.complex_step import STEP, accepts, witnessed
from aliascheck.oracle.estimate import Estimate
from aliascheck.oracle.oracle import AccessView, Oracle
from aliascheck.oracle.perturbation import MemoryBlock

MOST_WITNESSED = 1 << 18  # cells: beyond, twice the memory is dearer than a few evaluations


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


def steps_of_memory(oracle: Oracle, block: MemoryBlock) -> Callable[[Probe], float] | None:
    """The slope along a probe by a complex step of memory, where the loss takes complex numbers."""
    if oracle.witness is None or block.size > MOST_WITNESSED:
        return None
    twin = oracle.witness.complex_twin(block.arrays)

    def step(probe: Probe) -> float:
        oracle.evaluations += 1
        block.imagine(twin.arrays, probe.direction(block.size))
        return twin.loss().imag / STEP

    return step


def steps_of_access(
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
