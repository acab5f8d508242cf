"""An audit that failed as pytest shows it: the table, and what was found in one line."""

from __future__ import annotations

from collections.abc import Iterator

from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from aliascheck.report import AuditResult, Report, summarize
from aliascheck.reporters.page import Page
from aliascheck.reporters.table import render
from aliascheck.reporters.words import flat, unmet_line


def shown(result: AuditResult, *, table: bool) -> ReprExceptionInfo:
    """A failure in the shape of a traceback: xdist sends no other as it is."""
    entries = [ReprEntryNative([_table(result) + "\n"])] if table else []
    return ReprExceptionInfo(
        reprtraceback=ReprTraceback(entries, extraline=None, style="native"),
        reprcrash=ReprFileLocation(result.file, result.line, gist(result)),
    )


def _table(result: AuditResult) -> str:
    summary = summarize([result], [], result.seconds, 1, "")
    text = render(Report(summary=summary, audits=[result]), Page(detail=1))
    return "\n".join(text.rstrip().splitlines()[:-3]).rstrip()


def gist(result: AuditResult) -> str:
    """What is wrong with an audit: `AC103:x partial; expected gradients.x = [2.0], got [1.0]`."""
    if result.error is not None:
        return flat(result.error).removeprefix(f"{result.file}: audit[{result.id}]: ")
    return "; ".join(part for part in (_found(result), *_unmet(result)) if part)


def _found(result: AuditResult) -> str:
    surplus = [label for unmet in result.unmet for label in unmet.surplus]
    wrong = [
        finding
        for finding in result.findings
        if not finding.expected and (finding.label in surplus or finding.is_as_bad_as("error"))
    ]
    return ", ".join(dict.fromkeys(f"{finding.label} {finding.name}" for finding in wrong))


def _unmet(result: AuditResult) -> Iterator[str]:
    for unmet in result.unmet:
        if unmet.missing:
            yield f"expected {', '.join(unmet.missing)}"
    for unmet in result.unmet:
        if not unmet.missing and not unmet.surplus:
            yield unmet_line(unmet)
