"""What is known of a repository's findings, and what changed between two reports."""

from aliascheck.baseline.changes import Changes, compare
from aliascheck.baseline.file import Baseline, read_baseline
from aliascheck.baseline.holding import Scope, fixed, hold_against, updated
from aliascheck.baseline.recorded import Recorded, recorded

__all__ = [
    "Baseline",
    "Changes",
    "Recorded",
    "Scope",
    "compare",
    "fixed",
    "hold_against",
    "read_baseline",
    "recorded",
    "updated",
]
