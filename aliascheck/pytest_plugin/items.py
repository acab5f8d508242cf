"""Case files as pytest collects them: an item for each audit and mode."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TRUST = "--aliascheck-trust"


class CaseFile(pytest.File):
    """A case file: its audits, each in its modes."""

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each audit and mode. Raises: CollectError where the file is bad."""
        from aliascheck.cases import load_cases
        from aliascheck.runner import Selection

        selection = Selection(trust=self.config.getoption(TRUST))
        cases, errors = load_cases([self.path])
        if errors:
            raise self.CollectError(str(errors[0]))
        for case in cases:
            for audit in case.audits:
                for mode in selection.modes_of(case, audit):
                    name = f"{audit.id}[{mode}]"
                    # The id is handed in whole: as made from the name, --lf does not know it again.
                    nodeid = f"{self.nodeid}::{name}"
                    yield AuditItem.from_parent(
                        self, name=name, nodeid=nodeid, case=case, audit=audit, mode=mode
                    )


class AuditItem(pytest.Item):
    """One audit in one mode."""

    def __init__(self, *, case: Any, audit: Any, mode: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._case = case
        self._audit = audit
        self._mode = mode

    def runtest(self) -> None:
        """Audit. Raises: AuditFailed where the audit does not pass."""
        for result in self._results():
            if result.status == "skipped":
                pytest.skip(result.error or "skipped")
            if result.status != "passed":
                raise AuditFailed(result)

    def _results(self) -> list[Any]:
        """The results of the audit: in this process, unless it has a limit that only another can keep."""
        from aliascheck.runner import Selection, run_audit
        from aliascheck.runner.limits import is_timed

        case, audit, trusted = self._case, self._audit, self.config.getoption(TRUST)
        if case.model is not None and audit.skip is None and not trusted:
            pytest.skip(f"it runs Python code, and {TRUST} is not given")
        selection = Selection(mode=self._mode, trust=trusted)
        results: list[Any]
        if is_timed(audit, selection):
            results, _ = _worker(self.config).run_audit(case, audit, selection)
        else:
            results, _ = run_audit(case, audit, selection, named=False)
        return results

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The table of an audit that failed; what else is raised as pytest shows it."""
        if isinstance(excinfo.value, AuditFailed):
            return failure_of(excinfo.value.result, table=self.config.getoption("tbstyle") != "line")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and line of the audit, and its title."""
        title = f": {self._audit.title}" if self._audit.title else ""
        return self.path, self._audit.line - 1, f"{self.name}{title}"

    @property
    def place(self) -> tuple[str, int]:
        """The file of the audit, and its line counted from 1."""
        return os.fspath(self.path), self._audit.line


def failure_of(result: Any, *, table: bool) -> Any:
    """An audit that failed as pytest shows it. Random numbers stay where they are: imports draw some."""
    from aliascheck.subjects.drawing import draws_kept

    with draws_kept():
        from aliascheck.pytest_plugin.failure import shown

        return shown(result, table=table)


WORKER = pytest.StashKey[Any]()


def _worker(config: pytest.Config) -> Any:
    """The one worker process of a run of pytest, which ends with it."""
    from aliascheck.runner.standby import Standby

    if WORKER not in config.stash:
        config.stash[WORKER] = Standby()
        config.add_cleanup(config.stash[WORKER].end)
    return config.stash[WORKER]


class AuditFailed(Exception):
    """An audit that did not pass, with its result."""

    def __init__(self, result: Any) -> None:
        super().__init__(f"{result.id} [{result.mode}] did not pass")
        self.result = result
