"""Many untied slots at once: one direction through all of them tells whether each has its derivative.

A slot that shares its memory with nothing, and is read by one access, holds the total derivative or is
wrong. Along a direction through the memory of all such slots the loss moves by the sum of what they
hold, if each holds what it should: a model of a hundred parameters costs no more than one of two. Where
the sum is off, halves are looked at, down to the slots that are to blame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aliascheck.auditing.groups import Group, owner_of
from aliascheck.auditing.slots import Holding
from aliascheck.auditing.truths import Column, MeasuredGroup, Measurements
from aliascheck.memory import Data
from aliascheck.oracle import Measured, Status, Truth

TELLING = 1e-3  # of what a slot holds: a bound beyond this leaves it to be measured by itself


def screen(
    measurements: Measurements, point: bytes, holdings: Sequence[Holding]
) -> dict[Group, MeasuredGroup]:
    """The truths of those untied slots that hold their derivative at a point, measured together.

    What is not among them has to be measured by itself. The truth of a slot is what it holds, with the
    bound of the sum: a fault that cancels in the sum is one that cancels along several random directions.
    """
    candidates = [holding for holding in holdings if _is_alone(holding)]
    confirmed: dict[Group, MeasuredGroup] = {}
    quiet = []
    for holding, residuals in _confirmed(measurements, point, candidates):
        measured = _truth_of(holding, residuals)
        if _is_telling(holding, measured):
            confirmed[holding.group] = measured
        elif _is_quiet(holding, measured):
            quiet.append(holding)
    # Those that hold next to nothing are looked at without the others, which would hide what they lack.
    alone = _confirmed(measurements, point, quiet) if len(quiet) < len(candidates) else []
    for holding, residuals in alone:
        measured = _truth_of(holding, residuals)
        if _is_telling(holding, measured) or _is_quiet(holding, measured):
            confirmed[holding.group] = measured
    return confirmed


def _is_alone(holding: Holding) -> bool:
    """Whether a group is one slot, probed along whole directions, that one access of its own reads."""
    group = holding.group
    return (
        len(group.slots) == len(group.accesses) == 1
        and not group.probes.exact
        and all(probe.region.cells is None for probe in group.probes.items)
        and holding.slots[0].problem is None
        and owner_of(group.accesses[0].place, group.slots) == 0
    )


class Residual(Data, frozen=True):
    """How far what slots hold together is from the derivative along one direction, and the bound of it."""

    value: float
    bound: float
    accept: float

    @property
    def passes(self) -> bool:
        return abs(self.value) <= self.accept


def _confirmed(
    measurements: Measurements, point: bytes, holdings: Sequence[Holding]
) -> list[tuple[Holding, list[Residual]]]:
    """The slots whose sums agree with the loss along every direction, in groups as large as can be.

    Where stops are to be reported they agree with it through the stops as well: nothing of them is stopped.
    """
    if not holdings:
        return []
    residuals = []
    for direction in range(len(holdings[0].group.probes)):
        residuals.append(_residual(measurements, point, holdings, direction))
        if not residuals[-1].passes:
            break
    else:
        return [(holding, residuals) for holding in holdings]
    if len(holdings) == 1:
        return []
    middle = len(holdings) // 2
    halves = (holdings[:middle], holdings[middle:])
    return [found for half in halves for found in _confirmed(measurements, point, half)]


def _residual(
    measurements: Measurements, point: bytes, holdings: Sequence[Holding], direction: int
) -> Residual:
    groups = [holding.group for holding in holdings]
    scales = [group.block.scale for group in groups]
    terms = [scale * holding.values[0, direction] for scale, holding in zip(scales, holdings, strict=True)]
    norms = [scale * holding.norms[0, direction] for scale, holding in zip(scales, holdings, strict=True)]
    rounding = max(group.rounding for group in groups) * math.hypot(*norms)
    residuals = [
        Residual(math.fsum(terms) - estimate.value, estimate.bound, 2 * estimate.bound + rounding)
        if estimate.status is Status.OK
        else Residual(math.inf, math.inf, 0.0)
        for estimate in measurements.along_all(point, groups, direction)
    ]
    return max(residuals, key=lambda residual: (not residual.passes, residual.accept))


def _truth_of(holding: Holding, residuals: Sequence[Residual]) -> MeasuredGroup:
    scale = holding.group.block.scale
    apart = np.array([abs(residual.value) for residual in residuals]) / scale
    bounds = np.array([residual.bound for residual in residuals]) / scale
    accept = np.array([residual.accept for residual in residuals]) / scale
    no = np.zeros(len(residuals), bool)
    total = Measured(holding.values[0].copy(), apart + bounds, accept, no, no, no)
    access = holding.group.accesses[0]
    truth = Truth(total, {access.path: total}, {access.path: None})
    return MeasuredGroup(truth, (Column(access),), (total,), jointly=True)


def _is_telling(holding: Holding, measured: MeasuredGroup) -> bool:
    """Whether the bound of the sum is small beside what the slot holds."""
    return _blur(measured) <= TELLING * float(np.abs(holding.values).max(initial=0.0))


def _is_quiet(holding: Holding, measured: MeasuredGroup) -> bool:
    """Whether the slot holds next to nothing beside the bound of the sum."""
    return float(np.abs(holding.values).max(initial=0.0)) <= TELLING * _blur(measured)


def _blur(measured: MeasuredGroup) -> float:
    total = measured.truth.total
    return float(np.maximum(2 * total.bounds, total.accept).max(initial=0.0))
