"""Elementwise primitives.

A pullback makes one new array and works on in that: for large arrays, memory costs more than arithmetic.
`d_x *= d_out` is such a step on an array, and another number for the name where `d_x` is a number.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from aliascheck.engine.domain import Reals, reals
from aliascheck.engine.foreign import is_operand
from aliascheck.engine.primitive import REGISTRY, Primitive, primitive
from aliascheck.engine.tracer import Tracer

AWAY_FROM_ZERO = Reals(0.2, 3.0, signed=True)
BETWEEN = Reals(between=True)
UNIT = reals(-0.9, 0.9)
POSITIVE = reals(0.2, 3.0)
PAIR = (reals(), reals())

LN2, LN10 = math.log(2.0), math.log(10.0)


def _times(d_out: Any, fresh: Any) -> Any:
    """`d_out * fresh`, in the memory of `fresh`."""
    fresh *= d_out
    return fresh


def _minus_times(d_out: Any, fresh: Any) -> Any:
    """`-d_out * fresh`, in the memory of `fresh`."""
    if type(fresh) is not np.ndarray:
        return -d_out * fresh
    np.multiply(fresh, d_out, fresh)
    return np.negative(fresh, fresh)


def _over(d_out: Any, fresh: Any) -> Any:
    """`d_out / fresh`, in the memory of `fresh`."""
    return np.divide(d_out, fresh, fresh) if type(fresh) is np.ndarray else d_out / fresh


def _is_finite(x: Any) -> bool:
    """Whether all elements are finite: False, too, for some that are, where their squares add up to infinity.

    A sum of squares is found in half the time of a sum, if the elements lie in a row.
    """
    lies_in_a_row = type(x) is np.ndarray and x.flags.c_contiguous
    return math.isfinite(np.vdot(x, x) if lies_in_a_row else np.add.reduce(x, None))


def _flat_is_zero(d_out: Any, slope: Callable[[float], Any]) -> Any:
    """d_out times the slope, and 0 where that is 0, however infinite d_out may be.

    `slope(c)` gives the slope times a number, so that a d_out that is one number many times, as a sum or a
    mean hands it back, costs no pass of its own.
    """
    number = d_out
    if type(d_out) is np.ndarray:
        number = math.nan if any(d_out.strides) or not d_out.size else d_out.item(0)
    if math.isfinite(number):
        return slope(number)
    d_x = _times(d_out, slope(1.0))
    if _is_finite(d_x):
        return d_x
    return np.where((slope(1.0) == 0.0) & np.isinf(d_out), 0.0, d_x)


def _root(fresh: Any) -> Any:
    """The square root of `fresh`, in its memory."""
    return np.sqrt(fresh, fresh) if type(fresh) is np.ndarray else np.sqrt(fresh)


_ONE = np.array(1.0)  # an array, which NumPy takes in half the time of a number


def _one_plus(fresh: Any) -> Any:
    """1 + `fresh`, in the memory of `fresh` where that can hold it."""
    return np.add(_ONE, fresh, fresh) if _holds_reals(fresh) else 1.0 + fresh


def _one_minus(fresh: Any) -> Any:
    """1 - `fresh`, in the memory of `fresh` where that can hold it."""
    return np.subtract(_ONE, fresh, fresh) if _holds_reals(fresh) else 1.0 - fresh


def _holds_reals(fresh: Any) -> bool:
    return type(fresh) is np.ndarray and fresh.dtype is _ONE.dtype


def _as_float(x: Any) -> Any:
    """`x` as NumPy's floating point: Python's own raises where NumPy gives `inf`."""
    if type(x) is float or type(x) is int:
        return np.float64(x)
    return x if x.dtype.kind in "fc" else np.asarray(x, float)


TINY = 1e-300


def _above_zero(fresh: Any) -> Any:
    """`fresh`, with a tiny number for 0: at a kink, 0 / 0 is to be 0."""
    return np.maximum(fresh, TINY) if type(fresh) is np.ndarray else fresh or TINY


def _zeros(d_out: Any) -> Any:
    return np.zeros_like(d_out)


@primitive(also=("neg",))
def negative(x: Any) -> Any:
    """-x"""
    return -x, lambda d_out: -d_out


@primitive
def positive(x: Any) -> Any:
    """+x"""
    return +x, lambda d_out: d_out


@primitive(domain=AWAY_FROM_ZERO, also=("fabs",))
def abs_(x: Any) -> Any:
    """Absolute value; the derivative at 0 is 0."""
    return np.abs(x), lambda d_out: d_out * np.sign(x)


@primitive(domain=AWAY_FROM_ZERO)
def sign(x: Any) -> Any:
    """Sign; the derivative is 0."""
    return np.sign(x), _zeros


@primitive(domain=BETWEEN)
def floor(x: Any) -> Any:
    """Largest whole number below; the derivative is 0."""
    return np.floor(x), _zeros


@primitive(domain=BETWEEN)
def ceil(x: Any) -> Any:
    """Smallest whole number above; the derivative is 0."""
    return np.ceil(x), _zeros


@primitive(domain=BETWEEN, also=("fix",))
def trunc(x: Any) -> Any:
    """Nearest whole number towards 0; the derivative is 0."""
    return np.trunc(x), _zeros


@primitive(domain=BETWEEN, also=("rint",))
def round_(x: Any, decimals: int = 0) -> Any:
    """Nearest number of so many decimals; the derivative is 0."""
    return np.round(x, decimals), _zeros


@primitive
def exp(x: Any) -> Any:
    """e to the power x"""
    out = np.exp(x)
    return out, lambda d_out: d_out * out


@primitive
def exp2(x: Any) -> Any:
    """2 to the power x"""
    out = np.exp2(x)
    return out, lambda d_out: _times(d_out, LN2 * out)


@primitive
def expm1(x: Any) -> Any:
    """exp(x) - 1, accurate near 0"""
    return np.expm1(x), lambda d_out: _times(d_out, np.exp(x))


@primitive(domain=POSITIVE)
def log(x: Any) -> Any:
    """Natural logarithm"""
    return np.log(x), lambda d_out: d_out / x


@primitive(domain=POSITIVE)
def log2(x: Any) -> Any:
    """Logarithm to base 2"""
    return np.log2(x), lambda d_out: _times(1.0 / LN2, d_out / x)


@primitive(domain=POSITIVE)
def log10(x: Any) -> Any:
    """Logarithm to base 10"""
    return np.log10(x), lambda d_out: _times(1.0 / LN10, d_out / x)


@primitive(domain=POSITIVE)
def log1p(x: Any) -> Any:
    """log(1 + x), accurate near 0"""
    return np.log1p(x), lambda d_out: _over(d_out, 1.0 + x)


@primitive(domain=POSITIVE)
def sqrt(x: Any) -> Any:
    """Square root"""
    out = np.sqrt(x)
    return out, lambda d_out: _times(0.5, d_out / out)


@primitive(domain=POSITIVE)
def cbrt(x: Any) -> Any:
    """Cube root"""
    out = np.cbrt(x)
    return out, lambda d_out: _over(d_out, _times(out, 3.0 * out))


@primitive
def square(x: Any) -> Any:
    """x * x"""
    return np.square(x), lambda d_out: _flat_is_zero(d_out, lambda c: (2.0 * c) * x)


@primitive(domain=POSITIVE)
def reciprocal(x: Any) -> Any:
    """1 / x"""
    out = np.divide(1.0, x)
    return out, lambda d_out: _minus_times(out, d_out * out)


@primitive
def sin(x: Any) -> Any:
    """Sine"""
    return np.sin(x), lambda d_out: _times(d_out, np.cos(x))


@primitive
def cos(x: Any) -> Any:
    """Cosine"""
    return np.cos(x), lambda d_out: _minus_times(d_out, np.sin(x))


@primitive(domain=reals(-1.0, 1.0))
def tan(x: Any) -> Any:
    """Tangent"""
    out = np.tan(x)
    return out, lambda d_out: _times(d_out, _one_plus(out * out))


@primitive(domain=UNIT)
def arcsin(x: Any) -> Any:
    """Inverse sine"""
    return np.arcsin(x), lambda d_out: _over(d_out, _root(_one_minus(x * x)))


@primitive(domain=UNIT)
def arccos(x: Any) -> Any:
    """Inverse cosine"""
    return np.arccos(x), lambda d_out: _times(-1.0, _over(d_out, _root(_one_minus(x * x))))


@primitive
def arctan(x: Any) -> Any:
    """Inverse tangent"""
    return np.arctan(x), lambda d_out: _over(d_out, _one_plus(x * x))


@primitive
def sinh(x: Any) -> Any:
    """Hyperbolic sine"""
    return np.sinh(x), lambda d_out: _times(d_out, np.cosh(x))


@primitive
def cosh(x: Any) -> Any:
    """Hyperbolic cosine"""
    return np.cosh(x), lambda d_out: _times(d_out, np.sinh(x))


@primitive
def tanh(x: Any) -> Any:
    """Hyperbolic tangent"""
    out = np.tanh(x)
    return out, lambda d_out: _times(d_out, _one_minus(out * out))


@primitive
def arcsinh(x: Any) -> Any:
    """Inverse hyperbolic sine"""
    return np.arcsinh(x), lambda d_out: _over(d_out, _root(_one_plus(x * x)))


@primitive(domain=reals(1.2, 3.0))
def arccosh(x: Any) -> Any:
    """Inverse hyperbolic cosine"""
    return np.arccosh(x), lambda d_out: _over(d_out, _root(_times(x + 1.0, x - 1.0)))


@primitive(domain=UNIT)
def arctanh(x: Any) -> Any:
    """Inverse hyperbolic tangent"""
    return np.arctanh(x), lambda d_out: _over(d_out, _one_minus(x * x))


@primitive(also=("degrees",))
def rad2deg(x: Any) -> Any:
    """Radians as degrees"""
    return np.rad2deg(x), np.rad2deg


@primitive(also=("radians",))
def deg2rad(x: Any) -> Any:
    """Degrees as radians"""
    return np.deg2rad(x), np.deg2rad


@primitive
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at 0"""
    out = np.sinc(x)

    def pull(d_out: Any) -> Any:
        angle = np.pi * x
        near = np.abs(angle) < 0.05  # where the difference below would cancel
        square = angle * angle
        series = -np.pi * angle * (1.0 / 3.0 - square * (1.0 / 30.0 - square / 840.0))
        return d_out * np.where(near, series, (np.cos(angle) - out) / np.where(near, 1.0, x))

    return out, pull


