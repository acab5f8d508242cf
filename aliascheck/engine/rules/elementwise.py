"""Elementwise primitives."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine.domain import Reals, reals
from aliascheck.engine.primitive import primitive

AWAY_FROM_ZERO = Reals(0.2, 3.0, signed=True)
BETWEEN = Reals(between=True)
UNIT = reals(-0.9, 0.9)
POSITIVE = reals(0.2, 3.0)
PAIR = (reals(), reals())


@primitive
def negative(x: Any) -> Any:
    """-x"""
    return -x, lambda d_out: -d_out


@primitive(domain=AWAY_FROM_ZERO)
def abs_(x: Any) -> Any:
    """Absolute value; the derivative at 0 is 0."""
    return np.abs(x), lambda d_out: d_out * np.sign(x)


@primitive(domain=AWAY_FROM_ZERO)
def sign(x: Any) -> Any:
    """Sign; the derivative is 0."""
    return np.sign(x), lambda d_out: np.zeros_like(d_out)


@primitive(domain=BETWEEN)
def floor(x: Any) -> Any:
    """Largest whole number below; the derivative is 0."""
    return np.floor(x), lambda d_out: np.zeros_like(d_out)


@primitive(domain=BETWEEN)
def ceil(x: Any) -> Any:
    """Smallest whole number above; the derivative is 0."""
    return np.ceil(x), lambda d_out: np.zeros_like(d_out)


@primitive(domain=BETWEEN)
def round_(x: Any) -> Any:
    """Nearest whole number; the derivative is 0."""
    return np.round(x), lambda d_out: np.zeros_like(d_out)


@primitive
def exp(x: Any) -> Any:
    """e to the power x"""
    out = np.exp(x)
    return out, lambda d_out: d_out * out


@primitive
def exp2(x: Any) -> Any:
    """2 to the power x"""
    out = np.exp2(x)
    return out, lambda d_out: d_out * (np.log(2.0) * out)


@primitive
def expm1(x: Any) -> Any:
    """exp(x) - 1, accurate near 0"""
    return np.expm1(x), lambda d_out: d_out * np.exp(x)


@primitive(domain=POSITIVE)
def log(x: Any) -> Any:
    """Natural logarithm"""
    return np.log(x), lambda d_out: d_out / x


@primitive(domain=POSITIVE)
def log2(x: Any) -> Any:
    """Logarithm to base 2"""
    return np.log2(x), lambda d_out: d_out / (x * np.log(2.0))


@primitive(domain=POSITIVE)
def log10(x: Any) -> Any:
    """Logarithm to base 10"""
    return np.log10(x), lambda d_out: d_out / (x * np.log(10.0))


@primitive(domain=POSITIVE)
def log1p(x: Any) -> Any:
    """log(1 + x), accurate near 0"""
    return np.log1p(x), lambda d_out: d_out / (1.0 + x)


@primitive(domain=POSITIVE)
def sqrt(x: Any) -> Any:
    """Square root"""
    out = np.sqrt(x)
    return out, lambda d_out: d_out * 0.5 / out


@primitive(domain=POSITIVE)
def cbrt(x: Any) -> Any:
    """Cube root"""
    out = np.cbrt(x)
    return out, lambda d_out: d_out / (3.0 * out * out)


@primitive
def square(x: Any) -> Any:
    """x * x"""
    return np.square(x), lambda d_out: d_out * (2.0 * x)


@primitive(domain=POSITIVE)
def reciprocal(x: Any) -> Any:
    """1 / x"""
    out = 1.0 / np.asarray(x, float)
    return out, lambda d_out: -d_out * out * out


@primitive
def sin(x: Any) -> Any:
    """Sine"""
    return np.sin(x), lambda d_out: d_out * np.cos(x)


@primitive
def cos(x: Any) -> Any:
    """Cosine"""
    return np.cos(x), lambda d_out: -d_out * np.sin(x)


@primitive(domain=reals(-1.0, 1.0))
def tan(x: Any) -> Any:
    """Tangent"""
    out = np.tan(x)
    return out, lambda d_out: d_out * (1.0 + out * out)


@primitive(domain=UNIT)
def arcsin(x: Any) -> Any:
    """Inverse sine"""
    return np.arcsin(x), lambda d_out: d_out / np.sqrt(1.0 - x * x)


@primitive(domain=UNIT)
def arccos(x: Any) -> Any:
    """Inverse cosine"""
    return np.arccos(x), lambda d_out: -d_out / np.sqrt(1.0 - x * x)


@primitive
def arctan(x: Any) -> Any:
    """Inverse tangent"""
    return np.arctan(x), lambda d_out: d_out / (1.0 + x * x)


@primitive
def sinh(x: Any) -> Any:
    """Hyperbolic sine"""
    return np.sinh(x), lambda d_out: d_out * np.cosh(x)


@primitive
def cosh(x: Any) -> Any:
    """Hyperbolic cosine"""
    return np.cosh(x), lambda d_out: d_out * np.sinh(x)


@primitive
def tanh(x: Any) -> Any:
    """Hyperbolic tangent"""
    out = np.tanh(x)
    return out, lambda d_out: d_out * (1.0 - out * out)


@primitive
def arcsinh(x: Any) -> Any:
    """Inverse hyperbolic sine"""
    return np.arcsinh(x), lambda d_out: d_out / np.sqrt(1.0 + x * x)


@primitive(domain=reals(1.2, 3.0))
def arccosh(x: Any) -> Any:
    """Inverse hyperbolic cosine"""
    return np.arccosh(x), lambda d_out: d_out / np.sqrt(x * x - 1.0)


@primitive(domain=UNIT)
def arctanh(x: Any) -> Any:
    """Inverse hyperbolic tangent"""
    return np.arctanh(x), lambda d_out: d_out / (1.0 - x * x)


def _logistic(x: Any) -> Any:
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(x)))


@primitive
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))"""
    out = _logistic(x)
    return out, lambda d_out: d_out * out * (1.0 - out)


