"""What is seen of a group at one point of the memory: truths, and what the engine reported there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.evidence import intruders, point_of
from aliascheck.auditing.gating import Gated, run_gates
from aliascheck.auditing.groups import Group
from aliascheck.auditing.jitter import moved_nearby
from aliascheck.auditing.screening import screen
from aliascheck.auditing.slots import Holding, holding_nearby
from aliascheck.auditing.truths import MeasuredGroup, Measurements
from aliascheck.errors import EngineError
from aliascheck.memory import Data
from aliascheck.subjects.subject import Gradients
from aliascheck.verdicts.evidence import Point

GIVEN = b"given"


class Sighting(Data, frozen=True, eq=False):
    """What was measured of one group at one point of the memory, and what the engine reported there."""

    measured: MeasuredGroup
    holding: Holding
    gated: Gated
    failed: tuple[str, ...]

    @property
    def group(self) -> Group:
        return self.holding.group

    @property
    def is_telling(self) -> bool:
        """Whether the gates hold, and each access has a derivative at the slots' cells.

        Zero initialisation, mostly, is why one has none.
        """
        covered = np.logical_or.reduce([slot.shows for slot in self.holding.slots])
        heard = [
            np.any((np.abs(effect.values) > effect.accept) & covered) for effect in self.measured.effects
        ]
        return not self.failed and all(heard)

    def in_columns_of(self, measured: MeasuredGroup) -> Point:
        """The evidence at this point, in the columns of another."""
        return point_of(self.measured.with_columns(measured.columns), self.holding, self.gated)


def look(
    bench: Bench,
    measurements: Measurements,
    mode: str,
    reported: Gradients,
    holdings: Sequence[Holding],
    point: bytes,
    *,
    witnessed: bool = True,
) -> list[Sighting]:
    """Every one of some groups, at the memory as it is; by differences alone where not `witnessed`."""
    gates = run_gates(bench, mode, reported, holdings)
    together = screen(measurements, point, holdings)
    sightings = []
    for holding, gated in zip(holdings, gates, strict=True):
        failed = gated.failed_checks(holding)
        measured = together.get(holding.group) or measurements.at(point, holding.group, witnessed=witnessed)
        if not failed:
            measured = measured.with_foreign(intruders(bench, holding, gated))
        sightings.append(Sighting(measured, holding, gated, failed))
    return sightings


def look_nearby(
    bench: Bench,
    measurements: Measurements,
    mode: str,
    holdings: Sequence[Holding],
    *,
    witnessed: bool = True,
    number: int = 1,
) -> dict[Group, Sighting]:
    """The same groups at a point nearby; none where the loss or the engine fails there."""
    blocks = [group.block for group in bench.groups[mode]]
    with moved_nearby(bench, blocks, number) as point:
        if point is None:
            bench.remark("the loss leaves its domain nearby: what is zero here was looked at here only")
            return {}
        try:
            reported = bench.gradients(mode)
        except EngineError as error:
            bench.remark(f"the engine fails at a point nearby ({error.message})")
            return {}
        there = [holding_nearby(holding, reported) for holding in holdings]
        seen = look(bench, measurements, mode, reported, there, point, witnessed=witnessed)
        return {sighting.group: sighting for sighting in seen}
