"""Parameter sets as a case file writes them: places, and `params(m)` for every array leaf of `m`."""

from __future__ import annotations

import re

from aliascheck.cases.names import read_path
from aliascheck.cases.place import Place, caret
from aliascheck.memory import Data, Path

_CALL = re.compile(r"\s*params\s*\((.*)", re.ASCII | re.DOTALL)
_OPTION = re.compile(r",\s*unique\s*=\s*(true|false|True|False)\s*,?\s*\)\s*\Z", re.ASCII)
_END = re.compile(r"\)\s*\Z", re.ASCII)
_FORM = "write params(m) or params(m, unique=true)"


class MemberPath(Data, frozen=True):
    """A member of the set by its name."""

    text: str
    path: Path
    place: Place


class ParamsOf(Data, frozen=True):
    """The array leaves of what stands at `path`; with `unique`, wrappers opened and each array once."""

    text: str
    path: Path
    unique: bool
    place: Place


Member = MemberPath | ParamsOf


def read_member(text: str, place: Place) -> Member:
    """The member that `text` names.

    Raises: BadCase with the column at which it is no such name.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        return MemberPath(text.strip(), read_path(text, place), place)
    start = call.start(1)
    arguments = _read_arguments(call[1])
    if arguments is None:
        column = start + 1
        raise place.error(
            f"'{text}' is not a call of params", hint=_FORM, column=column, snippet=caret(text, column)
        )
    path, unique = arguments
    return ParamsOf(text.strip(), read_path(path, place, offset=start, whole=text), unique, place)


def _read_arguments(arguments: str) -> tuple[str, bool] | None:
    """The path and the option of `m, unique=true)`. A key of the path may hold a comma itself."""
    option = _OPTION.search(arguments)
    if option is not None:
        return arguments[: option.start()], option[1].lower() == "true"
    end = _END.search(arguments)
    return None if end is None else (arguments[: end.start()], False)
