"""The command line: it parses, calls, and chooses an exit code."""

from __future__ import annotations

import sys
from typing import Never

__all__ = ["entry"]


def entry() -> Never:
    """Run the command line and leave with its exit code."""
    try:
        from aliascheck.cli.main import entry as enter
    except KeyboardInterrupt:
        sys.exit(130)
    enter()
