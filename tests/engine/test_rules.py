"""Every rule of the registry against differences, and wrong rules, which must be caught."""

from __future__ import annotations

import re

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Primitive, check_rule, gradient, pullback, withgradient
from aliascheck.engine.composite import Composite
from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import ContainerPrimitive
from aliascheck.errors import EngineError

PRIMITIVES = list(dict.fromkeys(REGISTRY.values()))  # once each: some have several names
COMPOSITES = [one for one in PRIMITIVES if isinstance(one, Composite)]


@pytest.mark.parametrize("primitive", [one for one in PRIMITIVES if one not in COMPOSITES], ids=str)
def test_rule_agrees_with_differences(primitive):
    check_rule(primitive)


class InARow(Composite):
    """The parts that a composite gives, joined."""

    def apply(self, *args, **settings):
        parts = super().apply(*args, **settings)
        return REGISTRY["concatenate"](parts, axis=None)


@pytest.mark.parametrize("composite", COMPOSITES, ids=str)
def test_the_rule_of_a_composite_is_that_of_its_parts(composite):
    check_rule(
        InARow(composite.forward, composite.name, domain=composite.domain, examples=composite.examples)
    )


@pytest.mark.parametrize("primitive", PRIMITIVES, ids=str)
def test_a_primitive_has_a_rule_or_says_that_it_has_none(primitive):
    assert primitive.summary, f"{primitive} has no docstring"
    assert REGISTRY[primitive.name] is primitive
    if not primitive.differentiable:
        operands = (np.array([0.5, 1.5]),) * primitive.arity
        found = gradient(lambda *args: REGISTRY["sum"](primitive(*args)), *operands)
        assert found == (NOTHING,) * primitive.arity


def random(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-2, 2, shape).round(2)


V3, V4, V12 = random(3), random(4), random(12)
M23, M32, M33, M34 = random(2, 3), random(3, 2), random(3, 3), random(3, 4)
SQUARE = M33 + 10 * np.eye(3)
T234 = random(2, 3, 4)
ROW = np.broadcast_to(V3, (4, 3))

SHAPES_OF = {
    "matmul": [
        (V3, random(3, seed=2)),
        (M23, V3),
        (V3, M34),
        (random(4, 2, 3), M34),
        (M23, random(4, 3, 2)),
        (random(5, 1, 2, 3), random(4, 3, 2)),
        (V3, random(2, 3, 4)),
        (random(4, 2, 3), V3),
        (M33, M33),
        (random(0, 3), M34),
        (random(2, 0), random(0, 3)),
        (M34.T, M34),
        (ROW, ROW.T),
        (V3[::-1], M34),
    ],
    "dot": [
        (M23, V3),
        (V3, M34),
        (M23, M34),
        (T234, random(2, 4, 3)),
        (T234, V4),
        (V3, random(2, 3, 4)),
        (np.array(2.0), M23),
        (M23, np.array(2.0)),
        (2.0, 3.0),
        (np.zeros(0), np.zeros(0)),
    ],
    "outer": [(M23, V3), (V3, M23), (V3, V3), (np.zeros(0), V3)],
    "solve": [(SQUARE, M34), (SQUARE.T, V3), (SQUARE, random(3, 1))],
    "det": [(SQUARE.T,), (np.array([[2.5]]),), (random(4, 4),)],
    "inv": [(SQUARE.T,), (random(4, 4),)],
    "trace": [(M23,), (M34,), (np.zeros((0, 2)),)],
    "tril": [(M34,), (random(4, 2),)],
    "triu": [(M34,), (random(4, 2),)],
    "kron": [(M23, random(1, 4)), (V3, V3)],
    "adjoint": [(V3,), (M34.T,), (random(1, 3),), (np.zeros((0, 2)),)],
    "transpose": [(V3,), (T234,), (random(1, 3),)],
    "diagonal": [(M34,), (random(4, 2),), (M34.T,), (np.zeros((0, 2)),)],
    "squeeze": [(random(1, 3, 1),), (random(1, 1),)],
    "ravel": [(T234,), (np.array(2.0),), (V12[::2],)],
    "flip": [(T234,), (np.array(2.0),)],
    "hstack": [([V3, V4],), ([M23, random(2, 1)],), ((V3, V3, V3),)],
    "vstack": [([V3, random(3, seed=3)],), ([M23, random(1, 3)],)],
    "concatenate": [([V3, V4, np.zeros(0)],), ((M23, random(4, 3)),)],
    "mse": [(M23, random(2, 3, seed=2)), (np.array(1.0), 2.0), (np.broadcast_to(1.0, (2, 3)), M23)],
    "softmax": [(random(3) + 1000.0,), (T234,)],
    "logsumexp": [(random(3) - 1000.0,), (T234,)],
    "prod": [(np.array([2.0, 0.0, 3.0]),), (np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 0.0]]),)],
    "where": [(np.array([True, False, True]), V3, 2.0), (M23 > 0, V3, M23)],
    "norm": [(np.zeros(0),), (V12[::-2],)],
    "max": [(np.array([[3.0, 1.0], [2.0, 7.0]]),)],
    "sort": [(np.array([3.0, 1.0, 2.0]),)],
}


