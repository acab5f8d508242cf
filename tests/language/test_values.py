"""What expressions give."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliascheck.language import parse
from aliascheck.memory import MutableStruct, Struct, Wrapper, dense

from .bindings import Raw, evaluate

X = np.array([1.0, 2.0, 3.0])
W = np.arange(6.0).reshape(2, 3)

VALUES = [
    ("1", 1.0),
    ("1 + 2 * 3", 7.0),
    ("7 / 2", 3.5),
    ("2 ** 3", 8.0),
    ("2 ** -1", 0.5),
    ("-2 ** 2", -4.0),
    ("9**9**9", math.inf),
    ("1e999", math.inf),
    ("1 / 0", math.inf),
    ("1_000", 1000.0),
    ("--1", 1.0),
    ("pi + e", math.pi + math.e),
    ("-inf", -math.inf),
    ("nan", math.nan),
    ("x + 1", X + 1),
    ("1 - x", 1 - X),
    ("x * x", X * X),
    ("-x", -X),
    ("+x", X),
    ("x / 0", np.full(3, np.inf)),
    ("W @ x", W @ X),
    ("x @ x", X @ X),
    ("W + x", W + X),
    ("x < 2", X < 2),
    ("x <= 2", X <= 2),
    ("x > 2", X > 2),
    ("x >= 2", X >= 2),
    ("x == 2", X == 2),
    ("x != 2", X != 2),
    ("sum(x)", 6.0),
    ("sum(W, axis=0)", W.sum(axis=0)),
    ("sum(W, axis=1, keepdims=true)", W.sum(axis=1, keepdims=True)),
    ("sum(W, axis=1, keepdims=True)", W.sum(axis=1, keepdims=True)),
    ("sum(W, axis=None)", 15.0),
    ("sum(W, axis=-1)", W.sum(axis=-1)),
    ("sum(tanh(W @ x) * 2)", np.sum(np.tanh(W @ X) * 2)),
    ("where(x > 1, x, 0)", np.where(X > 1, X, 0)),
    ("transpose(W)", W.T),
    ("reshape(W, 3, -1)", W.reshape(3, -1)),
    ("reshape(W, (3, 2))", W.reshape(3, 2)),
    ("permutedims(W, (1, 0))", W.T),
    ("x[1]", 2.0),
    ("x[-1]", 3.0),
    ("x[n]", 3.0),
    ("x[array(1)]", 2.0),
    ("x[4 / 2]", 3.0),
    ("x[0:2]", X[:2]),
    ("x[:n]", X[:2]),
    ("x[::-1]", X[::-1]),
    ("x[n - 2:array(2)]", X[:2]),
    ("x[[0, 2, 2]]", X[[0, 2, 2]]),
    ("x[(n, 0),]", X[[2, 0]]),
    ("x[arange(2)]", X[:2]),
    ("x[array([0, 2])]", X[[0, 2]]),
    ("x[x > 1]", X[1:]),
    ("x[...]", X),
    ("x[None]", X[None]),
    ("W[:, None, 0]", W[:, None, 0]),
    ("W[1, 2]", 5.0),
    ("W[..., -1]", W[..., -1]),
    ("W[1][0]", 3.0),
    ("(x, 5)[1]", 5.0),
    ("(x, 5)[n - 1]", 5.0),
    ("[1, 2, 3][n]", 3.0),
    ("[1, 2, 3][1:n]", [2.0]),
    ("(1, 2)[-2:]", (1.0, 2.0)),
    ("{'a': x, \"b b\": 2}['b b']", 2.0),
    ("()", ()),
    ("[]", []),
    ("{}", {}),
    ("A(x=x).x", X),
    ("A(T=x).T", X),
    ("A(f=lambda a: a + 1).f(2)", 3.0),
    ("adjoint(x).parent", X),
    ("Dense(W)(x)", W @ X),
    ("Dense(W, ones(2), tanh)(x)", np.tanh(W @ X + 1)),
    ("Dense(weight=W, activation=tanh)(x)", np.tanh(W @ X)),
    ("Chain(Dense(W), tanh, lambda v: v * 2)(x)", np.tanh(W @ X) * 2),
    ("(lambda a, b: a - b)(1, 2)", -1.0),
    ("(lambda: 3)()", 3.0),
    ("zeros(2, 3)", np.zeros((2, 3))),
    ("zeros((2, 3))", np.zeros((2, 3))),
    ("zeros(n)", np.zeros(2)),
    ("zeros(0)", np.zeros(0)),
    ("ones(())", np.ones(())),
    ("full(2, 3, 1.5)", np.full((2, 3), 1.5)),
    ("full((2, 3), 1.5)", np.full((2, 3), 1.5)),
    ("full(3, value=2)", np.full(3, 2.0)),
    ("full((), 2)", np.full((), 2.0)),
    ("eye(2)", np.eye(2)),
    ("eye(2, 3)", np.eye(2, 3)),
    ("arange(3)", np.arange(3)),
    ("arange(10, 0, -3)", np.arange(10, 0, -3)),
    ("arange(3, dtype='float')", np.arange(3.0)),
    ("linspace(0, 1, 5)", np.linspace(0, 1, 5)),
    ("uniform(2, 3, seed=1)", np.random.Generator(np.random.PCG64(1)).random((2, 3))),
    ("uniform(4)", np.random.Generator(np.random.PCG64(0)).random(4)),
    ("uniform(2, low=-1, high=3)", np.random.Generator(np.random.PCG64(0)).random(2) * 4 - 1),
    ("normal(3, seed=2)", np.random.Generator(np.random.PCG64(2)).standard_normal(3)),
    ("normal(3, loc=1, scale=2)", np.random.Generator(np.random.PCG64(0)).standard_normal(3) * 2 + 1),
    ("array([[1, 2], [3, n]])", np.array([[1.0, 2.0], [3.0, 2.0]])),
    ("array(((1, 2), [3, 4]))", np.array([[1.0, 2.0], [3.0, 4.0]])),
    ("array(3.0)", np.array(3.0)),
    ("array([x[0], sum(x)])", np.array([1.0, 6.0])),
    ("array([])", np.zeros(0)),
    ("array([[], []])", np.zeros((2, 0))),
    ("array([1, 2], dtype='int')", np.array([1, 2])),
    ('array(x, dtype="int")', np.array([1, 2, 3])),
    ("array(arange(3), dtype='float')", np.arange(3.0)),
    ("copy(x)", X),
    ("neg(x)", -X),
    ("squeeze(x[None])", X),
    ("squeeze(W[None, :, None], axis=(0, 2))", W),
    ("expand_dims(x, (0, 2))", X[None, :, None]),
    ("moveaxis(W, 0, 1)", W.T),
    ("rot90(W)", np.rot90(W)),
    ("rot90(W, 2)", np.rot90(W, 2)),
    ("roll(W, (1, 2), (0, 1))", np.roll(W, (1, 2), (0, 1))),
    ("pad(x, 1)", np.pad(X, 1)),
    ("pad(W, ((0, 1), (2, 0)), mode='edge')", np.pad(W, ((0, 1), (2, 0)), "edge")),
    ("tile(x, (2, 2))", np.tile(X, (2, 2))),
    ("repeat(W, 2, axis=1)", np.repeat(W, 2, axis=1)),
    ("repeat(x, [1, 0, 2])", np.repeat(X, [1, 0, 2])),
    ("split(W, 3, axis=1)[2]", W[:, 2:]),
    ("split(x, [1])[1]", X[1:]),
    ("concatenate(array_split(x, n))", X),
    ("concatenate([W, x], axis=None)", np.array([*range(6), 1.0, 2.0, 3.0])),
    ('gather(W, array([0, 0, 1], dtype="int"))', W[[0, 0, 1]]),
    ("gather(W, [2, 0], axis=1)", W[:, [2, 0]]),
    ("scatter(x, [0, 3, 3], size=5)", np.array([1.0, 0, 0, 5, 0])),
    ("take(W, [0, 5])", W.ravel()[[0, 5]]),
    ("take_along_axis(W, argsort(-W), axis=-1)", W[:, ::-1]),
    ("sort(-x)", -X[::-1]),
    ("partition(x, 1)", X),
    ("searchsorted(x, x)", np.arange(3)),
    ("diagonal(W, 1)", np.array([1.0, 5.0])),
    ("logical_xor(x > 1, x > 2)", np.array([False, True, False])),
    ("isfinite(x / 0)", np.zeros(3, bool)),
    ("x ** 0.5", np.sqrt(X)),
    ("2 ** 5000", math.inf),
    ("0 ** -1", math.inf),
    ("(-8) ** 0.5", math.nan),
    ("1 +\n  2", 3.0),
    ("\n  sum(\r\n x)\n", 6.0),
    ("1 # one\n + 1 # é (", 2.0),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_value(text: str, expected: object) -> None:
    got = dense(parse(text).evaluate(Raw(x=X, W=W, n=2.0)))
    assert isinstance(got, np.ndarray) == isinstance(expected, np.ndarray)
    if isinstance(expected, np.ndarray):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        np.testing.assert_array_max_ulp(got.astype(float), expected.astype(float), 2)
    elif isinstance(expected, float):
        assert isinstance(got, float)
        assert got == expected or (math.isnan(got) and math.isnan(expected))
    else:
        assert got == expected


def test_slices_share_memory_and_index_arrays_do_not() -> None:
    env = Raw(x=X)
    assert np.shares_memory(dense(parse("x[1:]").evaluate(env)), X)
    assert not np.shares_memory(dense(parse("x[[1, 2]]").evaluate(env)), X)
    assert not np.shares_memory(parse("array(x)").evaluate(env), X)


def test_adjoint_twice_is_the_object_itself() -> None:
    assert parse("adjoint(adjoint(x))").evaluate(Raw(x=X)) is X


def test_literals_are_new_memory_at_every_evaluation() -> None:
    expression = parse("zeros(2)")
    assert expression.evaluate(Raw()) is not expression.evaluate(Raw())


def test_structs_keep_their_fields_in_order() -> None:
    value = parse("A(y=x, x=1)").evaluate(Raw(x=X))
    assert isinstance(value, Struct) and not isinstance(value, MutableStruct)
    assert (value.name, value.field_names) == ("A", ("y", "x"))
    assert value.get_field("y") is X


@pytest.mark.parametrize("text", ["mutable(A(x=x))", "mutable(a)"])
def test_mutable_structs(text: str) -> None:
    env = Raw(x=X, a=Struct("A", {"x": X}))
    value = parse(text).evaluate(env)
    assert isinstance(value, MutableStruct)
    assert value.name == "A"
    assert value.get_field("x") is X


def test_mutable_of_a_layer() -> None:
    value = evaluate("mutable(Dense(w))", w="ones(2, 2)")
    assert isinstance(value, MutableStruct)
    assert value.name == "Dense"


def test_containers_hold_the_objects_themselves() -> None:
    env = Raw(x=X)
    assert parse("(x, 1)").evaluate(env)[0] is X
    assert parse("[x]").evaluate(env)[0] is X
    assert parse("{'k': x}").evaluate(env)["k"] is X


def test_wrappers_hold_their_parent() -> None:
    value = parse("transpose(W)").evaluate(Raw(W=W))
    assert isinstance(value, Wrapper)
    assert value.parent is W


class TestNames:
    def test_a_binding_goes_before_the_vocabulary(self) -> None:
        assert evaluate("e + 1", e="2") == 3.0
        assert evaluate("sum(1, 2)", sum="lambda a, b: a - b") == -1.0
        assert evaluate("Dense(3)", Dense="lambda a: a") == 3.0
        assert evaluate("A(3)", A="lambda a: a") == 3.0
        assert evaluate("zeros + 1", zeros="1") == 2.0
        assert evaluate("sum(ones(2, 2), axis=true)", true="1").tolist() == [2.0, 2.0]

    def test_a_parameter_goes_before_a_binding(self) -> None:
        assert evaluate("(lambda x: x)(2)", x="1") == 2.0
        assert evaluate("(lambda sum: sum)(2)") == 2.0
        assert evaluate("(lambda f: f(2))(lambda a: a + 1)", f="1") == 3.0

    def test_the_same_expression_among_other_bindings(self) -> None:
        expression = parse("e")
        assert expression.evaluate(Raw()) == math.e
        assert expression.evaluate(Raw(e=1.0)) == 1.0
        assert expression.evaluate(Raw()) == math.e

    def test_every_occurrence_is_a_read(self) -> None:
        env = Raw(x=X, y=X)
        parse("x * x + y").evaluate(env)
        assert env.reads == ["x", "x", "y"]

    def test_names_of_an_expression(self) -> None:
        assert parse("sum(w @ x) + (lambda a: a + b)(c)").names == {"sum", "w", "x", "b", "c"}


NUMBERS = st.floats(-100, 100).map(lambda x: repr(abs(round(x, 3))))
ARITHMETIC = st.recursive(
    NUMBERS | st.sampled_from(["x", "y"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-{t}"),
        inner.map(lambda t: f"({t})"),
        st.tuples(inner, st.sampled_from(["<", ">="]), inner).map(
            lambda t: f"(({t[0]} {t[1]} {t[2]}) * 1.0)"
        ),
    ),
    max_leaves=12,
)


@given(ARITHMETIC)
def test_arithmetic_is_that_of_numpy(text: str) -> None:
    x, y = X, np.array([[2.0], [-1.0]])
    with np.errstate(all="ignore"):
        scope = {"x": np.float64(1) * x, "y": y}
        expected = eval(_as_numpy(text), {"f": np.float64, **scope})
    got = parse(text).evaluate(Raw(x=x, y=y))
    np.testing.assert_array_equal(np.asarray(got, float), np.asarray(expected, float))


def _as_numpy(text: str) -> str:
    """Every literal as a NumPy number, so that division by zero gives what arrays give."""
    return re.sub(r"\d+\.\d+(e[+-]?\d+)?", lambda match: f"f({match[0]})", text)
