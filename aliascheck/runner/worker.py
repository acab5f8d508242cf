"""What a worker process does: it carries out groups of audits, and tells of each as it goes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from io import TextIOWrapper
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

from aliascheck.cases import Audit, Case, read_case
from aliascheck.memory import Data
from aliascheck.report import AuditResult
from aliascheck.runner import resident
from aliascheck.runner.groups import Group
from aliascheck.runner.models import is_installed
from aliascheck.runner.printed import flush_printed
from aliascheck.runner.selection import BUNDLED, Selection

AuditOne = Callable[..., tuple[list[AuditResult], int]]  # as run_audit


class Order(Data, frozen=True, eq=False):
    """A group as a worker is given it: the text of its case, for what is parsed cannot be sent."""

    data: bytes
    file: str
    folder: Path
    audits: tuple[tuple[int, str], ...]
    named: bool
    selection: Selection


class Ready(Data, frozen=True):
    """A worker is there."""

    pid: int


class Begun(Data, frozen=True):
    """An audit begins in a worker that holds so many bytes."""

    number: int
    held: int | None


class Done(Data, frozen=True, eq=False):
    """What an audit gave, and the most that its worker held."""

    number: int
    results: list[AuditResult]
    code: int
    most: int | None


class Idle(Data, frozen=True):
    """A worker has nothing to do."""


# Workers run as many threads each as one process would, for sums differ in their last bits with the number of
# threads. Threads that spin while they wait would take the cores from other workers.
THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}

_lines: list[Connection] = []


def order_of(group: Group, selection: Selection) -> Order:
    """A group as a worker is given it."""
    audits = tuple((number, audit.id) for number, audit in group.audits)
    case = group.case
    return Order(case.data, case.path, case.folder, audits, group.named, selection)


def begin(line: Connection, environment: dict[str, str]) -> None:
    """Make this process a worker that tells on `line` what it does."""
    os.environ.clear()  # that of the server which it was forked from may be an old one
    os.environ.update({**THREADS, **environment})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "setsid"):  # a group of its own, with all that models start: it can be ended as one
        os.setsid()
    with suppress(OSError):
        os.dup2(2, 1)  # what models print is no result
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # which tells of audits that hang, too
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _lines[:] = [line]
    line.send(Ready(os.getpid()))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def carry_out(audit_one: AuditOne, order: Order) -> None:
    """Carry out a group of audits."""
    try:
        case = _case(order.data, order.file, order.folder)
        audits = {audit.id: audit for audit in case.audits}
        chosen = [(number, audits[name]) for number, name in order.audits]
        _import_engine(case, [audit for _, audit in chosen], order.selection)
        _carry_out(audit_one, case, chosen, order)
    finally:
        _lines[0].send(Idle())


def _carry_out(audit_one: AuditOne, case: Case, chosen: list[tuple[int, Audit]], order: Order) -> None:
    line, known = _lines[0], {}  # type: ignore[var-annotated]
    for number, audit in chosen:
        kept = resident.forget_peak()
        line.send(Begun(number, resident.resident(os.getpid())))
        results, code = audit_one(case, audit, order.selection, named=order.named, known=known)
        most = resident.peak() if kept else None
        flush_printed()  # a worker is ended from outside, and writes nothing then
        line.send(Done(number, results, code, most))


@lru_cache(maxsize=1)
def _case(data: bytes, file: str, folder: Path) -> Case:
    return read_case(data, file, folder)


def _import_engine(case: Case, audits: list[Audit], selection: Selection) -> None:
    """Have the engine there before the clock starts and memory is looked at: it belongs to no audit."""
    engine = selection.engine_of(case)
    runs = any(audit.skip is None for audit in audits) and (case.model is None or selection.trust)
    if engine != BUNDLED and runs and is_installed(engine):
        with suppress(Exception):  # the audit says what is wrong with it
            import_module(engine)
