"""Evaluation of bindings: order, fresh memory, overrides, and errors with their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aliascheck.cases import BadCase, Case, evaluate_bindings, read_case
from aliascheck.memory import dense, innermost

AUDIT = '[[audit]]\nloss = "1.0"\nparams = ["x"]\n'


def case_of(let: str, matrix: str = "") -> Case:
    return read_case(f"[let]\n{let}\n{AUDIT}{matrix}".encode(), "f.toml", Path())


def test_kinds_of_values() -> None:
    values = evaluate_bindings(
        case_of('n = 3\nx = [[1, 2], [3, 4]]\nl = ["x", 2, [1]]\nd = {k = "x", e = []}\ne = [[], []]')
    )
    assert values["n"] == 3.0
    assert isinstance(values["n"], float)
    assert values["x"].dtype == np.float64
    assert values["x"].shape == (2, 2)
    assert values["l"][0] is values["x"]
    assert values["l"][1:] == [2.0, np.array([1.0])]
    assert values["d"]["k"] is values["x"]
    assert values["d"]["e"].shape == (0,)
    assert values["e"].shape == (2, 0)


def test_memory_is_fresh_and_writable_each_time() -> None:
    case = case_of('x = [1.0]\ny = "adjoint(x)"')
    first, second = evaluate_bindings(case), evaluate_bindings(case)
    assert innermost(first["y"]) is first["x"]
    assert not np.shares_memory(first["x"], second["x"])
    first["x"][0] = 5.0
    assert dense(first["y"])[0, 0] == 5.0
    assert second["x"][0] == 1.0


def test_overrides_replace_in_place_and_add() -> None:
    case = case_of(
        'n = 1\nx = "full(n, value) "\nz = "2 * extra"',
        'matrix = {n = [2, 3], value = [7.0], alias = ["adjoint(x)"], extra = ["n + 1"]}',
    )
    values = evaluate_bindings(case, case.audits[1].overrides)
    assert list(values) == ["value", "n", "extra", "x", "alias", "z"]
    np.testing.assert_array_equal(values["x"], [7.0, 7.0, 7.0])
    assert innermost(values["alias"]) is values["x"]
    assert values["z"] == 8.0


ERRORS = {
    "below": ('x = "2 * y"\ny = 1', "let.x, column 5: unknown name 'y' ('y' is defined below: move it up)"),
    "itself": ('x = "2 * x"', "let.x, column 5: unknown name 'x' ('x' is what this line defines)"),
    "below in a list": ('x = ["y", 1]\ny = 1', "let.x[1], column 1: unknown name 'y' ('y' is defined below"),
    "below in a lambda": (
        'f = "lambda v: v * y"\nx = "f(1)"\ny = 1',
        "unknown name 'y' ('y' is defined below: move it up)",
    ),
    "unknown": ('xs = 1\ny = "x + 1"', "let.y, column 1: unknown name 'x' (did you mean 'xs'?)"),
    "shapes": ('x = [1, 2]\ny = "x + ones(3)"', "f.toml: let.y, column 1: "),
    "second line": ("y = '''\n2 *\n  zz'''", "let.y, line 2, column 3: unknown name 'zz'"),
}


@pytest.mark.parametrize(("let", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_name_the_binding(let: str, message: str) -> None:
    with pytest.raises(BadCase) as caught:
        evaluate_bindings(case_of(let))
    assert message in str(caught.value)
    assert caught.value.snippet is not None


def test_errors_of_overrides_name_the_matrix() -> None:
    case = case_of("x = [1.0]", 'matrix = {n = ["x + ones(3, 3, 3) @ x"]}')
    with pytest.raises(BadCase, match=r"audit\[1\]\.matrix\.n\[1\], column") as caught:
        evaluate_bindings(case, case.audits[0].overrides)
    assert caught.value.line == 6
