"""What was found, in words: findings with their meaning, and why a result failed."""

from __future__ import annotations

from dataclasses import dataclass

from aliascheck.report import AuditResult, FindingResult, Report
from aliascheck.reporters.words import advice, count, headline, is_known, skip_reason, unmet_line
from aliascheck.verdicts.catalogue import CATALOGUE, WORDS

MEANINGS = {row.code: row.meaning for row in CATALOGUE}
LOOKS = {"error": "bad", "warning": "known", "info": "quiet"}
LONGEST_REASON = 240


@dataclass(frozen=True)
class Told:
    """One finding, as the report tells it. `more` are further lines of its message."""

    finding: FindingResult
    headline: str
    first: str
    more: tuple[str, ...]
    meaning: str
    look: str
    advice: tuple[tuple[str, str], ...]
    standing: str


def told(finding: FindingResult) -> Told:
    """A finding with its meaning, and what else there is to say of it."""
    first, *more = finding.message.splitlines() or [""]
    return Told(
        finding,
        headline(finding),
        first,
        tuple(line.strip() for line in more),
        MEANINGS.get(finding.code, ""),
        "known" if is_known(finding) else LOOKS.get(finding.severity, "bad"),
        tuple(advice(finding)),
        _standing(finding),
    )


def _standing(finding: FindingResult) -> str:
    """What the baseline has of a finding: `new`, `known`, `was partial`; empty where there is none."""
    if finding.baseline == "changed":
        return f"was {finding.was or 'without a verdict'}"
    return finding.baseline or ""


def why_it_failed(audit: AuditResult) -> str:
    """The reason of a result that needs attention, in one line."""
    if audit.error is not None:
        return _cut(audit.error.splitlines()[0] if audit.error else "an error without a message")
    reasons = [unmet_line(one) for one in audit.unmet if one.baseline != "known"]
    if not reasons:
        surprises = [headline(finding) for finding in audit.findings if not is_known(finding)]
        reasons = [", ".join(surprises)] if surprises else ["the report does not say"]
    rest = f" ({count(len(reasons) - 1, 'more reason')})" if len(reasons) > 1 else ""
    return _cut(reasons[0]) + rest


def why_it_was_skipped(audit: AuditResult) -> str:
    """The reason of a result that did not run."""
    return skip_reason(audit)


def meanings_of_words(report: Report) -> dict[str, str]:
    """The verdict words that a report uses, and what they mean."""
    used = {slot.verdict for audit in report.audits for slot in audit.slots}
    return {word: meaning for word, meaning in WORDS.items() if word in used}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1].rstrip() + "…"