@primitive
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with numbers for what is none or infinite"""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf), lambda d_out: d_out * np.isfinite(x)


def _logistic(x: Any) -> Any:
    half = 0.5 * x
    fresh = np.tanh(half, half) if type(half) is np.ndarray else np.tanh(half)
    fresh *= 0.5
    fresh += 0.5
    return fresh


@primitive
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))"""
    out = _logistic(x)
    return out, lambda d_out: _times(d_out, _times(out, 1.0 - out))


@primitive
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), without overflow"""
    return _times(-1.0, np.logaddexp(0.0, -x)), lambda d_out: _times(d_out, _logistic(-x))


@primitive
def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow"""
    return np.logaddexp(0.0, x), lambda d_out: _times(d_out, _logistic(x))


@primitive(domain=AWAY_FROM_ZERO)
def relu(x: Any) -> Any:
    """max(x, 0); the derivative at 0 is 0."""
    out = np.maximum(x, 0.0)
    return out, lambda d_out: d_out * (out > 0)


@primitive(domain=AWAY_FROM_ZERO)
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where positive, slope * x elsewhere"""
    steep = np.where(x > 0, 1.0, slope)
    return x * steep, lambda d_out: d_out * steep


@primitive(domain=AWAY_FROM_ZERO)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, alpha * (exp(x) - 1) elsewhere"""
    positive = x > 0
    tail = alpha * np.expm1(np.minimum(x, 0.0))
    return np.where(positive, x, tail), lambda d_out: d_out * np.where(positive, 1.0, tail + alpha)


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


