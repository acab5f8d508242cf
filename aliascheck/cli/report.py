"""`aliascheck report`."""

from __future__ import annotations

from pathlib import Path

import click

from aliascheck.cli import reports
from aliascheck.cli.stored import read_report, showing


@click.command("report")
@click.argument("path", metavar="FILE.json", type=click.Path(path_type=Path))
@reports.options
def command(path: Path, output: reports.Output) -> int:
    """Show a stored JSON report again, or write it in other formats.

    What `aliascheck run --json FILE.json` has stored. The exit code tells whether it could be shown, not what
    the run found.
    """
    stored = read_report(path)
    with output.prepared(reads=path) as write, showing(path):
        write(stored)
        output.show(stored)
    return 0
