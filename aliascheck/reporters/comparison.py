"""One table: what each engine reports for each audit, by mode, beside what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from aliascheck.report import AuditResult, Report, SlotResult
from aliascheck.reporters import numbers
from aliascheck.reporters.layout import Cell, columns, columns_width, hanging, line, write
from aliascheck.reporters.markdown_text import code, prose, table
from aliascheck.reporters.page import Page
from aliascheck.reporters.slots import telling_bound, verdict_style
from aliascheck.reporters.styles import PLAIN, QUIET, STRONG
from aliascheck.reporters.table import bad_file_lines
from aliascheck.reporters.visible import inert
from aliascheck.reporters.words import count, skip_reason

INDENT = 5
TRUTH = "finite differences"
NOTHING_ELSE = "-"


def render(report: Report, page: Page) -> str:
    """A block for each audit: a row for each engine and mode, a column for each slot.

    A cell holds the gradient and the verdict on it, the last row the finite differences: along the slot's
    own path, and of the memory where that is another number.
    """
    return write(_lines(report, page), page)


def _lines(report: Report, page: Page) -> Iterator[Text]:
    for error in report.bad_files:
        yield from bad_file_lines(error, page)
        yield line()
    for file, of_file in groupby(report.audits, key=lambda audit: audit.file):
        yield line((page.show(file), STRONG))
        yield line()
        for _, results in groupby(of_file, key=lambda audit: audit.id):
            yield from _audit_lines(list(results), page)
            yield line()
    yield line((page.show(counts(report)), PLAIN))


def markdown(report: Report, page: Page) -> str:
    """The same in GitHub's Markdown: a table for each audit."""
    blocks = [f"{prose(error.file)}: {prose(' '.join(error.message.split()))}" for error in report.bad_files]
    for file, of_file in groupby(report.audits, key=lambda audit: audit.file):
        blocks.append(f"### {prose(file)}")
        for _, results in groupby(of_file, key=lambda audit: audit.id):
            blocks += _audit_blocks(list(results))
    return "".join(inert(line) + "\n" for line in "\n\n".join([*blocks, prose(counts(report))]).split("\n"))


def _audit_blocks(results: Sequence[AuditResult]) -> Iterator[str]:
    first = results[0]
    title = f"**{prose(first.id)}** {prose(first.title)}".rstrip()
    yield f"{title}: {code(first.loss_text)}" if first.loss_text else title
    head, *rows = ([prose(text) for text, _ in row] for row in table_of(results))
    if rows:
        yield table(head, rows)
    for audit in results:
        if audit.status in ("skipped", "error"):
            yield prose(_not_run(audit))


def _not_run(audit: AuditResult) -> str:
    return " ".join(f"{who(audit)}: {audit.status}: {skip_reason(audit)}".split())


def counts(report: Report) -> str:
    """How much was compared."""
    engines = list(dict.fromkeys(audit.engine for audit in report.audits))
    audits, results = count(report.summary.audits, "audit"), count(len(report.audits), "result")
    skipped = f", {report.summary.skipped} skipped" if report.summary.skipped else ""
    return f"{audits} on {', '.join(engines)}: {results}{skipped}."


def _audit_lines(results: Sequence[AuditResult], page: Page) -> Iterator[Text]:
    first = results[0]
    title = f"{first.id}  {first.title or first.loss_text}"
    yield from hanging(("", PLAIN), page.show(title), page, indent=2, hang=2)
    if first.title and first.loss_text:
        yield from hanging(("loss", QUIET), page.show(first.loss_text), page, indent=INDENT, hang=5)
    rows = table_of(results)
    styled = [[(page.show(text), style) for text, style in row] for row in rows]
    if columns_width(styled, indent=INDENT) <= page.width:
        yield from columns(styled, indent=INDENT)
    else:
        yield from _stacked(styled, page)
    for audit in results:
        if audit.status in ("skipped", "error"):
            yield from hanging(("", PLAIN), page.show(_not_run(audit)), page, indent=INDENT, hang=2)


