"""Sentences that more than one reporter says."""

from __future__ import annotations

from aliascheck.report import AuditResult, FileError, FindingResult, FixedFinding, Report, Unmet

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 audit`, `2 audits`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def spelled(number: int, noun: str, plural: str | None = None) -> str:
    """`one cell`, `two places`, `12 cells`, `160,000 cells`."""
    word = NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"
    return f"{word} {noun if number == 1 else plural or noun + 's'}"


def headline(finding: FindingResult) -> str:
    """`AC102 misplaced at x`."""
    return named(finding.code, finding.name, finding.slot)


def named(code: str, name: str, slot: str | None) -> str:
    """A finding by its code, its name and its slot."""
    return f"{code} {name}" + ("" if slot is None else f" at {slot}")


def asked(file: str, audit: str, engine: str, mode: str) -> str:
    """An audit in a mode: `cases/tied.toml 5 implicit`."""
    return " ".join(part for part in (file, audit, "" if engine == "builtin" else engine, mode) if part)


def is_known(finding: FindingResult) -> bool:
    """Whether a finding is no surprise: the case expects it, or the baseline records it as it is."""
    return finding.baseline == "known" or (finding.expected and finding.baseline is None)


def standing(audit: AuditResult) -> list[str]:
    """Whether the case expects what was found, and what the baseline knows of it."""
    if not audit.findings:
        return []
    told = [f"expected by the case: {_expected(audit)}"] if audit.has_case else []
    if any(finding.baseline is not None for finding in audit.findings):
        told.append(f"in the baseline: {_recorded(audit)}")
    return told


def _expected(audit: AuditResult) -> str:
    if not audit.expects and not any(finding.expected for finding in audit.findings):
        return "it does not say"
    return _all_but([finding for finding in audit.findings if not finding.expected], audit.findings)


def _recorded(audit: AuditResult) -> str:
    told = _all_but([finding for finding in audit.findings if finding.baseline != "known"], audit.findings)
    changed = [
        f"{headline(finding)} was {finding.was or 'without a verdict'}"
        for finding in audit.findings
        if finding.baseline == "changed"
    ]
    return "; ".join([told, *changed])


def _all_but(surprises: list[FindingResult], findings: list[FindingResult]) -> str:
    if not surprises:
        return "yes"
    if len(surprises) == len(findings):
        return "no"
    return f"all but {', '.join(headline(finding) for finding in surprises)}"


def fixed_line(one: FixedFinding) -> str:
    """`AC102 misplaced at x (cases/tied.toml 5 implicit)`."""
    return (
        f"{named(one.code, one.name, one.slot)} ({asked(one.file, one.loss or one.id, one.engine, one.mode)})"
    )


def mode(audit: AuditResult | FixedFinding) -> str:
    """`implicit`; with the engine's name where it is not the bundled one."""
    return audit.mode if audit.engine == "builtin" else f"{audit.engine} {audit.mode}"


def remarks(finding: FindingResult) -> list[str]:
    """What the case and the baseline know of a finding."""
    said = ["expected by the case"] if finding.expected else []
    if finding.baseline == "changed":
        said.append(f"the baseline has {finding.was or 'no verdict'}")
    elif finding.baseline == "known":
        said.append("in the baseline")
    return said


def unmet_line(unmet: Unmet) -> str:
    """`expected gradients.x = [1], got [2]`, and whether the baseline knows it."""
    known = " (in the baseline)" if unmet.baseline == "known" else ""
    return f"expected {unmet.what} = {unmet.expected}, got {unmet.got}{known}"


def advice(finding: FindingResult) -> list[tuple[str, str]]:
    """What a finding says beyond its message: why, where, and what to do, each with its label."""
    parts = (("Why", finding.cause), ("Where", finding.where), ("Do", finding.remedy))
    return [(label, text) for label, text in parts if text and text not in finding.message]


def flat(message: str) -> str:
    """A message on one line, without its snippet's caret."""
    return " ".join(part.strip() for part in message.splitlines() if part.strip(" ^~"))


def unplaced(error: FileError) -> str:
    """What is wrong with a case file, without its name."""
    return error.message.removeprefix(f"{error.file}: ")


def skip_reason(audit: AuditResult) -> str:
    """Why an audit did not run."""
    return audit.error or (audit.notes[0] if audit.notes else "no reason given")


def totals(report: Report) -> str:
    """How many audits ran, and how many of their results are as expected."""
    summary = report.summary
    ran = f"{count(summary.audits, 'audit')}, {count(summary.results, 'result')}"
    unread = len(report.bad_files)
    counts = [
        f"{summary.passed} {as_it_should(report)}{_known(report.audits)}",
        f"{summary.failed} failed" if summary.failed else "",
        count(summary.errors - unread, "error") if summary.errors > unread else "",
        f"{summary.skipped} skipped" if summary.skipped else "",
        f"{count(unread, 'file')} could not be read" if unread else "",
    ]
    return f"{ran}: {', '.join(part for part in counts if part)}. {_seconds(summary.seconds)}"


def as_it_should(report: Report) -> str:
    """What is said of results without errors: only a case can expect them."""
    has_cases = not report.audits or any(audit.has_case for audit in report.audits)
    return "as expected" if has_cases else "without errors"


def verdict(report: Report) -> str:
    """The exit code and its reason."""
    summary = report.summary
    reason = summary.reason or ("nothing unexpected" if report.ok else "see above")
    return f"Exit {summary.exit_code}: {reason.removesuffix('.')}."


def _known(audits: list[AuditResult]) -> str:
    shown = [audit for audit in audits if audit.status == "passed" and audit.findings]
    known = sum(all(map(is_known, audit.findings)) for audit in shown)
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
