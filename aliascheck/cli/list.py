"""`aliascheck list`."""

from __future__ import annotations

from pathlib import Path

import click

from aliascheck import runner
from aliascheck.cli import options
from aliascheck.cli.pages import output_page
from aliascheck.cli.streams import emit
from aliascheck.errors import CaseError, UsageError


@click.command("list")
@options.paths
@options.selection
@click.option("--primitives", is_flag=True, help="The expression language instead.")
def command(paths: tuple[Path, ...], selection: runner.Selection, primitives: bool) -> int:
    """Show what would run, without running it (default: cases/)."""
    from aliascheck.reporters.layout import write

    if primitives:
        if paths:
            raise UsageError("--primitives takes no paths")
        from aliascheck.cli.vocabulary import vocabulary_lines

        page = output_page()
        emit(write(vocabulary_lines(page), page))
        return 0
    from aliascheck.cli.planned import planned_lines

    planned, bad_files = runner.plan(paths or [options.DEFAULT], selection)
    page = output_page()
    emit(write(planned_lines(planned, bad_files, page), page))
    return CaseError.exit_code if bad_files else 0
