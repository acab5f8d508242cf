"""One audit in Markdown: what was asked, the table of slots, whose contribution each holds, the findings."""

from __future__ import annotations

from collections.abc import Iterator

from aliascheck.report import AuditResult, FindingResult, GroupResult, SlotResult
from aliascheck.reporters.audit import mark_of
from aliascheck.reporters.markdown_text import code, code_block, prose, table
from aliascheck.reporters.matrix import conservation, is_plain
from aliascheck.reporters.numbers import INLINE, as_number, format_number
from aliascheck.reporters.page import Page
from aliascheck.reporters.slots import slot_row
from aliascheck.reporters.styles import CLEAN_WORDS, EMPTY, MARKS, QUIET_WORDS
from aliascheck.reporters.words import advice, mode, remarks

SLOT_HEADER = ("slot", "shape", "reported", "path", "total", "bound", "verdict")
CELLS = Page()


def audit_block(audit: AuditResult) -> str:
    """All that is known about one result, under a heading of its own."""
    misplaced = any(finding.code == "AC102" for finding in audit.findings)
    heading = ("####", MARKS[mark_of(audit)], code(audit.id), prose(audit.title), f"({prose(mode(audit))})")
    blocks = [
        " ".join(part for part in heading if part),
        f"{place(audit.file, audit.line)}: {', '.join(_facts(audit))}",
        table(SLOT_HEADER, [_slot(slot) for slot in audit.slots]) if audit.slots else "",
        *(_group(group, misplaced) for group in audit.groups if group.accesses and not is_plain(group)),
        "\n".join(_sentences(audit)),
        code_block(audit.error) if audit.error is not None else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def place(file: str, line: int | None) -> str:
    """`cases/views/strided.toml:12`."""
    return code(f"{file}:{line}" if line else file)


def finding_title(finding: FindingResult) -> str:
    """`AC102 misplaced at x`, the slot as code."""
    at = "" if finding.slot is None else f" at {code(finding.slot)}"
    return f"{prose(finding.code)} {prose(finding.name)}{at}"


def _facts(audit: AuditResult) -> Iterator[str]:
    number = as_number(audit.loss)
    value = "" if number is None else f" = {format_number(number)}"
    if audit.loss_text:
        yield f"loss {code(audit.loss_text)}{value}"
    if audit.params:
        yield f"params {' '.join(map(code, audit.params))}"
    yield f"contract {prose(audit.contract)}"


def _slot(slot: SlotResult) -> list[str]:
    name, shape, *values, bound, verdict = (
        content for content, _ in slot_row(slot, CELLS, INLINE, known=False)
    )
    word = prose(verdict)
    shown = word if slot.verdict in CLEAN_WORDS + QUIET_WORDS else f"**{word}**"
    return [code(name), shape, *map(prose, values), bound, shown]


def _group(group: GroupResult, misplaced: bool) -> str:
    rows = [
        [code(slot), *(_entry(entry) for entry in entries)]
        for slot, entries in zip(group.slots, group.attribution, strict=True)
    ]
    matrix = table(["whose contribution", *map(code, group.accesses)], rows)
    return f"{matrix}\n\nContributions: {prose(conservation(group, misplaced=misplaced))}."


def _entry(entry: int | str | None) -> str:
    return EMPTY if entry is None else prose(str(entry))


def _sentences(audit: AuditResult) -> Iterator[str]:
    for finding in audit.findings:
        said = "".join(f" *({prose(remark)})*" for remark in remarks(finding))
        yield f"- **{finding_title(finding)}**: {prose(finding.message)}{said}"
        yield from (f"  - *{label}:* {prose(text)}" for label, text in advice(finding))
    for unmet in audit.unmet:
        said = " *(in the baseline)*" if unmet.baseline == "known" else ""
        yield f"- **expected** {code(unmet.what)} = {code(unmet.expected)}, got {code(unmet.got)}{said}"
    yield from (f"- *Note:* {prose(note)}" for note in audit.notes)
