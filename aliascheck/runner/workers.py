"""Audits in worker processes: within limits, and whatever becomes of a worker, all others go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait

from aliascheck.errors import AliascheckError, IncompleteError
from aliascheck.report import AuditResult
from aliascheck.runner import resident
from aliascheck.runner.groups import groups_of
from aliascheck.runner.interrupts import Interrupts
from aliascheck.runner.lane import Lane, start_context
from aliascheck.runner.limits import limits_of, too_large, too_slow, where
from aliascheck.runner.results import errored_result
from aliascheck.runner.selection import Chosen, Selection
from aliascheck.runner.worker import AuditOne, Begun, Done, Idle

Outcome = tuple[int, list[AuditResult], int]  # an audit's number, its results, the exit code they demand
Progress = Callable[[int, int, str], None]

GLANCE = 0.02  # seconds between two looks at the memory of workers
GLANCE_AT_COST = 0.25  # where looking takes a process of its own
LONGEST_WAIT = 0.5

ENDINGS = {
    "by SIGKILL": "perhaps the system ran out of memory: its log says so, and --memory sets a limit before",
    "by SIGSEGV": "native code crashed: run the model by itself under python -X faulthandler",
    "by SIGABRT": "native code gave up: what it printed on standard error says why",
}
LEFT = "something in the model ended the process: run the model by itself to see what"


def end(lanes: list[Lane]) -> None:
    """End workers, with all that they have started."""
    for lane in lanes:
        lane.stop()
    for lane in lanes:
        lane.join()
    lanes.clear()


class Workers:
    """Carries out audits in worker processes. Outcomes come as they are there, each audit's once.

    Workers that the caller has `kept` are taken first. They stay when all is done, with those that came
    to them.
    """

    def __init__(
        self,
        audit_one: AuditOne,
        chosen: Chosen,
        selection: Selection,
        on_progress: Progress | None,
        interrupts: Interrupts,
        kept: list[Lane] | None = None,
    ) -> None:
        self._audit_one = audit_one
        self._chosen = chosen
        self._selection = selection
        self._on_progress = on_progress
        self._interrupts = interrupts
        self._waiting = deque(groups_of(chosen))
        self._most = max(1, min(selection.jobs, len(self._waiting)))
        self._context = start_context()
        self._keeps = kept is not None
        self._lanes: list[Lane] = [] if kept is None else kept
        self._done = 0

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes of all audits. No worker is left when this ends, however it ends, unless it is kept.

        Raises: UsageError where a limit cannot be kept on this system; IncompleteError where no worker can
        be started; KeyboardInterrupt between two looks at the workers, and nowhere else.
        """
        if self._selection.memory is not None:
            resident.check_resident()
        self._interrupts.at_once = self._kill
        try:
            while self._waiting or any(lane.group is not None for lane in self._lanes):
                self._hand_out()
                with self._interrupts.let_through():
                    wait([lane.reader for lane in self._lanes], self._patience())
                for lane in list(self._lanes):
                    for outcome in self._look_at(lane):
                        self._done += 1
                        yield outcome
        finally:
            if not self._keeps or any(lane.group is not None for lane in self._lanes):
                end(self._lanes)
            self._interrupts.at_once = None

    def _kill(self) -> None:
        for lane in self._lanes:
            lane.kill()

    def _hand_out(self) -> None:
        while self._waiting:
            lane = next((lane for lane in self._lanes if lane.group is None), None)
            if lane is None:
                if len(self._lanes) >= self._most:
                    return
                lane = Lane(self._context)
                self._lanes.append(lane)
            lane.give(self._audit_one, self._waiting.popleft(), self._selection)

    def _patience(self) -> float:
        """How long nothing needs to be looked at."""
        left = [LONGEST_WAIT]
        for lane in self._lanes:
            if lane.current is not None:
                limit = limits_of(self._chosen.audits[lane.current][1], self._selection).seconds
                left += [] if limit is None else [limit - lane.seconds()]
        if self._selection.memory is not None:
            left.append(GLANCE if resident.is_cheap() else GLANCE_AT_COST)
        return max(min(left), 0.0)

    def _look_at(self, lane: Lane) -> Iterator[Outcome]:
        if lane.group is None:
            return
        try:
            for message in lane.tell():
                if isinstance(message, Begun):
                    self._tell_progress(message.number)
                elif isinstance(message, Done):
                    yield self._accepted(lane, message)
                elif isinstance(message, Idle):
                    lane.check()
                    return
        except EOFError:
            yield self._lost(lane)
            return
        yield from self._limited(lane)

    def _tell_progress(self, number: int) -> None:
        if self._on_progress is not None:
            case, audit = self._chosen.audits[number]
            self._on_progress(self._done, len(self._chosen.audits), f"{case.path} {audit.id}")

    def _accepted(self, lane: Lane, done: Done) -> Outcome:
        """An audit's outcome, unless it took more than it may at a moment when nobody looked."""
        case, audit = self._chosen.audits[done.number]
        assert lane.group is not None
        lane.group = lane.group.after(done.number)
        if lane.allows(done.most, limits_of(audit, self._selection)):
            return done.number, done.results, done.code
        return self._errored(done.number, too_large(case, audit, self._selection))

    def _limited(self, lane: Lane) -> Iterator[Outcome]:
        """The outcome of a lane's audit that exceeds a limit; its worker is ended."""
        if lane.current is None:
            return
        case, audit = self._chosen.audits[lane.current]
        limits = limits_of(audit, self._selection)
        if limits.seconds is not None and lane.seconds() >= limits.seconds:
            yield self._given_up(lane, lane.current, too_slow(case, audit, self._selection))
        elif not lane.is_within(limits):
            yield self._given_up(lane, lane.current, too_large(case, audit, self._selection))

    def _lost(self, lane: Lane) -> Outcome:
        """The outcome of the audit whose worker is gone."""
        assert lane.group is not None
        number = lane.group.audits[0][0] if lane.current is None else lane.current
        case, audit = self._chosen.audits[number]
        ending = lane.ending()
        error = IncompleteError(
            f"its worker process ended {ending}; nothing is known of the audit",
            where=where(case, audit),
            hint=ENDINGS.get(ending, LEFT),
        )
        return self._given_up(lane, number, error)

    def _given_up(self, lane: Lane, number: int, error: IncompleteError) -> Outcome:
        """An audit that ends with its worker; those of its group that have not begun go to another."""
        assert lane.group is not None
        rest = lane.group.after(number)
        if rest.audits:
            self._waiting.appendleft(rest)
        self._lanes.remove(lane)
        lane.stop()
        lane.join()
        return self._errored(number, error)

    def _errored(self, number: int, error: AliascheckError) -> Outcome:
        case, audit = self._chosen.audits[number]
        mode = self._selection.modes_of(case, audit)[0]
        return number, *errored_result(case, audit, mode, self._selection, error)
