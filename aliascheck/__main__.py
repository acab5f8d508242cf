"""`python -m aliascheck`."""

from __future__ import annotations

from aliascheck.cli import entry

if __name__ == "__main__":
    entry()