@pytest.mark.parametrize(
    ("name", "operands"), [(name, case) for name, cases in SHAPES_OF.items() for case in cases]
)
def test_shapes_of_its_own(name, operands):
    check_rule(REGISTRY[name], operands=operands)


@pytest.mark.parametrize(
    ("base", "exponent"),
    [
        *(([-1.5, 2.0], 3.0), ([0.0, 2.0], 2.0), ([-1.5, 2.0], -2.0), ([0.0, 1.0], 0.0), ([0.0, -2.0], 1.0)),
        *(([0.0, 2.0], np.array([2.0, 3.0])), ([0.0, 1.5], np.array([0.0, 2.0])), ([0.0, 2.0], 2)),
    ],
)
def test_powers_of_negative_bases_and_of_zero(base, exponent):
    """By the base; by the exponent there is none, and the rule gives zero."""
    power = REGISTRY["power"]

    def of_base(x):
        out, (by_base, _) = power.forward(x, exponent)
        return out, by_base

    check_rule(Primitive(of_base, "power"), operands=(np.array(base),))
    exponents = np.broadcast_to(np.asarray(exponent, float), 2)
    by_exponent = pullback(lambda y: power(np.array(base), y), exponents)[1](np.ones(2))[0]
    assert by_exponent[0] == 0.0


