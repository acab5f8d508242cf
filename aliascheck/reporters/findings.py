"""Findings, unmet expectations and errors as sentences that name slot and place."""

from __future__ import annotations

from rich.text import Text

from aliascheck.report import AuditResult, FindingResult
from aliascheck.reporters.layout import cut, hanging, line
from aliascheck.reporters.page import Page
from aliascheck.reporters.spots import is_picture, spot_lines
from aliascheck.reporters.styles import BAD, KNOWN, PLAIN, QUIET
from aliascheck.reporters.words import advice, headline, is_known, standing, unmet_line

SEVERITY_STYLES = {"error": BAD, "warning": KNOWN, "info": QUIET}


def finding_lines(audit: AuditResult, page: Page, *, indent: int) -> list[Text]:
    """Every finding with its reason and remedy, and whether the case expects it."""
    lines = [text for finding in audit.findings for text in _finding(finding, page, indent)]
    for text in standing(audit):
        lines += hanging(("", PLAIN), page.show(text), page, indent=indent, hang=2)
    return lines


def unmet_lines(audit: AuditResult, page: Page, *, indent: int) -> list[Text]:
    """What the case expects and what it got instead."""
    lines = []
    for unmet in audit.unmet:
        known = unmet.baseline == "known"
        told = unmet_line(unmet).removeprefix("expected ")
        style = KNOWN if known else BAD
        lines += hanging(("expected ", style), page.show(told), page, indent=indent, hang=2, most=6)
    return lines


def message_lines(label: str, message: str, page: Page, *, indent: int, style: str = BAD) -> list[Text]:
    """A message, its snippet of text and caret kept as they are."""
    first, *rest = message.splitlines() or [""]
    lines = hanging((label, style), page.show(first), page, indent=indent, hang=2)
    snippet = [cut(page.show(text), page.width - indent, page) for text in rest]
    return lines + [line((text, PLAIN), indent=indent) for text in snippet]


def _finding(finding: FindingResult, page: Page, indent: int) -> list[Text]:
    style = KNOWN if is_known(finding) else SEVERITY_STYLES.get(finding.severity, BAD)
    first, *rest = finding.message.splitlines() or [""]
    label = page.show(headline(finding)) + ": "
    lines = hanging((label, style), page.show(first), page, indent=indent, hang=2)
    for text in rest:
        lines += hanging(("", PLAIN), page.show(text.strip()), page, indent=indent + 2, hang=0)
    for word, content in advice(finding):
        hang = max(len(word) + 2, 5)
        lines += hanging((word + ":", QUIET), page.show(content), page, indent=indent + 2, hang=hang)
    if finding.spot is not None and is_picture(finding.spot):
        lines += spot_lines(finding.spot, page, indent=indent + 2)
    return lines
