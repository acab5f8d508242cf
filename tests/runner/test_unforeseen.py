"""Audits that end with what nobody foresaw: told as results, and all others still run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from aliascheck.runner import Selection, run_cases
from tests.runner.cases import errors, write_case


def fail_at_first(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Have the first audit of a run end with `error`."""
    home = sys.modules["aliascheck.runner.run"]
    real, calls = home.audit_subject, []

    def audit(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise error
        return real(*args)

    monkeypatch.setattr(home, "audit_subject", audit)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            MemoryError(),
            "memory ran out (MemoryError); nothing is known of the audit (make the model smaller",
        ),
        (
            RecursionError("too deep"),
            "the stack ran out: something calls itself without end (RecursionError: ",
        ),
        (SystemExit(0), "something ended Python (SystemExit: 0); nothing is known of the audit (take calls"),
        (KeyboardInterrupt(), "the model interrupted itself (KeyboardInterrupt); nothing is known"),
        (TypeError("a defect"), "internal error: TypeError: a defect (a defect of aliascheck: please report"),
    ],
)
def test_what_nobody_foresaw_is_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    monkeypatch.delenv("ALIASCHECK_DEBUG", raising=False)
    fail_at_first(monkeypatch, error)
    report = run_cases([write_case(tmp_path, ["calm", "calm"])], Selection())
    assert list(errors(report)) == ["0"]
    assert f"case.toml: audit[0]: {words}" in errors(report)["0"]
    assert (report.summary.exit_code, report.summary.passed) == (4, 2)


def test_those_who_ask_get_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIASCHECK_DEBUG", "1")
    fail_at_first(monkeypatch, TypeError("a defect"))
    with pytest.raises(TypeError, match="a defect"):
        run_cases([write_case(tmp_path, ["calm"])], Selection())


def test_ctrl_c_ends_the_run_and_keeps_what_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sys.modules["aliascheck.runner.run"]
    real = home.run_audit

    def audit(case: Any, audit: Any, *args: Any, **settings: Any) -> Any:
        if audit.id == "1":
            raise KeyboardInterrupt
        return real(case, audit, *args, **settings)

    monkeypatch.setattr(home, "run_audit", audit)
    report = run_cases([write_case(tmp_path, ["calm", "calm", "calm"])], Selection())
    assert [result.id for result in report.audits] == ["0"]
    assert (report.summary.exit_code, report.summary.reason) == (130, "interrupted")
