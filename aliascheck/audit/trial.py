"""The trial of each group: evidence at the given point, and at one nearby where that does not tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aliascheck.audit.bench import Bench
from aliascheck.audit.evidence import assemble, intruders, point_of
from aliascheck.audit.gating import Gated, run_gates
from aliascheck.audit.groups import Group
from aliascheck.audit.jitter import moved_nearby
from aliascheck.audit.screening import screen
from aliascheck.audit.slots import Holding, holding_nearby, holding_of
from aliascheck.audit.truths import MeasuredGroup, Measurements
from aliascheck.errors import EngineError
from aliascheck.memory import Data
from aliascheck.subjects.subject import Gradients
from aliascheck.verdicts.evidence import Evidence, Point
from aliascheck.verdicts.judge import Judgement, judge


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


class Trial(Data, frozen=True, eq=False):
    """One group as judged."""

    group: Group
    measured: MeasuredGroup
    judgement: Judgement


def hold_trials(bench: Bench, measurements: Measurements, mode: str, reported: Gradients) -> list[Trial]:
    """Judge every group of a mode."""
    holdings = [holding_of(group, reported) for group in bench.groups[mode]]
    given = _look(bench, measurements, mode, reported, holdings, GIVEN)
    silent = [sighting.holding for sighting in given if not sighting.is_telling]
    nearby = _look_nearby(bench, measurements, mode, silent) if silent else {}
    return [_judged(bench, sighting, nearby.get(sighting.group)) for sighting in given]


GIVEN = b"given"


def _look(
    bench: Bench,
    measurements: Measurements,
    mode: str,
    reported: Gradients,
    holdings: Sequence[Holding],
    point: bytes,
) -> list[Sighting]:
    """Every one of some groups, at the memory as it is."""
    gates = run_gates(bench, mode, reported, holdings)
    together = screen(measurements, point, holdings) if bench.settings.stops != "report" else {}
    sightings = []
    for holding, gated in zip(holdings, gates, strict=True):
        failed = gated.failed_checks(holding.values)
        measured = together.get(holding.group) or measurements.at(point, holding.group)
        if not failed:
            measured = measured.with_foreign(intruders(bench, holding, gated))
        sightings.append(Sighting(measured, holding, gated, failed))
    return sightings


def _look_nearby(
    bench: Bench, measurements: Measurements, mode: str, holdings: Sequence[Holding]
) -> dict[Group, Sighting]:
    """The same groups at a point nearby; none where the loss or the engine fails there."""
    blocks = [group.block for group in bench.groups[mode]]
    with moved_nearby(bench, blocks) as point:
        if point is None:
            return {}
        try:
            reported = bench.subject.gradients(mode)
        except EngineError:
            return {}
        there = [holding_nearby(holding, reported) for holding in holdings]
        seen = _look(bench, measurements, mode, reported, there, point.name)
        return {sighting.group: sighting for sighting in seen}


def _judged(bench: Bench, given: Sighting, nearby: Sighting | None) -> Trial:
    measured = given.measured if nearby is None else given.measured.with_stops_of(nearby.measured)
    evidence = _evidence(bench, given, nearby, measured)
    return Trial(given.group, measured, judge(evidence, _contract_in(given.group, bench.settings.contract)))


def _evidence(bench: Bench, given: Sighting, nearby: Sighting | None, measured: MeasuredGroup) -> Evidence:
    jittered = None if nearby is None else nearby.in_columns_of(measured)
    return assemble(bench, given.holding, measured, given.in_columns_of(measured), jittered, given.failed)


def _contract_in(group: Group, contract: str) -> str:
    """The contract in one group: a named owner is meant where it is a slot of the group."""
    name = contract.partition(":")[2]
    return contract if not name or name in {slot.name for slot in group.slots} else "sum"
