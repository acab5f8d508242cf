"""What an audit may take: seconds, and memory beyond what its worker held before it."""

from __future__ import annotations

from aliascheck.cases import Audit, Case
from aliascheck.errors import IncompleteError
from aliascheck.memory import Data
from aliascheck.runner.selection import Chosen, Selection

MEBIBYTE = 2**20


class Limits(Data, frozen=True):
    """The most that one audit may take. None: as much as there is."""

    seconds: float | None = None
    bytes: int | None = None

    def allow(self, more: int) -> bool:
        """Whether an audit may hold so many bytes more than its worker held before it."""
        return self.bytes is None or more <= self.bytes


def limits_of(audit: Audit, selection: Selection) -> Limits:
    """The limits of an audit: those that are asked for, else its own."""
    seconds = audit.timeout if selection.timeout is None else selection.timeout
    return Limits(seconds, None if selection.memory is None else selection.memory * MEBIBYTE)


def needs_workers(chosen: Chosen, selection: Selection) -> bool:
    """Whether audits are to run elsewhere than in this process: only a process of its own can be ended."""
    if selection.jobs or selection.memory is not None:
        return True
    return any(is_timed(audit, selection) for _, audit in chosen.audits)


def is_timed(audit: Audit, selection: Selection) -> bool:
    """Whether an audit runs, and may take so many seconds only."""
    return audit.skip is None and limits_of(audit, selection).seconds is not None


def too_slow(case: Case, audit: Audit, selection: Selection) -> IncompleteError:
    """What is said of an audit that exceeds its time."""
    limit = limits_of(audit, selection).seconds
    whose, remedy = ("the limit of --timeout", "raise the limit")
    if selection.timeout is None:
        whose, remedy = ("its timeout", "raise the timeout")
    return IncompleteError(
        f"not done after {limit:g} s, {whose}; nothing is known of it",
        where=where(case, audit),
        hint=f"{remedy}, or make the model smaller",
    )


def too_large(case: Case, audit: Audit, selection: Selection) -> IncompleteError:
    """What is said of an audit that exceeds its memory."""
    return IncompleteError(
        f"took more than {selection.memory:,} MiB of memory, the limit of --memory; nothing is known of it",
        where=where(case, audit),
        hint="raise the limit, or make the model smaller",
    )


def where(case: Case, audit: Audit) -> str:
    """An audit as messages name it."""
    return f"{case.path}: audit[{audit.id}]"
