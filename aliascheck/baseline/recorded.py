"""Findings as they are recorded, and what in a report is one.

A finding is known by its file, the key of its audit, engine, mode, code and slot (or the places that it is
about, where it is at no slot): a new title, moved lines and another order of audits disturb none of them.
What a case expects in vain is recorded alike, under `unmet`, so that a gate can be switched on where not
everything is right yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from aliascheck.report import AuditResult, FindingResult, Report, Unmet

UNMET = "unmet"

Question = tuple[str, str, str, str]  # file, audit, engine, mode
Key = tuple[str, str, str, str, str, str]  # and code, slot or places


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One finding as a baseline holds it.

    `verdict` is the slot's word, `expected` what the case expects in vain. `loss` tells readers what is asked
    where the key of the audit is a hash.
    """

    file: str
    audit: str
    loss: str = ""
    engine: str
    mode: str
    code: str
    name: str = ""
    slot: str | None = None
    places: str = ""
    verdict: str | None = None
    expected: str = ""

    @property
    def question(self) -> Question:
        """The audit and mode that it was found in."""
        return self.file, self.audit, self.engine, self.mode

    @property
    def key(self) -> Key:
        """What it is known by."""
        return (*self.question, self.code, self.slot or self.places)


def question_of(audit: AuditResult) -> Question:
    """What identifies an audit in a mode."""
    return audit.file, audit.key or audit.id, audit.engine, audit.mode


def verdict_at(audit: AuditResult, slot: str | None) -> str | None:
    """The word of a slot; None where a finding has no slot."""
    return next((one.verdict for one in audit.slots if one.name == slot), None)


def recorded(report: Report) -> Iterator[Recorded]:
    """Everything in a report that a baseline would hold."""
    yield from (one for one, _ in recorded_with_findings(report))


def recorded_with_findings(report: Report) -> Iterator[tuple[Recorded, FindingResult | None]]:
    """The same, each with the finding that it is of; None for an expectation in vain."""
    for audit in report.audits:
        for finding in audit.findings:
            yield record_of(audit, finding), finding
        for unmet in audit.unmet:
            yield from ((record_of_unmet(audit, *one), None) for one in said(unmet))


def record_of(audit: AuditResult, finding: FindingResult) -> Recorded:
    """A finding as a baseline holds it."""
    return _record(
        audit,
        code=finding.code,
        name=finding.name,
        slot=finding.slot,
        places=", ".join(finding.accesses) if finding.slot is None else "",
        verdict=verdict_at(audit, finding.slot),
    )


def record_of_unmet(audit: AuditResult, what: str, expected: str) -> Recorded:
    """What a case expects in vain, as a baseline holds it."""
    return _record(audit, code=UNMET, name="expected in vain", slot=what, expected=expected)


def _record(audit: AuditResult, **finding: Any) -> Recorded:
    file, key, engine, mode = question_of(audit)
    loss = audit.loss_text if key.startswith("#") else ""
    return Recorded(file=file, audit=key, loss=loss, engine=engine, mode=mode, **finding)


def said(unmet: Unmet) -> list[tuple[str, str]]:
    """What a baseline calls an expectation, and what is expected.

    Missing findings stand each for itself, a value by its name. Surplus ones are recorded as what they are.
    """
    if unmet.what == "findings":
        return [(label, "") for label in unmet.missing]
    return [(unmet.what, unmet.expected)]
