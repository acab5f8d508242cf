"""The words of an expression, looked at before Python's parser is: what never gets that far."""

from __future__ import annotations

import keyword
import re

from aliascheck.language.error import ExpressionError, Source
from aliascheck.language.limits import Limits, amount

_WORD = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<comment>\#[^\r\n]*)
  | (?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<triple>'''|\"\"\")
  | (?P<string>'[^'\r\n\\]*'|"[^"\r\n\\]*")
  | (?P<operator>\*\*=|//=|<<=|>>=|[-+*/@%&|^]=|\.\.\.|\*\*|//|<<|>>|==|!=|<=|>=|:=|->
        |[-+*/@%&|^~<>=()\[\]{},:.])
  | (?P<other>.)
    """,
    re.VERBOSE,
)

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_BRACKETS = {")": "(", "]": "[", "}": "{"}

_STATEMENT = ("statements are not available", "an expression is a single value")
_KEYWORDS: dict[str, tuple[str, str | None]] = {
    "and": ("'and' is not available", "use logical_and(a, b)"),
    "or": ("'or' is not available", "use logical_or(a, b)"),
    "not": ("'not' is not available", "use logical_not(a)"),
    "if": ("conditional expressions are not available", "use where(c, a, b)"),
    "else": ("conditional expressions are not available", "use where(c, a, b)"),
    "for": ("comprehensions are not available", "use array operations, or write the elements out"),
    "in": ("'in' is not available", None),
    "is": ("'is' is not available", "compare numbers with =="),
    "await": ("'await' is not available", None),
    "async": ("'async' is not available", None),
    "yield": ("'yield' is not available", None),
}
_KEYWORDS |= {
    word: _STATEMENT for word in keyword.kwlist if word not in {*_KEYWORDS, "lambda", "True", "False", "None"}
}

_ASSIGNMENT = ("assignments are not available", "bind a name in [let]")
_AUGMENTED = ("+=", "-=", "*=", "/=", "@=", "%=", "&=", "|=", "^=", "**=", "//=", "<<=", ">>=")
_OPERATORS: dict[str, tuple[str, str | None]] = {
    "%": ("'%' is not available", "use mod(a, b)"),
    "//": ("'//' is not available", "use floor(a / b)"),
    ":=": ("assignments with ':=' are not available", "bind a name in [let]"),
    "->": ("'->' is not available", None),
    "&": ("'&' is not available", "use logical_and(a, b)"),
    "|": ("'|' is not available", "use logical_or(a, b)"),
    "^": ("'^' is not available", "powers are written a ** b"),
    "~": ("'~' is not available", "use logical_not(a)"),
    "<<": ("'<<' is not available", "multiply by a power of 2"),
    ">>": ("'>>' is not available", "divide by a power of 2"),
    **dict.fromkeys(_AUGMENTED, _ASSIGNMENT),
}

_OTHERS: dict[str, tuple[str, str | None]] = {
    "\\": ("backslashes are not available", "lines may break anywhere, and strings hold no escapes"),
    "'": ("a string is not closed", None),
    '"': ("a string is not closed", None),
    ";": _STATEMENT,
    "!": ("'!' is not available", "use logical_not(a), or compare with !="),
}

_PREFIXES: dict[str, tuple[str, str | None]] = {
    "f": ("f-strings are not available", None),
    "b": ("bytes are not available", None),
}


def scan(source: Source, limits: Limits) -> None:
    """Refuse text that is too long, too deeply nested, or holds what no expression does.

    Raises: ExpressionError at the first such word.
    """
    text = source.text
    if len(text) > limits.characters:
        raise source.error(
            f"the expression has {len(text):,} characters: at most {amount(limits.characters)}",
            source.span(0, 1),
        )
    illegal = _ILLEGAL.search(text)
    if illegal is not None:
        raise _error(source, illegal, f"the character U+{ord(illegal[0]):04X} cannot stand in an expression")
    _Scanner(source, limits).run()


def _error(source: Source, match: re.Match[str], message: str, hint: str | None = None) -> ExpressionError:
    return source.error(message, source.span(*match.span()), hint)


class _Scanner:
    """One pass over the words, counting open brackets and runs of signs."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.open: list[re.Match[str]] = []
        self.signs = 0
        self.prefixes = 0
        self.empty = True

    def run(self) -> None:
        for match in _WORD.finditer(self.source.text):
            kind = str(match.lastgroup)
            if kind in ("space", "comment"):
                continue
            self.empty = False
            getattr(self, kind)(match)
            self.count_prefixes(match)
        if self.empty:
            raise self.source.error("the expression is empty", self.source.span(0, 1))
        if self.open:
            raise self.refuse(self.open[-1], f"'{self.open[-1][0]}' is never closed")

    def refuse(self, match: re.Match[str], message: str, hint: str | None = None) -> ExpressionError:
        return _error(self.source, match, message, hint)

    def following(self, match: re.Match[str]) -> str:
        return self.source.text[match.end() : match.end() + 1]

    def number(self, match: re.Match[str]) -> None:
        after = self.following(match)
        digits = match[0]
        if after in ("j", "J"):
            raise self.refuse(match, "complex numbers are not available")
        if digits == "0" and after != "" and after in "xXoObB":
            raise self.refuse(match, "numbers are written in decimal digits")
        if digits.endswith("_") or (after != "" and (after.isalnum() or after in "_.")):
            raise self.refuse(match, f"'{digits[:20]}{after}' is not a number")
        if digits[0] == "0" and digits.strip("0_").isdecimal() and len(digits) > 1:
            raise self.refuse(match, "a number starts with a zero")
        if digits.replace("_", "").isdecimal() and (len(digits) > 20 or int(digits) > 2**53):
            raise self.refuse(
                match, "whole numbers over 2**53 are not exact", "write it with an exponent, such as 1e20"
            )

    def name(self, match: re.Match[str]) -> None:
        word, after = match[0], self.following(match)
        if word in _KEYWORDS:
            raise self.refuse(match, *_KEYWORDS[word])
        if after != "" and after in "'\"":
            kind = next((letter for letter in "fb" if letter in word.lower()), None)
            message, hint = _PREFIXES[kind] if kind and len(word) < 3 else ("a string has no prefix", None)
            raise self.refuse(match, message, hint)

    def triple(self, match: re.Match[str]) -> None:
        raise self.refuse(match, "strings in three quotes are not available")

    def string(self, match: re.Match[str]) -> None:
        pass

    def operator(self, match: re.Match[str]) -> None:
        word = match[0]
        if word in _OPERATORS:
            raise self.refuse(match, *_OPERATORS[word])
        if word == "=" and not self.open and not self.prefixes:
            raise self.refuse(match, "assignments are not available", "bind a name in [let], compare with ==")
        if word in "([{":
            self.open.append(match)
            if len(self.open) > self.limits.depth:
                raise self.too_deep(match)
        elif word in _BRACKETS and (not self.open or self.open.pop()[0] != _BRACKETS[word]):
            raise self.refuse(match, f"'{word}' closes nothing")

    def other(self, match: re.Match[str]) -> None:
        char = match[0]
        if char in _OTHERS:
            raise self.refuse(match, *_OTHERS[char])
        if not char.isascii():
            raise self.refuse(match, f"'{char}' cannot stand here", "names are ASCII letters, digits and _")
        raise self.refuse(match, f"'{char}' has no meaning here")

    def count_prefixes(self, match: re.Match[str]) -> None:
        """Runs of signs, and lambdas, nest without brackets."""
        self.signs = self.signs + 1 if match[0] in ("+", "-", "**") or match.lastgroup == "number" else 0
        self.prefixes += match[0] == "lambda"
        if self.signs > 2 * self.limits.depth or self.prefixes > 10 * self.limits.depth:
            raise self.too_deep(match)

    def too_deep(self, match: re.Match[str]) -> ExpressionError:
        return too_deep(self.source, match.start(), self.limits)


def too_deep(source: Source, offset: int, limits: Limits) -> ExpressionError:
    """The error of an expression that is nested deeper than the limit."""
    return source.error(
        f"the expression is nested deeper than {limits.depth}",
        source.span(offset, offset + 1),
        "bind parts of it to names",
    )
