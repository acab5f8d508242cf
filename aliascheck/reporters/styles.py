"""Styles and marks of the table, by what they say. Colour only adds: every mark reads without it."""

from __future__ import annotations

GOOD = "green"
KNOWN = "yellow"
BAD = "bold red"
QUIET = "dim"
STRONG = "bold"
PLAIN = ""

MARKS = {"clean": "✓", "known": "!", "bad": "✗", "skipped": "-"}
MARK_STYLES = {"clean": GOOD, "known": KNOWN, "bad": BAD, "skipped": QUIET}

FULL = "█"
EMPTY = "·"
ELLIPSIS = "…"
SEPARATOR = " · "

CLEAN_WORDS = ("total", "split")
QUIET_WORDS = ("unused",)
