"""`aliascheck compare`."""

from __future__ import annotations

from pathlib import Path

import click

from aliascheck import runner
from aliascheck.cli import options, reports
from aliascheck.cli.leaving import INTERRUPTED
from aliascheck.cli.pages import output_page
from aliascheck.cli.progress import terminal_progress
from aliascheck.cli.streams import emit, emit_utf8, models_apart
from aliascheck.reporters import comparison
from aliascheck.runner.interrupts import interrupts_held
from aliascheck.runner.models import is_installed


@click.command("compare")
@options.paths
@options.settings
@reports.options
def command(paths: tuple[Path, ...], selection: runner.Selection, output: reports.Output) -> int:
    """Show what each engine reports for the same audits, by mode, beside what is right.

    Programs run on every engine that is installed (--engine NAME: on the bundled one and that), Python models
    on their own. Exits with 0 whatever the engines report.
    """
    with interrupts_held(to_the_end=True) as interrupts, output.prepared() as write_files:
        with models_apart(), terminal_progress() as progress:
            report = runner.run_on_engines(
                paths or [options.DEFAULT], selection, _engines(selection), progress
            )
        reports.note_command(report)
        write_files(report)
    if output.form == "table":
        emit(comparison.render(report, output_page()))
    elif output.form == "markdown":
        emit_utf8(comparison.markdown(report, output_page()))
    else:
        output.show(report)
    if interrupts.seen:
        return INTERRUPTED
    return report.summary.exit_code if report.summary.exit_code > 1 else 0


def _engines(selection: runner.Selection) -> list[str]:
    installed = [name for name in options.ENGINES if name in options.BUNDLED or is_installed(name)]
    if selection.engine is None:
        return installed
    return list(dict.fromkeys([*options.BUNDLED, selection.engine]))
