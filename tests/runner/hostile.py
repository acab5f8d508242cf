"""Audits that do what their title says, in place of `run_audit`; workers import them from here."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aliascheck.runner.run import run_audit

MEBIBYTES = 200
LONGEST = 300  # seconds: for ever
PIDS = "HOSTILE_PIDS"  # a folder that gets a file for each process that hangs


def hostile_audit(case: Any, audit: Any, selection: Any, **settings: Any) -> Any:
    """The results of `run_audit`, after what the first word of the audit's title names."""
    deed = DEEDS.get(audit.title.partition(" ")[0])
    if deed is not None:
        deed()
    return run_audit(case, audit, selection, **settings)


def leave_note(what: object) -> None:
    """Leave a file of that name in the folder for notes, where there is one."""
    folder = os.environ.get(PIDS)
    if folder is not None:
        (Path(folder) / str(what)).touch()


def _hang() -> None:
    leave_note(os.getpid())
    time.sleep(LONGEST)


def _hang_with_child() -> None:
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONGEST})"])
    leave_note(child.pid)
    _hang()


def _hang_deaf() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _hang()


def _hold() -> None:
    held = bytearray(MEBIBYTES * 2**20)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(LONGEST)
    (Path(os.environ[PIDS]) / "slept").touch()


def _touch() -> None:
    held = bytearray(MEBIBYTES * 2**20)
    held[::4096] = b"x" * len(held[::4096])


KEPT: list[bytearray] = []


def _keep() -> None:
    KEPT.append(bytearray(MEBIBYTES * 2**20))
    KEPT[0][::4096] = b"x" * len(KEPT[0][::4096])


def _overflow() -> None:
    sys.setrecursionlimit(10**9)
    key: Any = None

    class Endless:
        def __lt__(self, other: object) -> bool:
            return bool(sorted([Endless(), Endless()]))

    sorted([Endless(), Endless(), key])


def _leave_child_with_line() -> None:
    if os.fork() == 0:
        leave_note(os.getpid())
        time.sleep(LONGEST)
        (Path(os.environ[PIDS]) / "slept").touch()
    os._exit(0)


def _print() -> None:
    assert sys.__stdout__ is not None
    print("printed by Python")
    sys.__stdout__.write("printed where output was\n")
    ctypes.CDLL(None).puts(b"printed natively")
    os.write(1, b"written to the descriptor\n")
    subprocess.run(["echo", "printed by a child"], check=True)


def _raise(error: BaseException) -> None:
    raise error


DEEDS: dict[str, Callable[[], None]] = {
    "hangs": _hang,
    "hangs-with-child": _hang_with_child,
    "hangs-deaf": _hang_deaf,
    "holds": _hold,
    "touches": _touch,
    "keeps": _keep,
    "drops": KEPT.clear,
    "overflows": _overflow,
    "forks": _leave_child_with_line,
    "prints": _print,
    "crashes": lambda: ctypes.string_at(0) and None,
    "leaves": lambda: os._exit(0),
    "leaves-3": lambda: os._exit(3),
    "kills-itself": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "raises": lambda: _raise(RuntimeError("not ours")),
}
