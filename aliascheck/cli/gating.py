"""The baseline as commands take it: read before anything runs, and held against what was found."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

import click

from aliascheck.cli.leaving import INTERRUPTED
from aliascheck.cli.options import DEFAULT
from aliascheck.cli.stored import read_bytes
from aliascheck.errors import UsageError
from aliascheck.memory import Data
from aliascheck.report import Report
from aliascheck.runner import Selection

Function = TypeVar("Function", bound=Callable[..., Any])


class Gate(Data, frozen=True):
    """The baseline that a run is held against; without one, everything that is found is new."""

    path: Path | None
    strict: bool

    def check(self) -> None:
        """Raise UsageError where the baseline cannot be read, before anything runs."""
        if self.strict and self.path is None:
            raise UsageError("--strict-baseline needs a --baseline")
        if self.path is not None:
            _refuse_elsewhere(self.path, {one.file for one in _read(self.path).findings})

    def hold(self, report: Report, selection: Selection, paths: Sequence[Path]) -> None:
        """Mark in the report what is known, so that only the rest fails the run."""
        if self.path is None:
            return
        from aliascheck.baseline import hold_against

        hold_against(
            report,
            _read(self.path),
            scope_of(report, selection, paths),
            name=self.path.as_posix(),
            fail_on=selection.fail_on,
            strict=self.strict,
        )


def options(function: Function) -> Function:
    """Options that name a baseline, handed to the command as one `gate`."""

    @functools.wraps(function)
    def command(baseline: Path | None, strict_baseline: bool, **given: Any) -> Any:
        return function(gate=Gate(baseline, strict_baseline), **given)

    wrapped: Any = command
    for option in (
        click.option("--strict-baseline", is_flag=True, help="Fixed findings still recorded fail too."),
        click.option(
            "--baseline",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Findings recorded there do not fail the run; new and changed ones do.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def scope_of(report: Report, selection: Selection, paths: Sequence[Path]) -> Any:
    """What the run of a report looked at."""
    from aliascheck.baseline import Scope

    chosen = selection.text is not None or selection.mode is not None or selection.engine is not None
    whole = not chosen and report.summary.exit_code != INTERRUPTED
    return Scope(tuple(paths or [DEFAULT]), whole, as_cases_say=selection.contract is None)


def _refuse_elsewhere(path: Path, files: Set[str]) -> None:
    """Raise UsageError where no recorded file has a folder here: they are named as seen from elsewhere."""
    if files and not any(Path(file).parent.exists() for file in files):
        raise UsageError(
            f"{path.as_posix()}: the files in it are not there, {min(files)} for one",
            hint="run in the folder where the baseline was written, or remove it and write it anew",
        )


def _read(path: Path) -> Any:
    from aliascheck.baseline import read_baseline

    data = read_bytes(path, f"write it first: aliascheck baseline -o {path.as_posix()}")
    return read_baseline(data, path.as_posix())
