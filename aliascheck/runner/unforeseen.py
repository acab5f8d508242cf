"""What audits end with that is no error of ours: memory or stack that runs out, exits, defects."""

from __future__ import annotations

import os

from aliascheck.cases import Audit, Case
from aliascheck.errors import IncompleteError
from aliascheck.runner.limits import where

REASONS = {
    MemoryError: ("memory ran out", "make the model smaller, or see aliascheck run --memory"),
    RecursionError: (
        "the stack ran out: something calls itself without end",
        "look at the model and its loss",
    ),
    KeyboardInterrupt: ("the model interrupted itself", "take it out of the model and its loss"),
    SystemExit: ("something ended Python", "take calls of exit() out of the model and its loss"),
}
DEFECT = "a defect of aliascheck: please report it, with the case file and what ALIASCHECK_DEBUG=1 shows"


def unforeseen(case: Case, audit: Audit, error: BaseException) -> IncompleteError:
    """What is said of an audit that ended with `error`.

    Raises: `error` itself where ALIASCHECK_DEBUG asks for tracebacks.
    """
    if os.environ.get("ALIASCHECK_DEBUG") == "1":
        raise error
    what, hint = f"internal error: {_described(error)}", DEFECT
    for kind, (reason, remedy) in REASONS.items():
        if isinstance(error, kind):
            what, hint = f"{reason} ({_described(error)}); nothing is known of the audit", remedy
    return IncompleteError(what, where=where(case, audit), hint=hint)


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
