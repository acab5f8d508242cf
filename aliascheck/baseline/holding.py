"""Runs held against a baseline: what is known, new, changed and fixed."""

from __future__ import annotations

from pathlib import Path

from aliascheck.baseline.file import Baseline
from aliascheck.baseline.recorded import (
    Key,
    Recorded,
    question_of,
    record_of,
    record_of_unmet,
    recorded,
    said,
)
from aliascheck.memory import Data
from aliascheck.report import ANSWERED, AuditResult, FixedFinding, Report, Unmet, reason_of, summarize


class Scope(Data, frozen=True):
    """What a run looked at: all audits of the files below some paths (`whole`), or chosen ones of them.

    `as_cases_say` where the audits were judged by the contracts of the cases, as when they were recorded.
    """

    paths: tuple[Path, ...]
    whole: bool
    as_cases_say: bool = True

    def has_dropped(self, file: str) -> bool:
        """Whether a file lay below one of the paths, and is there no more."""
        path = Path(file).absolute()
        below = any(path.is_relative_to(top.absolute()) for top in self.paths)
        return self.whole and below and not path.exists()


def fixed(report: Report, baseline: Baseline, scope: Scope) -> list[Recorded]:
    """What is recorded and no longer found: its audit was run without it, or is there no more.

    Of engines that did not run nothing is known.
    """
    if not scope.as_cases_say:
        return []
    answered = {question_of(audit) for audit in report.audits if audit.status in ANSWERED}
    # An audit that fails to start has a result in one mode only.
    unanswered = {question_of(audit)[:3] for audit in report.audits if audit.status not in ANSWERED}
    ran = {(audit.file, audit.engine) for audit in report.audits}
    found = {one.key for one in recorded(report)}

    def is_gone(one: Recorded) -> bool:
        if one.question in answered:
            return one.key not in found
        if one.question[:3] in unanswered:
            return False
        return (scope.whole and (one.file, one.engine) in ran) or scope.has_dropped(one.file)

    return [one for one in baseline.findings if is_gone(one)]


def updated(report: Report, baseline: Baseline, scope: Scope) -> Baseline:
    """The baseline with what the report found, without what is fixed; what was not run is kept."""
    gone = {one.key for one in fixed(report, baseline, scope)}
    kept = {one.key: one for one in baseline.findings if one.key not in gone}
    return Baseline(findings=tuple((kept | {one.key: one for one in recorded(report)}).values()))


def hold_against(
    report: Report, baseline: Baseline, scope: Scope, *, name: str, fail_on: str, strict: bool
) -> None:
    """Mark in a report what is known, and let it fail for what is new or changed alone.

    With `strict` it fails for what is fixed and still recorded as well.
    """
    known = {one.key: one for one in baseline.findings}
    for audit in report.audits:
        _mark(audit, known)
        if audit.status in ANSWERED:
            audit.status = "failed" if _fails(audit, fail_on) else "passed"
    gone = fixed(report, baseline, scope)
    report.baseline = name
    report.fixed = [_as_fixed(one, strict) for one in sorted(gone, key=lambda one: one.key)]
    _conclude(report)


def _as_fixed(one: Recorded, strict: bool) -> FixedFinding:
    return FixedFinding(
        file=one.file,
        id=one.audit,
        engine=one.engine,
        mode=one.mode,
        code=one.code,
        slot=one.slot,
        name=one.name,
        loss=one.loss,
        fails=strict,
    )


def _mark(audit: AuditResult, known: dict[Key, Recorded]) -> None:
    for finding in audit.findings:
        now = record_of(audit, finding)
        before = known.get(now.key)
        if before is None:
            finding.baseline = None if finding.expected else "new"
        elif before.verdict != now.verdict:
            finding.baseline, finding.was = "changed", before.verdict
        else:
            finding.baseline = "known"
    for unmet in audit.unmet:
        unmet.baseline = "known" if _is_known(unmet, audit, known) else "new"


def _is_known(unmet: Unmet, audit: AuditResult, known: dict[Key, Recorded]) -> bool:
    surplus = [finding for finding in audit.findings if finding.label in unmet.surplus]
    now = [record_of_unmet(audit, *one) for one in said(unmet)]
    as_before = all(one.key in known and known[one.key].expected == one.expected for one in now)
    return as_before and not any(finding.baseline == "new" for finding in surplus)


def _fails(audit: AuditResult, fail_on: str) -> bool:
    spoken = any(unmet.what == "findings" for unmet in audit.unmet)
    return any(unmet.baseline == "new" for unmet in audit.unmet) or any(
        finding.baseline == "changed"
        or (finding.baseline == "new" and not spoken and finding.is_as_bad_as(fail_on))
        for finding in audit.findings
    )


def _conclude(report: Report) -> None:
    """The counts, the exit code and its reason, now that some of what was found is known."""
    summary = report.summary
    code = summary.exit_code if summary.exit_code > 1 else 0
    failed = any(audit.status == "failed" for audit in report.audits)
    stale = any(one.fails for one in report.fixed)
    code = max(code, int(failed or stale))
    reason = reason_of(code, report.audits, len(report.bad_files)) if code <= 4 else summary.reason
    if stale:
        number = len(report.fixed)
        told = f"{number} fixed finding{'' if number == 1 else 's'} still recorded in {report.baseline}"
        reason = f"{reason}, {told}" if reason else told
    report.summary = summarize(report.audits, report.bad_files, summary.seconds, code, reason)
    report.summary.strict_skips = summary.strict_skips
