"""Sentences that more than one reporter says."""

from __future__ import annotations

from aliascheck.report import AuditResult, FindingResult, Report

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 audit`, `2 audits`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def spelled(number: int, noun: str, plural: str | None = None) -> str:
    """`one cell`, `two places`, `12 cells`."""
    word = NUMBERS[number] if number < len(NUMBERS) else str(number)
    return f"{word} {noun if number == 1 else plural or noun + 's'}"


def headline(finding: FindingResult) -> str:
    """`AC102 misplaced at x`."""
    at = "" if finding.slot is None else f" at {finding.slot}"
    return f"{finding.code} {finding.name}{at}"


def skip_reason(audit: AuditResult) -> str:
    """Why an audit did not run."""
    return audit.error or (audit.notes[0] if audit.notes else "no reason given")


def totals(report: Report) -> str:
    """How many audits ran, and how many of their results are as expected."""
    summary = report.summary
    ran = f"{count(summary.audits, 'audit')}, {count(summary.results, 'result')}"
    unread = len(report.bad_files)
    counts = [
        f"{summary.passed} as expected{_known(report.audits)}",
        f"{summary.failed} failed" if summary.failed else "",
        count(summary.errors - unread, "error") if summary.errors > unread else "",
        f"{summary.skipped} skipped" if summary.skipped else "",
        f"{count(unread, 'file')} could not be read" if unread else "",
    ]
    return f"{ran}: {', '.join(part for part in counts if part)}. {_seconds(summary.seconds)}"


def verdict(report: Report) -> str:
    """The exit code and its reason."""
    summary = report.summary
    reason = summary.reason or ("nothing unexpected" if report.ok else "see above")
    return f"Exit {summary.exit_code}: {reason.removesuffix('.')}."


def _known(audits: list[AuditResult]) -> str:
    shown = [audit for audit in audits if audit.status == "passed" and audit.findings]
    known = sum(all(finding.expected for finding in audit.findings) for audit in shown)
    parts = [
        f"{known} {'shows' if known == 1 else 'show'} known findings" if known else "",
        f"{len(shown) - known} with findings below the bar" if len(shown) > known else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
