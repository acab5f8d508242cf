"""Checks of a file's form: known keys, types, and integers that float64 holds."""

from __future__ import annotations

import datetime
import functools
import re
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from aliascheck.cases.locate import KeyPath
from aliascheck.cases.place import BadCase
from aliascheck.cases.schema import NOT_YET, Audit, CaseFile, Defaults
from aliascheck.cases.source import Source
from aliascheck.errors import did_you_mean

LARGEST_INTEGER = 2**53

_TYPE_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "datetime": "a date",
    "date": "a date",
    "time": "a time",
}
_MISMATCH = re.compile(r"Expected `(\w+)`, got `(\w+)`(?: - at `\$(.*)`)?", re.DOTALL)
_BOUND = re.compile(r"Expected `(\w+)` (>=?) ([\d.]+)(?: - at `\$(.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def check_form(source: Source) -> CaseFile:
    """The file's tables with their types checked.

    Raises: BadCase for the first key that is unknown, and the first value of a wrong type.
    """
    _check_keys(source, source.data, CaseFile, (), ())
    _check_integers(source, source.data, ())
    try:
        return msgspec.convert(source.data, CaseFile)
    except msgspec.ValidationError as error:
        raise _explain(source, str(error)) from None


def type_in_words(value: Any) -> str:
    """The type of a TOML value as messages say it."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, datetime.date | datetime.time):
        return "a time" if isinstance(value, datetime.time) else "a date"
    words = {str: "a string", int: "an integer", float: "a number", list: "a list", dict: "a table"}
    return words[type(value)]


def _check_keys(
    source: Source, data: Any, table: type, path: KeyPath, above: tuple[tuple[type, KeyPath], ...]
) -> None:
    if not isinstance(data, dict):
        return
    fields = _fields(table)
    for key, value in data.items():
        here = (*path, key)
        if key not in fields:
            raise _unknown_key(source, here, value, table, above)
        inner = fields[key]
        if inner is None:
            if isinstance(value, dict):
                _check_strays(source, value, here, ((table, path), *above))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                _check_keys(source, item, inner, (*here, index), ((table, path), *above))
        else:
            _check_keys(source, value, inner, here, ((table, path), *above))


def _check_strays(
    source: Source, data: dict[str, Any], path: KeyPath, above: tuple[tuple[type, KeyPath], ...]
) -> None:
    """Keys of a free table (gradients, matrix) that look like keys of the tables above it."""
    if path[-1] not in ("gradients", "matrix"):
        return
    for key, value in data.items():
        home = _home(key, value, above)
        if home is not None and _is_stray(source, path, key, value):
            message = f"'{key}' stands in the table '{path[-1]}'"
            raise source.place((*path, key)).error(message, hint=_moving_hint(source, key, value, path, home))


def _is_stray(source: Source, path: KeyPath, key: str, value: Any) -> bool:
    if path[-1] == "matrix":
        return not isinstance(value, list) or key in ("params", "modes", "ties")
    names = source.data.get("let")
    return key not in names if isinstance(names, dict) else True


def _unknown_key(
    source: Source, path: KeyPath, value: Any, table: type, above: tuple[tuple[type, KeyPath], ...]
) -> BadCase:
    place, key = source.place(path), str(path[-1])
    if key in NOT_YET and issubclass(table, Defaults):
        return place.error(f"'{key}' is not available in this release")
    home = _home(key, value, above)
    if home is not None:
        hint: str | None = _moving_hint(source, key, value, path[:-1], home)
    elif key in _fields(Audit) and table is Defaults:
        hint = "each [[audit]] has its own"
    else:
        hint = did_you_mean(key, _fields(table)) or f"known keys: {', '.join(_fields(table))}"
    return place.error(f"unknown key '{key}'", hint=hint)


def _home(key: str, value: Any, above: tuple[tuple[type, KeyPath], ...]) -> KeyPath | None:
    """The nearest table above that knows `key`."""
    return next((path for table, path in above if key in _fields(table)), None)


def _moving_hint(source: Source, key: str, value: Any, path: KeyPath, home: KeyPath) -> str:
    owner = "the file" if not home else _header(home)
    if isinstance(value, dict) or path not in source.lines.headers:
        return f"it is a key of {owner}"
    return f"it is a key of {owner}: put it above that header, {_header(path)}"


def _header(path: KeyPath) -> str:
    name = ".".join(str(step) for step in path if isinstance(step, str))
    return f"[[{name}]]" if isinstance(path[-1], int) else f"[{name}]"


@functools.cache
def _fields(table: type) -> dict[str, type | None]:
    """The keys of a table; for one whose values are tables, or lists of tables, the type of those."""
    return {field.name: _table_in(field.type) for field in msgspec.structs.fields(table)}


def _table_in(annotation: Any) -> type | None:
    return next((part for part in _parts(annotation) if issubclass(part, msgspec.Struct)), None)


def _parts(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _parts(argument)


def _check_integers(source: Source, data: Any, path: KeyPath) -> None:
    if isinstance(data, int) and abs(data) > LARGEST_INTEGER:
        raise source.place(path).error(
            "an integer over 2**53, which float64 does not hold exactly",
            hint="write it as a float, such as 1e16",
        )
    if isinstance(data, dict):
        for key, value in data.items():
            _check_integers(source, value, (*path, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            _check_integers(source, item, (*path, index))


def _explain(source: Source, error: str) -> BadCase:
    mismatch = _MISMATCH.fullmatch(error)
    if mismatch is not None:
        expected, got, where = mismatch.groups()
        return _wrong_type(source, _read_path(where), expected, got)
    bound = _BOUND.fullmatch(error)
    if bound is None:
        return source.place(()).error(error)
    kind, relation, limit, where = bound.groups()
    words = "at least" if relation == ">=" else "greater than"
    return source.place(_read_path(where)).error(f"expected {_TYPE_WORDS[kind]} {words} {float(limit):g}")


def _wrong_type(source: Source, path: KeyPath, expected: str, got: str) -> BadCase:
    hint = None
    if path == ("audit",):
        hint = "write [[audit]] with two brackets"
    elif expected == "array":
        hint = "put it in brackets"
    elif path[-1] == "id":
        hint = 'write it in quotes, such as id = "5"'
    got = "a boolean" if got == "bool" else _TYPE_WORDS.get(got, got)
    return source.place(path).error(f"expected {_TYPE_WORDS.get(expected, expected)}, got {got}", hint=hint)


def _read_path(text: str | None) -> KeyPath:
    return tuple(int(step[2]) if step[2] else step[1] for step in _STEP.finditer(text or ""))
