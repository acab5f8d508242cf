"""SARIF 2.1.0, for code scanning: the catalogue as rules, a result for each finding and unmet audit.

What the case expects or the baseline knows is a suppressed result. Bad files and audits that could not be
completed are notifications of the run, since they say nothing about a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from aliascheck.report import AuditResult, FileError, FindingResult, FixedFinding, Report
from aliascheck.reporters.fingerprints import Fingerprints
from aliascheck.reporters.page import Page
from aliascheck.reporters.safe_json import write_json
from aliascheck.reporters.sarif_rules import INDICES, LEVELS, NOTIFICATIONS, RULES, UNMET
from aliascheck.reporters.words import (
    advice,
    fixed_line,
    headline,
    is_known,
    mode,
    remarks,
    skip_reason,
    unmet_line,
    unplaced,
)

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
COMPLETED = (0, 1)  # exit codes of a run that did all it was asked


def render(report: Report, page: Page) -> str:
    """One run: its rules, what it found, and what kept it from finding more."""
    tool = {
        "name": report.tool.name,
        "version": report.tool.version or "0",
        "rules": RULES,
        "notifications": NOTIFICATIONS,
    }
    run = {
        "tool": {"driver": tool},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": list(_results(report)),
    }
    return write_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _invocation(report: Report) -> dict[str, Any]:
    notes = [_bad_file(error) for error in report.bad_files]
    notes += [note for audit in report.audits for note in _notifications(audit, report.summary.strict_skips)]
    notes += [_stale(one) for one in report.fixed if one.fails]
    return {
        "executionSuccessful": report.summary.exit_code in COMPLETED,
        "exitCode": report.summary.exit_code,
        "exitCodeDescription": report.summary.reason or "none given",
        "toolExecutionNotifications": notes,
    }


def _results(report: Report) -> Iterator[dict[str, Any]]:
    fingerprints = Fingerprints()
    for audit in report.audits:
        for finding in audit.findings:
            prints = fingerprints.of(audit, finding.code, finding.slot)
            yield _finding(audit, finding) | {"partialFingerprints": prints}
        if audit.unmet:
            yield _unmet(audit) | {"partialFingerprints": fingerprints.of(audit, UNMET, None)}


def _finding(audit: AuditResult, finding: FindingResult) -> dict[str, Any]:
    said = [f"{headline(finding)}: {finding.message}", *(f"{word}: {text}" for word, text in advice(finding))]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": LEVELS.get(finding.severity, "error"),
        "message": _message([*said, _about(audit)]),
        "locations": [_location(audit, finding.slot)],
        "suppressions": _suppressions("; ".join(remarks(finding)) if is_known(finding) else ""),
        "properties": {"expected": finding.expected, "baseline": finding.baseline or "none"},
    }
    if finding.code in INDICES:  # a report of a later version may tell of more
        result["ruleIndex"] = INDICES[finding.code]
    return result


def _suppressions(why: str) -> list[dict[str, str]]:
    """SARIF 3.27.23: all results of a run have the list, or none has."""
    return [{"kind": "external", "status": "accepted", "justification": why}] if why else []


def _unmet(audit: AuditResult) -> dict[str, Any]:
    said = [unmet_line(unmet) for unmet in audit.unmet]
    known = all(unmet.baseline == "known" for unmet in audit.unmet)
    return {
        "ruleId": UNMET,
        "ruleIndex": INDICES[UNMET],
        "level": "error",
        "message": _message([*said, _about(audit)]),
        "locations": [_location(audit, None)],
        "suppressions": _suppressions("in the baseline" if known else ""),
    }


def _notifications(audit: AuditResult, strict_skips: bool) -> Iterator[dict[str, Any]]:
    if audit.status == "error":
        yield _notification("incomplete", "error", [audit.error or "no reason given", _about(audit)], audit)
    elif audit.status == "skipped":
        level = "error" if strict_skips else "note"
        yield _notification("skipped", level, [skip_reason(audit), _about(audit)], audit)


def _notification(name: str, level: str, said: list[str], audit: AuditResult) -> dict[str, Any]:
    return {
        "descriptor": {"id": name},
        "level": level,
        "message": _message(said),
        "locations": [_location(audit, None)],
    }


def _bad_file(error: FileError) -> dict[str, Any]:
    return {
        "descriptor": {"id": "bad-file"},
        "level": "error",
        "message": _message([unplaced(error)]),
        "locations": [{"physicalLocation": _physical(error.file, error.line or 0)}],
    }


def _stale(finding: FixedFinding) -> dict[str, Any]:
    return {
        "descriptor": {"id": "fixed"},
        "level": "error",
        "message": _message([f"{fixed_line(finding)}: in the baseline, and gone"]),
        "locations": [{"physicalLocation": _physical(finding.file, 0)}],
    }


def _about(audit: AuditResult) -> str:
    return f"Audit {audit.id} [{mode(audit)}]" + (f": {audit.title}" if audit.title else "")


def _location(audit: AuditResult, slot: str | None) -> dict[str, Any]:
    path = "/".join([audit.id, mode(audit), *([] if slot is None else [slot])])
    name = audit.id if slot is None else slot
    return {
        "physicalLocation": _physical(audit.file, audit.line),
        "logicalLocations": [{"name": name, "fullyQualifiedName": path}],
    }


def _physical(file: str, line: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if line > 0:
        place["region"] = {"startLine": line}
    return place


def _artifact(file: str) -> dict[str, str]:
    uri = quote(file, errors="surrogatepass")
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _message(said: list[str]) -> dict[str, str]:
    """Plain text; what SARIF would read as a link is no longer one."""
    return {"text": "\n".join(said).replace("](", "] (")}
