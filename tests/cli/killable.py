"""A run in a process that has imported already all that it needs."""

from __future__ import annotations

import os
import sys

import aliascheck.cli.run
import aliascheck.reporters.json
import aliascheck.reporters.table  # noqa: F401  imported before runs are forked
from aliascheck.cli.main import entry


def run(argv: list[str]) -> None:
    """Run the command line in silence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.argv = argv
    entry()
