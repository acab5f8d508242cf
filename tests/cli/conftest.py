"""A command line that runs in this process, on a runner that is told what to report."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import aliascheck.runner
from aliascheck.cli.main import entry
from aliascheck.report import Report
from tests.reporters.samples import thread


@dataclass
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass
class FakeRunner:
    """Stands in for `run_cases`; keeps what it was asked."""

    report: Report = field(default_factory=thread)
    error: BaseException | None = None
    calls: list[tuple[list[Path], Any]] = field(default_factory=list)

    def __call__(self, paths: Any, selection: Any, on_progress: Any) -> Report:
        self.calls.append((list(paths), selection))
        if on_progress is not None:
            on_progress(0, 2, "first")
            on_progress(1, 2, "second")
        if self.error is not None:
            raise self.error
        return self.report


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    fake = FakeRunner()
    monkeypatch.setattr(aliascheck.runner, "run_cases", fake)
    return fake


class Stream(io.TextIOWrapper):
    """A standard stream that keeps its bytes and may pass for a terminal."""

    def __init__(self, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def text(self) -> str:
        self.flush()
        data = self.buffer.getvalue()  # type: ignore[attr-defined]
        assert isinstance(data, bytes)
        return data.decode()


Call = Callable[..., Outcome]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `aliascheck` with arguments; gives the exit code and both outputs."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "ALIASCHECK_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(
        *args: str, encoding: str = "utf-8", terminal: bool = False, err_terminal: bool = False
    ) -> Outcome:
        out, err = Stream(encoding, terminal), Stream(terminal=err_terminal)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "argv", ["aliascheck", *args])
            patch.setattr("aliascheck.cli.main.leave", sys.exit)  # which changes how this process ends
            with pytest.raises(SystemExit) as left:
                entry()
        assert isinstance(left.value.code, int)
        return Outcome(left.value.code, out.text(), err.text())

    return run
