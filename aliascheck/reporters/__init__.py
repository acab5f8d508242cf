"""Reporters: each turns a Report into text, and reads nothing else.

A reporter is one module with `render(report, page) -> str`, and one line here.
"""

from __future__ import annotations

FORMATS = {
    "table": "aliascheck.reporters.table",
    "concise": "aliascheck.reporters.concise",
    "json": "aliascheck.reporters.json",
}
STREAMS = ("table", "concise", "json")  # what standard output may show
FILES = {"json": "the JSON report"}  # what may be written beside it
