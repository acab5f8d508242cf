"""Reductions over all elements or some axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import primitive

DISTINCT = reals(0.2, 3.0, distinct=True)


def _spread(d_out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The cotangent of a reduction's result, stretched over what was reduced."""
    d_out = np.asarray(d_out)
    if axis is not None and not keepdims:
        d_out = np.expand_dims(d_out, axis)
    return np.broadcast_to(d_out, np.shape(x))


def _count(x: Any, axis: Any) -> int:
    shape = np.shape(x)
    if axis is None:
        return int(np.size(x))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([shape[a] for a in axes]))


def _reduced(x: Any, axis: Any = None, *settings: Any, **named: Any) -> int:
    """How many elements a reduction leaves."""
    return 1 if axis is None else int(np.size(x)) // max(_count(x, axis), 1)


@primitive(size=_reduced)
def sum_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum"""
    return np.sum(x, axis=axis, keepdims=keepdims), lambda d_out: _spread(d_out, x, axis, keepdims)


@primitive(size=_reduced)
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Arithmetic mean"""
    count = _count(x, axis)
    return (
        np.mean(x, axis=axis, keepdims=keepdims),
        lambda d_out: _spread(d_out, x, axis, keepdims) / count,
    )


@primitive(size=_reduced)
def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Product; exact where some elements are 0."""
    x = np.asarray(x, float)

    def pull(d_out: Any) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(a % x.ndim for a in axes) if x.ndim else ()
        kept = [a for a in range(x.ndim) if a not in axes]
        shape = [x.shape[a] for a in (*kept, *axes)]
        rows = np.transpose(x, (*kept, *axes)).reshape(*shape[: len(kept)], math.prod(shape[len(kept) :]))
        before, after = np.ones_like(rows), np.ones_like(rows)
        before[..., 1:] = np.cumprod(rows[..., :-1], axis=-1)
        after[..., :-1] = np.cumprod(rows[..., :0:-1], axis=-1)[..., ::-1]
        others = (before * after).reshape(shape)
        return _spread(d_out, x, axis, keepdims) * np.transpose(others, np.argsort((*kept, *axes)))

    return np.prod(x, axis=axis, keepdims=keepdims), pull


def _extreme(x: Any, axis: Any, keepdims: bool, reduce: Any, position: Any) -> Any:
    """The extreme element, whose cotangent goes to the first of equals."""
    x = np.asarray(x)
    out = reduce(x, axis=axis, keepdims=keepdims)

    def pull(d_out: Any) -> Any:
        d_x = np.zeros(x.shape)
        if axis is None:
            if x.ndim == 0:
                return np.asarray(d_out) + d_x
            d_x[np.unravel_index(position(x), x.shape)] = np.asarray(d_out).reshape(())
            return d_x
        axes = axis if isinstance(axis, tuple) else (axis,)
        kept = [a for a in range(x.ndim) if a not in {b % x.ndim for b in axes}]
        order = (*kept, *(a for a in range(x.ndim) if a not in kept))
        moved = np.transpose(x, order)
        rows = moved.reshape(*moved.shape[: len(kept)], math.prod(moved.shape[len(kept) :]))
        d_rows = np.zeros(rows.shape)
        d_kept = np.asarray(d_out).reshape(rows.shape[:-1])
        np.put_along_axis(d_rows, position(rows, axis=-1)[..., None], d_kept[..., None], axis=-1)
        return np.transpose(d_rows.reshape(moved.shape), np.argsort(order))

    return out, pull


@primitive(domain=DISTINCT, size=_reduced)
def max_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest element; a tie is the first's."""
    return _extreme(x, axis, keepdims, np.max, np.argmax)


@primitive(domain=DISTINCT, size=_reduced)
def min_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Smallest element; a tie is the first's."""
    return _extreme(x, axis, keepdims, np.min, np.argmin)


def _centred(x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


@primitive(size=_reduced)
def var(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """Variance"""
    scale = 2.0 / (_count(x, axis) - ddof)
    return (
        np.var(x, axis=axis, keepdims=keepdims, ddof=ddof),
        lambda d_out: _spread(d_out, x, axis, keepdims) * _centred(x, axis) * scale,
    )


def _over(d_out: Any, out: Any) -> Any:
    """d_out / out, and 0 where `out` is 0."""
    zeros = np.zeros(np.shape(out))
    return np.divide(d_out, out, out=zeros, where=np.asarray(out) != 0)


@primitive(domain=DISTINCT, size=_reduced)
def std(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """Standard deviation; where it is 0, the derivative is 0."""
    out = np.std(x, axis=axis, keepdims=keepdims, ddof=ddof)
    count = _count(x, axis) - ddof
    return out, lambda d_out: _spread(_over(d_out, out), x, axis, keepdims) * _centred(x, axis) / count


@primitive(domain=DISTINCT, size=_reduced)
def norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Euclidean (Frobenius) norm; where it is 0, the derivative is 0."""
    out = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    return out, lambda d_out: _spread(_over(d_out, out), x, axis, keepdims) * x


@primitive(size=_reduced)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))), without overflow"""
    top = np.max(x, axis=axis, keepdims=True)
    kept = top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))
    share = np.exp(x - kept)
    out = kept if keepdims else np.squeeze(kept, axis=axis)
    return out, lambda d_out: _spread(d_out, x, axis, keepdims) * share


@primitive
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)), without overflow"""
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    out = weights / np.sum(weights, axis=axis, keepdims=True)
    return out, lambda d_out: out * (d_out - np.sum(d_out * out, axis=axis, keepdims=True))


@primitive
def log_softmax(x: Any, axis: int = -1) -> Any:
    """log(softmax(x))"""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    out = shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return out, lambda d_out: d_out - np.exp(out) * np.sum(d_out, axis=axis, keepdims=True)


@primitive
def cumsum(x: Any, axis: Any = None) -> Any:
    """Running sum"""

    def pull(d_out: Any) -> Any:
        along = 0 if axis is None else axis
        d_x = np.flip(np.cumsum(np.flip(d_out, along), axis=along), along)
        return d_x.reshape(np.shape(x))

    return np.cumsum(x, axis=axis), pull


@primitive(differentiable=False, size=_reduced)
def argmax(x: Any, axis: Any = None) -> Any:
    """Position of the largest element"""
    return np.argmax(x, axis=axis)


@primitive(differentiable=False, size=_reduced)
def argmin(x: Any, axis: Any = None) -> Any:
    """Position of the smallest element"""
    return np.argmin(x, axis=axis)
