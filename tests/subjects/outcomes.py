"""What an outcome says, as tests compare it."""

from __future__ import annotations

from aliascheck.auditing import Outcome


def labels(outcome: Outcome) -> list[str]:
    """Every finding, as a case file writes it."""
    return [finding.label for finding in outcome.findings]


def errors(outcome: Outcome) -> list[str]:
    """The findings that fail a run."""
    return [finding.label for finding in outcome.findings if finding.severity == "error"]


def words(outcome: Outcome) -> dict[str, str]:
    """The verdict word of each slot."""
    return {slot.plan.name: slot.word for slot in outcome.slots}
