"""One line a finding, for editors, grep and logs."""

from __future__ import annotations

from collections.abc import Iterator

from aliascheck.report import AuditResult, FileError, FindingResult, FixedFinding, Report
from aliascheck.reporters.page import Page
from aliascheck.reporters.visible import inert
from aliascheck.reporters.words import (
    fixed_line,
    flat,
    headline,
    mode,
    remarks,
    skip_reason,
    totals,
    unmet_line,
    unplaced,
    verdict,
)


def render(report: Report, page: Page) -> str:
    """`file:line: severity CODE name at slot [id, mode]: message` for each finding, the counts last."""
    audits = [audit for audit in report.audits if page.detail >= 0 or audit.needs_attention]
    lines = [
        *(_bad_file(error) for error in report.bad_files),
        *(text for audit in audits for text in audit_texts(audit)),
        *(_fixed(one, report) for one in report.fixed),
        totals(report),
        verdict(report),
    ]
    return "".join(inert(page.show(text)) + "\n" for text in lines)


def audit_texts(audit: AuditResult) -> Iterator[str]:
    """A line for each thing that is to be said of one result."""
    place = f"{audit.file}:{audit.line}" if audit.line > 0 else audit.file
    where = f"[{audit.id}, {mode(audit)}]"
    for finding in audit.findings:
        yield f"{place}: {finding.severity} {headline(finding)} {where}: {_message(finding)}"
    for unmet in audit.unmet:
        yield f"{place}: error unmet {where}: {unmet_line(unmet)}"
    if audit.status == "skipped":
        yield f"{place}: info skipped {where}: {skip_reason(audit)}"
    elif audit.error is not None:
        yield f"{place}: error {where}: {flat(audit.error)}"


def _message(finding: FindingResult) -> str:
    return flat(finding.message) + "".join(f" ({said})" for said in remarks(finding))


def _bad_file(error: FileError) -> str:
    place = error.file if error.line is None else f"{error.file}:{error.line}"
    return f"{place}: error: {flat(unplaced(error))}"


def _fixed(one: FixedFinding, report: Report) -> str:
    names = {(audit.file, audit.key or audit.id): audit.line for audit in report.audits}
    line = names.get((one.file, one.id))
    place = one.file if line is None else f"{one.file}:{line}"
    return f"{place}: {'error' if one.fails else 'info'} fixed: {fixed_line(one)}"