@primitive(domain=AWAY_FROM_ZERO)
def selu(x: Any) -> Any:
    """Scaled exponential linear unit. Source: Klambauer et al. 2017."""
    positive = x > 0
    tail = SELU_ALPHA * np.expm1(np.minimum(x, 0.0))
    return (
        SELU_SCALE * np.where(positive, x, tail),
        lambda d_out: d_out * np.where(positive, SELU_SCALE, SELU_SCALE * (tail + SELU_ALPHA)),
    )


GELU_SLOPE = math.sqrt(2.0 / math.pi)
GELU_CUBIC = 0.044715


@primitive
def gelu(x: Any) -> Any:
    """x * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2. Source: Hendrycks and Gimpel 2016."""
    square = x * x
    t = np.tanh(_times(x, _times(GELU_SLOPE, 1.0 + GELU_CUBIC * square)))

    def pull(d_out: Any) -> Any:
        d_x = _times(x, 1.0 - t * t)
        d_x *= GELU_SLOPE + 3.0 * GELU_SLOPE * GELU_CUBIC * square
        d_x += 1.0 + t
        d_x *= 0.5
        return _times(d_out, d_x)

    return 0.5 * x * (1.0 + t), pull


@primitive
def silu(x: Any) -> Any:
    """x * sigmoid(x)"""
    s = _logistic(x)

    def pull(d_out: Any) -> Any:
        d_x = 1.0 - s
        d_x *= x
        d_x += 1.0
        d_x *= s
        return _times(d_out, d_x)

    return x * s, pull


