"""The pytest plugin: case files as test items, and a fixture that asserts gradients.

`pytest --aliascheck cases/` collects one item for each audit and mode; a failing one shows its table and
nothing of our own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

OPTION = "--aliascheck"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that turns case files into tests."""
    group = parser.getgroup("aliascheck", "audits of gradients on shared memory")
    group.addoption(
        OPTION,
        action="store_true",
        help="collect aliascheck case files (*.toml): one test for each audit and mode",
    )
    group.addoption(
        "--aliascheck-trust", action="store_true", help="let case files run the Python models that they name"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A case file, where they are asked for: any TOML file below a path that was given, with audits in it."""
    if not parent.config.getoption(OPTION) or file_path.suffix != ".toml":
        return None
    if file_path.name in NO_CASES and not _is_named(file_path, parent.config):
        return None
    return CaseFile.from_parent(parent, path=file_path)


NO_CASES = ("pyproject.toml", "ruff.toml", "uv.lock", "Pipfile", "Cargo.toml", "book.toml", "mypy.toml")


def _is_named(file_path: Path, config: pytest.Config) -> bool:
    return any(Path(argument.partition("::")[0]).absolute() == file_path for argument in config.args)


class CaseFile(pytest.File):
    """A case file: its audits, each in its modes."""

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each audit and mode. Raises: CollectError where the file is bad."""
        from aliascheck.cases import load_cases
        from aliascheck.runner import Selection

        selection = Selection(trust=self.config.getoption("--aliascheck-trust"))
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
        """Audit. Raises: AuditFailed with the table where the audit does not pass."""
        from aliascheck.runner import Selection, run_audit

        trust = self.config.getoption("--aliascheck-trust")
        results, _ = run_audit(self._case, self._audit, Selection(mode=self._mode, trust=trust), named=False)
        for result in results:
            if result.status == "skipped":
                pytest.skip(result.error or "skipped")
            if result.status != "passed":
                raise AuditFailed(_table(results))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The table of an audit that failed; what else is raised as pytest shows it."""
        if isinstance(excinfo.value, AuditFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and line of the audit, and its title."""
        title = f": {self._audit.title}" if self._audit.title else ""
        return self.path, self._audit.line - 1, f"{self.name}{title}"


class AuditFailed(Exception):
    """An audit that did not pass; its text is the table."""


def _table(results: list[Any]) -> str:
    from aliascheck.report import Report, summarize
    from aliascheck.subjects.drawing import draws_kept

    summary = summarize(results, [], sum(result.seconds for result in results), 1, "")
    with draws_kept():
        from aliascheck.reporters.page import Page
        from aliascheck.reporters.table import render

        text = render(Report(summary=summary, audits=results), Page(detail=1))
    return "\n".join(text.rstrip().splitlines()[:-3]).rstrip()


@pytest.fixture
def assert_gradients() -> Callable[..., None]:
    """`aliascheck.assert_gradients`: fails with the table where a model's gradients are not right."""
    from aliascheck.api import assert_gradients as check

    return check
