"""`aliascheck explain`."""

from __future__ import annotations

import click

from aliascheck.cli.pages import output_page
from aliascheck.cli.streams import emit
from aliascheck.errors import UsageError, did_you_mean


@click.command("explain")
@click.argument("what", required=False)
def command(what: str | None) -> None:
    """Explain WHAT: a finding (AC103), a verdict word (partial), a topic (limitations), or all."""
    from aliascheck.cli import manual
    from aliascheck.reporters.layout import write

    page = output_page()
    if what is None:
        lines = manual.index_lines(page)
    elif what == "all":
        lines = manual.all_lines(page)
    else:
        lines = manual.entry_lines(what, page)
    if not lines:
        hint = did_you_mean(what or "", manual.known()) or "aliascheck explain lists everything"
        raise UsageError(f"nothing is known about '{what}'", hint=hint)
    emit(write(lines, page))
