"""The page that standard output is."""

from __future__ import annotations

import os
import sys

from aliascheck.reporters.page import Page

NARROWEST = 20
DEFAULT_WIDTH = 80


def output_page(detail: int = 0) -> Page:
    """Width, colours and characters of standard output; `COLUMNS` and `NO_COLOR` are honoured."""
    width, colours = _terminal() if _may_be_terminal() else (_columns(), False)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return Page(width=max(NARROWEST, width), colours=colours, encoding=encoding, detail=detail)


def _may_be_terminal() -> bool:
    forced = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")
    return bool(forced) or (sys.stdout is not None and sys.stdout.isatty())


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else DEFAULT_WIDTH


def _terminal() -> tuple[int, bool]:
    from rich.console import Console

    console = Console(file=sys.stdout)
    return console.width, console.color_system is not None and not console.no_color
