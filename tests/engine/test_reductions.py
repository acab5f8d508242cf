"""Reductions: values as NumPy gives them, rules against differences; ties, zeros and infinities."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, check_rule, gradient, pullback
from aliascheck.errors import EngineError


def distinct(*shape, seed=1):
    """Numbers of which no two are nearly equal, nor nearly 0."""
    values = np.linspace(-2.0, 2.0, 2 * int(np.prod(shape)))[::2] + 0.01
    return np.random.default_rng(seed).permutation(values).reshape(shape)


T234 = distinct(2, 3, 4)
M34 = distinct(3, 4)
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "ptp", "median", "var", "std", "norm", "logsumexp")
AXES = (None, 0, -1, 1, (0, 1), (-1, 0), (2,), (0, 1, 2))
AS_NUMPY = {
    "norm": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
    "logsumexp": lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_over_any_axes(name, axis, keepdims):
    settings = {"axis": axis, "keepdims": keepdims}
    found = REGISTRY[name](T234, **settings)
    expected = (AS_NUMPY.get(name) or getattr(np, name))(T234, **settings)
    assert np.shape(found) == np.shape(expected)
    assert np.allclose(found, expected, rtol=1e-13)
    for x in (T234, np.swapaxes(T234, 0, 2).copy().swapaxes(0, 2), T234[:, ::-1]):
        check_rule(REGISTRY[name], operands=(x,), settings=settings)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_running(name, axis):
    x = distinct(2, 3, 4)
    x[0, 1] = 0.0
    x[1, 2, 2] = 0.0
    for operand in (x, x.swapaxes(0, 2), x[..., ::-1]):
        assert np.array_equal(REGISTRY[name](operand, axis), getattr(np, name)(operand, axis))
        check_rule(REGISTRY[name], operands=(operand,), settings={"axis": axis})


def test_running_product_of_zeros():
    (d_x,) = gradient(lambda x: np.sum(np.cumprod(x)), np.array([2.0, 0.0, 3.0, 0.0, 5.0]))
    assert d_x.tolist() == [1.0, 2.0 + 2.0 * 3.0, 0.0, 0.0, 0.0]
    check_rule(REGISTRY["cumprod"], operands=(np.zeros((3, 0)),), settings={"axis": 1})


@pytest.mark.parametrize("extent", [1, 2, 5, 6])
def test_median_of_even_and_odd_counts(extent):
    check_rule(REGISTRY["median"], operands=(distinct(extent),))
    (d_x,) = gradient(np.median, np.arange(extent)[::-1] * 1.0)
    assert np.count_nonzero(d_x) == 2 - extent % 2 and d_x.sum() == 1.0


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [0, -1, (0, 2), None], ids=str)
def test_shares(name, axis):
    check_rule(REGISTRY[name], operands=(T234,), settings={"axis": axis})
    out = REGISTRY[name](T234, axis)
    assert np.allclose(np.sum(np.exp(out) if name == "log_softmax" else out, axis=axis), 1.0)


@pytest.mark.parametrize(
    "settings", [{"ddof": 1}, {"correction": 1}, {"ddof": 0.5}, {"axis": (0, 2), "ddof": 2}]
)
def test_degrees_of_freedom(settings):
    ddof = settings.get("correction", settings.get("ddof"))
    for name in ("var", "std"):
        expected = getattr(np, name)(T234, axis=settings.get("axis"), ddof=ddof)
        assert np.allclose(REGISTRY[name](T234, **settings), expected, rtol=1e-14)
        check_rule(REGISTRY[name], operands=(T234,), settings=settings)
        with pytest.raises(
            EngineError, match=r"a variance of 1 elements leaves 0 degrees of freedom .lower ddof"
        ):
            REGISTRY[name](np.ones(1), ddof=1)


TIES = {
    "max": [0.0, 1.0, 0.0, 0.0],
    "min": [1.0, 0.0, 0.0, 0.0],
    "ptp": [-1.0, 1.0, 0.0, 0.0],
    "median": [0.0, 0.5, 0.0, 0.5],
}


@pytest.mark.parametrize("name", TIES)
@pytest.mark.parametrize("axis", [None, 0, (0,)], ids=str)
def test_ties_keep_their_order(name, axis):
    x = np.array([1.0, 2.0, 2.0, 1.0])
    (d_x,) = gradient(lambda x: np.sum(REGISTRY[name](x, axis)), x)
    assert d_x.tolist() == TIES[name]


def test_constant_arrays():
    for name in ("ptp", "std"):
        assert not gradient(REGISTRY[name], np.ones(3))[0].any()
    assert gradient(REGISTRY["median"], np.ones(3))[0].tolist() == [0.0, 1.0, 0.0]


def test_logsumexp_of_infinities():
    x = np.array([[-np.inf, 0.0], [-np.inf, -np.inf], [1000.0, 1000.0]])
    assert np.allclose(REGISTRY["logsumexp"](x, 1), [0.0, -np.inf, 1000.0 + np.log(2.0)])
    (d_x,) = gradient(lambda x: np.sum(REGISTRY["logsumexp"](x, 1)[::2]), x)
    assert d_x.tolist() == [[0.0, 1.0], [0.0, 0.0], [0.5, 0.5]]


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("settings", [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"keepdims": True}])
def test_positions(name, settings):
    assert np.array_equal(REGISTRY[name](T234, **settings), getattr(np, name)(T234, **settings))
    value, back = pullback(lambda x: REGISTRY[name](x, **settings), T234)
    assert back(np.ones(np.shape(value)))[0] is NOTHING


@pytest.mark.parametrize("name", ["sum", "mean"])
def test_sums_hand_back_a_view_of_their_cotangent(name):
    _, rule = REGISTRY[name].forward(M34, axis=0)
    assert rule(np.ones(4)).strides[0] == 0


def test_numpys_own_names():
    for function in (np.median, np.ptp, np.cumprod, np.var):
        (d_x,) = gradient(lambda x, function=function: np.sum(function(x, axis=1)), M34)
        assert d_x.shape == (3, 4) and np.isfinite(d_x).all()
