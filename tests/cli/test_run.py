"""`aliascheck run`: arguments become calls, reports become text and exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aliascheck.errors import CaseError, IncompleteError, UsageError
from aliascheck.reporters import FORMATS, STREAMS
from aliascheck.runner import Selection
from tests.cli.conftest import Call, FakeRunner
from tests.reporters.samples import trouble


@pytest.mark.parametrize(
    ("argv", "paths", "selection"),
    [
        ([], ["cases"], {}),
        (["a.toml", "b"], ["a.toml", "b"], {}),
        (["-k", "tied"], ["cases"], {"text": "tied"}),
        (["--mode", "explicit"], ["cases"], {"mode": "explicit"}),
        (["--engine", "builtin"], ["cases"], {"engine": "builtin"}),
        (["--contract", "owner:enc.weight"], ["cases"], {"contract": "owner:enc.weight"}),
        (
            ["--rtol", "1e-6", "--atol", "0", "--seed", "7"],
            ["cases"],
            {"rtol": 1e-6, "atol": 0.0, "seed": 7},
        ),
        (["--fail-on", "warning", "--strict-skips"], ["cases"], {"fail_on": "warning", "strict_skips": True}),
        (["--trust", "x.toml"], ["x.toml"], {"trust": True}),
    ],
)
def test_arguments_become_a_selection(
    call: Call, runner: FakeRunner, argv: list[str], paths: list[str], selection: dict[str, Any]
) -> None:
    assert call("run", *argv).code == 0
    assert runner.calls == [([Path(path) for path in paths], Selection(**selection))]


@pytest.mark.parametrize(
    "argv",
    [
        ["--engine", "toch"],
        ["--contract", "some"],
        ["--contract", "owner:"],
        ["--mode", "both"],
        ["--rtol", "-1"],
        ["--atol", "nan"],
        ["--seed", "-1"],
        ["--format", "html"],
        ["--format", "junit"],
        ["--fail-on", "info"],
        ["-v", "-q"],
        ["--no-such-option"],
        ["-k"],
    ],
)
def test_wrong_usage_is_told_and_nothing_runs(call: Call, runner: FakeRunner, argv: list[str]) -> None:
    outcome = call("run", *argv)
    assert outcome.code == 2 and outcome.out == "" and "error: " in outcome.err
    assert "Traceback" not in outcome.err
    assert runner.calls == []


@pytest.mark.parametrize("engine", ["torch", "jax", "autograd"])
def test_programs_run_on_other_engines(call: Call, runner: FakeRunner, engine: str) -> None:
    assert call("run", "--engine", engine).code == 0
    ((_, selection),) = runner.calls
    assert selection.engine == engine


@pytest.mark.parametrize("code", [0, 1, 3, 4, 130])
def test_the_exit_code_is_the_report_s(call: Call, runner: FakeRunner, code: int) -> None:
    runner.report.summary.exit_code = code
    assert call("run").code == code


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("no"), 2), (CaseError("no"), 3), (IncompleteError("no"), 4)]
)
def test_errors_carry_their_exit_code(call: Call, runner: FakeRunner, error: Exception, code: int) -> None:
    runner.error = error
    outcome = call("run")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", "error: no\n")


def test_ctrl_c(call: Call, runner: FakeRunner) -> None:
    runner.error = KeyboardInterrupt()
    outcome = call("run")
    assert (outcome.code, outcome.out, outcome.err.strip()) == (130, "", "interrupted")


def test_a_defect_is_told_in_a_line(call: Call, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.error = RuntimeError("boom \x1b[31m")
    outcome = call("run")
    assert outcome.code == 4
    assert outcome.err.startswith("internal error: RuntimeError: boom \\x1b[31m\n")
    assert "report it" in outcome.err and "Traceback" not in outcome.err


def test_a_defect_s_traceback_is_for_those_who_ask(
    call: Call, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIASCHECK_DEBUG", "1")
    runner.error = RuntimeError("boom")
    assert call("run").code == 4
    monkeypatch.undo()


def test_output_holds_the_result_and_nothing_else(call: Call, runner: FakeRunner) -> None:
    outcome = call("run", "--format", "json", err_terminal=True)
    assert json.loads(outcome.out)["format"] == 1
    assert outcome.err == ""


def test_progress_shows_on_a_terminal_after_a_second(
    call: Call, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aliascheck.cli.progress.PATIENCE", 0.0)
    assert call("run").err == ""
    outcome = call("run", err_terminal=True)
    assert outcome.err != "" and "Exit 0" in outcome.out


def test_formats_for_programs_are_for_files() -> None:
    assert STREAMS == ("table", "concise", "json", "github", "markdown")
    assert {"html", "junit", "sarif"} <= set(FORMATS) - set(STREAMS)


@pytest.mark.parametrize("form", STREAMS)
def test_formats(call: Call, runner: FakeRunner, form: str) -> None:
    runner.report = trouble()
    assert "6" in call("run", "--format", form).out


def test_columns_and_detail(call: Call, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert max(map(len, call("run", "-v").out.splitlines())) == 200
    monkeypatch.setenv("COLUMNS", "nonsense")
    assert max(map(len, call("run").out.splitlines())) == 80
    assert len(call("run", "-q").out.splitlines()) == 2


def test_colour_is_for_terminals_without_no_color(
    call: Call, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" not in call("run").out
    assert "\x1b[" in call("run", terminal=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in call("run", terminal=True).out


def test_an_output_that_lacks_the_characters_gets_others(call: Call, runner: FakeRunner) -> None:
    runner.report = trouble()
    assert call("run", "-v", encoding="ascii").out.isascii()
    assert json.loads(call("run", "--format", "json", encoding="ascii").out)["format"] == 1


def test_hostile_text_is_shown_escaped(call: Call, runner: FakeRunner) -> None:
    runner.report = trouble()
    for form in STREAMS:
        out = call("run", "--format", form).out
        assert all(char.isprintable() or char == "\n" for char in out)
    error = call("run", "--engine", "\x1b[2J").err
    assert "\x1b" not in error and "\\x1b[2J" in error
    assert "\x1b" not in call("\x1b[2J").err
    assert "\x1b" not in call("run", "--\x1b[2J").err


def test_the_html_file_says_which_command_made_it(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    case = Path(__file__).resolve().parents[2] / "cases/zygote-991/examples.toml"
    assert call("run", str(case), "-k", "<b>'5'", "--html", str(path)).code == 2
    assert not path.exists()
    assert call("run", str(case), "-k", "5", "--seed", "3", "--html", str(path)).code == 0
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    assert f"aliascheck run {case} -k 5 --seed 3 --html {path}" in text


class TestJsonFile:
    def test_it_is_written_whole(self, call: Call, runner: FakeRunner, tmp_path: Path) -> None:
        path = tmp_path / "report.json"
        path.write_text("old")
        assert call("run", "--json", str(path)).code == 0
        assert json.loads(path.read_text())["format"] == 1
        assert os.listdir(tmp_path) == ["report.json"]

    def test_it_has_ordinary_permissions(self, call: Call, runner: FakeRunner, tmp_path: Path) -> None:
        ordinary = tmp_path / "ordinary"
        ordinary.touch()
        call("run", "--json", str(tmp_path / "report.json"))
        assert (tmp_path / "report.json").stat().st_mode == ordinary.stat().st_mode

    @pytest.mark.parametrize("name", [".", "none/report.json", "case.toml", "report.json/x"])
    def test_what_cannot_be_written_is_told_before_anything_runs(
        self, call: Call, runner: FakeRunner, tmp_path: Path, name: str
    ) -> None:
        (tmp_path / "report.json").touch()
        outcome = call("run", "--json", str(tmp_path / name))
        assert outcome.code == 2 and "--json" in outcome.err
        assert runner.calls == []

    def test_nothing_is_left_where_the_run_fails(
        self, call: Call, runner: FakeRunner, tmp_path: Path
    ) -> None:
        runner.error = UsageError("no")
        assert call("run", "--json", str(tmp_path / "report.json")).code == 2
        assert os.listdir(tmp_path) == []

    def test_a_device_is_written_and_not_replaced(self, call: Call, runner: FakeRunner) -> None:
        assert call("run", "--json", os.devnull).code == 0
        assert not Path(os.devnull).is_file()

    def test_a_link_keeps_pointing(self, call: Call, runner: FakeRunner, tmp_path: Path) -> None:
        link, target = tmp_path / "link.json", tmp_path / "target.json"
        target.touch()
        link.symlink_to(target)
        assert call("run", "--json", str(link)).code == 0
        assert link.is_symlink() and json.loads(target.read_text())["format"] == 1
