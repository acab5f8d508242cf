"""From an audit's outcome to plain data, held against what the case expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from aliascheck.audit import Coverage, GroupOutcome, Outcome, SlotOutcome
from aliascheck.cases import Audit, Case, Expectation, compare_entries
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
    Status,
    Unmet,
    encode,
)
from aliascheck.runner.selection import Selection
from aliascheck.subjects.program import Plain
from aliascheck.verdicts.evidence import Spot
from aliascheck.verdicts.judge import Finding

WEIGHT = {"info": 0, "warning": 1, "error": 2}


def blank_result(case: Case, audit: Audit, mode: str, selection: Selection, status: Status) -> AuditResult:
    """A result that names the audit and says nothing of it yet."""
    return AuditResult(
        file=case.path,
        line=audit.line,
        id=audit.id,
        title=audit.title,
        engine=selection.engine_of(case),
        mode=mode,
        contract=selection.contract or audit.contract or "sum",
        status=status,
        loss=None,
        case_title=case.title,
        loss_text=audit.loss_text,
        params=list(audit.params),
    )


def result_of(
    case: Case, audit: Audit, selection: Selection, outcome: Outcome, bindings: Mapping[str, Any], seed: int
) -> AuditResult:
    """What one mode of an audit found, and whether that is what the case expects."""
    expectation = case.expectation(audit, outcome.mode, selection.engine_of(case))
    unmet = _unmet(expectation, outcome, bindings)
    result = blank_result(case, audit, outcome.mode, selection, "passed")
    result.loss = encode(outcome.loss)
    result.entries = {name: encode(tangent) for name, tangent in outcome.entries.items()}
    result.slots = [_slot(slot) for slot in outcome.slots]
    result.groups = [_group(group) for group in outcome.groups]
    result.findings = [_finding(found, expectation) for found in outcome.findings]
    result.evaluations = outcome.evaluations
    result.seconds = outcome.seconds
    result.expects = expectation is not None
    result.unmet = unmet
    result.notes = list(outcome.notes)
    result.seed = seed
    if unmet or _unexpected(expectation, outcome, selection.fail_on):
        result.status = "failed"
    return result


def _unmet(expectation: Expectation | None, outcome: Outcome, bindings: Mapping[str, Any]) -> list[Unmet]:
    unmet: list[Unmet] = []
    if expectation is None:
        return unmet
    if expectation.gradients is not None:
        differing = compare_entries(
            expectation.gradients, outcome.entries, lambda text: text.evaluate(Plain(bindings))
        )
        unmet += [
            Unmet(what=f"gradients.{one.path}", expected=one.expected, got=one.got) for one in differing
        ]
    if expectation.findings is not None:
        found = list(dict.fromkeys(finding.label for finding in outcome.findings))
        if sorted(found) != sorted(expectation.findings):
            unmet.append(Unmet(what="findings", expected=_listed(expectation.findings), got=_listed(found)))
    return unmet


def _listed(labels: Any) -> str:
    return "[" + ", ".join(labels) + "]"


def _unexpected(expectation: Expectation | None, outcome: Outcome, fail_on: str) -> bool:
    """Whether something is found that the case does not speak of, and that is bad enough to fail."""
    if expectation is not None and expectation.findings is not None:
        return False
    return any(WEIGHT[found.severity] >= WEIGHT[fail_on] for found in outcome.findings)


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


def _finding(found: Finding, expectation: Expectation | None) -> FindingResult:
    expected = expectation is not None and found.label in (expectation.findings or ())
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
        expected=expected,
    )
