"""The JSON report, format 1."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from aliascheck.report import Report
from aliascheck.reporters.page import Page

STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def render(report: Report, page: Page) -> str:
    """The report as JSON; characters that steer a terminal stand as escapes of the same value."""
    text = _encoded(report).decode()
    return STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _encoded(report: Report) -> bytes:
    try:
        return report.to_json()
    except UnicodeEncodeError:  # half a character, from a file name that is no UTF-8
        return msgspec.convert(_whole(msgspec.to_builtins(report)), Report).to_json()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    return value