@primitive(domain=BETWEEN)
def hard_tanh(x: Any) -> Any:
    """x cut to [-1, 1]"""
    return np.clip(x, -1.0, 1.0), lambda d_out: d_out * (np.abs(x) < 1.0)


def _handed_on(d_out: Any) -> Any:
    return d_out


_HANDED_ON_TWICE = (_handed_on, _handed_on)
_HANDED_ON_AND_NEGATED = (_handed_on, operator.neg)


@primitive(domain=PAIR, broadcasts=True)
def add(x: Any, y: Any) -> Any:
    """x + y"""
    return x + y, _HANDED_ON_TWICE


@primitive(domain=PAIR, broadcasts=True)
def subtract(x: Any, y: Any) -> Any:
    """x - y"""
    return x - y, _HANDED_ON_AND_NEGATED


@primitive(domain=PAIR, broadcasts=True)
def multiply(x: Any, y: Any) -> Any:
    """x * y"""
    return x * y, (lambda d_out: d_out * y, lambda d_out: d_out * x)


@primitive(domain=(reals(), AWAY_FROM_ZERO), broadcasts=True)
def divide(x: Any, y: Any) -> Any:
    """x / y"""
    if (type(y) is float or type(y) is int) and type(x) is not np.ndarray:
        y = np.float64(y)
    out = x / y

    def by_divisor(d_out: Any) -> Any:
        d_y = d_out * out
        d_y /= y
        d_y *= -1.0
        return d_y

    return out, (lambda d_out: d_out / y, by_divisor)


@primitive(domain=(POSITIVE, reals(-2.0, 2.0)), broadcasts=True, also=("float_power",))
def power(x: Any, y: Any) -> Any:
    """x to the power y; where y is 0, the derivative by x is 0, and where x is 0, that by y."""
    x = _as_float(x)
    if type(y) is not np.ndarray:
        y = float(y)
        out = x * x if y == 2.0 else x**y
        return out, (_by_base_to_number(x, y, out), lambda d_out: _by_exponent(d_out, x, out))
    y = _as_float(y)
    out = x**y
    return out, (_by_base(x, y), lambda d_out: _by_exponent(d_out, x, out))


def _by_exponent(d_out: Any, x: Any, out: Any) -> Any:
    positive = x > 0
    return d_out * np.where(positive | (out != 0), out * np.log(np.where(positive, x, 1.0)), 0.0)


