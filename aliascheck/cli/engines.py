"""`aliascheck engines`."""

from __future__ import annotations

import click

from aliascheck.cli.options import BUNDLED, ENGINES
from aliascheck.cli.pages import output_page
from aliascheck.cli.streams import emit


@click.command("engines")
def command() -> None:
    """Show which engines are installed, and how to get the others."""
    from aliascheck.reporters.layout import columns, line, write
    from aliascheck.reporters.styles import GOOD, PLAIN, QUIET, STRONG
    from aliascheck.runner.models import is_installed

    rows = [
        [
            (name, STRONG),
            ("installed", GOOD) if name in BUNDLED or is_installed(name) else ("not installed", QUIET),
            (about, PLAIN),
        ]
        for name, about in ENGINES.items()
    ]
    end = line(("Programs of case files run on each of them: run --engine NAME.", PLAIN))
    emit(write([*columns(rows, indent=0), line(), end], output_page()))
