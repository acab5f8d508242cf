"""One audit: in one line where nothing is wrong, in full otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.text import Text

from aliascheck.report import AuditResult
from aliascheck.reporters.findings import finding_lines, message_lines, unmet_lines
from aliascheck.reporters.layout import NARROWEST, Cell, cut, ends, hanging, line
from aliascheck.reporters.matrix import group_lines
from aliascheck.reporters.numbers import as_number, format_number
from aliascheck.reporters.page import Page
from aliascheck.reporters.slots import slot_lines
from aliascheck.reporters.styles import MARK_STYLES, MARKS, PLAIN, QUIET, STRONG
from aliascheck.reporters.words import mode, skip_reason

INDENT = 5
FACT_GAP = " " * 6
FACT_LABEL = 10
LONGEST_TITLE = 4  # lines


def mark_of(audit: AuditResult) -> str:
    """The mark that says how an audit went: `clean`, `known`, `bad` or `skipped`."""
    if audit.needs_attention:
        return "bad"
    if audit.status == "skipped":
        return "skipped"
    return "known" if audit.findings else "clean"


def brief_lines(results: Sequence[AuditResult], page: Page, id_width: int) -> list[Text]:
    """Results of one audit that need no more than a line: clean ones, or skipped ones with their reason."""
    first = results[0]
    head = _head(first, page, id_width)
    tail = page.show(" ".join(mode(audit) for audit in results))
    skipped = mark_of(first) == "skipped"
    room = page.width - _width(head) - cell_len(tail) - 2
    title = cut(page.show(_title(first)), room, page)
    lines = [ends([*head, (title, QUIET if skipped else PLAIN)], [(tail, QUIET)], page)]
    if skipped:
        lines += hanging(("skipped: ", QUIET), page.show(skip_reason(first)), page, indent=INDENT, hang=2)
    return lines


def full_lines(audit: AuditResult, page: Page, id_width: int) -> list[Text]:
    """All that is known about one result."""
    lines = [*_title_lines(audit, page, id_width), *_fact_lines(audit, page)]
    if audit.slots:
        lines += [line(), *slot_lines(audit.slots, page, known=not audit.needs_attention, indent=INDENT)]
    misplaced = any(finding.code == "AC102" for finding in audit.findings)
    lines += group_lines(audit.groups, page, misplaced=misplaced, indent=INDENT)
    sentences = [
        *finding_lines(audit, page, indent=INDENT),
        *unmet_lines(audit, page, indent=INDENT),
    ]
    for note in audit.notes:
        sentences += message_lines("note: ", note, page, indent=INDENT, style=QUIET)
    if audit.error is not None:
        sentences += message_lines("error: ", audit.error, page, indent=INDENT)
    return [*lines, line(), *sentences] if sentences else lines


def _title_lines(audit: AuditResult, page: Page, id_width: int) -> list[Text]:
    head = _head(audit, page, id_width)
    tail = page.show(mode(audit))
    narrower = replace(page, width=max(NARROWEST, page.width - cell_len(tail) - 2))
    start = _width(head)
    lines = hanging(("", PLAIN), page.show(_title(audit)), narrower, indent=start, hang=0, most=LONGEST_TITLE)
    return [ends([*head, (lines[0].plain[start:], STRONG)], [(tail, QUIET)], page), *lines[1:]]


def _fact_lines(audit: AuditResult, page: Page) -> list[Text]:
    facts = [(label, page.show(text)) for label, text in _facts(audit) if text]
    row = line(indent=INDENT)
    for number, (label, text) in enumerate(facts):
        row.append(FACT_GAP if number else "")
        row.append(f"{label} ", QUIET).append(text)
    if row.cell_len <= page.width:
        return [row] if facts else []
    return [
        text
        for label, content in facts
        for text in hanging((label, QUIET), content, page, indent=INDENT, hang=FACT_LABEL, most=4)
    ]


def _facts(audit: AuditResult) -> list[tuple[str, str]]:
    number = as_number(audit.loss)
    value = "" if number is None else f" = {format_number(number)}"
    return [
        ("loss", f"{audit.loss_text}{value}".removeprefix(" = ")),
        ("params", ", ".join(audit.params)),
        ("contract", audit.contract),
    ]


def _head(audit: AuditResult, page: Page, id_width: int) -> list[Cell]:
    mark = mark_of(audit)
    name = page.show(audit.id)
    pad = " " * max(0, id_width - cell_len(name))
    return [(page.show(MARKS[mark]) + " ", MARK_STYLES[mark]), (name + pad + "  ", STRONG)]


def _width(cells: Sequence[Cell]) -> int:
    return sum(cell_len(content) for content, _ in cells)


def _title(audit: AuditResult) -> str:
    return audit.title or audit.loss_text
