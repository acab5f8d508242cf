"""Files none of whose audits ran, a line each below the reason that they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from aliascheck.report import AuditResult
from aliascheck.reporters.layout import hanging, line
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import MARK_STYLES, MARKS, PLAIN
from aliascheck.reporters.words import count, skip_reason

File = tuple[str, Sequence[AuditResult]]


def reason_shared(audits: Sequence[AuditResult]) -> str | None:
    """Why all of some audits were skipped; None where one ran, or they have reasons of their own."""
    reasons = {skip_reason(audit) if audit.status == "skipped" else None for audit in audits}
    return reasons.pop() if len(reasons) == 1 else None


def skipped_files(files: Sequence[File], page: Page) -> Iterator[list[Text]]:
    """A block for each reason: how many audits, then each file with the ids of its audits."""
    reasons: dict[str, list[File]] = {}
    for file, audits in files:
        reasons.setdefault(reason_shared(audits) or "", []).append((file, audits))
    for reason, skipped in reasons.items():
        yield list(_lines(reason, skipped, page))


def _lines(reason: str, files: Sequence[File], page: Page) -> Iterator[Text]:
    ids = [(file, list(dict.fromkeys(audit.id for audit in audits))) for file, audits in files]
    number = count(sum(len(names) for _, names in ids), "audit")
    mark = page.show(MARKS["skipped"]) + " ", MARK_STYLES["skipped"]
    yield from hanging(mark, page.show(f"{number} skipped: {reason}"), page, indent=0, hang=2)
    yield line()
    for file, names in ids:
        label = page.show(file) + "  ", PLAIN
        yield from hanging(label, page.show(", ".join(names)), page, indent=2, hang=4)
