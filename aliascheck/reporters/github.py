"""Annotations on the lines of case files, by the workflow commands of GitHub Actions.

What the case expects or the baseline knows is no annotation: GitHub shows ten of a kind for a step, and they
are for what is new. `-v` shows it as notices; what is fixed is a notice of its own, or an error where the run
fails for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aliascheck.report import AuditResult, FileError, FindingResult, FixedFinding, Report
from aliascheck.reporters.page import Page
from aliascheck.reporters.visible import inert
from aliascheck.reporters.words import (
    advice,
    headline,
    is_known,
    mode,
    named,
    remarks,
    skip_reason,
    totals,
    unmet_line,
    unplaced,
    verdict,
)

UNMET = "not as the case expects"
LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
Properties = Mapping[str, str | int | None]
DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = DATA | {":": "%3A", ",": "%2C"}


def render(report: Report, page: Page) -> str:
    """`::error file=...,line=...,title=...::message` for each new finding, the counts as text at the end."""
    strict = report.summary.strict_skips
    audits = [
        audit
        for audit in report.audits
        if page.detail >= 0 or audit.needs_attention or (strict and audit.status == "skipped")
    ]
    lines = [
        *(_bad_file(error, page) for error in report.bad_files),
        *(text for audit in audits for text in _audit(audit, page, strict)),
        *(_fixed(finding, page) for finding in report.fixed if finding.fails or page.detail >= 0),
        inert(page.show(totals(report))),
        inert(page.show(verdict(report))),
    ]
    return "".join(line + "\n" for line in lines)


def command(level: str, properties: Properties, message: str) -> str:
    """One workflow command, on one line; properties without a value are left out."""
    given = [f"{key}={escape_property(str(value))}" for key, value in properties.items() if value]
    return f"::{level} {','.join(given)}::{escape_data(message)}"


def escape_data(text: str) -> str:
    """`text` as the message of a command."""
    return "".join(DATA.get(char, char) for char in text)


def escape_property(text: str) -> str:
    """`text` as the value of a property of a command."""
    return "".join(PROPERTY.get(char, char) for char in text)


def _audit(audit: AuditResult, page: Page, strict_skips: bool) -> Iterator[str]:
    if audit.status == "error":
        yield _placed("error", audit, "not completed", [audit.error or ""], page)
    if audit.status == "skipped" and (strict_skips or page.detail > 0):
        level = "error" if strict_skips else "notice"
        yield _placed(level, audit, "skipped", [skip_reason(audit)], page)
    known = [unmet_line(unmet) for unmet in audit.unmet if unmet.baseline == "known"]
    new = [unmet_line(unmet) for unmet in audit.unmet if unmet.baseline != "known"]
    if new:
        yield _placed("error", audit, UNMET, new, page)
    if known and page.detail > 0:
        yield _placed("notice", audit, UNMET, known, page)
    for finding in audit.findings:
        if page.detail > 0 or not is_known(finding):
            yield _finding(finding, audit, page)


def _finding(finding: FindingResult, audit: AuditResult, page: Page) -> str:
    level = "notice" if is_known(finding) else LEVELS.get(finding.severity, "error")
    said = finding.message + "".join(f" ({remark})" for remark in remarks(finding))
    more = [f"{label}: {text}" for label, text in advice(finding)]
    return _placed(level, audit, headline(finding), [said, *more], page)


def _placed(level: str, audit: AuditResult, title: str, paragraphs: list[str], page: Page) -> str:
    about = f"{title} [{audit.id}, {mode(audit)}]"
    named = [*paragraphs, f"Audit: {audit.title}"] if audit.title else paragraphs
    place: Properties = {"file": page.show(audit.file), "line": max(0, audit.line)}
    return command(level, {**place, "title": page.show(about)}, _shown(named, page))


def _bad_file(error: FileError, page: Page) -> str:
    where = {"file": page.show(error.file), "line": error.line, "title": "case file could not be read"}
    return command("error", where, _shown([unplaced(error)], page))


def _fixed(finding: FixedFinding, page: Page) -> str:
    what = named(finding.code, finding.name, finding.slot)
    title = f"fixed: {what} [{finding.loss or finding.id}, {mode(finding)}]"
    where = {"file": page.show(finding.file), "title": page.show(title)}
    return command("error" if finding.fails else "notice", where, "in the baseline, and gone")


def _shown(paragraphs: list[str], page: Page) -> str:
    return "\n".join(page.show(line) for text in paragraphs for line in text.splitlines())