SETTINGS_OF = {
    "sum": [(T234, (), {"axis": (0, 2)}), (T234, (-2,), {}), (T234, (1, True), {})],
    "mean": [(T234, (), {"axis": (0, -1), "keepdims": True})],
    "prod": [(T234, (), {"axis": (2, 0)}), (T234, (), {"axis": (-1, 0), "keepdims": True})],
    "max": [(T234, (), {"axis": (2, 0)}), (T234, (), {"axis": (-1, 0), "keepdims": True})],
    "logsumexp": [(T234, (), {"axis": (0, 1)})],
    "var": [(T234, (), {"axis": (0, 2), "ddof": 2})],
    "std": [(T234, (), {"axis": 1, "ddof": 2})],
    "softmax": [(T234, (1,), {})],
    "cumsum": [(T234, (), {"axis": 1})],
    "clip": [(random(4, 3), (), {"low": -0.505}), (random(4, 3), (-0.505, 1.005), {})],
    "getindex": [
        (V4, (), {"key": -1}),
        (V4, (), {"key": np.array([0, 0, 3])}),
        (V4, (), {"key": V4 > 0}),
        (M34, (), {"key": (np.array([0, 0]), np.array([1, 1]))}),
        (M34, (), {"key": (slice(None), np.array([3, 3]))}),
        (M34, (), {"key": (1, 2)}),
        (M34, (), {"key": np.zeros((2, 0), int)}),
    ],
    "slice": [
        (M34, (), {"key": (slice(None), 1)}),
        (M34, (), {"key": (None, slice(2, None, -2))}),
        (M34, (), {"key": Ellipsis}),
        (M34, (), {"key": slice(1, 1)}),
        (M34, (), {"key": (0, Ellipsis)}),
    ],
    "take": [
        (M34, ((0, 5, 5),), {}),
        (M34, ((1, 1),), {"axis": 1}),
        (M34, ((0,),), {"axis": -2}),
        (M34, (np.array([[0, 1], [1, 1]]), 0), {}),
        (M34, (np.array([2.0, 0.0]),), {"axis": 0}),
        (M34, (1,), {"axis": 0}),
    ],
    "reshape": [
        (M34, (2, 6), {}),
        (M34, ((4, -1),), {}),
        (V12[::2], (2, 3), {}),
        (np.array(2.0), (1, 1), {}),
    ],
    "broadcast_to": [
        (V3, (2, 3), {}),
        (random(2, 1), ((5, 2, 4),), {}),
        (np.array(2.0), (3,), {}),
        (random(1, 3), (0, 3), {}),
    ],
    "view": [
        (V12, ((3, 4), (3, 1)), {}),
        (V12, ((3, 4), (1, 1), 2), {}),
        (V12, (3,), {"strides": 0, "offset": 4}),
        (V12, ((2, 2), (-3, 1)), {"offset": 5}),
        (M34, ((2, 3),), {"strides": (5, 1)}),
        (V12[::2], ((2, 2), (4, 2)), {}),
        (M34.T, ((4, 2), (1, 4)), {}),
        (M34[:, :2], ((2,), (5,)), {}),
        (V12, ((0,),), {}),
        (np.array(2.0), ((2, 2), (0, 0)), {}),
    ],
    "permutedims": [(T234, ((2, 0, 1),), {}), (T234, ((-1, 0, 1),), {})],
    "transpose": [(T234, (), {"axes": (1, 2, 0)}), (M34, ((0, 1),), {})],
    "swapaxes": [(T234, (0, 1), {}), (T234, (0, -1), {})],
    "moveaxis": [(T234, (0, 2), {}), (T234, ((0, 1), (-1, 0)), {}), (V3, (0, 0), {})],
    "rot90": [(T234, (1, (1, 2)), {}), (T234, (-1, (2, 0)), {}), (M34, (2,), {}), (M34, (4,), {})],
    "squeeze": [(random(2, 1, 3), (1,), {}), (random(1, 2, 1), ((0, -1),), {})],
    "expand_dims": [(T234, (-2,), {}), (T234, ((0, -1),), {}), (np.array(2.0), ((0, 1),), {})],
    "diagonal": [(M34, (2,), {}), (M34.T, (-1,), {}), (M34[:, ::-2], (1,), {}), (M34, (7,), {})],
    "flip": [(T234, ((0, 2),), {})],
    "roll": [(T234, (5,), {"axis": 2}), (T234, (-30,), {}), (V12, (7, 0), {})],
    "tile": [
        (V3, (4,), {}),
        (np.zeros((2, 0)), (3,), {}),
        (np.array(2.0), ((2, 3),), {}),
        (M34, ((2, 1, 1, 2),), {}),
        (V3, (0,), {}),
    ],
    "repeat": [
        (T234, (3, 1), {}),
        (V3, (1,), {}),
        (np.array(2.0), (3,), {}),
        (T234, ((1, 0, 2), 1), {}),
        (M23, ((1, 0, 2, 1, 0, 3),), {}),
        (T234, ((2,), -1), {}),
    ],
    "pad": [
        (np.array(2.0), (1,), {}),
        (T234, (((1, 0), (0, 2), (1, 1)),), {"mode": "reflect"}),
        (V3, ((7, 8),), {"mode": "symmetric"}),
        (np.zeros((2, 0)), (1,), {}),
        (V3, (((2, 1),),), {"mode": "wrap"}),
        (M23, (1,), {"constant_values": (1.0, 2.0)}),
    ],
    "partition": [(np.array([3.0, 1.0, 2.0, 0.0, -1.0]), ((1, 3),), {}), (T234, (1, 0), {})],
    "take_along_axis": [(T234, (np.array([[[0, 1, 1, 0]]]), 0), {}), (V3, ((2, 2, 0, 1), 0), {})],
    "sort": [
        (np.arange(24.0).reshape(2, 3, 4)[:, ::-1] % 7 + np.arange(24.0).reshape(2, 3, 4) / 50, (0,), {})
    ],
    "concatenate": [([M23, random(2, 1)], (1,), {}), ([T234, T234], (), {"axis": -1})],
    "stack": [([M23, M23 + 1.0], (), {"axis": -2}), ([np.array(1.0), np.array(2.0)], (), {})],
    "einsum": [
        ([M33], (), {"spec": "ii"}),
        ([M33], (), {"spec": "ii->i"}),
        ([M34], (), {"spec": "ij->ji"}),
        ([M34], (), {"spec": "ba"}),
        ([V3, V4], (), {"spec": "i,j"}),
        ([M34, V4, V3], (), {"spec": "ij,j,i->"}),
        ([T234, random(2, 4, 2)], (), {"spec": "bij,bjk->bik"}),
        ([T234, M34], (), {"spec": "...ij,ij->..."}),
        ([M33, M33], (), {"spec": "ii,jk->kj"}),
        ([random(3, 3, 3)], (), {"spec": "iij->ij"}),
        ([M23, random(1, 3)], (), {"spec": "ij,ij->ij"}),
        ([M23, np.array(2.0)], (), {"spec": "ij,->j"}),
        ([M23.T, V3], (), {"spec": " ij , i -> j "}),
        ([T234], (), {"spec": "...->..."}),
        ((V3, V3, V3, V3), (), {"spec": "a,a,b,b->ab"}),
        ([np.zeros((0, 3)), V3], (), {"spec": "ij,j->i"}),
    ],
}
CASES = [(name, *case) for name, cases in SETTINGS_OF.items() for case in cases]


