"""Text from case files, made safe to show: what would steer a terminal is shown escaped."""

from __future__ import annotations

import re

FALLBACKS = str.maketrans(
    {"✓": "+", "✗": "x", "·": "-", "█": "#", "…": "...", "±": "+-", "→": "->", "←": "<-", "×": "x"}
)

COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\w*\[)")  # of GitHub's, Azure's and TeamCity's runners


def visible(text: str) -> str:
    r"""`text` on one line, with control, direction and surrogate characters as `\x1b` and the like."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def encodable(text: str, encoding: str) -> str:
    """`text` in characters that `encoding` has: plain stand-ins for symbols, escapes for the rest."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(FALLBACKS)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def inert(line: str) -> str:
    r"""`line` as it may be printed where a CI runner listens: none of its commands, but `\x3a:error::`."""
    return COMMAND.sub(lambda match: f"{match[1] or ''}\\x{ord(match[0][-1]):02x}", line)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
