"""`aliascheck selftest`."""

from __future__ import annotations

import click

from aliascheck.cli.pages import output_page
from aliascheck.cli.progress import terminal_progress
from aliascheck.cli.streams import emit


@click.command("selftest")
@click.option("--trials", type=click.IntRange(min=1), default=2, show_default=True, help="For each fault.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the trials.")
def command(trials: int, seed: int) -> int:
    """Inject faults and show that the auditor finds them, on this machine."""
    from aliascheck import selftest
    from aliascheck.cli.proof import proof_lines
    from aliascheck.reporters.layout import write

    found = []
    with terminal_progress() as progress:
        for line in selftest.run_selftest(selftest.SIZES, trials, seed):
            found.append(line)
            if progress is not None:
                progress(len(found), selftest.FAULTS * len(selftest.SIZES), line.fault)
    page = output_page()
    emit(write(proof_lines(found, seed, page), page))
    return int(not all(line.passed for line in found))
