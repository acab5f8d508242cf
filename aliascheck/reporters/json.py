"""The JSON report, format 1."""

from __future__ import annotations

from aliascheck.report import Report
from aliascheck.reporters.page import Page
from aliascheck.reporters.safe_json import write_json


def render(report: Report, page: Page) -> str:
    """The report as JSON; characters that steer a terminal stand as escapes of the same value."""
    return write_json(report)
