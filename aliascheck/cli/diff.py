"""`aliascheck diff`."""

from __future__ import annotations

from pathlib import Path

import click

from aliascheck.baseline import compare
from aliascheck.cli.changed import change_lines
from aliascheck.cli.pages import output_page
from aliascheck.cli.stored import read_report, showing
from aliascheck.cli.streams import emit
from aliascheck.reporters.layout import write


@click.command("diff")
@click.argument("old", metavar="OLD.json", type=click.Path(path_type=Path))
@click.argument("new", metavar="NEW.json", type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="Lowest severity of a new finding that is a regression.",
)
def command(old: Path, new: Path, fail_on: str) -> int:
    """Show what changed between two JSON reports.

    Exits with 1 where anything became worse: new findings that no case expects, other verdicts, audits that
    cannot be completed any more.
    """
    reports = read_report(old), read_report(new)
    with showing(new):
        changes = compare(*reports, fail_on)
    page = output_page()
    emit(write(change_lines(changes, page), page))
    return int(changes.is_worse)
