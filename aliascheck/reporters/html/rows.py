"""The table of slots: the same columns and words as on a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from aliascheck.report import AuditResult, SlotResult
from aliascheck.reporters import numbers
from aliascheck.reporters.slots import INLINE_CHOICES, farthest, slot_name, telling_bound
from aliascheck.reporters.styles import CLEAN_WORDS, QUIET_WORDS

WIDEST = 84  # characters of a row, all columns together


@dataclass(frozen=True)
class Row:
    """One slot; `look` is that of its verdict."""

    name: str
    shape: str
    reported: str
    path: str
    total: str
    bound: str
    verdict: str
    look: str

    @property
    def texts(self) -> tuple[str, ...]:
        """What stands in its columns."""
        return (self.name, self.shape, self.reported, self.path, self.total, self.bound, self.verdict)


def slot_rows(audit: AuditResult) -> list[Row]:
    """A row for each slot, arrays written out as far as a line has room."""
    inline = _inline(audit)
    return [_row(slot, inline, known=not audit.needs_attention) for slot in audit.slots]


def farthest_sentences(audit: AuditResult) -> list[str]:
    """Where slots of more elements than a row shows are farthest from the total."""
    inline = _inline(audit)
    return [
        sentence
        for slot in audit.slots
        if is_faulty(slot) and numbers.size(slot.total) > inline
        for sentence in farthest(slot)
    ]


def _inline(audit: AuditResult) -> int:
    """How many elements of an array are written out."""
    for inline in INLINE_CHOICES:
        rows = [_row(slot, inline, known=True).texts for slot in audit.slots]
        if sum(max(map(len, column)) for column in zip(*rows, strict=True)) <= WIDEST:
            return inline
    return INLINE_CHOICES[-1]


def is_faulty(slot: SlotResult) -> bool:
    """Whether a slot's verdict is one that asks to be looked at."""
    return slot.verdict not in CLEAN_WORDS + QUIET_WORDS


def _row(slot: SlotResult, inline: int, *, known: bool) -> Row:
    digits = numbers.choose_digits((slot.reported, slot.path, slot.total), telling_bound(slot))
    reported, path, total = (
        numbers.format_value(value, digits, inline) for value in (slot.reported, slot.path, slot.total)
    )
    return Row(
        slot_name(slot),
        numbers.format_shape(slot.shape),
        reported,
        path,
        total,
        numbers.format_bound(slot.error_bound),
        slot.verdict,
        _look(slot, known),
    )


def _look(slot: SlotResult, known: bool) -> str:
    if slot.verdict in CLEAN_WORDS:
        return "good"
    if slot.verdict in QUIET_WORDS:
        return "quiet"
    return "known" if known else "bad"
