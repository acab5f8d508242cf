"""Comparison of expected entries with reported ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aliascheck.cases import BadCase, Case, Mismatch, compare_entries, evaluate_bindings, read_case, show
from aliascheck.memory import NOTHING, Fields

LET = '[let]\nx = [1.0, 2.0]\ny = [[1.0, 2.0], [3.0, 4.0]]\nyt = "transpose(y)"\nh = "A(x=x, l=(x, 1.0))"\n'


def case_of(gradients: str) -> Case:
    text = f'{LET}[[audit]]\nloss = "1.0"\nparams = ["x"]\n[audit.expect.implicit.gradients]\n{gradients}\n'
    return read_case(text.encode(), "f.toml", Path())


def mismatches(gradients: str, got: dict[str, Any]) -> list[Mismatch]:
    case = case_of(gradients)
    expected = case.audits[0].expect["implicit"].gradients
    assert expected is not None
    return compare_entries(
        expected, got, lambda expression: expression.evaluate(Bound(evaluate_bindings(case)))
    )


class Bound:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def read(self, name: str) -> Any:
        return self.values[name]

    def names(self) -> list[str]:
        return list(self.values)


ONE = np.array([1.0])
EQUAL = [
    ('x = "nothing"', NOTHING),
    ("x = 2", 2.0),
    ("x = 2", np.float64(2.0)),
    ("x = 2", np.array(2.0)),
    ("x = [2.0]", np.array([2.0])),
    ("x = []", np.zeros(0)),
    ("x = [[], []]", np.zeros((2, 0))),
    ("x = [nan, inf, -inf]", np.array([np.nan, np.inf, -np.inf])),
    ("x = [1e-13]", np.array([0.0])),
    ("x = [1.0, 1e9]", np.array([1.5, 1e9])),
    ('x = "ones(1, 3)"', np.ones((1, 3))),
    ('x = "2 * yt"', 2 * np.array([[1.0, 3.0], [2.0, 4.0]])),
    ('x = "yt"', np.array([[1.0, 3.0], [2.0, 4.0]])),
    ('x = ["1 + 1", 3]', np.array([2.0, 3.0])),
    ('x = ["x", "x"]', np.array([[1.0, 2.0], [1.0, 2.0]])),
    ("x = { parent = [1.0] }", Fields(parent=ONE)),
    ("x.parent.parent = [1.0]", Fields(parent=Fields(parent=ONE))),
    ("x = { a = [1.0] }", Fields(a=ONE, b=NOTHING)),
    ('x = { a = [1.0], b = "nothing" }', Fields(a=ONE)),
    ('x = { a = "nothing" }', Fields()),
    ("x = { k = [1.0] }", {"k": ONE, "other": NOTHING}),
    ('x = { layers = ["nothing", { weight = [1.0] }] }', Fields(layers=(NOTHING, Fields(weight=ONE)))),
    ("x = [[1.0], [1.0]]", [ONE, ONE]),
    ("x = [[1.0], [1.0, 2.0]]", (ONE, np.array([1.0, 2.0]))),
    ("x = [1.0, 2.0]", [1.0, 2.0]),
    ("x = []", ()),
    ('x = "(x, 1.0)"', (np.array([1.0, 2.0]), 1.0)),
    ('x = "h"', Fields(x=np.array([1.0, 2.0]), l=(np.array([1.0, 2.0]), 1.0))),
]


@pytest.mark.parametrize(("gradients", "got"), EQUAL)
def test_equal(gradients: str, got: Any) -> None:
    assert mismatches(gradients, {"x": got}) == []


DIFFERENT = [
    ("x = [0.0]", NOTHING, Mismatch("x", "an array: [0.0] of shape (1,)", "nothing")),
    ('x = "nothing"', np.zeros(1), Mismatch("x", "nothing", "an array: [0.0] of shape (1,)")),
    ("x = [2.0]", np.array([2.1]), Mismatch("x", "[2.0]", "[2.1]")),
    ("x = [2.0]", np.array([[2.0]]), Mismatch("x", "[2.0] of shape (1,)", "[[2.0]] of shape (1, 1)")),
    ("x = 2", np.array([2.0]), Mismatch("x", "the number 2.0", "[2.0] of shape (1,)")),
    ("x = [inf]", np.array([1e300]), Mismatch("x", "[inf]", "[1e+300]")),
    ("x = [inf, 1]", np.array([np.inf, 1.1]), Mismatch("x", "[inf, 1.0]", "[inf, 1.1]")),
    ("x = [1]", np.array([np.nan]), Mismatch("x", "[1.0]", "[nan]")),
    (
        "x = [1]",
        Fields(parent=ONE),
        Mismatch("x", "an array: [1.0] of shape (1,)", "a structural value: { parent = [1.0] }"),
    ),
    (
        "x = {parent = [1]}",
        ONE,
        Mismatch("x", "a structural value: { parent = [1.0] }", "an array: [1.0] of shape (1,)"),
    ),
    ("x = {a = [1]}", Fields(a=2 * ONE), Mismatch("x.a", "[1.0]", "[2.0]")),
    ("x = {a = [1]}", {"a": 2 * ONE}, Mismatch("x['a']", "[1.0]", "[2.0]")),
    ("x = {}", Fields(a=ONE), Mismatch("x.a", "nothing", "an array: [1.0] of shape (1,)")),
    ("x = {b = 1}", Fields(), Mismatch("x.b", "an array: the number 1.0", "nothing")),
    ('x = ["nothing"]', (NOTHING, ONE), Mismatch("x", "1 items: [nothing]", "2 items: [nothing, [1.0]]")),
    ('x = ["nothing", [1]]', [NOTHING, 2 * ONE], Mismatch("x[1]", "[1.0]", "[2.0]")),
    ('x = ["nothing"]', ONE, Mismatch("x", "a structural value: [nothing]", "an array: [1.0] of shape (1,)")),
    ("x = {a = 1}", [ONE], Mismatch("x", "a structural value: { a = 1.0 }", "a structural value: [[1.0]]")),
    (
        'x = "zeros(5, 5)"',
        np.eye(5),
        Mismatch("x at [0, 0]", "0.0", "1.0 (and 4 other elements differ)"),
    ),
    (
        'x = "zeros(5, 5)"',
        np.zeros(25),
        Mismatch("x", "array of shape (5, 5)", "array of shape (25,)"),
    ),
]


@pytest.mark.parametrize(("gradients", "got", "mismatch"), DIFFERENT)
def test_different(gradients: str, got: Any, mismatch: Mismatch) -> None:
    assert mismatches(gradients, {"x": got}) == [mismatch]


def test_every_entry_is_listed() -> None:
    assert mismatches("x = [1.0]\nMain.x = 1.0", {"x": ONE, "xt": NOTHING}) == [
        Mismatch("Main.x", "1.0", "no such entry"),
        Mismatch("xt", "no entry of this name (expectations list every entry)", "nothing"),
    ]


def test_unquoted_places_are_pointed_out() -> None:
    found = mismatches("a.x = [1.0]", {"a.x": ONE})
    assert found[0] == Mismatch(
        "a", "{ x = [1.0] }", 'no such entry (there is "a.x": write its name in quotes)'
    )


def test_names_are_put_into_one_form() -> None:
    assert mismatches('"d[\\"k\\"]" = [1.0]', {"d['k']": ONE}) == []


def test_errors_name_the_expectation() -> None:
    with pytest.raises(BadCase, match=r"audit\[1\]\.expect\.implicit\.gradients\.x\.a, column 1"):
        mismatches('x = {a = "x + ones(3)"}', {"x": Fields(a=ONE)})


@given(arrays.arrays(np.float64, arrays.array_shapes(max_dims=3, max_side=3)), st.booleans())
def test_what_is_shown_can_be_expected(value: Any, nested: bool) -> None:
    got = Fields(parent=value) if nested else value
    assert value.size > 16 or mismatches(f"x = {show(got)}", {"x": got}) == []


@given(st.floats(1e-3, 1e3), st.floats(0, 3))
def test_tolerance(expected: float, factor: float) -> None:
    got = expected + factor * (1e-12 + 1e-9 * expected)
    if abs(factor - 1) > 1e-3:
        assert bool(mismatches(f"x = [{expected}, 0.0]", {"x": np.array([got, 0.0])})) == (factor > 1)
