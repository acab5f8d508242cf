"""One line a finding, for editors, grep and logs."""

from __future__ import annotations

from collections.abc import Iterator

from aliascheck.report import AuditResult, FileError, FindingResult, Report
from aliascheck.reporters.page import Page
from aliascheck.reporters.words import fixed_line, headline, skip_reason, totals, verdict


def render(report: Report, page: Page) -> str:
    """`file:line: severity CODE name at slot [id, mode]: message` for each finding, the counts last."""
    audits = [audit for audit in report.audits if page.detail >= 0 or audit.needs_attention]
    lines = [
        *(text for error in report.bad_files for text in _bad_file(error)),
        *(text for audit in audits for text in _audit_lines(audit)),
        *(f"{one.file}: info fixed: {fixed_line(one)}" for one in report.fixed),
        totals(report),
        verdict(report),
    ]
    return "".join(page.show(text) + "\n" for text in lines)


def _audit_lines(audit: AuditResult) -> Iterator[str]:
    place = f"{audit.file}:{audit.line}"
    where = f"[{audit.id}, {audit.mode}]"
    for finding in audit.findings:
        yield f"{place}: {finding.severity} {headline(finding)} {where}: {_message(finding)}"
    for unmet in audit.unmet:
        said = f"expected {unmet.what} = {unmet.expected}, got {unmet.got}"
        known = " (in the baseline)" if unmet.baseline == "known" else ""
        yield f"{place}: error unmet {where}: {said}{known}"
    if audit.status == "skipped":
        yield f"{place}: info skipped {where}: {skip_reason(audit)}"
    elif audit.error is not None:
        yield f"{place}: error {where}: {_flat(audit.error)}"


def _message(finding: FindingResult) -> str:
    said = " (expected by the case)" if finding.expected else ""
    if finding.baseline == "changed":
        said += f" (the baseline has {finding.was or 'no verdict'})"
    elif finding.baseline == "known":
        said += " (in the baseline)"
    return _flat(finding.message) + said


def _bad_file(error: FileError) -> Iterator[str]:
    yield f"{error.file}: error: {_flat(error.message.removeprefix(f'{error.file}: '))}"


def _flat(message: str) -> str:
    return " ".join(part.strip() for part in message.splitlines() if part.strip(" ^~"))
