"""One result as the report shows it: its table, pictures and findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from aliascheck.report import AuditResult, GroupResult, SlotResult
from aliascheck.reporters import numbers
from aliascheck.reporters.html.attribution import HeatTable, heat_table
from aliascheck.reporters.html.difference import DifferenceMap, difference_maps
from aliascheck.reporters.html.memory import MemoryPicture, memory_picture
from aliascheck.reporters.html.outline import Block, Result
from aliascheck.reporters.html.rows import Row, farthest_sentences, is_faulty, slot_rows
from aliascheck.reporters.html.told import Told, told
from aliascheck.reporters.matrix import is_plain
from aliascheck.reporters.words import standing


@dataclass(frozen=True)
class GroupView:
    """The slots that share memory: who holds what, and where it lies."""

    heat: HeatTable | None
    memory: MemoryPicture | None


@dataclass(frozen=True)
class ResultView:
    """One result. Those that passed without findings have pictures only where the page asks for detail."""

    result: Result
    rows: tuple[Row, ...]
    farthest: tuple[str, ...]
    groups: tuple[GroupView, ...]
    alone: tuple[str, ...]
    maps: tuple[tuple[str, tuple[DifferenceMap, ...]], ...]
    findings: tuple[Told, ...]
    standing: tuple[str, ...]
    drift: Drift | None


@dataclass(frozen=True)
class Drift:
    """What a training step did under each optimizer that was measured."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Comparison:
    """One audit on several engines: a row for each slot, its value and verdict in each result."""

    ways: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Row | None, ...]], ...]


def view_of(result: Result, detail: int, *, drawn: bool) -> ResultView:
    """What a result shows on a page of that much detail, with pictures where its audit is drawn."""
    audit = result.audit
    pictured = detail > 0 or (drawn and result.state not in ("clean", "skipped"))
    shared = [group for group in audit.groups if not is_plain(group) and group.accesses]
    misplaced = any(finding.code == "AC102" for finding in audit.findings)
    return ResultView(
        result,
        tuple(slot_rows(audit)),
        tuple(farthest_sentences(audit)),
        tuple(_group(group, misplaced=misplaced) for group in shared) if pictured else (),
        tuple(group.slots[0] for group in audit.groups if is_plain(group)) if pictured else (),
        tuple(_maps(audit, detail)) if pictured else (),
        tuple(told(finding) for finding in audit.findings),
        tuple(standing(audit)),
        _drift(audit.optimizers),
    )


def _group(group: GroupResult, *, misplaced: bool) -> GroupView:
    return GroupView(heat_table(group, misplaced=misplaced), memory_picture(group))


def _maps(audit: AuditResult, detail: int) -> Iterable[tuple[str, tuple[DifferenceMap, ...]]]:
    for slot in audit.slots:
        if is_faulty(slot) or (detail > 0 and _is_matrix(slot)):
            maps = tuple(difference_maps(audit, slot))
            if maps:
                yield slot.name, maps


def _is_matrix(slot: SlotResult) -> bool:
    return sum(length > 1 for length in slot.shape) > 1


def comparison_of(block: Block) -> Comparison | None:
    """The results of an audit side by side; None unless it was run on several engines."""
    results = [result for result in block.results if result.audit.slots]
    if len({result.audit.engine for result in results}) < 2:
        return None
    rows = [{row.name: row for row in slot_rows(result.audit)} for result in results]
    names = dict.fromkeys(name for own in rows for name in own)
    return Comparison(
        tuple(f"{result.audit.engine} {result.audit.mode}" for result in results),
        tuple((name, tuple(own.get(name) for own in rows)) for name in names),
    )


def _drift(measured: list[Any]) -> Drift | None:
    """A table of whatever was measured; None where nothing was."""
    rows = [entry for entry in msgspec.to_builtins(measured) if isinstance(entry, dict)]
    columns = tuple(dict.fromkeys(key for entry in rows for key in entry))
    if not columns:
        return None
    return Drift(columns, tuple(tuple(_shown(entry.get(key)) for key in columns) for entry in rows))


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else numbers.format_value(value)
