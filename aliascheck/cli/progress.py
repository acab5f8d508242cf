"""A bar on standard error, for people who wait longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 1.0  # seconds

Progress = Callable[[int, int, str], None]


@contextmanager
def terminal_progress() -> Iterator[Progress | None]:
    """A function to call with (done, total, what); None where nobody would see the bar."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(time.monotonic() + PATIENCE)
    try:
        yield bar.advance
    finally:
        bar.close()


class _Bar:
    def __init__(self, appears: float) -> None:
        self.appears = appears
        self.shown: Any = None
        self.task: Any = None

    def advance(self, done: int, total: int, what: str) -> None:
        if self.shown is None:
            if time.monotonic() < self.appears:
                return
            self.open(total)
        from rich.text import Text

        from aliascheck.reporters.visible import visible

        self.shown.update(self.task, completed=done, total=total, what=Text(visible(what)))

    def open(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[what]}", markup=False))
        self.shown = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.shown.add_task("audits", total=total, what="")
        self.shown.start()

    def close(self) -> None:
        if self.shown is not None:
            self.shown.stop()
