"""A worker process for audits that come one by one: it stays for the next, its engine imported."""

from __future__ import annotations

from aliascheck.cases import Audit, Case
from aliascheck.report import AuditResult
from aliascheck.runner.interrupts import interrupts_held
from aliascheck.runner.lane import Lane
from aliascheck.runner.run import run_audit
from aliascheck.runner.selection import Chosen, Selection
from aliascheck.runner.workers import Workers, end


class Standby:
    """Carries out audits within their limits, each when it is asked for."""

    def __init__(self) -> None:
        self._lanes: list[Lane] = []

    def run_audit(self, case: Case, audit: Audit, selection: Selection) -> tuple[list[AuditResult], int]:
        """The results of one audit in each of its modes, and the exit code that they demand.

        Raises: IncompleteError where no worker can be started; KeyboardInterrupt.
        """
        chosen = Chosen(((case, audit),), (), frozenset())
        with interrupts_held() as interrupts:
            workers = Workers(run_audit, chosen, selection, None, interrupts, self._lanes)
            ((_, results, code),) = workers.outcomes()
        return results, code

    def end(self) -> None:
        """End the worker."""
        end(self._lanes)
