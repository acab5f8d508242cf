"""Names of places as a case file writes them, checked with a column and put into one form."""

from __future__ import annotations

import keyword
import re

from aliascheck.cases.place import BadCase, Place, caret
from aliascheck.errors import AliascheckError
from aliascheck.memory import Path, format_path, parse_path

RESERVED = "Main"
MAX_NAME = 1_000

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


def check_binding(name: str, place: Place) -> None:
    """Raises BadCase where `name` cannot be bound in [let] or a matrix."""
    if name == RESERVED:
        raise place.error(f"the name '{RESERVED}' is reserved: gradients use it for the entries of globals")
    if keyword.iskeyword(name):
        raise place.error(f"'{name}' is a reserved word of expressions", hint="choose another name")
    if _IDENTIFIER.fullmatch(name) is None:
        raise place.error(
            f"'{name}' is not a name that expressions can use",
            hint="names are ASCII letters, digits and underscores, and start with a letter",
        )


def read_path(text: str, place: Place, *, offset: int = 0, whole: str | None = None) -> Path:
    """The path that `text` writes; `text` stands at `offset` in `whole`.

    Raises: BadCase with the column where it stops to be a path.
    """
    if len(text) > MAX_NAME:
        raise place.error(f"a name of {len(text)} characters: names of places have at most {MAX_NAME}")
    try:
        path = parse_path(text)
    except AliascheckError as error:
        raise _at_fault(error, text, place, offset, text if whole is None else whole) from None
    if path[0] == RESERVED:
        raise place.error(
            f"'{text.strip()}' is an entry of a gradient, not the name of a place",
            hint=f"drop '{RESERVED}.'",
        )
    return path


def normalize_name(text: str, place: Place, *, offset: int = 0, whole: str | None = None) -> str:
    """The name of a place as reports write it: `d["k"]` becomes `d['k']`."""
    return format_path(read_path(text, place, offset=offset, whole=whole))


def _at_fault(error: AliascheckError, text: str, place: Place, offset: int, whole: str) -> BadCase:
    good = max(
        (end for end, char in enumerate(text) if char in ".[ +-*/(,@" and _is_path(text[:end])), default=0
    )
    column = offset + good + 1
    return place.error(error.message, hint=error.hint, column=column, snippet=caret(whole, column))


def _is_path(text: str) -> bool:
    try:
        parse_path(text)
    except AliascheckError:
        return False
    return True
