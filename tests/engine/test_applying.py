"""A primitive means the same however it is applied: to what was computed, and to what is read from a name."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import REGISTRY, Bindings, Params, gradient, pullback
from aliascheck.engine.primitive import metered
from aliascheck.errors import EngineError
from tests.engine.tangents import matches

M = np.array([[0.31, -1.27, 2.03], [0.7, 1.1, -0.4]])
K, MASK = M + 0.1, M > 0.5
WITH_SETTINGS = [
    "np.sum(x, axis=0)",
    "np.sum(x, axis=(0, 1))",
    "np.sum(x, axis=-1, keepdims=True)",
    "np.mean(x, axis=1)",
    "np.mean(x, axis=(-1, 0), keepdims=True)",
    "np.max(x, axis=0)",
    "x.cumsum(axis=1)",
    "np.clip(x, -0.5, 0.5)",
    "np.round(x, decimals=1)",
    "np.squeeze(x[:1], axis=0)",
    "np.argmax(x, axis=1) * 1.0",
    "REGISTRY['softmax'](x, 0)",
    "REGISTRY['sum'](x, axis=1)",
]
MANY = [
    "np.where(x > 0.5, x, 0.5 * x)",
    "np.where(MASK, x[0], 2.0)",
    "np.where(MASK * x, x, x * x)",
    "np.where(x == x, MASK, x)",
    "np.concatenate([MASK, x])",
    "np.concatenate([x, MASK, x * 2], axis=1)",
    "np.stack([MASK, K, x])",
    "np.einsum('ij,kj,k->i', x, K, x[:, 0])",
    "REGISTRY['logical_and'](MASK, x) * x",
    "x * (MASK == (x > 0))",
    "REGISTRY['negative'](MASK) * x",
]


class Uncounted:
    """A meter with no limit: under one, every primitive is applied at length."""

    def charge(self, name, elements):
        assert elements >= 0


def value_and_gradient(text, operand):
    function = eval(f"lambda x: {text}")
    value, back = pullback(lambda x: function(operand(x)), M)
    return value, back(np.cos(np.arange(np.size(value))).reshape(np.shape(value)))


@pytest.mark.parametrize("text", WITH_SETTINGS + MANY)
def test_the_quick_way_and_the_long_way_agree(text):
    expected, quick = value_and_gradient(text, lambda x: x * 1.0)
    plain = eval(text, {**globals(), "x": M})
    assert np.array_equal(expected, plain) and np.asarray(expected).dtype == np.asarray(plain * 1.0).dtype
    with metered(Uncounted()):
        at_length, slow = value_and_gradient(text, lambda x: x * 1.0)
    assert np.array_equal(expected, at_length) and matches(quick, slow)
    main, function = Bindings(x=M), eval(f"lambda x: np.sum(np.cos({text}))")
    assert matches(gradient(function, M)[0], gradient(lambda: function(main.x), Params([M]))[M])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("np.sum(x, axis=2)", "sum: axis 2 is outside an array of shape"),
        ("np.mean(x, axis=(0, -3))", "mean: axis -3 is outside an array of shape"),
        ("np.concatenate([x, x], axis=2)", "concatenate: axis 2 is outside an array of shape"),
        ("REGISTRY['elu'](x, alpha=x[0, 0])", "elu: 'alpha' is a constant, and this number is traced"),
        ("REGISTRY['sum'](x, 0, True, 3)", "sum: takes from 1 to 3 positional arguments but 4 were given"),
        ("np.where(np.array([[1j]]), x, x)", "where takes real numbers, not complex ones"),
        ("x > np.array([[1j]])", "greater takes real numbers, not complex ones"),
        ("np.concatenate([x, {}])", "concatenate takes arrays and numbers, not a dict"),
        ("np.concatenate([{}, x])", "concatenate takes arrays and numbers, not a dict"),
    ],
)
@pytest.mark.parametrize("operand", [lambda x: x * 1.0, lambda x: x], ids=["computed", "argument"])
def test_what_is_refused_is_refused_either_way(text, message, operand):
    function = eval(f"lambda x: {text}")
    with pytest.raises(EngineError, match=message):
        gradient(lambda x: np.sum(function(operand(x))), M)
    main = Bindings(x=M)
    with pytest.raises(EngineError, match=message):
        gradient(lambda: np.sum(function(main.x)), Params([M]))


@pytest.mark.parametrize(
    "join",
    [
        lambda x, y: np.concatenate([x, y]),
        lambda x, y: np.concatenate([y, K, x]),
        lambda x, y: np.where(MASK, x, y),
        lambda x, y: x > y,
        lambda x, y: y - x,
        lambda x, y: np.einsum("ij,ij->", x, y),
    ],
)
def test_values_of_two_gradients_do_not_meet(join):
    def inside(x, y):
        join(x, y)
        return 0.0

    with pytest.raises(EngineError, match="a value that another gradient traces"):
        gradient(lambda x: gradient(lambda y: inside(x, y * 1.0), M)[0] and x, M)


def test_truth_values_chosen_by_a_condition_are_numbers():
    assert np.where(MASK, True, False).dtype == bool
    out = REGISTRY["where"](MASK, ~MASK, MASK)
    assert out.dtype == float and np.array_equal(out, np.zeros(M.shape))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("scale", [1.0, 1e170])
def test_a_large_cotangent_is_finite(order, scale):
    """Whose squares are infinite: they tell whether a look at each element is needed."""
    x = np.asarray(M + 3.0, order=order)
    _, back = pullback(lambda x: x**3, x)
    d_out = scale * np.array([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]])
    assert np.allclose(back(d_out)[0] / scale, 3 * x**2 * (d_out / scale), rtol=1e-14)
    _, back = pullback(lambda x: x**3, np.array([0.0, 2.0]))
    assert np.array_equal(back(np.array([np.inf, scale]))[0], [0.0, 12.0 * scale])