def _by_base_to_number(x: Any, y: float, out: Any) -> Any:
    """The pullback of x**y by x for one exponent."""
    if y == 2.0:
        return lambda d_out: _flat_is_zero(d_out, lambda c: (2.0 * c) * x)
    if y == 0.0:
        return _zeros
    if y == 0.5:
        return lambda d_out: _times(0.5, d_out / out)
    if y == -1.0:
        return lambda d_out: _minus_times(out, d_out * out)

    return lambda d_out: _flat_is_zero(d_out, lambda c: _times(y * c, x ** (y - 1.0)))


def _by_base(x: Any, y: Any) -> Any:
    """The pullback of x**y by x for an array of exponents."""

    def pull(d_out: Any) -> Any:
        local = y * np.where(y == 0, 0.0, x ** np.where(y == 0, 1.0, y - 1.0))
        return np.where(local == 0, 0.0, d_out * local)

    return pull


@primitive(domain=(BETWEEN, Reals(1.0, 3.0, whole=True, signed=True)), broadcasts=True)
def mod(x: Any, y: Any) -> Any:
    """Remainder with the sign of y"""
    return np.mod(x, y), (lambda d_out: d_out, lambda d_out: _minus_times(d_out, np.floor(np.divide(x, y))))


@primitive(domain=(BETWEEN, Reals(1.0, 3.0, whole=True, signed=True)), broadcasts=True)
def fmod(x: Any, y: Any) -> Any:
    """Remainder with the sign of x"""
    return np.fmod(x, y), (lambda d_out: d_out, lambda d_out: _minus_times(d_out, np.trunc(np.divide(x, y))))


@primitive(broadcasts=True, differentiable=False)
def floor_divide(x: Any, y: Any) -> Any:
    """Largest whole number below x / y"""
    return np.floor_divide(x, y)


@primitive(domain=(reals(), BETWEEN), broadcasts=True)
def maximum(x: Any, y: Any) -> Any:
    """The larger one; a tie is the first's."""
    return np.maximum(x, y), (lambda d_out: d_out * (x >= y), lambda d_out: d_out * (x < y))


@primitive(domain=(reals(), BETWEEN), broadcasts=True)
def minimum(x: Any, y: Any) -> Any:
    """The smaller one; a tie is the first's."""
    return np.minimum(x, y), (lambda d_out: d_out * (x <= y), lambda d_out: d_out * (x > y))


@primitive(domain=(reals(), BETWEEN), broadcasts=True)
def fmax(x: Any, y: Any) -> Any:
    """The larger one, or the one that is a number; a tie is the first's."""
    return np.fmax(x, y), (
        lambda d_out: d_out * np.logical_or(x >= y, np.isnan(y)),
        lambda d_out: d_out * np.logical_or(x < y, np.isnan(x)),
    )


@primitive(domain=(reals(), BETWEEN), broadcasts=True)
def fmin(x: Any, y: Any) -> Any:
    """The smaller one, or the one that is a number; a tie is the first's."""
    return np.fmin(x, y), (
        lambda d_out: d_out * np.logical_or(x <= y, np.isnan(y)),
        lambda d_out: d_out * np.logical_or(x > y, np.isnan(x)),
    )


@primitive(domain=(AWAY_FROM_ZERO, reals()), broadcasts=True)
def heaviside(x: Any, y: Any) -> Any:
    """0 where x is negative, 1 where it is positive, y where it is 0"""
    return np.heaviside(x, y), (_zeros, lambda d_out: d_out * np.equal(x, 0))


@primitive(domain=(AWAY_FROM_ZERO, AWAY_FROM_ZERO), broadcasts=True)
def hypot(x: Any, y: Any) -> Any:
    """sqrt(x^2 + y^2), without overflow; the derivative at 0 is 0."""
    out = np.hypot(x, y)
    return out, (
        lambda d_out: _times(x, _over(d_out, _above_zero(out))),
        lambda d_out: _times(y, _over(d_out, _above_zero(out))),
    )


