"""`aliascheck baseline`."""

from __future__ import annotations

from pathlib import Path

import click

from aliascheck import runner
from aliascheck.baseline import Baseline, fixed, read_baseline, recorded, updated
from aliascheck.cli import options
from aliascheck.cli.gating import scope_of
from aliascheck.cli.leaving import INTERRUPTED
from aliascheck.cli.pages import output_page
from aliascheck.cli.progress import terminal_progress
from aliascheck.cli.stored import read_bytes
from aliascheck.cli.streams import emit, models_apart, say
from aliascheck.errors import CaseError, IncompleteError
from aliascheck.files import report_file
from aliascheck.report import Report
from aliascheck.reporters.words import count

DEFAULT = Path("reports/baseline.json")


@click.command("baseline")
@options.paths
@click.option(
    "-o", "path", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, help="The file."
)
@options.settings
def command(paths: tuple[Path, ...], path: Path, selection: runner.Selection) -> int:
    """Record what is found, so that `run --baseline` fails for new findings alone.

    An existing baseline is updated: findings of audits that did not run stay in it.
    """
    before = _read(path)
    _make_folder(path)
    with report_file(path, "-o") as write:
        with models_apart(), terminal_progress() as progress:
            report = runner.run_cases(paths or [options.DEFAULT], selection, progress)
        if report.summary.exit_code == INTERRUPTED:
            say("interrupted: the baseline is as it was")
            return INTERRUPTED
        scope = scope_of(report, selection, paths)
        after = updated(report, before, scope)
        write(after.to_json())
    gone = len(fixed(report, before, scope))
    known = {one.key for one in before.findings}
    new = len({one.key for one in recorded(report)} - known)
    emit(output_page().show(f"{path.as_posix()}: {_told(after, new, gone)}") + "\n")
    return _exit_code(report)


def _told(after: Baseline, new: int, gone: int) -> str:
    changes = [f"{number} {word}" for number, word in ((new, "new"), (gone, "no longer found")) if number]
    number = len({one.key for one in after.findings})
    return f"{count(number, 'finding')} recorded" + (f" ({', '.join(changes)})" if changes else "")


def _read(path: Path) -> Baseline:
    if not path.exists():
        return Baseline(findings=())
    return read_baseline(read_bytes(path, "name another file"), path.as_posix())


def _make_folder(path: Path) -> None:
    """The folder of the default path may be missing in a repository that has had no reports."""
    if path == DEFAULT:
        path.parent.mkdir(exist_ok=True)


def _exit_code(report: Report) -> int:
    """Findings are what a baseline is for; what could not be looked at is told."""
    for error in report.bad_files:
        say(f"not recorded: {error.message}")
    broken = [audit for audit in report.audits if audit.status == "error"]
    for audit in broken:
        say(f"not recorded: {audit.file} {audit.id} {audit.mode}: {audit.error}")
    if broken:
        return IncompleteError.exit_code
    return CaseError.exit_code if report.bad_files else 0
