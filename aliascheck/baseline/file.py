"""The baseline file."""

from __future__ import annotations

import msgspec

from aliascheck.baseline.recorded import Recorded
from aliascheck.errors import UsageError

FORMAT = 1
KIND = "aliascheck baseline"
RECORD = "aliascheck baseline writes it anew"


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded findings."""

    format: int = FORMAT
    kind: str = KIND
    findings: tuple[Recorded, ...]

    def to_json(self) -> str:
        """The baseline as JSON: sorted, a finding a line, so that differences read well."""
        findings = sorted({one.key: one for one in self.findings}.values(), key=lambda one: one.key)
        lines = [f"    {msgspec.json.encode(_told(one)).decode()}" for one in findings]
        rows = "[\n" + ",\n".join(lines) + "\n  ]" if lines else "[]"
        return f'{{\n  "format": {FORMAT},\n  "kind": "{KIND}",\n  "findings": {rows}\n}}\n'


def read_baseline(data: bytes, where: str) -> Baseline:
    """The baseline that is written.

    Raises: UsageError where it is damaged, or of another kind or format.
    """
    restore = f"restore it from version control, or remove it: {RECORD}"
    try:
        stated = msgspec.json.decode(data, type=_Stated)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        conflict = "there is a merge conflict in it" if b"<<<<<<<" in data else str(error)
        raise UsageError(f"{where}: the baseline is damaged: {conflict}", hint=restore) from None
    if stated.kind != KIND:
        raise UsageError(f"{where}: this is no baseline", hint=f"name another file, or remove it: {RECORD}")
    if stated.format != FORMAT:
        raise UsageError(
            f"{where}: a baseline of format {stated.format}, and this aliascheck reads format {FORMAT}",
            hint=f"use the aliascheck that wrote it, or remove it: {RECORD}",
        )
    try:
        return msgspec.json.decode(data, type=Baseline)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: the baseline is damaged: {error}", hint=restore) from None


class _Stated(msgspec.Struct):
    format: int = 0
    kind: str = ""


def _told(one: Recorded) -> dict[str, str | None]:
    """A finding without what says nothing."""
    values = {field: getattr(one, field) for field in one.__struct_fields__}
    return {field: value for field, value in values.items() if value or field == "slot"}