def _stacked(rows: Sequence[Sequence[Cell]], page: Page) -> Iterator[Text]:
    """A row below the other, where the page is too narrow for columns."""
    head, *rest = rows
    for row in rest:
        name = " ".join(text for text, _ in row[:2] if text)
        yield line((name, STRONG), indent=INDENT)
        for (label, _), (text, style) in zip(head[2:], row[2:], strict=True):
            (first, *more) = hanging((label, QUIET), text, page, indent=INDENT + 2, hang=10)
            first.stylize(style, INDENT + 2 + max(10, len(label)))
            yield from (first, *more)


def who(audit: AuditResult) -> str:
    """An engine in a mode."""
    return f"{audit.engine} {audit.mode}"


def table_of(results: Sequence[AuditResult]) -> list[list[Cell]]:
    """The results of one audit: a head, a row for each that could be completed, and the truth."""
    shown = [audit for audit in results if audit.slots]
    if not shown:
        return [[("engine", QUIET), ("mode", QUIET)]]
    names = _members(shown)
    head: list[Cell] = [("engine", QUIET), ("mode", QUIET), *((name, QUIET) for name in names)]
    others = list(dict.fromkeys(label for audit in shown for label in _unslotted(audit)))
    if others:
        head.append(("besides", QUIET))
    rows = [head]
    for audit in shown:
        slots = _by_name(audit)
        cells = [_reported(slots[name], audit) if name in slots else (NOTHING_ELSE, QUIET) for name in names]
        rest = [(", ".join(_unslotted(audit)) or NOTHING_ELSE, PLAIN)] if others else []
        rows.append([(audit.engine, STRONG), (audit.mode, PLAIN), *cells, *rest])
    rest = [("", PLAIN)] if others else []
    return [*rows, *([*row, *rest] for row in _truth_rows(names, shown))]


def _members(results: Sequence[AuditResult]) -> list[str]:
    """The slots of all results, by name: of those that some merge, the names that are in the set.

    An engine may know an array by further names, which are no members of it.
    """
    named = {name for audit in results for name in (*audit.params, *(slot.name for slot in audit.slots))}
    return [name for name in dict.fromkeys(n for audit in results for n in _by_name(audit)) if name in named]


def _by_name(audit: AuditResult) -> dict[str, SlotResult]:
    return {name: slot for slot in audit.slots for name in (slot.names or [slot.name])}


def _unslotted(audit: AuditResult) -> list[str]:
    """Findings about the audit as a whole, which no verdict at a slot tells."""
    return [finding.code for finding in audit.findings if finding.slot is None]


def _reported(slot: SlotResult, audit: AuditResult) -> Cell:
    digits = numbers.choose_digits((slot.reported, slot.path, slot.total), telling_bound(slot))
    value = numbers.format_value(slot.reported, digits)
    word = slot.verdict
    text = value if value == word else f"{value} {word}"
    return text, verdict_style(word, known=not audit.needs_attention)


def _truth_rows(names: Sequence[str], results: Sequence[AuditResult]) -> list[list[Cell]]:
    """The finite differences; those of each engine where an engine's memory aliases otherwise."""
    engines: dict[tuple[str, ...], list[str]] = {}
    for audit in {audit.engine: audit for audit in results}.values():
        slots = _by_name(audit)
        truth = tuple(_truth(slots[name]) if name in slots else NOTHING_ELSE for name in names)
        engines.setdefault(truth, []).append(audit.engine)
    return [
        [
            (TRUTH, QUIET),
            (", ".join(of) if len(engines) > 1 else "", QUIET),
            *((text, QUIET) for text in truth),
        ]
        for truth, of in engines.items()
    ]


def _truth(slot: SlotResult) -> str:
    """Along the slot's own path, and of its memory where that is another number."""
    digits = numbers.choose_digits((slot.path, slot.total), telling_bound(slot))
    path, total = (numbers.format_value(value, digits) for value in (slot.path, slot.total))
    return path if path == total else f"{path} of {total}"
