"""What goes wrong in an expression, with the characters at which it does."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from aliascheck.errors import AliascheckError

WINDOW = 72

_LINE_END = re.compile(r"\r\n|\r|\n")


class ExpressionError(AliascheckError):
    """An expression is malformed, or fails when it is evaluated.

    `line` and `column` are 1-based and count characters; `source` is the text it happened in, and
    `origin` the error inside a lambda of another text, where it came from there.
    """

    source: Source | None = None
    origin: ExpressionError | None = None
    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Span:
    """Characters of one line: 0-based line and columns, the end excluded."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Source:
    """The text of an expression."""

    text: str
    lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", _LINE_END.split(self.text))

    def span(self, start: int, end: int) -> Span:
        """The characters from `start` to `end`, offsets into the text; cut off where the line ends."""
        before = _LINE_END.split(self.text[:start])
        line, column = len(before) - 1, len(before[-1])
        return Span(line, column, column + max(end - start, 1))

    def span_of(self, node: ast.AST) -> Span:
        """The characters of a node of the text as `wrapped` gives it to the parser."""
        line, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1  # type: ignore[attr-defined]
        start = self._characters(line, node.col_offset)  # type: ignore[attr-defined]
        if last != line:
            return Span(line, start, len(self.lines[line]))
        return Span(line, start, self._characters(line, node.end_col_offset))  # type: ignore[attr-defined]

    def wrapped(self) -> str:
        """The text in parentheses, so that lines may break anywhere."""
        return "(" + "\n".join(self.lines) + "\n)"

    def _characters(self, line: int, offset: int) -> int:
        """The column that the parser's byte `offset` stands for."""
        if line == 0:
            offset -= 1
        return len(self.lines[line].encode()[:offset].decode(errors="ignore"))

    def error(self, message: str, span: Span, hint: str | None = None) -> ExpressionError:
        """An error at `span`, showing the line with carets below."""
        where = f"column {span.start + 1}"
        if len(self.lines) > 1:
            where = f"line {span.line + 1}, {where}"
        snippet = _with_carets(self.lines[span.line], span)
        error = ExpressionError(message, where=where, hint=hint, snippet=snippet)
        error.source = self
        error.line, error.column = span.line + 1, span.start + 1
        return error

    def error_at(self, message: str, node: ast.AST, hint: str | None = None) -> ExpressionError:
        """An error at the characters of a node."""
        return self.error(message, self.span_of(node), hint)


def _with_carets(line: str, span: Span) -> str:
    """At most `WINDOW` characters of `line` around the span, and carets below them."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line.expandtabs(1))
    start, end = span.start, max(min(span.end, len(line)), span.start + 1)
    left, right = 0, len(line)
    if len(line) > WINDOW:
        left = max(0, min(start - WINDOW // 3, len(line) - WINDOW))
        right = left + WINDOW
    before, after = "..." if left > 0 else "", "..." if right < len(line) else ""
    carets = " " * (len(before) + start - left) + "^" * (min(end, max(right, start + 1)) - start)
    return f"{before}{line[left:right]}{after}\n{carets}"
