"""The same audits on several engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from aliascheck.memory import replace
from aliascheck.report import AuditResult, Report, reason_of, summarize
from aliascheck.runner.interrupts import INTERRUPTED, interrupts_held
from aliascheck.runner.run import Progress, run_cases
from aliascheck.runner.selection import BUNDLED, Selection


def run_on_engines(
    paths: Sequence[Path],
    selection: Selection,
    engines: Sequence[str],
    on_progress: Progress | None = None,
) -> Report:
    """Audit programs on each of some engines, and Python models on their own, all in one report.

    Results stand in the order of the audits, those of one audit in the order of the engines. `on_progress` is
    told how many audits are done, how many there are, and which comes next.

    Raises: UsageError where a path does not exist, nothing is left to run, or a Python case is named
    without trust.
    """
    reports: list[Report] = []
    with interrupts_held() as interrupts:
        for number, engine in enumerate(engines):
            chosen = replace(selection, engine=engine, programs=number > 0)
            if reports and (interrupts.seen or not _has_programs(reports[0], engines[0])):
                break
            reports.append(run_cases(paths, chosen, _shifted(on_progress, number, len(engines))))
            if reports[-1].summary.exit_code == INTERRUPTED:
                break
    return _merged(reports)


def _has_programs(report: Report, engine: str) -> bool:
    return engine != BUNDLED or any(audit.engine == engine for audit in report.audits)


def _shifted(on_progress: Progress | None, number: int, passes: int) -> Progress | None:
    if on_progress is None:
        return None
    tell: Callable[[int, int, str], None] = on_progress
    return lambda done, total, what: tell(number * total + done, passes * total, what)


def _merged(reports: Sequence[Report]) -> Report:
    first = reports[0]
    order: dict[tuple[str, str], list[AuditResult]] = {}
    for report in reports:
        for audit in report.audits:
            order.setdefault((audit.file, audit.id), []).append(audit)
    audits = [audit for same in order.values() for audit in same]
    code = max(report.summary.exit_code for report in reports)
    seconds = sum(report.summary.seconds for report in reports)
    reason = "interrupted" if code == INTERRUPTED else reason_of(code, audits, len(first.bad_files))
    first.audits = audits
    for report in reports[1:]:
        if first.origin is not None and report.origin is not None:
            first.origin.engines |= report.origin.engines
    first.summary = summarize(audits, first.bad_files, seconds, code, reason)
    return first
