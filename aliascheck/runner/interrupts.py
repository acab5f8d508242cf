"""Ctrl-C: noted whenever it comes, and acted upon where that harms nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # the exit code
AGAIN = 0.5  # seconds within which a second interrupt is the first one, sent twice (as by `timeout -s INT`)


class Interrupts:
    """A handler of SIGINT that raises where it is let through, and only there.

    Python's own raises wherever the main thread happens to be: between a worker's start and the note that it
    is there, or within the end of a run. A second interrupt ends the process at once.
    """

    def __init__(self) -> None:
        self.seen = False
        self.at_once: Callable[[], None] | None = None  # called before a second interrupt ends the process
        self._first = 0.0
        self._through = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note an interrupt. Raises: KeyboardInterrupt where it is the first, and let through."""
        now = time.monotonic()
        if not self.seen:
            self.seen, self._first = True, now
            if self._through:
                raise KeyboardInterrupt
        elif now - self._first >= AGAIN:
            if self.at_once is not None:
                self.at_once()
            os._exit(INTERRUPTED)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Raise KeyboardInterrupt in here.

        Raises: KeyboardInterrupt where there was one before, and where the body has suppressed it.
        """
        self._through = True
        try:
            self._raise_seen()
            yield
        finally:
            self._through = False
        self._raise_seen()

    def _raise_seen(self) -> None:
        if self.seen:
            raise KeyboardInterrupt


def was_sent() -> bool:
    """Whether a KeyboardInterrupt can be one that a person has sent, and not a model's own."""
    handler = signal.getsignal(signal.SIGINT)
    return handler.seen if isinstance(handler, Interrupts) else handler is not signal.SIG_IGN


@contextmanager
def interrupts_held(*, to_the_end: bool = False) -> Iterator[Interrupts]:
    """Have Ctrl-C noted in here, not raised. Who handles it already, or ignores it, goes on doing so.

    `to_the_end`: once there was one, Python's handler does not come back, for the process is about to end.
    """
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and isinstance(before, Interrupts):
        yield before
        return
    interrupts = Interrupts()
    if not is_main or before is not signal.default_int_handler:
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts)
    try:
        yield interrupts
    finally:
        if not (to_the_end and interrupts.seen):
            signal.signal(signal.SIGINT, before)
