"""Comparison of expected gradients with reported ones, each read against the other's structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from aliascheck.cases.expectations import ExpectedList, ExpectedTable, ExpectedValue
from aliascheck.cases.literals import ArrayLiteral, ExpressionLiteral, ListLiteral, Number, TableLiteral
from aliascheck.errors import AliascheckError
from aliascheck.language import Expression
from aliascheck.memory import NOTHING, Array, Data, Fields, Key, Nothing, Record, dense, format_path, is_array

ABSOLUTE = 1e-12
RELATIVE = 1e-9
LARGEST_SHOWN = 16  # elements of an array that a text writes out
NO_ENTRY = "no such entry"

Evaluate = Callable[[Expression], Any]


class Mismatch(Data, frozen=True):
    """One place of one entry where the report is not as expected; the texts are for people."""

    path: str
    expected: str
    got: str


def compare_entries(
    expected: Mapping[str, ExpectedValue], got: Mapping[str, Any], evaluate: Evaluate
) -> list[Mismatch]:
    """Where reported entries differ from the expected ones, which must be all that there are.

    `evaluate` gives the value of an expression among the case's bindings.

    Raises: BadCase where an expected expression does not evaluate.
    """
    found: list[Mismatch] = []
    for name, value in expected.items():
        if name in got:
            found += compare(value, got[name], evaluate, name)
        else:
            found.append(Mismatch(name, show(realize(value, evaluate)), _missing(name, got)))
    for name, reported in got.items():
        if name not in expected:
            found.append(
                Mismatch(name, "no entry of this name (expectations list every entry)", show(reported))
            )
    return found


def _missing(name: str, got: Mapping[str, Any]) -> str:
    below = next((other for other in got if other.startswith((f"{name}.", f"{name}["))), None)
    return NO_ENTRY if below is None else f'{NO_ENTRY} (there is "{below}": write its name in quotes)'


def compare(expected: ExpectedValue, got: Any, evaluate: Evaluate, name: str = "") -> list[Mismatch]:
    """Where the reported gradient `got` of entry `name` differs from the expected one.

    Shapes must match, `nothing` is not zero, and numbers agree within
    `1e-12 + 1e-9 * max|expected|`. Fields of a table that are left out are `nothing`.

    Raises: BadCase where an expected expression does not evaluate.
    """
    return list(_differences(name, realize(expected, evaluate), got))


def realize(expected: ExpectedValue, evaluate: Evaluate) -> Any:
    """An expected value as plain data: NOTHING, an array, a list, a dict."""
    if isinstance(expected, Nothing):
        return NOTHING
    if isinstance(expected, Number):
        return np.asarray(expected.value)
    if isinstance(expected, ArrayLiteral):
        return expected.values
    if isinstance(expected, ListLiteral | ExpectedList):
        return [realize(part, evaluate) for part in expected.items]
    if isinstance(expected, TableLiteral | ExpectedTable):
        return {key: realize(part, evaluate) for key, part in expected.items}
    return _plain(_evaluate(expected, evaluate))


def _evaluate(literal: ExpressionLiteral, evaluate: Evaluate) -> Any:
    try:
        return evaluate(literal.expression)
    except AliascheckError as error:
        raise literal.place.relocate(error) from None


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, Record) and not is_array(value):
        return {name: _plain(value.get_field(name)) for name in value.field_names}
    return value if value is NOTHING else np.array(dense(value), dtype=np.float64)


def _differences(path: str, expected: Any, got: Any) -> Iterator[Mismatch]:
    if isinstance(got, tuple | list) and isinstance(_as_items(expected), list):
        yield from _differing_items(path, _as_items(expected), got)
    elif isinstance(got, dict) and isinstance(expected, dict):
        yield from _differing_fields(path, expected, got)
    elif _kind(got) == _kind(_as_array(expected)) == "array":
        yield from _differing_numbers(path, _as_array(expected), np.asarray(dense(got)))
    elif not (got is NOTHING and expected is NOTHING):
        yield Mismatch(path, _describe(expected), _describe(got))


def _as_items(expected: Any) -> Any:
    """An array as the list of its rows, for an entry that is a list or tuple."""
    return list(expected) if isinstance(expected, np.ndarray) and expected.ndim else expected


def _as_array(expected: Any) -> Any:
    """A list of numbers and arrays of one shape as an array, for an entry that is an array."""
    if not isinstance(expected, list):
        return expected
    parts = [_as_array(part) for part in expected]
    if all(_kind(part) == "array" for part in parts) and len({np.shape(part) for part in parts}) == 1:
        return np.stack(parts)
    return expected


def _kind(value: Any) -> str:
    if value is NOTHING:
        return "nothing"
    return "structural" if isinstance(value, dict | tuple | list) else "array"


def _differing_items(path: str, expected: list[Any], got: tuple[Any, ...] | list[Any]) -> Iterator[Mismatch]:
    if len(expected) != len(got):
        yield Mismatch(path, f"{len(expected)} items: {show(expected)}", f"{len(got)} items: {show(got)}")
        return
    for index, (wanted, reported) in enumerate(zip(expected, got, strict=True)):
        yield from _differences(f"{path}[{index}]", wanted, reported)


def _differing_fields(path: str, expected: dict[str, Any], got: dict[str, Any]) -> Iterator[Mismatch]:
    for key in [*expected, *(key for key in got if key not in expected)]:
        step = f".{key}" if isinstance(got, Fields) else format_path(("", Key(key)))
        yield from _differences(path + step, expected.get(key, NOTHING), got.get(key, NOTHING))


def _differing_numbers(path: str, expected: Array, got: Array) -> Iterator[Mismatch]:
    if expected.shape != got.shape:
        yield Mismatch(path, _with_shape(expected), _with_shape(got))
        return
    far = ~_close(expected, got.astype(np.float64))
    if not far.any():
        return
    if expected.size <= LARGEST_SHOWN:
        yield Mismatch(path, show(expected), show(got))
        return
    first = tuple(int(axis[0]) for axis in np.nonzero(far))
    where = f"[{', '.join(map(str, first))}]"
    more = int(far.sum()) - 1
    also = f" (and {more} other elements differ)" if more else ""
    yield Mismatch(f"{path} at {where}", show(expected[first]), show(got[first]) + also)


def _close(expected: Array, got: Array) -> Array:
    finite = np.abs(expected[np.isfinite(expected)])
    bound = ABSOLUTE + RELATIVE * (finite.max() if finite.size else 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(got - expected) <= bound
    close: Array = near | (got == expected) | (np.isnan(got) & np.isnan(expected))
    return close


def _describe(value: Any) -> str:
    kind = _kind(value)
    if kind == "nothing":
        return show(value)
    return f"a structural value: {show(value)}" if kind == "structural" else f"an array: {_with_shape(value)}"


def _with_shape(value: Any) -> str:
    shape = np.shape(dense(value))
    text = show(value)
    if not shape:
        return f"the number {text}"
    return text if text.startswith("array of") else f"{text} of shape {shape}"


def show(value: Any) -> str:
    """A gradient as a case file would write it; arrays of many elements by their shape."""
    if value is NOTHING:
        return "nothing"
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{key} = {show(part)}" for key, part in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(show, value)) + "]"
    array = np.asarray(dense(value))
    if array.size > LARGEST_SHOWN:
        return f"array of shape {array.shape}"
    return _show_numbers(array.tolist())


def _show_numbers(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_show_numbers, value)) + "]"
    return repr(float(value))
