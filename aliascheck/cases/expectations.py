"""What an audit is expected to show: exact findings, and a value for every gradient entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aliascheck.cases.findings import read_finding
from aliascheck.cases.literals import ExpressionLiteral, Literal, Locate, below, read_literal
from aliascheck.cases.locate import KeyPath
from aliascheck.cases.names import RESERVED, normalize_name
from aliascheck.cases.place import Place
from aliascheck.cases.schema import BUILTIN, EXPLICIT_ONLY, MODES
from aliascheck.memory import NOTHING, Data, Nothing

ABSENT = repr(NOTHING)


class ExpectedList(Data, frozen=True, eq=False):
    """A list whose items hold `nothing`, tables, or arrays of unlike shapes."""

    items: tuple[ExpectedValue, ...]


class ExpectedTable(Data, frozen=True, eq=False):
    """A structural value: fields or keys, in order."""

    items: tuple[tuple[str, ExpectedValue], ...]


ExpectedValue = Nothing | Literal | ExpectedList | ExpectedTable


class Expectation(Data, frozen=True, eq=False):
    """What one mode must show; None where the case does not say."""

    findings: tuple[str, ...] | None
    gradients: Mapping[str, ExpectedValue] | None
    place: Place


class Reading(Data, frozen=True):
    """What is needed to read expectations: the file's engine, and whether its model lives in Python."""

    engine: str
    foreign: bool
    locate: Locate


Expectations = dict[str, dict[str, Expectation]]


def read_expectations(data: Mapping[str, Any], reading: Reading) -> Expectations:
    """Expectations by engine and mode, from the `expect` table of one audit.

    Raises: BadCase for a mode that the engine does not have, an unknown finding, a value of no known form.
    """
    found: Expectations = {}
    for key, table in data.items():
        if key in MODES:
            found.setdefault(reading.engine, {})[key] = _read_mode(table, ("expect", key), key, reading)
            continue
        if key == reading.engine:
            raise reading.locate(("expect", key)).error(
                "expectations hold for the file's engine as they stand", hint=f"drop '{key}' from the key"
            )
        for mode, inner in table.items():
            _check_mode(key, mode, reading.locate(("expect", key, mode)))
            found.setdefault(key, {})[mode] = _read_mode(inner, ("expect", key, mode), mode, reading)
    for mode in found.get(reading.engine, {}):
        _check_mode(reading.engine, mode, reading.locate(("expect", mode)))
    return found


def _check_mode(engine: str, mode: str, place: Place) -> None:
    if engine in EXPLICIT_ONLY and mode == "implicit":
        raise place.error(f"{engine} has no implicit mode: this would never be checked")


def _read_mode(data: Mapping[str, Any], path: KeyPath, mode: str, reading: Reading) -> Expectation:
    findings = data.get("findings")
    gradients = data.get("gradients")
    return Expectation(
        None if findings is None else _read_findings(findings, (*path, "findings"), reading),
        None if gradients is None else _read_gradients(gradients, (*path, "gradients"), mode, reading),
        reading.locate(path),
    )


def _read_findings(data: list[str], path: KeyPath, reading: Reading) -> tuple[str, ...]:
    findings: dict[str, None] = {}
    for index, text in enumerate(data):
        place = reading.locate((*path, index))
        finding = read_finding(text, place, foreign=reading.foreign)
        if finding in findings:
            raise place.error(f"'{finding}' is listed twice")
        findings[finding] = None
    return tuple(findings)


def _read_gradients(
    data: Mapping[str, Any], path: KeyPath, mode: str, reading: Reading
) -> Mapping[str, ExpectedValue]:
    entries: dict[str, ExpectedValue] = {}
    for key, value in data.items():
        place = reading.locate((*path, key))
        name = _entry_name(key, place, reading)
        if name in entries:
            raise place.error(f"the entry '{name}' is listed twice")
        if mode == "explicit" and name.startswith(f"{RESERVED}."):
            raise place.error(
                "explicit mode has no entries of globals: list the members of the set only",
                hint=f"move '{name}' to expect.implicit" if reading.engine == BUILTIN else None,
            )
        entries[name] = _read(value, (*path, key), reading.locate)
    return entries


def _entry_name(key: str, place: Place, reading: Reading) -> str:
    if reading.foreign or key.startswith(f"{RESERVED}."):
        return key
    return normalize_name(key, place)


def expressions(value: ExpectedValue) -> Iterator[ExpressionLiteral]:
    """Every expression in an expected value."""
    if isinstance(value, ExpressionLiteral):
        yield value
    elif isinstance(value, ExpectedList):
        for part in value.items:
            yield from expressions(part)
    elif isinstance(value, ExpectedTable):
        for _, part in value.items:
            yield from expressions(part)


def flatten_globals(expect: Mapping[str, Any], locate: Locate) -> dict[str, Any]:
    """An `expect` table with every unquoted `Main.x = ...`, which TOML reads as a table, as `"Main.x"`.

    Raises: BadCase where both forms give one entry.
    """
    return _flatten(expect, ("expect",), locate)


def _flatten(table: Mapping[str, Any], path: KeyPath, locate: Locate) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if key == "gradients":
            flat[key] = _flatten_entries(value, (*path, key), locate)
        else:
            flat[key] = _flatten(value, (*path, key), locate) if isinstance(value, dict) else value
    return flat


def _flatten_entries(gradients: Mapping[str, Any], path: KeyPath, locate: Locate) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in gradients.items():
        is_globals = key == RESERVED and isinstance(value, dict)
        entries = {f"{RESERVED}.{name}": part for name, part in value.items()} if is_globals else {key: value}
        for name, part in entries.items():
            if name in flat:
                raise locate((*path, name)).error(f"the entry '{name}' is listed twice")
            flat[name] = part
    return flat


def _read(data: Any, path: KeyPath, locate: Locate) -> ExpectedValue:
    """A value as written: "nothing", a number, an array, a list or table of such, or an expression."""
    if data == ABSENT:
        return NOTHING
    if isinstance(data, dict):
        return ExpectedTable(tuple((key, _read(part, (*path, key), locate)) for key, part in data.items()))
    if isinstance(data, list) and _holds_words(data):
        return ExpectedList(tuple(_read(part, (*path, index), locate) for index, part in enumerate(data)))
    return read_literal(data, below(locate, *path), ragged=True)


def _holds_words(data: list[Any]) -> bool:
    return any(
        _holds_words(part) if isinstance(part, list) else isinstance(part, str | dict) for part in data
    )
