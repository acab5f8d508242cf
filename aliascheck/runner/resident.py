"""How much memory processes hold: their resident pages, as the system counts them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from aliascheck.errors import UsageError

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"
_KIBIBYTE = 1024


def check_resident() -> None:
    """Raises: UsageError on a system that does not tell how much memory a process holds."""
    if resident(os.getpid()) is None:
        raise UsageError(
            "--memory: this system does not tell how much memory a process holds",
            hint="it takes /proc or the command ps; run without a limit here",
        )


def is_cheap() -> bool:
    """Whether asking costs so little that it may be done all the time."""
    return _STATUS.exists()


def resident(pid: int) -> int | None:
    """The bytes that a process holds now, None where that is not known (it may have ended)."""
    return _of_status(pid, "VmRSS") if is_cheap() else _asked(pid)


def peak() -> int | None:
    """The most bytes that this process held since it forgot its peak."""
    return _of_status(os.getpid(), "VmHWM")


def forget_peak() -> bool:
    """Start this process's peak anew; False where the system keeps none that can be forgotten."""
    try:
        _CLEAR.write_text(_FORGET_PEAK)
    except OSError:
        return False
    return True


def _of_status(pid: int, key: str) -> int | None:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"^{key}:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * _KIBIBYTE if found else None


def _asked(pid: int) -> int | None:
    try:
        asked = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)
        return int(asked.stdout) * _KIBIBYTE
    except (OSError, ValueError):
        return None
