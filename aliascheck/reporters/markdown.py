"""GitHub-flavoured Markdown, for the summary of a job: what failed first, the rest folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from aliascheck.report import AuditResult, FileError, FixedFinding, Report
from aliascheck.reporters.audit import mark_of
from aliascheck.reporters.markdown_audit import audit_block, finding_title, place
from aliascheck.reporters.markdown_text import code, code_block, folded, html_code, prose, table
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import MARKS
from aliascheck.reporters.visible import inert
from aliascheck.reporters.words import as_it_should, count, mode, skip_reason, totals, unplaced, verdict

MOST = 400_000  # bytes of each part: GitHub takes a summary of one mebibyte, and drops a larger one


def render(report: Report, page: Page) -> str:
    """Totals, what needs attention in full, what the baseline no longer needs, all others folded."""
    bad = [audit for audit in report.audits if audit.needs_attention]
    good = [audit for audit in report.audits if audit.status == "passed"]
    skipped = [audit for audit in report.audits if audit.status == "skipped"]
    mark = MARKS["clean" if report.ok else "bad"]
    blocks = [
        f"## {mark} aliascheck: {'nothing unexpected' if report.ok else 'needs attention'}",
        f"{prose(totals(report))}\n{prose(verdict(report))}",
        *_part("### Case files that could not be read", [_bad_file(error) for error in report.bad_files]),
        *_part("### Not as it must be", [audit_block(audit) for audit in bad]),
        *_part("### Fixed: in the baseline, and gone", _listed([_fixed(one) for one in report.fixed])),
    ]
    if page.detail >= 0:
        blocks += _folded(f"{count(len(good), 'result')} {as_it_should(report)}", good, page)
        blocks += _folded(f"{len(skipped)} skipped", skipped, page)
    return "".join(inert(line) + "\n" for line in "\n\n".join(blocks).split("\n"))


def _part(heading: str, blocks: Sequence[str]) -> list[str]:
    return [heading, *_within(blocks)] if blocks else []


def _within(blocks: Sequence[str]) -> list[str]:
    """As many blocks as there is room for, and how many there are beyond."""
    room = MOST
    for number, block in enumerate(blocks):
        room -= len(block.encode("utf-8", "replace"))
        if room < 0:
            return [*blocks[:number], f"*{len(blocks) - number} more: another report has room for them.*"]
    return list(blocks)


def _listed(lines: Sequence[str]) -> list[str]:
    return ["\n".join(lines)] if lines else []


def _bad_file(error: FileError) -> str:
    return f"{place(error.file, error.line)}\n\n{code_block(unplaced(error))}"


def _fixed(finding: FixedFinding) -> str:
    at = "" if finding.slot is None else f" at {code(finding.slot)}"
    what = f"{prose(finding.code)} {prose(finding.name)}{at}"
    return f"- {what}: {code(finding.file)} {code(finding.loss or finding.id)} ({prose(mode(finding))})"


def _folded(summary: str, audits: Sequence[AuditResult], page: Page) -> list[str]:
    """A folded part with a folded table, or with all that is known, for each file."""
    files = [(file, list(some)) for file, some in groupby(audits, key=lambda audit: audit.file)]
    parts = [folded(html_code(file), _file(some, page)) for file, some in files]
    return [folded(summary, "\n\n".join(_within(parts)))] if parts else []


def _file(audits: Sequence[AuditResult], page: Page) -> str:
    if page.detail > 0:
        return "\n\n".join(map(audit_block, audits))
    return table(("", "line", "audit", "", "mode", ""), [list(_row(audit)) for audit in audits])


def _row(audit: AuditResult) -> Iterator[str]:
    yield MARKS[mark_of(audit)]
    yield str(audit.line)
    yield code(audit.id)
    yield prose(audit.title or audit.loss_text)
    yield prose(mode(audit))
    skipped = audit.status == "skipped"
    yield prose(skip_reason(audit)) if skipped else ", ".join(map(finding_title, audit.findings))
