"""One worker process as the run sees it: what it is given, what it tells, how it ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as Late
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.context import BaseContext
from typing import Any

from pebble import ProcessExpired, ProcessPool

from aliascheck.errors import IncompleteError
from aliascheck.runner.groups import Group
from aliascheck.runner.limits import Limits
from aliascheck.runner.resident import resident
from aliascheck.runner.selection import Selection
from aliascheck.runner.worker import AuditOne, Begun, Done, Idle, Ready, begin, carry_out, order_of

PRELOADED = ["aliascheck.runner"]
PATIENCE = 10.0  # seconds for a pool to find out what became of its worker: it takes tenths of one
LONGEST_END = 10.0  # seconds for a worker that is killed to be gone

Message = Ready | Begun | Done | Idle


def start_context() -> BaseContext:
    """How workers start.

    Threads of BLAS and of engines do not survive a fork, so no worker is forked from this process: on Linux
    from a server that has imported NumPy and run nothing (a tenth of the time of a new interpreter),
    elsewhere as new interpreters.
    """
    if sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


class Lane:
    """One worker process, in a pool of its own: what becomes of it harms no other.

    The pool of `pebble` hands over groups and ends the worker. What the worker tells goes over a line of its
    own, whose end is the end of the worker. The pool can start no other worker: that line is closed by then.
    """

    def __init__(self, context: BaseContext) -> None:
        self.reader, self._writer = context.Pipe(duplex=False)
        self._pool: Any = ProcessPool(
            1, initializer=begin, initargs=(self._writer, dict(os.environ)), context=context
        )
        self._future: Any = None
        self._end = threading.Thread(target=self._join_pool, daemon=True)
        self.pid: int | None = None
        self.group: Group | None = None
        self.current: int | None = None
        self._since = 0.0
        self._held: int | None = None

    def give(self, audit_one: AuditOne, group: Group, selection: Selection) -> None:
        """Have a group carried out.

        Raises: IncompleteError where no process can be started.
        """
        self.group, self.current = group, None
        try:
            with _interrupts_held():
                self._future = self._pool.schedule(carry_out, args=(audit_one, order_of(group, selection)))
        except (OSError, RuntimeError) as error:
            raise IncompleteError(
                f"worker processes cannot be started: {error.__cause__ or error}",
                hint="run without --jobs, --timeout and --memory",
            ) from error
        self._writer.close()

    def tell(self) -> Iterator[Message]:
        """What the worker has told since it was last asked. Raises: EOFError where it is gone."""
        while self.reader.poll():
            try:
                message: Message = self.reader.recv()
            except (OSError, pickle.UnpicklingError) as error:
                raise EOFError from error
            self._note(message)
            yield message
        if not self.is_alive():
            raise EOFError

    def _note(self, message: Message) -> None:
        if isinstance(message, Ready):
            self.pid = message.pid
        elif isinstance(message, Begun):
            self.current, self._since, self._held = message.number, time.monotonic(), message.held
        elif isinstance(message, Done):
            self.current = None
        else:
            self.group = None

    def is_alive(self) -> bool:
        """Whether the worker is there. Its line stays open beyond it where models have forked."""
        if self.pid is None or os.name != "posix":
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def seconds(self) -> float:
        """How long the current audit has been running."""
        return time.monotonic() - self._since

    def allows(self, most: int | None, limits: Limits) -> bool:
        """Whether the worker, having held so many bytes, is within the memory that its audit may take."""
        return most is None or self._held is None or limits.allow(most - self._held)

    def is_within(self, limits: Limits) -> bool:
        """Whether the worker holds no more memory now than its audit may take."""
        return limits.bytes is None or self.pid is None or self.allows(resident(self.pid), limits)

    def check(self) -> None:
        """Raises: what the worker raised, where its group did not end as it should."""
        with suppress(CancelledError, Late, ProcessExpired):
            self._future.result(timeout=PATIENCE)

    def ending(self) -> str:
        """How a worker that is gone ended."""
        error = None
        with suppress(CancelledError, Late):
            error = self._future.exception(timeout=PATIENCE)
        if isinstance(error, ProcessExpired):
            code = error.exitcode
            return f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        if isinstance(error, BrokenProcessPool) and isinstance(error.__cause__, OSError):
            return "with status 0"  # which its pool takes for the end of a task, and fails to start another
        return "without a word"

    def stop(self) -> None:
        """End the worker, with all that it has started."""
        self._pool.stop()
        self._meet()
        self.kill()
        self._writer.close()
        self._end.start()

    def kill(self) -> None:
        """Kill the worker, where it has told who it is, with all that it has started."""
        if self.pid is not None and hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)

    def _meet(self) -> None:
        """Learn who the worker is, where it has told but nobody has listened yet."""
        with suppress(EOFError, OSError, pickle.UnpicklingError):
            if self.pid is None and self.reader.poll():
                self._note(self.reader.recv())

    def _join_pool(self) -> None:
        known = self.pid is not None
        with suppress(OSError, RuntimeError):  # of a worker that cannot be killed
            self._pool.join()
        if not known:  # it may have begun, and have told so, before its pool ended it and nothing else
            self._meet()
            self.kill()

    def join(self) -> None:
        """Wait until the worker has ended, as it does once it is stopped; not for ever."""
        self._end.join(LONGEST_END)
        self.reader.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes that start here never see Ctrl-C: it is this process that ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
