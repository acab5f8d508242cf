"""What an audit found, as plain data of a report."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing import Coverage, GroupOutcome, Outcome, SlotOutcome
from aliascheck.memory import format_path
from aliascheck.report import (
    LARGEST_PICTURED,
    LARGEST_SHOWN,
    AuditResult,
    CoverageResult,
    FindingResult,
    GroupResult,
    Lane,
    MatrixResult,
    SlotResult,
    SpotResult,
    encode,
)
from aliascheck.verdicts.evidence import Spot
from aliascheck.verdicts.judge import Finding

MOST_CELLS = 1 << 20  # of a group whose lanes are looked at
MOST_RUNS = 64  # of a lane


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
        matrix=_matrix(slot),
    )


def _matrix(slot: SlotOutcome) -> MatrixResult | None:
    """All elements of a matrix of which the row shows norms only, where it is small enough and known."""
    shape = slot.plan.array.shape
    if slot.path is None or slot.total is None or np.shape(slot.reported) != shape:
        return None
    rows, columns = shape[0] if shape else 1, math.prod(shape[1:])
    if not LARGEST_SHOWN < rows * columns <= LARGEST_PICTURED or min(rows, columns) < 2:
        return None
    reported, path, total = (_rows(array, rows) for array in (slot.reported, slot.path, slot.total))
    return MatrixResult(reported=reported, path=path, total=total)


def _rows(array: Any, rows: int) -> list[Any]:
    return [encode(row) for row in np.asarray(array, float).reshape(rows, -1).tolist()]


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
    """Which cells each slot and access reads, where that can be told in a few numbers."""
    group = outcome.group
    size = len(group.cells)
    if size > MOST_CELLS:
        return []
    arrays = {slot.name: slot.array for slot in group.slots}
    arrays.update({access.name: access.array for access in group.accesses})
    if size <= LARGEST_SHOWN:
        cells = {name: np.flatnonzero(group.cells.shown_by(array)) for name, array in arrays.items()}
        return [Lane(name=name, cells=own.tolist()) for name, own in cells.items()]
    runs = {name: _runs(group.cells.shown_by(array)) for name, array in arrays.items()}
    if any(len(several) > MOST_RUNS for several in runs.values()):
        return []
    return [Lane(name=name, cells=[], runs=several.tolist()) for name, several in runs.items()]


def _runs(shown: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Marked cells as stretches without a hole. Shapes: (stretches, 2)."""
    return np.flatnonzero(np.diff(shown, prepend=False, append=False)).reshape(-1, 2)


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
