"""Whose contribution each slot holds, and the memory that they share."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from aliascheck.report import GroupResult, Lane
from aliascheck.reporters.lanes import common, stretches
from aliascheck.reporters.layout import Cell, beside, columns, columns_width, hanging, line, wrap
from aliascheck.reporters.numbers import as_number, format_number
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import BAD, EMPTY, FULL, GOOD, KNOWN, QUIET, STRONG
from aliascheck.reporters.words import spelled

Entry = int | str | None
TITLE = "whose contribution"
NARROWEST_PICTURE = 16


def is_plain(group: GroupResult) -> bool:
    """Whether one slot holds the one contribution that there is, once."""
    return group.attribution == [[1]] and group.conserved and len(group.slots) == 1


def rows_of(group: GroupResult) -> list[tuple[str, list[Entry]]]:
    """Each slot with an entry for each access: what a damaged report lacks is undefined."""
    wide = len(group.accesses)
    return [
        (slot, [*entries, *[None] * wide][:wide])
        for slot, entries in zip(group.slots, group.attribution, strict=False)
    ]


def group_lines(groups: list[GroupResult], page: Page, *, misplaced: bool, indent: int) -> list[Text]:
    """The matrix and the memory of each group; groups of one slot with its own contribution in one line."""
    lines: list[Text] = []
    for group in groups:
        if is_plain(group) or not group.accesses:
            continue
        lines += [line(), *matrix_lines(group, page, misplaced=misplaced, indent=indent)]
        picture = memory_lines(group, page, indent=indent)
        lines += [line(), *picture] if picture else []
    alone = [page.show(group.slots[0]) for group in groups if is_plain(group)]
    if alone:
        text = ", ".join(alone) + (": its" if len(alone) == 1 else ": each its") + " own contribution, once"
        lines += [line(), *hanging(("alone", QUIET), text, page, indent=indent, hang=9)]
    return lines


def matrix_lines(group: GroupResult, page: Page, *, misplaced: bool, indent: int) -> list[Text]:
    """A row for each slot, a column for each access; a list for each slot where the columns do not fit."""
    note = page.show(conservation(group, misplaced=misplaced))
    header: list[Cell] = [(TITLE, QUIET), *((page.show(name), QUIET) for name in group.accesses)]
    rows = [header]
    for slot, entries in rows_of(group):
        rows.append([("  " + page.show(slot), STRONG), *(_cell(entry, page) for entry in entries)])
    if columns_width(rows, indent=indent, gap=3) <= page.width:
        return beside(columns(rows, indent=indent, gap=3), note, page, indent=indent + 2)
    below = wrap(note, page.width - indent - 2)
    return [*_lists(group, page, indent), *(line((text, ""), indent=indent + 2) for text in below)]


def memory_lines(group: GroupResult, page: Page, *, indent: int) -> list[Text]:
    """A row of characters for each name, one for a cell, full where the name reads it."""
    lanes = places_of(group.memory)
    if len(lanes) < 2 or group.cells < 1:
        return []
    label = "memory"
    names = [page.show(lane.name) for lane in lanes]
    start = indent + len(label) + 3
    width = max(map(cell_len, names)) + 3
    room = page.width - start - width
    if room < NARROWEST_PICTURE:
        return []
    step = -(-group.cells // room)
    lines = []
    for number, (name, lane) in enumerate(zip(names, lanes, strict=True)):
        head = line((label if number == 0 else "", QUIET), indent=indent)
        head.append(" " * (start - head.cell_len) + name + " " * (width - cell_len(name)))
        lines.append(head.append_text(_picture(lane, group.cells, step, page)))
    note = f"{spelled(group.cells, 'cell')}, {spelled(len(names), 'place')}"
    if step > 1:
        note += f"; a mark stands for {step} cells"
    return beside(lines, note, page, indent=start)


def places_of(lanes: list[Lane]) -> list[Lane]:
    """The lanes without wrappers whose parent has a lane of its own: they are the same place."""
    return [
        lane
        for lane in lanes
        if not any(
            other.name.startswith(f"{lane.name}.parent") and stretches(other) == stretches(lane)
            for other in lanes
        )
    ]


def _picture(lane: Lane, total: int, step: int, page: Page) -> Text:
    shown = common(stretches(lane), [(0, total)])
    full = {mark for start, end in shown for mark in range(start // step, (end - 1) // step + 1)}
    picture = Text(no_wrap=True)
    for mark in range(-(-total // step)):
        picture.append(page.show(FULL if mark in full else EMPTY), None if mark in full else QUIET)
    return picture


def _cell(entry: Entry, page: Page) -> Cell:
    return page.show(EMPTY if entry is None else str(entry)), _entry_style(entry)


def _entry_style(entry: Entry) -> str:
    if entry == 1:
        return GOOD
    if entry in (0, None):
        return QUIET
    return KNOWN if entry == "part" else BAD


def _lists(group: GroupResult, page: Page, indent: int) -> list[Text]:
    lines = hanging((TITLE, QUIET), "(zeros left out)", page, indent=indent, hang=len(TITLE) + 3)
    for slot, entries in rows_of(group):
        held = [
            f"{page.show(access)}: {page.show(EMPTY if entry is None else str(entry))}"
            for access, entry in zip(group.accesses, entries, strict=True)
            if entry != 0
        ]
        label = f"  {page.show(slot)} <- "
        hang = min(cell_len(label), page.width // 3)
        lines += hanging((label, STRONG), ", ".join(held) or "nothing", page, indent=indent, hang=hang)
    return lines


def conservation(group: GroupResult, *, misplaced: bool) -> str:
    """Whether each contribution is somewhere, once; if not, which are not."""
    if group.conserved:
        return "conserved: each counted once" + (", but not where it belongs" if misplaced else "")
    columns_of = list(zip(*(entries for _, entries in rows_of(group)), strict=True)) or [()] * len(
        group.accesses
    )
    lost = [name for name, column in zip(group.accesses, columns_of, strict=True) if set(column) <= {0}]
    counts = [sum(entry for entry in column if isinstance(entry, int)) for column in columns_of]
    more = [
        f"{name} counted {'twice' if times == 2 else f'{times} times'}"
        for name, times in zip(group.accesses, counts, strict=True)
        if times > 1
    ]
    reasons = [*([f"{', '.join(lost)} in no slot"] if lost else []), *more]
    return "not conserved: " + ("; ".join(reasons) or _residual(group))


def _residual(group: GroupResult) -> str:
    residual = as_number(group.residual)
    return "off by " + (str(group.residual) if residual is None else format_number(residual))
