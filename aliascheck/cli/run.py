"""`aliascheck run`."""

from __future__ import annotations

from pathlib import Path

import click

from aliascheck import runner
from aliascheck.cli import gating, options, reports
from aliascheck.cli.leaving import INTERRUPTED
from aliascheck.cli.progress import terminal_progress
from aliascheck.cli.streams import models_apart
from aliascheck.runner.interrupts import interrupts_held


@click.command("run")
@options.paths
@options.settings
@gating.options
@reports.options
def command(
    paths: tuple[Path, ...], selection: runner.Selection, gate: gating.Gate, output: reports.Output
) -> int:
    """Audit case files and folders (default: cases/)."""
    gate.check()
    with interrupts_held(to_the_end=True) as interrupts, output.prepared(reads=gate.path) as write:
        with models_apart(), terminal_progress() as progress:
            report = runner.run_cases(paths or [options.DEFAULT], selection, progress)
        reports.note_command(report)
        gate.hold(report, selection, paths)
        write(report)
    output.show(report)
    return INTERRUPTED if interrupts.seen else report.summary.exit_code
