"""What identifies a finding from run to run: nothing that titles, moved lines or another order change."""

from __future__ import annotations

import hashlib
from collections import Counter

from aliascheck.report import AuditResult

LENGTH = 32  # hexadecimal digits


class Fingerprints:
    """Fingerprints of the findings of one report; equal ones are numbered in their order."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, audit: AuditResult, code: str, slot: str | None) -> dict[str, str]:
        """The fingerprints of a finding; GitHub looks at the second name alone."""
        parts = (audit.file, audit.key or audit.id, audit.engine, audit.mode, code, slot)
        digest = hashlib.sha256(ascii(parts).encode()).hexdigest()[:LENGTH]
        self._seen[digest] += 1
        text = f"{digest}:{self._seen[digest]}"
        return {"aliascheck/v1": text, "primaryLocationLineHash": text}
