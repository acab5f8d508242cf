"""The table: what a person reads on a terminal."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.text import Text

from aliascheck.report import AuditResult, FileError, Report
from aliascheck.reporters.audit import INDENT, brief_lines, full_lines, mark_of
from aliascheck.reporters.findings import message_lines
from aliascheck.reporters.layout import hanging, line, write
from aliascheck.reporters.page import Page
from aliascheck.reporters.skipped import reason_shared, skipped_files
from aliascheck.reporters.styles import BAD, GOOD, MARKS, PLAIN, QUIET, SEPARATOR, STRONG
from aliascheck.reporters.words import count, fixed_line, totals, verdict

LONGEST_ID = 16  # beyond it ids are not padded to one width

Section = tuple[str, list[AuditResult]]
Block = list[Text]


def render(report: Report, page: Page) -> str:
    """The report as text, `page.width` cells wide."""
    return write(_lines(report, page), page)


def _lines(report: Report, page: Page) -> Iterator[Text]:
    for section in _sections(report, page):
        yield from section
        yield line()
    for one in report.fixed:
        yield from hanging(
            ("fixed ", BAD if one.fails else GOOD), page.show(fixed_line(one)), page, indent=0, hang=2
        )
    if report.fixed:
        yield from hanging(("", PLAIN), page.show(_stale(report)), page, indent=0, hang=2)
        yield line()
    yield from hanging(("", PLAIN), totals(report), page, indent=0, hang=2)
    end = hanging(("", PLAIN), page.show(verdict(report)), page, indent=0, hang=2)
    end[0].stylize(GOOD if report.ok else BAD)
    yield from end


def _stale(report: Report) -> str:
    number = len(report.fixed)
    are = "is no longer found" if number == 1 else "are no longer found"
    it = "it" if number == 1 else "them"
    update = f"aliascheck baseline -o {report.baseline}, with the paths of this run, takes {it} out"
    return f"{count(number, 'finding')} in {report.baseline} {are}: {update}"


def _sections(report: Report, page: Page) -> list[Block]:
    files = [(file, list(audits)) for file, audits in groupby(report.audits, key=lambda audit: audit.file)]
    skipped = [(file, audits) for file, audits in files if page.detail <= 0 and reason_shared(audits)]
    files = [one for one in files if one not in skipped]
    sections = [_file_section(file, audits, page) for file, audits in files]
    names = [file for file, _ in files]
    for error in sorted(report.bad_files, key=lambda error: error.file, reverse=True):
        sections.insert(bisect(names, error.file), bad_file_lines(error, page))
    if page.detail == 0:
        sections += skipped_files(skipped, page)
    return [section for section in sections if section]


def _file_section(file: str, audits: list[AuditResult], page: Page) -> Block:
    shown = [audit for audit in audits if page.detail >= 0 or audit.needs_attention]
    if not shown:
        return []
    widths = [cell_len(page.show(audit.id)) for audit in shown]
    id_width = max((width for width in widths if width <= LONGEST_ID), default=0)
    lines = [*_file_header(file, shown[0].case_title, page), line()]
    previous_is_full = False
    for number, (full, results) in enumerate(_runs(shown, page)):
        if number and (full or previous_is_full):
            lines.append(line())
        lines += full_lines(results[0], page, id_width) if full else brief_lines(results, page, id_width)
        previous_is_full = full
    return lines


def _runs(audits: Sequence[AuditResult], page: Page) -> Iterator[tuple[bool, list[AuditResult]]]:
    """Neighbours that share one line together, and each of the others alone."""

    def kind(audit: AuditResult) -> tuple[str, ...]:
        mark = mark_of(audit)
        brief = mark == "skipped" or (mark == "clean" and page.detail <= 0 and not audit.notes)
        return (audit.id, mark) if brief else ()

    for key, results in groupby(audits, key=kind):
        if key:
            yield False, list(results)
        else:
            yield from ((True, [audit]) for audit in results)


def _file_header(file: str, title: str, page: Page) -> Block:
    text = page.show(file + (SEPARATOR + title if title else ""))
    lines = hanging(("", PLAIN), text, page, indent=0, hang=2, most=3)
    lines[0].stylize(STRONG, 0, len(page.show(file)))
    return lines


def bad_file_lines(error: FileError, page: Page) -> Block:
    """A case file that could not be read, and why."""
    mark = (page.show(MARKS["bad"]) + " ", BAD)
    header = line(mark, (page.show(error.file), STRONG), ("  could not be read", QUIET))
    message = error.message.removeprefix(f"{error.file}: ")
    return [header, *message_lines("error: ", message, page, indent=INDENT)]
