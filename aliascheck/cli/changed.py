"""What `aliascheck diff` shows: what is new, fixed and changed, the worst first, and the counts."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from aliascheck.baseline import Changes, Recorded
from aliascheck.reporters.layout import Cell, hanging, line
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import BAD, GOOD, KNOWN, PLAIN, QUIET
from aliascheck.reporters.words import asked, count, named

HANG = 9


def change_lines(changes: Changes, page: Page) -> Iterator[Text]:
    """A line for each change, then the counts and whether anything became worse."""
    yield from _change_lines(changes, page)
    counts = [
        f"{len(changes.new)} new",
        f"{len(changes.changed)} changed",
        f"{len(changes.fixed)} fixed",
        f"{len(changes.unchanged)} unchanged",
        f"{len(changes.skipped)} skipped" if changes.skipped else "",
        f"{len(changes.added)} more audited" if changes.added else "",
        f"{len(changes.missing)} no longer audited" if changes.missing else "",
    ]
    yield from hanging(("", PLAIN), ", ".join(part for part in counts if part) + ".", page, indent=0, hang=2)
    worse = len(changes.regressions)
    said = f"{count(worse, 'regression')}." if worse else "Nothing became worse."
    yield line((f"Exit {int(changes.is_worse)}: {said}", BAD if worse else GOOD))


def _change_lines(changes: Changes, page: Page) -> Iterator[Text]:
    told: list[tuple[Cell, str]] = []
    for file, audit, engine, mode in changes.broken:
        told.append((("broken", BAD), asked(file, audit, engine, mode)))
    for question in changes.failing:
        told.append((("failing", BAD), asked(*question)))
    for one in changes.new:
        told.append((("new", BAD if one.key in changes.regressions else KNOWN), _finding(one)))
    for then, now in changes.changed:
        style = BAD if now.key in changes.regressions else KNOWN
        told.append((("changed", style), f"{_finding(now)}: {then.verdict} before, now {now.verdict}"))
    for one in changes.fixed:
        told.append((("fixed", GOOD), _finding(one)))
    for question in changes.skipped:
        told.append((("skipped", QUIET), asked(*question)))
    for question in changes.missing:
        told.append((("gone", QUIET), asked(*question)))
    for label, text in told:
        yield from hanging(label, page.show(text), page, indent=0, hang=HANG)
    if told:
        yield line()


def _finding(one: Recorded) -> str:
    place = asked(one.file, one.loss or one.audit, one.engine, one.mode)
    return f"{named(one.code, one.name, one.slot)} ({place})"
