"""How the process ends, once everything is written."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from types import FrameType
from typing import Never

INTERRUPTED = 130
GRACE = 5.0  # seconds for what a run that was interrupted has left behind


def end_in_silence() -> None:
    """Have Ctrl-C ignored when Python clears up: registered first, this is done when all else has ended."""
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def leave(code: int) -> Never:
    """End the process with its exit code. Ctrl-C from now on ends it at once and in silence."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave_at_once)
    if code == INTERRUPTED:
        ending = threading.Timer(GRACE, os._exit, [code])
        ending.daemon = True
        ending.start()
    sys.exit(code)


def _leave_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