@primitive
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), without overflow"""
    return -np.logaddexp(0.0, -x), lambda d_out: d_out * _logistic(-x)


@primitive
def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow"""
    return np.logaddexp(0.0, x), lambda d_out: d_out * _logistic(x)


@primitive(domain=AWAY_FROM_ZERO)
def relu(x: Any) -> Any:
    """max(x, 0); the derivative at 0 is 0."""
    return np.maximum(x, 0.0), lambda d_out: d_out * (np.asarray(x) > 0)


@primitive(domain=AWAY_FROM_ZERO)
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where positive, slope * x elsewhere"""
    steep = np.where(np.asarray(x) > 0, 1.0, slope)
    return x * steep, lambda d_out: d_out * steep


@primitive(domain=AWAY_FROM_ZERO)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, alpha * (exp(x) - 1) elsewhere"""
    positive = np.asarray(x) > 0
    tail = alpha * np.expm1(np.minimum(x, 0.0))
    return np.where(positive, x, tail), lambda d_out: d_out * np.where(positive, 1.0, tail + alpha)


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


@primitive(domain=AWAY_FROM_ZERO)
def selu(x: Any) -> Any:
    """Scaled exponential linear unit. Source: Klambauer et al. 2017."""
    positive = np.asarray(x) > 0
    tail = SELU_ALPHA * np.expm1(np.minimum(x, 0.0))
    return (
        SELU_SCALE * np.where(positive, x, tail),
        lambda d_out: d_out * SELU_SCALE * np.where(positive, 1.0, tail + SELU_ALPHA),
    )


@primitive
def gelu(x: Any) -> Any:
    """x * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2. Source: Hendrycks and Gimpel 2016."""
    slope = np.sqrt(2.0 / np.pi)
    t = np.tanh(slope * (x + 0.044715 * x**3))
    inner = slope * (1.0 + 3 * 0.044715 * x**2)
    return 0.5 * x * (1.0 + t), lambda d_out: d_out * 0.5 * (1.0 + t + x * (1.0 - t * t) * inner)


@primitive
def silu(x: Any) -> Any:
    """x * sigmoid(x)"""
    s = _logistic(x)
    return x * s, lambda d_out: d_out * (s + x * s * (1.0 - s))


@primitive(domain=BETWEEN)
def hard_tanh(x: Any) -> Any:
    """x cut to [-1, 1]"""
    return np.clip(x, -1.0, 1.0), lambda d_out: d_out * (np.abs(x) < 1.0)


@primitive(domain=PAIR, broadcasts=True)
def add(x: Any, y: Any) -> Any:
    """x + y"""
    return x + y, (lambda d_out: d_out, lambda d_out: d_out)


@primitive(domain=PAIR, broadcasts=True)
def subtract(x: Any, y: Any) -> Any:
    """x - y"""
    return x - y, (lambda d_out: d_out, lambda d_out: -d_out)


@primitive(domain=PAIR, broadcasts=True)
def multiply(x: Any, y: Any) -> Any:
    """x * y"""
    return x * y, (lambda d_out: d_out * y, lambda d_out: d_out * x)


