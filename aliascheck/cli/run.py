"""`aliascheck run`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from aliascheck import runner
from aliascheck.cli import gating, options, reports
from aliascheck.cli.progress import terminal_progress
from aliascheck.cli.streams import models_apart
from aliascheck.report import Report


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
    with output.prepared() as write:
        with models_apart(), terminal_progress() as progress:
            report = runner.run_cases(paths or [options.DEFAULT], selection, progress)
        _note_command(report)
        gate.hold(report, selection, paths)
        write(report)
    output.show(report)
    return report.summary.exit_code


def _note_command(report: Report) -> None:
    """Let the report say which command made it."""
    if report.origin is not None:
        report.origin.command = shlex.join(["aliascheck", *sys.argv[1:]])
