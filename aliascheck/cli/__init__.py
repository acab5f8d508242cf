"""The command line: it parses, calls, and chooses an exit code."""

from __future__ import annotations

from aliascheck.cli.main import entry

__all__ = ["entry"]
