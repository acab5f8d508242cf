"""What would run, as a list."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from aliascheck.report import FileError
from aliascheck.reporters.layout import cut, ends, hanging, line
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import PLAIN, QUIET, SEPARATOR, STRONG
from aliascheck.reporters.table import bad_file_lines
from aliascheck.reporters.words import count
from aliascheck.runner import Planned

INDENT = 2
LABEL = 8


def planned_lines(planned: Sequence[Planned], bad_files: Sequence[FileError], page: Page) -> list[Text]:
    """Every audit by file: its id, title and modes, its loss and set."""
    lines: list[Text] = []
    for file, audits in groupby(planned, key=lambda audit: audit.file):
        lines.append(line((page.show(file), STRONG)))
        for audit in audits:
            lines += _audit_lines(audit, page)
        lines.append(line())
    for error in bad_files:
        lines += [*bad_file_lines(error, page), line()]
    return [*lines, line((_totals(planned, bad_files), PLAIN))]


def _audit_lines(audit: Planned, page: Page) -> list[Text]:
    modes = " ".join(audit.modes)
    tail = page.show(modes if audit.engine == "builtin" else f"{audit.engine} {modes}")
    name = page.show(audit.id)
    head = [(" " * INDENT + name + "  ", STRONG)]
    room = page.width - INDENT - len(name) - len(tail) - 4
    title = cut(page.show(audit.title or audit.loss or ""), room, page)
    lines = [ends([*head, (title, PLAIN)], [(tail, QUIET)], page)]
    if audit.skip is not None:
        return [*lines, *_fact("skipped", audit.skip, page)]
    params = SEPARATOR.join([", ".join(audit.params), f"contract {audit.contract}"])
    return [*lines, *_fact("loss", audit.loss or "", page), *_fact("params", params, page)]


def _fact(label: str, text: str, page: Page) -> list[Text]:
    return hanging((label, QUIET), page.show(text), page, indent=2 * INDENT, hang=LABEL, most=2)


def _totals(planned: Sequence[Planned], bad_files: Sequence[FileError]) -> str:
    running = [audit for audit in planned if audit.skip is None]
    results = sum(len(audit.modes) for audit in running)
    parts = [f"{count(len(running), 'audit')}, {count(results, 'result')}"]
    if len(planned) > len(running):
        parts.append(f"{len(planned) - len(running)} skipped")
    if bad_files:
        parts.append(f"{count(len(bad_files), 'file')} could not be read")
    return ", ".join(parts) + "."
