"""The attribution matrix as a heat table: whose contribution each slot holds."""

from __future__ import annotations

from dataclasses import dataclass

from aliascheck.report import GroupResult
from aliascheck.reporters.matrix import conservation, rows_of

Entry = int | str | None


@dataclass(frozen=True)
class HeatCell:
    """One entry: what it shows, its shade, and what it says to those who do not see it."""

    text: str
    shade: str
    words: str


@dataclass(frozen=True)
class HeatTable:
    """A row for each slot, a column for each access."""

    accesses: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    note: str
    conserved: bool


def heat_table(group: GroupResult, *, misplaced: bool) -> HeatTable | None:
    """The heat table of a group; None where nothing is read of it."""
    if not group.accesses or not group.attribution:
        return None
    rows = tuple((slot, tuple(heat_cell(entry) for entry in entries)) for slot, entries in rows_of(group))
    note = conservation(group, misplaced=misplaced)
    return HeatTable(tuple(group.accesses), rows, note, group.conserved)


def heat_cell(entry: Entry) -> HeatCell:
    """How an entry of the matrix is shown."""
    if entry is None:
        return HeatCell("·", "undefined", "undefined, the contribution is zero here")
    if entry == 0:
        return HeatCell("0", "none", "not in it")
    if entry == 1:
        return HeatCell("1", "once", "once")
    if entry == "part":
        return HeatCell("part", "part", "in part of its cells")
    if entry == "w":
        return HeatCell("w", "wrong", "wrong")
    return HeatCell(str(entry), "more", f"{entry} times")
