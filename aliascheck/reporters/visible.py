"""Text from case files, made safe to show: what would steer a terminal is shown escaped."""

from __future__ import annotations

FALLBACKS = str.maketrans(
    {"✓": "+", "✗": "x", "·": "-", "█": "#", "…": "...", "±": "+-", "→": "->", "←": "<-", "×": "x"}
)


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


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