@primitive(domain=(AWAY_FROM_ZERO, AWAY_FROM_ZERO), broadcasts=True)
def arctan2(y: Any, x: Any) -> Any:
    """The angle of (x, y); the derivative at 0 is 0."""

    def over_square(d_out: Any) -> Any:
        return _over(d_out, _above_zero(x * x + y * y))

    return np.arctan2(y, x), (
        lambda d_out: _times(x, over_square(d_out)),
        lambda d_out: _minus_times(y, over_square(d_out)),
    )


@primitive(domain=PAIR, broadcasts=True)
def logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y)), without overflow"""
    out = np.logaddexp(x, y)
    return out, (
        lambda d_out: _times(d_out, np.exp(x - out)),
        lambda d_out: _times(d_out, np.exp(y - out)),
    )


@primitive(domain=PAIR, broadcasts=True)
def logaddexp2(x: Any, y: Any) -> Any:
    """log2(2^x + 2^y), without overflow"""
    out = np.logaddexp2(x, y)
    return out, (
        lambda d_out: _times(d_out, np.exp2(x - out)),
        lambda d_out: _times(d_out, np.exp2(y - out)),
    )


@primitive(domain=(AWAY_FROM_ZERO, AWAY_FROM_ZERO), broadcasts=True)
def copysign(x: Any, y: Any) -> Any:
    """x with the sign of y"""
    return np.copysign(x, y), (
        lambda d_out: d_out * (np.copysign(1.0, x) * np.copysign(1.0, y)),
        _zeros,
    )


class Clip(Primitive):
    """Between numbers, one primitive; between arrays or traced numbers, the maximum and the minimum."""

    def __call__(self, x: Any, low: Any = None, high: Any = None) -> Any:
        if not any(type(bound) is Tracer or is_operand(bound) for bound in (low, high)):
            return super().__call__(x, low, high)
        above = x if low is None else maximum(x, low)
        return above if high is None else minimum(above, high)


def _clip(x: Any, low: float | None = None, high: float | None = None) -> Any:
    """x cut to [low, high]: numbers, arrays or None"""
    out = np.clip(x, low, high)
    return out, lambda d_out: d_out * (out == x)


clip = REGISTRY["clip"] = Clip(_clip, "clip", domain=UNIT)


@primitive(domain=(Reals(0.0, 1.0, whole=True), reals(), reals()), broadcasts=True, logical=True)
def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, y elsewhere"""
    if type(condition) is not np.ndarray or condition.dtype.kind != "b":
        condition = np.asarray(condition, bool)
    out = np.where(condition, x, y)
    return out if out.dtype.kind != "b" else out.astype(float), (
        None,
        lambda d_out: d_out * condition,
        lambda d_out: d_out * ~condition,
    )


def _comparison(name: str, compare: Any, sentence: str) -> None:
    def forward(x: Any, y: Any) -> Any:
        return compare(x, y)

    forward.__doc__ = sentence
    primitive(forward, name=name, broadcasts=True, differentiable=False, logical=True)


_comparison("less", np.less, "x < y")
_comparison("less_equal", np.less_equal, "x <= y")
_comparison("greater", np.greater, "x > y")
_comparison("greater_equal", np.greater_equal, "x >= y")
_comparison("equal", np.equal, "x == y")
_comparison("not_equal", np.not_equal, "x != y")
_comparison("logical_and", np.logical_and, "both hold")
_comparison("logical_or", np.logical_or, "either holds")
_comparison("logical_xor", np.logical_xor, "exactly one holds")


@primitive(differentiable=False, logical=True)
def logical_not(x: Any) -> Any:
    """x does not hold"""
    return np.logical_not(x)


@primitive(differentiable=False)
def isnan(x: Any) -> Any:
    """x is not a number"""
    return np.isnan(x)


@primitive(differentiable=False)
def isinf(x: Any) -> Any:
    """x is infinite"""
    return np.isinf(x)


@primitive(differentiable=False)
def isfinite(x: Any) -> Any:
    """x is a number and not infinite"""
    return np.isfinite(x)
