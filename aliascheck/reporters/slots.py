"""The table of slots: what was reported, what is right, and the verdict."""

from __future__ import annotations

from rich.text import Text

from aliascheck.report import SlotResult
from aliascheck.reporters import numbers
from aliascheck.reporters.layout import Cell, columns, columns_width, hanging
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import BAD, CLEAN_WORDS, GOOD, KNOWN, PLAIN, QUIET, QUIET_WORDS, STRONG

HEADER: tuple[Cell, ...] = tuple(
    (word, QUIET) for word in ("slot", "shape", "reported", "path", "total", "bound", "verdict")
)
INLINE_CHOICES = (numbers.INLINE, 4, 3, 2, 1)


def slot_lines(slots: list[SlotResult], page: Page, *, known: bool, indent: int) -> list[Text]:
    """A row for each slot, arrays written out as far as the page has room; else a block for each slot."""
    for inline in INLINE_CHOICES:
        rows = [HEADER, *(slot_row(slot, page, inline, known) for slot in slots)]
        if columns_width(rows, indent=indent) <= page.width:
            return [*columns(rows, indent=indent), *_farthest_lines(slots, page, inline, indent)]
    blocks = [text for slot in slots for text in _block(slot, page, known, indent)]
    return [*blocks, *_farthest_lines(slots, page, numbers.INLINE, indent)]


def slot_name(slot: SlotResult) -> str:
    """The slot's name, with every name of a merged one: `x=y`."""
    return "=".join(slot.names) if len(slot.names) > 1 else slot.name


def telling_bound(slot: SlotResult) -> float | str | None:
    """The error bound that numbers are shown to; None where it is so wide that it decides nothing."""
    return None if slot.verdict in ("noisy", "undecided") else slot.error_bound


def slot_row(slot: SlotResult, page: Page, inline: int, known: bool) -> list[Cell]:
    """A slot's name, shape, values, bound and verdict, arrays of at most `inline` elements written out."""
    digits = numbers.choose_digits((slot.reported, slot.path, slot.total), telling_bound(slot))
    values = [
        (page.show(numbers.format_value(value, digits, inline)), PLAIN)
        for value in (slot.reported, slot.path, slot.total)
    ]
    return [
        (page.show(slot_name(slot)), STRONG),
        (numbers.format_shape(slot.shape), QUIET),
        *values,
        (numbers.format_bound(slot.error_bound), QUIET),
        (page.show(slot.verdict), verdict_style(slot.verdict, known)),
    ]


def _block(slot: SlotResult, page: Page, known: bool, indent: int) -> list[Text]:
    name, shape, *values = slot_row(slot, page, numbers.INLINE, known)
    labels = [label for label, _ in HEADER[2:]]
    width = max(map(len, labels)) + 2
    lines = hanging((name[0] + " ", name[1]), shape[0], page, indent=indent, hang=2)
    for label, (value, style) in zip(labels, values, strict=True):
        rest = hanging((label, QUIET), value, page, indent=indent + 2, hang=width, most=4)
        rest[0].stylize(style, indent + 2 + width)
        lines.extend(rest)
    return lines


def verdict_style(word: str, known: bool) -> str:
    """The style of a verdict word: what is clean, what is known, what is not."""
    if word in CLEAN_WORDS:
        return GOOD
    if word in QUIET_WORDS:
        return QUIET
    return KNOWN if known else BAD


def _farthest_lines(slots: list[SlotResult], page: Page, inline: int, indent: int) -> list[Text]:
    return [
        text
        for slot in slots
        if slot.verdict not in CLEAN_WORDS + QUIET_WORDS and numbers.size(slot.total) > inline
        for sentence in farthest(slot)
        for text in hanging(("", PLAIN), page.show(sentence), page, indent=indent, hang=2)
    ]


def farthest(slot: SlotResult) -> list[str]:
    """Where a slot is farthest from the total, in a sentence; none where they cannot be compared."""
    if telling_bound(slot) is None:
        return []
    found = numbers.farthest(slot.reported, slot.total, slot.shape)
    if found is None:
        return []
    index, reported, total = found
    digits = numbers.choose_digits((reported, total), telling_bound(slot))
    place = f"{slot.name}[{', '.join(map(str, index))}]"
    return [
        f"farthest from the total at {place}: reported {numbers.format_number(reported, digits)},"
        f" total {numbers.format_number(total, digits)}"
    ]
