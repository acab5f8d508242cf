"""Reporters: each turns a Report into text, and reads nothing else.

A reporter is one module with `render(report, page) -> str`, and one line here.
"""

from __future__ import annotations

FORMATS = {
    "table": "aliascheck.reporters.table",
    "concise": "aliascheck.reporters.concise",
    "json": "aliascheck.reporters.json",
    "github": "aliascheck.reporters.github",
    "markdown": "aliascheck.reporters.markdown",
    "junit": "aliascheck.reporters.junit",
    "sarif": "aliascheck.reporters.sarif",
    "html": "aliascheck.reporters.html",
}
# What standard output may show, and what may be written beside it
STREAMS = ("table", "concise", "json", "github", "markdown")
FILES = {
    "html": "the HTML report",
    "json": "the JSON report",
    "junit": "JUnit XML",
    "sarif": "SARIF 2.1.0",
    "markdown": "Markdown, as for a job's summary,",
}