@primitive(domain=(reals(), AWAY_FROM_ZERO), broadcasts=True)
def divide(x: Any, y: Any) -> Any:
    """x / y"""
    y = np.asarray(y, float)
    out = x / y
    return out, (lambda d_out: d_out / y, lambda d_out: -d_out * out / y)


@primitive(domain=(POSITIVE, reals(-2.0, 2.0)), broadcasts=True)
def power(x: Any, y: Any) -> Any:
    """x to the power y; where y is 0, the derivative by x is 0, and where x is 0, that by y."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    out = x**y

    def by_exponent(d_out: Any) -> Any:
        positive = x > 0
        return d_out * np.where(positive | (out != 0), out * np.log(np.where(positive, x, 1.0)), 0.0)

    def by_base(d_out: Any) -> Any:
        local = y * np.where(y == 0, 0.0, x ** np.where(y == 0, 1.0, y - 1.0))
        return np.where(local == 0, 0.0, d_out * local)

    return out, (by_base, by_exponent)


@primitive(domain=(BETWEEN, Reals(1.0, 3.0, whole=True, signed=True)), broadcasts=True)
def mod(x: Any, y: Any) -> Any:
    """Remainder with the sign of y"""
    return np.mod(x, y), (lambda d_out: d_out, lambda d_out: -d_out * np.floor(x / np.asarray(y, float)))


@primitive(domain=(reals(), BETWEEN), broadcasts=True)
def maximum(x: Any, y: Any) -> Any:
    """The larger one; a tie is the first's."""
    first = np.asarray(x) >= y
    return np.maximum(x, y), (lambda d_out: d_out * first, lambda d_out: d_out * ~first)


@primitive(domain=(reals(), BETWEEN), broadcasts=True)
def minimum(x: Any, y: Any) -> Any:
    """The smaller one; a tie is the first's."""
    first = np.asarray(x) <= y
    return np.minimum(x, y), (lambda d_out: d_out * first, lambda d_out: d_out * ~first)


@primitive(domain=(AWAY_FROM_ZERO, AWAY_FROM_ZERO), broadcasts=True)
def hypot(x: Any, y: Any) -> Any:
    """sqrt(x^2 + y^2), without overflow"""
    out = np.hypot(x, y)
    return out, (lambda d_out: d_out * x / out, lambda d_out: d_out * y / out)


@primitive(domain=(AWAY_FROM_ZERO, AWAY_FROM_ZERO), broadcasts=True)
def arctan2(y: Any, x: Any) -> Any:
    """The angle of (x, y)"""
    norm = np.square(x) + np.square(y)
    return np.arctan2(y, x), (lambda d_out: d_out * x / norm, lambda d_out: -d_out * y / norm)


@primitive(domain=PAIR, broadcasts=True)
def logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y)), without overflow"""
    out = np.logaddexp(x, y)
    return out, (lambda d_out: d_out * np.exp(x - out), lambda d_out: d_out * np.exp(y - out))


@primitive(domain=(AWAY_FROM_ZERO, AWAY_FROM_ZERO), broadcasts=True)
def copysign(x: Any, y: Any) -> Any:
    """x with the sign of y"""
    flip = np.copysign(1.0, x) * np.copysign(1.0, y)
    return np.copysign(x, y), (lambda d_out: d_out * flip, lambda d_out: np.zeros_like(d_out))


@primitive(domain=UNIT)
def clip(x: Any, low: float | None = None, high: float | None = None) -> Any:
    """x cut to [low, high]"""
    out = np.clip(x, low, high)
    return out, lambda d_out: d_out * (out == x)


@primitive(domain=(Reals(0.0, 1.0, whole=True), reals(), reals()), broadcasts=True)
def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, y elsewhere"""
    condition = np.asarray(condition, bool)
    return np.where(condition, x, y), (
        None,
        lambda d_out: d_out * condition,
        lambda d_out: d_out * ~condition,
    )


def _comparison(name: str, compare: Any, sentence: str) -> None:
    def forward(x: Any, y: Any) -> Any:
        return compare(x, y)

    forward.__doc__ = sentence
    primitive(forward, name=name, broadcasts=True, differentiable=False)


_comparison("less", np.less, "x < y")
_comparison("less_equal", np.less_equal, "x <= y")
_comparison("greater", np.greater, "x > y")
_comparison("greater_equal", np.greater_equal, "x >= y")
_comparison("equal", np.equal, "x == y")
_comparison("not_equal", np.not_equal, "x != y")
_comparison("logical_and", np.logical_and, "both hold")
_comparison("logical_or", np.logical_or, "either holds")


@primitive(differentiable=False)
def logical_not(x: Any) -> Any:
    """x does not hold"""
    return np.logical_not(x)
