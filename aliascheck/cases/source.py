"""A parsed case file with its places: which line a key stands on, and whether a default set it."""

from __future__ import annotations

from typing import Any

from aliascheck.cases.locate import KeyPath, Lines
from aliascheck.cases.place import Place, format_key
from aliascheck.memory import Data


class Source(Data, frozen=True, eq=False):
    """The data of a case file as parsed, and the lines of its keys."""

    file: str
    data: dict[str, Any]
    lines: Lines

    def place(self, path: KeyPath) -> Place:
        """The key at `path`; audits are named by id, or by their number."""
        return Place(self.file, self.lines.line_of(path), self._format(path))

    def _format(self, path: KeyPath) -> str:
        if len(path) >= 2 and path[0] == "audit" and isinstance(path[1], int):
            label = self._label(path[1])
            rest = format_key(path[2:])
            return f"audit[{label}].{rest}" if rest else f"audit[{label}]"
        return format_key(path)

    def _label(self, index: int) -> str:
        audits = self.data.get("audit")
        table = audits[index] if isinstance(audits, list) and index < len(audits) else None
        name = table.get("id") if isinstance(table, dict) else None
        return name if isinstance(name, str) and name else str(index + 1)

    def audit_place(self, index: int, path: KeyPath) -> Place:
        """The key at `path` of an audit: in its own table, or in [defaults] where only that has it."""
        own = _depth(self.data, ("audit", index, *path)) - 2
        default = _depth(self.data, ("defaults", *path)) - 1
        return self.place(("defaults", *path) if default > max(own, 0) else ("audit", index, *path))


def _depth(data: Any, path: KeyPath) -> int:
    """How many steps of `path` lead somewhere."""
    for depth, step in enumerate(path):
        found = step in data if isinstance(data, dict) else _has_item(data, step)
        if not found:
            return depth
        data = data[step]
    return len(path)


def _has_item(data: Any, step: str | int) -> bool:
    return isinstance(data, list) and isinstance(step, int) and step < len(data)
