"""Audits with a limit as tests: they run in a worker that is ended in time, others in pytest's process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.hostile_run import LONGEST, ROOT, are_gone, wait_until
from tests.runner import hostile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes and signals of POSIX")

# An audit has taken too long as soon as it hangs, however slow this machine is, and never before.
CONFTEST = """
import os
import signal
import pytest
import aliascheck.runner
import aliascheck.runner.standby
from aliascheck.runner.lane import Lane
from tests.runner.hostile import hostile_audit, leave_note

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    own = aliascheck.runner.run_audit

    def audited_here(case, audit, selection, **settings):
        leave_note(f"here {audit.id}")
        return own(case, audit, selection, **settings)

    aliascheck.runner.run_audit = audited_here
    aliascheck.runner.standby.run_audit = hostile_audit
    pids = os.environ["HOSTILE_PIDS"]
    ends = "UNLIMITED" not in os.environ
    Lane.seconds = lambda lane: 1000.0 if ends and os.path.exists(f"{pids}/{lane.pid}") else 0.0
"""
AUDIT = """
[[audit]]
id = "{id}"
title = "{title}"
loss = "sum(x * x)"
params = ["x"]
modes = ["implicit"]
{extra}
"""

Write = Callable[..., Path]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A folder with audits by title, those in capitals without a limit."""

    def write(*titles: str) -> Path:
        (tmp_path / "conftest.py").write_text(CONFTEST)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        audits = [
            AUDIT.format(id=number, title=title.lower(), extra="" if title.isupper() else "timeout = 40")
            for number, title in enumerate(titles)
        ]
        (tmp_path / "case.toml").write_text("[let]\nx = [1.0]\n" + "".join(audits))
        return tmp_path

    return write


def start(folder: Path, notes: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    found = {**os.environ, "PYTHONPATH": path, hostile.PIDS: str(notes), **environment}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *_plugin(), "--aliascheck", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=found, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload,no-any-return]


def _plugin() -> list[str]:
    """The plugin by its module, for the installed one may be another."""
    return ["-p", "no:aliascheck", "-p", "aliascheck.pytest_plugin"]


def pids(notes: Path) -> list[int]:
    return [int(path.name) for path in notes.iterdir() if path.name.isdigit()]


def check(out: str, notes: Path) -> None:
    assert "2 failed, 3 passed" in out
    assert re.search(r"FAILED case\.toml::1\[implicit\] - not done after 40 s, its timeout; no", out)
    assert "nothing is\n       known of it (raise the timeout" in out, "the table says it as the command does"
    assert [path.name for path in notes.glob("here*")] == ["here 2"], "others run in pytest's own process"
    assert pids(notes) and are_gone(pids(notes))


MIXED = ("calm", "hangs-deaf", "CALM", "hangs-with-child", "calm")


def test_an_audit_is_held_to_its_time(write: Write, notes: Path) -> None:
    with start(write(*MIXED), notes) as run:
        out, _ = run.communicate(timeout=LONGEST)
    check(out, notes)


@pytest.mark.slow
def test_it_is_in_workers_of_xdist_and_where_the_first_failure_ends_the_run(
    write: Write, notes: Path
) -> None:
    pytest.importorskip("xdist")
    with start(write(*MIXED), notes, "-n", "2") as run:
        out, _ = run.communicate(timeout=LONGEST)
    check(out, notes)
    with start(write("hangs", "hangs"), notes, "-x") as run:
        out, _ = run.communicate(timeout=LONGEST)
    assert "1 failed" in out and "stopping after 1 failures" in out
    assert are_gone(pids(notes))


@pytest.mark.parametrize("options", [[], pytest.param(["-n", "2"], marks=pytest.mark.slow)])
def test_an_interrupt_ends_it_with_all_that_hangs(write: Write, notes: Path, options: list[str]) -> None:
    if options:
        pytest.importorskip("xdist")
    with start(write("hangs-with-child", "calm"), notes, *options, UNLIMITED="1") as run:
        hanging = wait_until(notes, 2)
        os.killpg(run.pid, signal.SIGINT)
        out, _ = run.communicate(timeout=LONGEST)
    assert run.returncode == 2
    assert "KeyboardInterrupt" in out and "INTERNALERROR" not in out
    assert are_gone(hanging)