@pytest.mark.parametrize(("name", "operand", "static", "settings"), CASES)
def test_settings_of_its_own(name, operand, static, settings):
    several = isinstance(operand, list | tuple) and not REGISTRY[name].container
    operands = tuple(operand) if several else (operand,)
    check_rule(REGISTRY[name], operands=operands, static=static, settings=settings)


def test_a_tie_goes_to_the_first():
    for name in ("max", "min"):
        assert gradient(REGISTRY[name], np.array([1.0, 1.0]))[0].tolist() == [1.0, 0.0]
    for name in ("maximum", "minimum"):
        assert gradient(REGISTRY[name], 1.0, 1.0) == (1.0, 0.0)


@pytest.mark.parametrize("name", ["abs", "norm", "std", "relu", "sign"])
def test_at_a_kink_the_derivative_is_zero_and_no_nan(name):
    _, back = pullback(REGISTRY[name], np.zeros(3))
    seed = np.zeros(3) + 1.0 if name in ("abs", "relu", "sign") else 1.0
    assert back(seed)[0].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["hypot", "arctan2"])
def test_at_the_origin_the_derivative_is_zero(name):
    assert gradient(REGISTRY[name], 0.0, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x**5000, 2.0),
        (lambda x: 2.0**x, 5000.0),
        (lambda x: 1 / x, 0.0),
        (lambda x: x / 0, 1.0),
        (lambda x: x / 0.0, 1.0),
        (lambda x: x**-1, 0.0),
        (lambda x: REGISTRY["log"](x), 0.0),
        (lambda x: REGISTRY["sqrt"](x), 0.0),
        (lambda x: REGISTRY["reciprocal"](x), 0.0),
        (lambda x: x**0.5, 0.0),
    ],
)
def test_python_numbers_overflow_and_divide_by_zero_as_numpys_do(function, x):
    with np.errstate(all="ignore"):
        assert not np.isfinite(gradient(function, x)[0])
        assert np.array_equal(gradient(function, x)[0], gradient(function, np.array(x))[0], equal_nan=True)


def test_a_negative_number_has_no_fractional_power():
    with np.errstate(all="ignore"):
        assert np.isnan(REGISTRY["power"](-8.0, 0.5)) and np.isnan(gradient(lambda x: x**0.5, -8.0)[0])


