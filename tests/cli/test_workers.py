"""Workers as the command line shows them: options, progress, and a standard output of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aliascheck.runner import Selection
from tests.cli.conftest import Call, FakeRunner
from tests.cli.hostile_run import COMMAND, LONGEST, ROOT, are_gone, running, wait_until
from tests.runner import hostile
from tests.runner.cases import write_case

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@posix
def test_workers_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    case = write_case(tmp_path, ["hangs", "hangs-with-child"])
    with running(case, "--jobs", 2, env={hostile.PIDS: str(tmp_path)}) as run:
        hanging = wait_until(tmp_path, 3)
        run.kill()
        run.communicate(timeout=LONGEST)  # which ends when all that hold its pipes have ended
    assert are_gone(hanging)


@posix
@pytest.mark.parametrize("options", [[], ["--jobs", "2"]])
def test_what_models_print_is_not_the_result(tmp_path: Path, options: list[str]) -> None:
    case = write_case(tmp_path, ["prints", "calm", "prints"])
    with running(case, *options, "--format", "json") as run:
        out, err = run.communicate(timeout=LONGEST)
    assert run.returncode == 0
    assert json.loads(out)["summary"]["passed"] == 4
    printed = ["printed by Python", "printed where output was", "written to the descriptor"]
    for words in (*printed, "printed by a child", "printed natively"):
        assert err.count(words) == 2


@posix
@pytest.mark.parametrize("options", [[], ["--jobs", "2"]])
def test_what_models_print_goes_nowhere_without_a_standard_error(tmp_path: Path, options: list[str]) -> None:
    case = write_case(tmp_path, ["prints"])
    argv = [sys.executable, "-c", COMMAND, "run", str(case), "--format", "json", *options]
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *argv]
    done = subprocess.run(shell, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["summary"]["passed"] == 1


@pytest.mark.parametrize(
    ("argv", "selection"),
    [
        ([], {}),
        (["--jobs", "0"], {}),
        (["--jobs", "3"], {"jobs": 3}),
        (["--timeout", "0.5", "--memory", "100"], {"timeout": 0.5, "memory": 100}),
    ],
)
def test_options_become_a_selection(
    call: Call, runner: FakeRunner, argv: list[str], selection: dict[str, Any]
) -> None:
    assert call("run", *argv).code == 0
    assert runner.calls[0][1] == Selection(**selection)


def test_auto_is_a_worker_for_each_core(call: Call, runner: FakeRunner) -> None:
    assert call("run", "--jobs", "auto").code == 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert runner.calls[0][1].jobs == cores


@pytest.mark.parametrize(
    "argv",
    [
        ["--jobs", "-1"],
        ["--jobs", "many"],
        ["--jobs", "1.5"],
        ["--timeout", "0"],
        ["--timeout", "inf"],
        ["--timeout", "nan"],
        ["--memory", "0"],
        ["--memory", "1.5"],
    ],
)
def test_wrong_numbers_are_told(call: Call, runner: FakeRunner, argv: list[str]) -> None:
    outcome = call("run", *argv)
    assert (outcome.code, outcome.out) == (2, "") and argv[0] in outcome.err
    assert runner.calls == []


def test_progress_of_workers_shows_on_a_terminal(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aliascheck.cli.progress.PATIENCE", 0.0)
    case = write_case(tmp_path, ["calm", "calm"])
    assert call("run", str(case), "--jobs", "1").err == ""
    outcome = call("run", str(case), "--jobs", "1", err_terminal=True)
    assert outcome.code == 0 and outcome.err != ""
    assert outcome.out.endswith("Exit 0: nothing unexpected.\n")
