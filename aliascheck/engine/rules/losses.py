"""Losses: how far predictions lie from targets, by default as a mean over elements or rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aliascheck.engine.domain import Reals, reals
from aliascheck.engine.primitive import primitive
from aliascheck.errors import EngineError, did_you_mean

REDUCTIONS = ("mean", "sum", "none")
PAIR = (reals(-3, 3, 2, 5), reals(-3, 3, 2, 5))
APART = (reals(-3, 3, 2, 5), Reals(-3, 3, (2, 5), between=True))
EXAMPLES = [{}, {"reduction": "sum"}, {"reduction": "none"}]
PROBABILITIES = reals(0.1, 0.9, 2, 5)


def _same_shape(name: str, x: Any, y: Any) -> None:
    if np.shape(x) != np.shape(y):
        raise EngineError(f"{name} takes two arrays of one shape, not {np.shape(x)} and {np.shape(y)}")


def _reduce(losses: Any, reduction: str) -> tuple[Any, Callable[[Any], Any]]:
    """The mean or sum of `losses`, and the map of its cotangent to theirs."""
    if reduction == "mean":
        count = max(np.size(losses), 1)
        return np.mean(losses), lambda d_out: d_out / count
    if reduction == "sum":
        return np.sum(losses), lambda d_out: d_out
    if reduction == "none":
        return losses, lambda d_out: d_out
    hint = did_you_mean(str(reduction), REDUCTIONS) or f"one of {', '.join(REDUCTIONS)}"
    raise EngineError(f"there is no reduction {reduction!r}", hint=hint)


@primitive(domain=PAIR, examples=EXAMPLES)
def mse(x: Any, y: Any, reduction: str = "mean") -> Any:
    """Mean squared error of two arrays of one shape"""
    _same_shape("mse", x, y)
    apart = np.subtract(x, y)
    out, spread = _reduce(np.square(apart), reduction)
    return out, (lambda d_out: spread(d_out) * (2.0 * apart), lambda d_out: spread(d_out) * (-2.0 * apart))


@primitive(domain=APART, examples=EXAMPLES)
def mae(x: Any, y: Any, reduction: str = "mean") -> Any:
    """Mean absolute error of two arrays of one shape; the derivative at 0 is 0."""
    _same_shape("mae", x, y)
    apart = np.subtract(x, y)
    out, spread = _reduce(np.abs(apart), reduction)
    return out, (lambda d_out: spread(d_out) * np.sign(apart), lambda d_out: spread(d_out) * -np.sign(apart))


@primitive(domain=APART, examples=[*EXAMPLES, {"delta": 0.5}, {"delta": 2}])
def huber(x: Any, y: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Mean of apart^2 / 2 up to delta, of delta (|apart| - delta / 2) beyond. Source: Huber 1964."""
    _same_shape("huber", x, y)
    if delta <= 0:
        raise EngineError(f"huber: delta must be positive, not {delta}")
    apart = np.subtract(x, y)
    near = np.clip(apart, -delta, delta)
    out, spread = _reduce(near * (apart - 0.5 * near), reduction)
    return out, (lambda d_out: spread(d_out) * near, lambda d_out: spread(d_out) * -near)


def _are_class_numbers(logits: Any, targets: Any, axis: int) -> bool:
    """Whether `targets` are class numbers; False where they are probabilities. Raises for neither."""
    shape = list(np.shape(logits))
    if not shape:
        raise EngineError("cross_entropy takes logits for at least two classes, not a number")
    if np.shape(targets) == np.shape(logits):
        return False
    classes = shape.pop(axis)
    if np.shape(targets) != tuple(shape):
        raise EngineError(
            f"cross_entropy: targets of shape {np.shape(targets)} for logits of shape {np.shape(logits)}",
            hint=f"targets are class numbers of shape {tuple(shape)}, or probabilities of the logits' shape",
        )
    numbers = np.asarray(targets)
    if not np.all((numbers == np.floor(numbers)) & (numbers >= 0) & (numbers < classes)):
        raise EngineError(f"cross_entropy: class numbers are whole, from 0 to {classes - 1}")
    return True


def _one_hot(numbers: Any, shape: tuple[int, ...], axis: int) -> Any:
    hot = np.zeros(shape)
    np.put_along_axis(hot, np.expand_dims(np.asarray(numbers, np.int64), axis), 1.0, axis)
    return hot


@primitive(
    domain=(reals(-3, 3, 4, 3), reals(0.1, 0.9, 4, 3)),
    examples=[*EXAMPLES, {"axis": 0}, {"axis": 0, "reduction": "none"}],
)
def cross_entropy(logits: Any, targets: Any, axis: int = -1, reduction: str = "mean") -> Any:
    """-sum(targets * log_softmax(logits)), mean over rows; targets are class numbers or probabilities."""
    numbered = _are_class_numbers(logits, targets, axis)
    shares = _one_hot(targets, np.shape(logits), axis) if numbered else targets
    shifted = logits - np.max(logits, axis=axis, keepdims=True)
    logs = shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    terms = np.multiply(shares, logs, out=np.zeros(np.shape(logits)), where=np.asarray(shares) != 0)
    out, spread = _reduce(-np.sum(terms, axis=axis), reduction)

    def rows(d_out: Any) -> Any:
        d_rows = np.asarray(spread(d_out))
        return np.expand_dims(d_rows, axis) if d_rows.ndim else d_rows

    def d_logits(d_out: Any) -> Any:
        return rows(d_out) * (np.exp(logs) * np.sum(shares, axis=axis, keepdims=True) - shares)

    return out, (d_logits, None if numbered else lambda d_out: rows(d_out) * -logs)


def _quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where x is 0."""
    x = np.asarray(x, float)
    return np.divide(x, y, out=np.zeros(x.shape), where=x != 0)


def _times_log(x: Any, y: Any) -> Any:
    """x * log(y), and 0 where x is 0."""
    x = np.asarray(x, float)
    return x * np.log(y, out=np.zeros(x.shape), where=x != 0)


@primitive(domain=(PROBABILITIES, PROBABILITIES), examples=EXAMPLES)
def binary_cross_entropy(x: Any, y: Any, reduction: str = "mean") -> Any:
    """Mean of -y log(x) - (1 - y) log(1 - x), for probabilities x and targets y"""
    _same_shape("binary_cross_entropy", x, y)
    x, y = np.asarray(x, float), np.asarray(y, float)
    if np.any((x < 0) | (x > 1)):
        raise EngineError(
            "binary_cross_entropy takes probabilities from 0 to 1",
            hint="use binary_cross_entropy_with_logits(x, y) for logits",
        )
    out, spread = _reduce(-_times_log(y, x) - _times_log(1.0 - y, 1.0 - x), reduction)
    return out, (
        lambda d_out: spread(d_out) * (_quotient(1.0 - y, 1.0 - x) - _quotient(y, x)),
        lambda d_out: spread(d_out) * (np.log1p(-x) - np.log(x)),
    )


@primitive(domain=(reals(-3, 3, 2, 5), PROBABILITIES), examples=EXAMPLES)
def binary_cross_entropy_with_logits(x: Any, y: Any, reduction: str = "mean") -> Any:
    """binary_cross_entropy(sigmoid(x), y), without overflow"""
    _same_shape("binary_cross_entropy_with_logits", x, y)
    out, spread = _reduce(np.logaddexp(0.0, x) - np.multiply(x, y), reduction)
    return out, (
        lambda d_out: spread(d_out) * (0.5 * (1.0 + np.tanh(0.5 * np.asarray(x))) - y),
        lambda d_out: spread(d_out) * -np.asarray(x),
    )
