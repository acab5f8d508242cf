"""Workers as the command line shows them: options, interrupts, and a standard output of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aliascheck.runner import Selection
from tests.cli.conftest import Call, FakeRunner
from tests.runner import hostile
from tests.runner.cases import write_case

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

HOSTILE_COMMAND = """
import sys
import aliascheck.runner.run
from aliascheck.cli import entry
from tests.runner.hostile import hostile_audit
aliascheck.runner.run.run_audit = hostile_audit
if __name__ == "__main__":
    entry()
"""


def start(*args: object, **settings: Any) -> subprocess.Popen[str]:
    """`aliascheck run`, with audits that do what their titles say, in a process group of its own."""
    argv = [sys.executable, "-c", HOSTILE_COMMAND, "run", *map(str, args)]
    settings["env"] = {**os.environ, **settings.get("env", {})}
    settings["env"].pop("PYTHONUNBUFFERED", None)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, cwd=ROOT, text=True, start_new_session=True, **pipes, **settings)


def wait_until(folder: Path, processes: int) -> list[int]:
    """The processes that hang, as soon as there are so many."""
    for _ in range(600):
        found = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
        if len(found) == processes:
            return found
        time.sleep(0.05)
    raise AssertionError("they do not hang")


def are_gone(pids: list[int]) -> bool:
    """Whether processes end within seconds."""
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() if sys.platform == "linux" else False for pid in pids):
            return True
        time.sleep(0.05)
    return False


@posix
def test_ctrl_c_writes_what_is_complete_and_leaves_nothing_running(tmp_path: Path) -> None:
    case = write_case(tmp_path, ["calm", "hangs", "calm", "hangs-with-child", "calm"])
    report = tmp_path / "report.json"
    environment = {hostile.PIDS: str(tmp_path)}
    run = start(case, "--jobs", 2, "--json", report, env=environment)
    hanging = wait_until(tmp_path, 3)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (130, "")
    assert "Exit 130: interrupted." in out
    written = json.loads(report.read_text())
    assert written["summary"]["exit_code"] == 130
    assert [result["id"] for result in written["audits"]] == ["0", "2"]
    assert are_gone(hanging)


@posix
def test_workers_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    case = write_case(tmp_path, ["hangs", "hangs-with-child"])
    run = start(case, "--jobs", 2, env={hostile.PIDS: str(tmp_path)})
    hanging = wait_until(tmp_path, 3)
    run.kill()
    run.communicate(timeout=30)  # which ends when all that hold its pipes have ended
    assert are_gone(hanging)


@posix
@pytest.mark.parametrize("options", [[], ["--jobs", "2"], ["--timeout", "30"]])
def test_what_models_print_is_not_the_result(tmp_path: Path, options: list[str]) -> None:
    case = write_case(tmp_path, ["prints", "calm", "prints"])
    run = start(case, *options, "--format", "json")
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0
    assert json.loads(out)["summary"]["passed"] == 4
    printed = ["printed by Python", "printed where output was", "written to the descriptor"]
    for words in (*printed, "printed by a child", "printed natively"):
        assert err.count(words) == 2


@posix
@pytest.mark.parametrize("options", [[], ["--jobs", "2"]])
def test_what_models_print_goes_nowhere_without_a_standard_error(tmp_path: Path, options: list[str]) -> None:
    case = write_case(tmp_path, ["prints"])
    argv = [sys.executable, "-c", HOSTILE_COMMAND, "run", str(case), "--format", "json", *options]
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