@pytest.mark.parametrize("x", [0.0, 1e-9, 0.0158, 0.0160, -0.0159, 1.0, -2.5])
def test_sinc_near_zero(x):
    exact = 0.0 if x == 0 else (np.cos(np.pi * x) - np.sinc(x)) / x
    series = -(np.pi**2) * x / 3 + np.pi**4 * x**3 / 30 - np.pi**6 * x**5 / 840 + np.pi**8 * x**7 / 45360
    expected = exact if abs(x) > 0.1 else series
    assert np.isclose(gradient(REGISTRY["sinc"], x)[0], expected, rtol=3e-12, atol=0)


def test_other_names_are_the_same_primitive():
    assert REGISTRY["neg"] is REGISTRY["negative"] and REGISTRY["fabs"] is REGISTRY["abs"]


@pytest.mark.parametrize(
    ("name", "large"), [("sigmoid", 800.0), ("softplus", 800.0), ("log_sigmoid", -800.0)]
)
def test_no_overflow(name, large):
    with np.errstate(all="raise", under="ignore"):
        for x in (large, -large):
            (tangent,) = gradient(REGISTRY[name], x)
            assert np.isfinite(tangent) and 0.0 <= tangent <= 1.0


def linear(matrix, pull):
    """x -> matrix @ x, with whatever pullback a fault gives it."""
    return Primitive(lambda x: (matrix @ x, pull), "linear", domain=reals(-3, 3, 3))


A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])
OFF = np.array([0.0, 1e-6, 0.0])


def tanh(x):
    return np.tanh(x), lambda d_out: d_out * (1.0 - np.tanh(x) ** 2)


def product(left, right, **options):
    return Primitive(
        lambda x, y: (x * y, (left(x, y), right(x, y))), "product", domain=(reals(), reals()), **options
    )


RIGHT_LEFT, RIGHT_RIGHT = (lambda x, y: lambda d: d * y), (lambda x, y: lambda d: d * x)

