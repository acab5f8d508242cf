"""Values as a case file writes them: numbers, arrays, lists, tables, expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from aliascheck.cases.check import type_in_words
from aliascheck.cases.locate import KeyPath
from aliascheck.cases.place import Place
from aliascheck.errors import AliascheckError
from aliascheck.language import Expression, parse
from aliascheck.memory import Array, Data

MAX_DIMENSIONS = 32

Locate = Callable[[KeyPath], Place]
"""The place of a key below the value that is being read."""


def below(locate: Locate, *path: str | int) -> Locate:
    """`locate` for what stands below `path`."""
    return lambda rest: locate((*path, *rest))


class Number(Data, frozen=True):
    """A scalar. It is no memory."""

    value: float


class ArrayLiteral(Data, frozen=True, eq=False):
    """A nested list of numbers; `values` is read-only float64 memory, to be copied."""

    values: Array


class ListLiteral(Data, frozen=True, eq=False):
    """A list that holds anything but numbers alone."""

    items: tuple[Literal, ...]


class TableLiteral(Data, frozen=True, eq=False):
    """A table: its keys and values, in order."""

    items: tuple[tuple[str, Literal], ...]


class ExpressionLiteral(Data, frozen=True, eq=False):
    """A parsed expression, its text, and where it stands."""

    expression: Expression
    text: str
    place: Place


Literal = Number | ArrayLiteral | ListLiteral | TableLiteral | ExpressionLiteral


def read_expression(text: str, place: Place) -> ExpressionLiteral:
    """The expression that `text` writes. Raises BadCase with the column where it writes none."""
    try:
        return ExpressionLiteral(parse(text), text, place)
    except AliascheckError as error:
        raise place.relocate(error) from None


def check_names(literal: ExpressionLiteral, names: Iterable[str]) -> None:
    """Raises BadCase where an expression uses a name that is not among `names`, nor a function's."""
    try:
        literal.expression.check(names)
    except AliascheckError as error:
        raise literal.place.relocate(error) from None


def read_literal(data: Any, locate: Locate, *, ragged: bool = False) -> Literal:
    """The value that TOML data writes. With `ragged`, lists of unlike arrays are lists.

    Raises: BadCase for booleans, dates, ragged lists, and expressions that do not parse.
    """
    return _read(data, (), locate, ragged)


def _read(data: Any, path: KeyPath, locate: Locate, ragged: bool) -> Literal:
    if isinstance(data, str):
        return read_expression(data, locate(path))
    if isinstance(data, bool) or not isinstance(data, int | float | list | dict):
        raise locate(path).error(
            f"expected a number, a list, a table or an expression, got {type_in_words(data)}"
        )
    if isinstance(data, dict):
        return TableLiteral(
            tuple((key, _read(part, (*path, key), locate, ragged)) for key, part in data.items())
        )
    if isinstance(data, list):
        return _read_list(data, path, locate, ragged)
    return Number(float(data))


def _read_list(data: list[Any], path: KeyPath, locate: Locate, ragged: bool) -> Literal:
    if _holds_only_numbers(data):
        shape = _shape(data)
        if shape is not None:
            if len(shape) > MAX_DIMENSIONS:
                raise locate(path).error(f"an array of {len(shape)} dimensions: at most {MAX_DIMENSIONS}")
            values = np.array(data, dtype=np.float64).reshape(shape)
            values.flags.writeable = False
            return ArrayLiteral(values)
        if not ragged:
            raise locate(path).error(
                "a ragged list: rows of unlike length make no array",
                hint="make the rows alike, or bind them to names and list those",
            )
    return ListLiteral(tuple(_read(part, (*path, index), locate, ragged) for index, part in enumerate(data)))


def _holds_only_numbers(data: Any) -> bool:
    if isinstance(data, list):
        return all(_holds_only_numbers(part) for part in data)
    return isinstance(data, int | float) and not isinstance(data, bool)


def _shape(data: Any) -> tuple[int, ...] | None:
    """The shape of a nested list of numbers, None where it is ragged."""
    if not isinstance(data, list):
        return ()
    shapes = {_shape(part) for part in data}
    if len(shapes) > 1 or None in shapes:
        return None
    inner = shapes.pop() if shapes else ()
    assert inner is not None
    return (len(data), *inner)
