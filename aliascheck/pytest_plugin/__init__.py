"""The pytest plugin: case files as test items, and a fixture that asserts gradients.

`pytest --aliascheck cases/` collects one item for each audit and mode; a failing one shows its table and
nothing of our own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from aliascheck.pytest_plugin.items import TRUST, AuditItem, CaseFile

OPTION = "--aliascheck"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options that turn case files into tests."""
    group = parser.getgroup("aliascheck", "audits of gradients on shared memory")
    group.addoption(
        OPTION,
        action="store_true",
        help="collect aliascheck case files (*.toml): one test for each audit and mode",
    )
    group.addoption(TRUST, action="store_true", help="let case files run the Python models that they name")


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of an audit that is skipped names its place in the case file, not the line that skips."""
    report = yield
    if isinstance(item, AuditItem) and isinstance(report.longrepr, tuple):
        report.longrepr = (*item.place, report.longrepr[2])
    return report


@pytest.fixture
def assert_gradients() -> Callable[..., None]:
    """`aliascheck.assert_gradients`: fails with the table where a model's gradients are not right."""
    from aliascheck.api import assert_gradients as check

    return check