RIGHT = {
    "linear": linear(A, lambda d: A.T @ d),
    "tanh": Primitive(tanh, "tanh"),
    "product": product(RIGHT_LEFT, RIGHT_RIGHT, broadcasts=True),
    "join": ContainerPrimitive(
        lambda arrays: (np.concatenate(arrays), lambda d: np.split(d, 2)),
        "join",
        domain=([reals(-3, 3, 2), reals(-3, 3, 2)],),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_rules_pass(name):
    for seed in range(6):
        check_rule(RIGHT[name], seed=seed)


def _writes(d):
    d *= 1.0
    d += 1.0
    return A.T @ (d - 1.0)


WRONG = {
    "sign": (linear(A, lambda d: -(A.T @ d)), "differences give"),
    "scale": (linear(A, lambda d: A.T @ d * (1 + 1e-6)), "differences give"),
    "transposed": (linear(A, lambda d: A @ d), "differences give"),
    "one element": (linear(A, lambda d: A.T @ d + OFF), "differences give"),
    "one element the other way": (linear(A, lambda d: A.T @ d * (1 - OFF)), "differences give"),
    "nan": (linear(A, lambda d: A.T @ d * np.nan), "the rule gives nan"),
    "nan in one element": (linear(A, lambda d: A.T @ d + np.array([0, np.nan, 0])), "the rule gives nan"),
    "infinite": (linear(A, lambda d: A.T @ d + np.array([0, np.inf, 0])), "the rule gives -?inf"),
    "nothing": (linear(A, None), "the rule gives 0, and differences give"),
    "zero": (linear(A, lambda d: np.zeros(3)), "the rule gives 0, and differences give"),
    "permuted": (linear(A, lambda d: (A.T @ d)[[1, 0, 2]]), "differences give"),
    "shape": (
        linear(A, lambda d: (A.T @ d)[None]),
        r"gives the shape \(1, 3\) for an operand of shape \(3,\)",
    ),
    "a number for all": (linear(A, lambda d: float(np.sum(A.T @ d))), r"gives the shape \(\)"),
    "not linear in the cotangent": (linear(A, lambda d: A.T @ (d * np.abs(d))), "differences give"),
    "constant cotangent": (linear(A, lambda d: A.T @ np.ones(3)), "differences give"),
    "writes to the cotangent": (linear(A, _writes), "writes to what it was given"),
    "no unbroadcasting": (
        product(RIGHT_LEFT, RIGHT_RIGHT, broadcasts=False),
        "could not be broadcast|gives the shape",
    ),
    "left and right exchanged": (
        product(RIGHT_RIGHT, RIGHT_LEFT, broadcasts=True),
        "along a direction of 'x'",
    ),
    "right only": (
        product(RIGHT_LEFT, lambda x, y: lambda d: d * (x + 1e-6), broadcasts=True),
        "direction of 'y'",
    ),
    "parts exchanged": (
        ContainerPrimitive(
            lambda arrays: (np.concatenate(arrays), lambda d: np.split(d, 2)[::-1]),
            "join",
            domain=([reals(-3, 3, 2), reals(-3, 3, 2)],),
        ),
        "differences give",
    ),
    "a part missing": (
        ContainerPrimitive(
            lambda arrays: (np.concatenate(arrays), lambda d: np.split(d, 2)[:1]),
            "join",
            domain=([reals(-3, 3, 2), reals(-3, 3, 2)],),
        ),
        "gives a list for a list of 2",
    ),
    "numbers only": (
        Primitive(
            lambda x: (np.tanh(x), lambda d: d * (1 - np.tanh(x) ** 2) * (1 + (np.ndim(x) == 0) * 1e-6)),
            "tanh",
        ),
        r"tanh\(number\)",
    ),
    "transposed operands only": (
        Primitive(
            lambda x: (
                np.array(x),
                lambda d: np.ravel(d).reshape(np.shape(x), order="FC"[np.asarray(x).flags.c_contiguous]),
            ),
            "copy",
        ),
        r"copy\(2x3\)",
    ),
    "one axis of two": (
        Primitive(
            lambda x, axis=None: (
                np.sum(x, axis),
                lambda d: np.broadcast_to(d if axis is None else np.expand_dims(d, 0), np.shape(x)),
            ),
            "sum",
            domain=reals(-3, 3, 3, 3),
        ),
        r"sum\(3x3, axis=",
    ),
    "one array as both": (
        Primitive(
            lambda x, y: (x - y, ((lambda d: d), (lambda d: d if x is y else -d))),
            "subtract",
            domain=(reals(-3, 3, 3), reals(-3, 3, 3)),
        ),
        "both operands the same array",
    ),
    "refuses its own domain": (
        Primitive(lambda x: (_ for _ in ()).throw(EngineError("no such array")), "refuses"),
        "no such array",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_rules_are_caught(fault):
    primitive, message = WRONG[fault]
    for seed in range(5):
        with pytest.raises((AssertionError, ValueError)) as caught:
            check_rule(primitive, seed=seed)
        assert re.search(message, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_one_element_off_by_a_millionth_is_caught_among_many(size):
    off = np.zeros(size)
    off[size // 2] = 1e-6
    wrong = Primitive(lambda x: (3.0 * x, lambda d: 3.0 * d + off), "triple", domain=reals(-3, 3, size))
    with pytest.raises(AssertionError, match="along a direction of 'x'"):
        check_rule(wrong)


def test_the_message_names_the_call_and_both_numbers():
    wrong = Primitive(lambda x, axis=None: (np.sum(x, axis), lambda d: np.zeros(np.shape(x))), "sum")
    with pytest.raises(
        AssertionError, match=r"^sum\(number\): along a direction of 'x' the rule gives 0, and differ"
    ):
        check_rule(wrong)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std"])
def test_a_mapped_file_is_reduced_as_an_array_is(name, tmp_path):
    mapped = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=(2, 3))
    mapped[:] = np.arange(6.0).reshape(2, 3)
    reduce = getattr(np, name)
    value, (d_x,) = withgradient(reduce, mapped)
    expected, (d_expected,) = withgradient(reduce, np.array(mapped))
    assert value == expected == reduce(mapped)
    np.testing.assert_array_equal(d_x, d_expected)


def test_checks_are_reproducible():
    wrong = linear(A, lambda d: -(A.T @ d))
    messages = []
    for _ in range(2):
        with pytest.raises(AssertionError) as caught:
            check_rule(wrong, seed=3)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
