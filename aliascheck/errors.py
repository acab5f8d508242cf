"""The one family of errors that users see: where, what, why, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AliascheckError(Exception):
    """An error that a user can cause and mend.

    `message` says what happened, `where` names the file and key path, `hint` says what to do, and
    `snippet` holds the offending text with a caret below it.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        snippet: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.snippet = snippet

    def __str__(self) -> str:
        text = self.message if self.where is None else f"{self.where}: {self.message}"
        if self.hint is not None:
            text += f" ({self.hint})"
        if self.snippet is not None:
            text += "\n" + "\n".join("  " + line for line in self.snippet.splitlines())
        return text

    def at(self, where: str) -> AliascheckError:
        """The same error with its place put in front: what knows the file names it."""
        self.where = where if self.where is None else f"{where}, {self.where}"
        return self


class UsageError(AliascheckError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class CaseError(AliascheckError):
    """A case file is bad."""

    exit_code = 3


class IncompleteError(AliascheckError):
    """An audit could not be carried out: timeout, crash, missing engine."""

    exit_code = 4


class EngineError(AliascheckError):
    """The engine cannot differentiate a program that evaluates."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint naming the nearest known name, or None where nothing is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None
