"""Places in a case file, and the errors that name them."""

from __future__ import annotations

import re

from aliascheck.cases.locate import KeyPath
from aliascheck.errors import AliascheckError, CaseError
from aliascheck.memory import Data

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LONGEST = 600


class BadCase(CaseError):
    """A case file is bad at a known place: `where` begins with `file`; `line` is 1-based."""

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int = 1,
        inside: str | None = None,
        hint: str | None = None,
        snippet: str | None = None,
    ) -> None:
        inside = None if inside is None else _legible(inside)
        where = file if inside is None else f"{file}: {inside}"
        super().__init__(
            _legible(message),
            where=where,
            hint=None if hint is None else _legible(hint),
            snippet=None if snippet is None else "\n".join(map(_same_width, snippet.split("\n"))),
        )
        self.file = file
        self.line = line
        self.inside = inside

    @property
    def text(self) -> str:
        """The whole message without the file's name."""
        return str(self)[len(self.file) + 2 :]


def _legible(text: str) -> str:
    """`text`, which may quote a file, on one line of a sensible length without control characters."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _same_width(line: str) -> str:
    return (
        line
        if line.isprintable()
        else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    )


class Place(Data, frozen=True):
    """One key of a case file, as messages name it."""

    file: str
    line: int
    key: str

    def error(
        self,
        message: str,
        *,
        hint: str | None = None,
        column: int | None = None,
        snippet: str | None = None,
    ) -> BadCase:
        """An error at this place; `column` (1-based, in characters) is that of its text."""
        inside = self.key if column is None else f"{self.key}, column {column}"
        return BadCase(
            message, file=self.file, line=self.line, inside=inside or None, hint=hint, snippet=snippet
        )

    def relocate(self, error: AliascheckError, *, hint: str | None = None) -> BadCase:
        """An error of an expression that stands here, with file and key path put in front."""
        inside = self.key if error.where is None else f"{self.key}, {error.where}"
        return BadCase(
            error.message,
            file=self.file,
            line=self.line,
            inside=inside or None,
            hint=hint or error.hint,
            snippet=error.snippet,
        )


def format_key(path: KeyPath) -> str:
    """A key path as people write it; list items are counted from 1."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            name = step if _BARE.fullmatch(step) else f'"{step}"'
            text += f".{name}" if text else name
    return text


def caret(text: str, column: int) -> str:
    """`text` with a caret below its 1-based `column`: the line that holds it, shortened around it."""
    before, after = text[: column - 1], text[column - 1 :]
    left = re.split(r"[\r\n]", before)[-1]
    right = re.split(r"[\r\n]", after)[0]
    left, right = left.replace("\t", " ")[-60:], right.replace("\t", " ")[:60]
    return f"{left}{right}\n{' ' * len(left)}^"
