"""Runs in processes of their own, of audits that do what their titles say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120.0  # seconds: what takes as long will never end

# What a shell starts in the background ignores Ctrl-C, and hands that on: so would what tests start there.
COMMAND = """
import signal
import sys
import aliascheck.runner.run
from aliascheck.cli import entry
from tests.runner.hostile import hostile_audit, leave_note
aliascheck.runner.run.run_audit = hostile_audit
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    leave_note("begun")
    entry()
"""


@contextmanager
def running(*args: object, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """`aliascheck run` in a session of its own, which is killed afterwards if it is still there."""
    settings["env"] = {**os.environ, **settings.get("env", {})}
    settings["env"].pop("PYTHONUNBUFFERED", None)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    argv = [sys.executable, "-c", COMMAND, "run", *map(str, args)]
    with subprocess.Popen(argv, cwd=ROOT, text=True, start_new_session=True, **pipes, **settings) as run:
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


def wait_until(folder: Path, processes: int) -> list[int]:
    """The processes that hang, as soon as there are so many."""
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST:
        found = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
        if len(found) == processes:
            return found
        time.sleep(0.02)
    raise AssertionError("they do not hang")


def are_gone(pids: list[int]) -> bool:
    """Whether processes end."""
    begun = time.monotonic()
    while any(_is_there(pid) for pid in pids):
        if time.monotonic() - begun > LONGEST / 2:
            for pid in pids:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.02)
    return True


def _is_there(pid: int) -> bool:
    """Whether a process runs: one that has ended may wait for ever for somebody to ask how."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    if sys.platform == "linux":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
