"""What an audit found, as plain data of a report."""

from __future__ import annotations

import numpy as np

from aliascheck.auditing import Coverage, GroupOutcome, Outcome, SlotOutcome
from aliascheck.memory import format_path
from aliascheck.report import (
    LARGEST_SHOWN,
    AuditResult,
    CoverageResult,
    FindingResult,
    GroupResult,
    Lane,
    SlotResult,
    SpotResult,
    encode,
)
from aliascheck.verdicts.evidence import Spot
from aliascheck.verdicts.judge import Finding


def fill(result: AuditResult, outcome: Outcome, seed: int) -> None:
    """Put what an audit found into a result that names it."""
    result.loss = encode(outcome.loss)
    result.entries = {name: encode(tangent) for name, tangent in outcome.entries.items()}
    result.slots = [_slot(slot) for slot in outcome.slots]
    result.groups = [_group(group) for group in outcome.groups]
    result.findings = [_finding(found) for found in outcome.findings]
    result.evaluations = outcome.evaluations
    result.seconds = outcome.seconds
    result.notes = list(outcome.notes)
    result.seed = seed


def _slot(slot: SlotOutcome) -> SlotResult:
    return SlotResult(
        name=slot.plan.name,
        shape=list(slot.plan.array.shape),
        reported=encode(slot.reported),
        path=None if slot.path is None else encode(slot.path),
        total=None if slot.total is None else encode(slot.total),
        error_bound=None if slot.bound is None else encode(slot.bound),
        verdict=slot.word,
        names=[format_path(path) for path in slot.plan.paths],
    )


def _group(outcome: GroupOutcome) -> GroupResult:
    group, attribution = outcome.group, outcome.judgement.attribution
    columns = range(len(outcome.columns))
    return GroupResult(
        slots=[slot.name for slot in group.slots],
        accesses=list(outcome.columns),
        attribution=[[attribution.entry(i, a) for a in columns] for i in range(len(group.slots))],
        residual=encode(attribution.residual),
        conserved=attribution.conserved,
        cells=len(group.cells),
        coverage=_coverage(outcome.coverage),
        memory=_lanes(outcome),
    )


def _coverage(coverage: Coverage) -> CoverageResult:
    smallest = coverage.smallest_fault
    return CoverageResult(
        exact=coverage.exact,
        directions=coverage.directions,
        finer=coverage.finer,
        jointly=coverage.jointly,
        smallest_fault=None if smallest is None else encode(smallest),
    )


def _lanes(outcome: GroupOutcome) -> list[Lane]:
    """Which cells each slot and access reads, for groups of few cells."""
    group = outcome.group
    if len(group.cells) > LARGEST_SHOWN:
        return []
    arrays = {slot.name: slot.array for slot in group.slots}
    arrays.update({access.name: access.array for access in group.accesses})
    return [
        Lane(name=name, cells=np.unique(group.cells.of(array)).tolist()) for name, array in arrays.items()
    ]


def _spot(spot: Spot | None) -> SpotResult | None:
    if spot is None:
        return None
    shown = [list(rectangle) for rectangle in spot.rectangles[:LARGEST_SHOWN]]
    return SpotResult(shape=list(spot.shape), rectangles=shown, more=len(spot.rectangles) > len(shown))


def _finding(found: Finding) -> FindingResult:
    return FindingResult(
        code=found.code,
        name=found.name,
        severity=found.severity,
        slot=found.slot,
        accesses=list(found.accesses),
        cause=found.cause,
        share=found.share,
        where=found.where,
        message=found.message,
        remedy=found.remedy,
        spot=_spot(found.spot),
    )
