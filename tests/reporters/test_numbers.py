"""Numbers are no longer than they need to be, and never hide a difference."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliascheck.reporters.numbers import (
    Digits,
    choose_digits,
    farthest,
    format_bound,
    format_number,
    format_shape,
    format_value,
)

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "bound", "shown"),
    [
        (2.0, None, "2"),
        (-0.0, None, "0"),
        (100.4, None, "100.4"),
        (1200.0, None, "1200"),
        (0.99999999998, 3e-11, "1"),
        (1 / 3, 3e-11, "0.33333"),
        (123456.7, None, "123457"),
        (5e12, None, "5e12"),
        (-1.25e-9, None, "-1.25e-9"),
        (1e-14, 3e-11, "~0"),
        (0.0, 3e-11, "0"),
        (2.5, math.inf, "2.5"),
        (math.nan, 1e-9, "nan"),
        (-math.inf, None, "-inf"),
        (1e300, None, "1e300"),
    ],
)
def test_format_number(value: float, bound: float | None, shown: str) -> None:
    assert format_number(value, choose_digits([value], bound)) == shown


@given(finite, finite, st.floats(1e-12, 1e-3))
def test_digits_tell_apart_what_differs(a: float, b: float, bound: float) -> None:
    digits = choose_digits([a, b], bound)
    if abs(a - b) > bound:
        assert format_number(a, digits) != format_number(b, digits)


@given(st.floats(-1e300, 1e300))
def test_five_digits_are_near(value: float) -> None:
    assert float(format_number(value, Digits())) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("nothing", "nothing"),
        ([2.0], "2"),
        ([[2.0]], "2"),
        ([1.0, 2.0, 3.0], "[1 2 3]"),
        ([[1.0, 2.0], [3.0, 4.5]], "[1 2; 3 4.5]"),
        ([[[1.0, 2.0]], [[3.0, 4.0]]], "[[1 2] [3 4]]"),
        ([], "[]"),
        ([[], []], "[; ]"),
        ({"parent": [1.0]}, "(parent=1)"),
        (["nothing", {"x": [1.0]}], "[nothing, (x=1)]"),
        ([0.0] * 9, "all 0"),
        ([3.0, 4.0] + [0.0] * 9, "norm 5"),
        (["nan"] * 2 + [0.0] * 9, "2 of 11 not finite"),
        ({"shape": [100], "norm": 2.5, "max": 1.0, "head": [0.0] * 8}, "norm 2.5"),
        (None, "-"),
    ],
)
def test_format_value(value: object, shown: str) -> None:
    assert format_value(value) == shown


def test_farthest_names_the_element() -> None:
    assert farthest([[1.0, 2.0], [3.0, 9.0]], [[1.0, 2.0], [3.0, 4.0]], [2, 2]) == ((1, 1), 9.0, 4.0)
    assert farthest("nothing", [1.0], [1]) is None
    assert farthest(["nan", 1.0], [0.0, 0.0], [2]) is not None


def test_shapes_are_written_as_numpy_writes_them() -> None:
    assert [format_shape(shape) for shape in ([], [3], [64, 32])] == ["()", "(3,)", "(64,32)"]


@given(st.floats(min_value=5e-324, max_value=1e308))
def test_a_bound_in_one_digit_is_no_smaller_than_it_is(bound: float) -> None:
    shown = float(format_bound(bound))
    assert bound * (1 - 1e-15) <= shown
    assert shown <= bound * 2 or bound < 1e-300


def test_a_number_too_large_for_a_float_is_infinite() -> None:
    assert format_value(10**400) == "inf" and format_value([-(10**400), 1]) == "[-inf 1]"


@given(st.floats(min_value=0.0))
def test_no_bound_is_too_large_or_too_small_to_choose_digits_by(bound: float) -> None:
    assert choose_digits((1.0, 2.0), bound).significant >= 5
