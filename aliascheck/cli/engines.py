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

    rows = [
        [
            (name, STRONG),
            ("installed", GOOD) if name in BUNDLED else ("not available", QUIET),
            (about, PLAIN),
        ]
        for name, about in ENGINES.items()
    ]
    end = line(("This release bundles one engine; there is nothing to install for the others yet.", PLAIN))
    emit(write([*columns(rows, indent=0), line(), end], output_page()))
