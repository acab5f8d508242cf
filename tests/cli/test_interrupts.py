"""Ctrl-C, whenever it comes: what is complete is written, nothing is left running, nothing hangs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.hostile_run import LONGEST, ROOT, are_gone, running, wait_until
from tests.runner import hostile
from tests.runner.cases import write_case

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

DEEDS = ["calm", "hangs", "calm", "hangs-with-child", "calm"]
JOBS = ("--jobs", 2)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice at once"])
def test_ctrl_c_writes_what_is_complete_and_leaves_nothing_running(tmp_path: Path, times: int) -> None:
    report = tmp_path / "report.json"
    command = (write_case(tmp_path, DEEDS), *JOBS, "--json", report)
    with running(*command, env={hostile.PIDS: str(tmp_path)}) as run:
        hanging = wait_until(tmp_path, 3)
        for _ in range(times):
            os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=LONGEST)
    assert (run.returncode, err) == (130, "")
    assert "Exit 130: interrupted." in out
    written = json.loads(report.read_text())
    assert written["summary"]["exit_code"] == 130
    assert [result["id"] for result in written["audits"]] == ["0", "2"]
    assert are_gone(hanging)


def test_ctrl_c_ends_an_audit_of_this_process_as_well(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = (write_case(tmp_path, ["calm", "hangs", "calm"]), "--json", report)
    with running(*command, env={hostile.PIDS: str(tmp_path)}) as run:
        wait_until(tmp_path, 1)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=LONGEST)
    assert (run.returncode, err) == (130, "")
    assert "Exit 130: interrupted." in out
    assert [result["id"] for result in json.loads(report.read_text())["audits"]] == ["0"]


def interrupt_often(folder: Path, times: int, longest: float) -> None:
    """Interrupt runs at random points; each ends with what it had, and nothing else."""
    chance = random.Random(0)
    for number in range(times):
        apart = folder / str(number + 10**9)
        apart.mkdir()
        interrupt_once(apart, JOBS if number % 4 else (), chance.uniform(0.0, longest))


def interrupt_once(folder: Path, jobs: tuple[object, ...], delay: float) -> None:
    report = folder / "report.json"
    command = (write_case(folder, DEEDS), *jobs, "--json", report)
    with running(*command, env={hostile.PIDS: str(folder)}) as run:
        while run.poll() is None and not (folder / "begun").exists():
            time.sleep(0.002)
        time.sleep(delay)
        os.killpg(run.pid, signal.SIGINT)
        _, err = run.communicate(timeout=LONGEST)
    assert run.returncode == 130
    assert err.strip() in ("", "interrupted")
    assert are_gone([int(path.name) for path in folder.iterdir() if path.name.isdigit()])
    assert not list(folder.glob("*.draft"))
    if report.exists():
        ids = {result["id"] for result in json.loads(report.read_text())["audits"]}
        assert ids <= {"0", "2", "4"}


def test_runs_that_are_interrupted_at_random(tmp_path: Path) -> None:
    interrupt_often(tmp_path, 3, 0.8)


@pytest.mark.slow
def test_200_runs_that_are_interrupted_at_random(tmp_path: Path) -> None:
    interrupt_often(tmp_path, 200, 4.0)


def ended(script: str) -> tuple[int, str]:
    """How a script ends, and what it prints."""
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_an_interrupted_run_does_not_wait_for_what_will_not_end() -> None:
    script = (
        "import atexit, time\nfrom aliascheck.cli import leaving\nleaving.GRACE = 0.1\n"
        "atexit.register(time.sleep, 1000)\nleaving.leave(130)"
    )
    assert ended(script) == (130, "")


def test_ctrl_c_is_silent_when_everything_is_written() -> None:
    script = (
        "import atexit, os, signal\nfrom aliascheck.cli import leaving\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "atexit.register(print, 'cleared up')\natexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
    )
    assert ended(script + "leaving.leave(0)") == (130, "")


def test_ctrl_c_is_ignored_while_python_clears_up() -> None:
    script = (
        "import atexit, os, signal\nfrom aliascheck.cli import leaving\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\nleaving.end_in_silence()\nleaving.leave(3)"
    )
    assert ended(script) == (3, "")
