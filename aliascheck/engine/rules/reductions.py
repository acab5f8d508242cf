"""Reductions over all elements or some axes, and what runs along one axis. Norms are in `norms`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import primitive
from aliascheck.errors import EngineError

add_up: Any = np.add.reduce  # what np.sum calls, without its wrapper

DISTINCT = reals(0.2, 3.0, distinct=True)
POSITIONS: tuple[dict[str, Any], ...] = ({}, {"axis": -1}, {"axis": 0, "keepdims": True})


def spread(d_out: Any, shape: tuple[int, ...], axis: Any = None, keepdims: bool = False) -> Any:
    """The cotangent of a reduction's result, stretched over the `shape` that was reduced: a view."""
    if axis is None:  # NumPy's broadcast_to, in a fifth of its time: every element is the one number
        return np.ndarray(shape, np.float64, np.array(d_out, np.float64), 0, (0,) * len(shape))
    ndim = len(shape)
    memory = np.asarray(d_out, order="C")
    strides = [*memory.strides]
    for a in sorted(a % ndim for a in axis) if type(axis) is tuple else (axis % ndim,):
        strides[a : a + keepdims] = (0,)
    return np.ndarray(shape, memory.dtype, memory, 0, strides)


def quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where y is 0."""
    return np.divide(x, y, out=np.zeros(np.shape(y)), where=np.asarray(y) != 0)


def products_of_others(rows: Any) -> Any:
    """For each element, the product of all others along the last axis, without a division."""
    before, after = np.ones_like(rows), np.ones_like(rows)
    before[..., 1:] = np.cumprod(rows[..., :-1], axis=-1)
    after[..., :-1] = np.cumprod(rows[..., :0:-1], axis=-1)[..., ::-1]
    return before * after


def as_rows(x: Any, axis: Any) -> tuple[Any, Callable[[Any], Any]]:
    """x with the axes to reduce joined as the last one, and what brings such rows back to its shape."""
    given = range(x.ndim) if axis is None or x.ndim == 0 else axis if isinstance(axis, tuple) else (axis,)
    reduced = [a % x.ndim for a in given]
    kept = [a for a in range(x.ndim) if a not in reduced]
    order = (*kept, *reduced)
    moved = np.transpose(x, order)
    rows = moved.reshape(*moved.shape[: len(kept)], math.prod(moved.shape[len(kept) :]))
    return rows, lambda d_rows: np.transpose(d_rows.reshape(moved.shape), np.argsort(order))


def shape_of(x: Any) -> tuple[int, ...]:
    """NumPy's shape, in a third of its time."""
    return x.shape if isinstance(x, np.ndarray) else ()


def _count(x: Any, axis: Any) -> int:
    if axis is None:
        return x.size if isinstance(x, np.ndarray) else 1
    shape = shape_of(x)
    return math.prod([shape[a] for a in axis]) if isinstance(axis, tuple) else shape[axis]


def reduced_size(x: Any, axis: Any = None, *settings: Any, **named: Any) -> int:
    """How many elements a reduction leaves."""
    return 1 if axis is None else int(np.size(x)) // max(_count(x, axis), 1)


@primitive(size=reduced_size)
def sum_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum"""
    shape = shape_of(x)
    return add_up(x, axis, None, None, keepdims), lambda d_out: spread(d_out, shape, axis, keepdims)


@primitive(size=reduced_size)
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Arithmetic mean"""
    shape, count = shape_of(x), float(_count(x, axis))  # by which NumPy divides faster than by an integer
    total = add_up(x, axis, None, None, keepdims)
    out = total / count if count else np.mean(x, axis=axis, keepdims=keepdims)  # which warns
    return out, lambda d_out: spread(d_out / count, shape, axis, keepdims)


@primitive(size=reduced_size)
def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Product; exact where some elements are 0."""
    x = np.asarray(x, float)

    def pull(d_out: Any) -> Any:
        rows, back = as_rows(x, axis)
        return spread(d_out, np.shape(x), axis, keepdims) * back(products_of_others(rows))

    return np.prod(x, axis=axis, keepdims=keepdims), pull


def put_at(x: Any, axis: Any, position: Callable[..., Any], d_out: Any) -> Any:
    """Zeros like x with the cotangent of each reduced element at one position of what was reduced."""
    if axis is None:
        d_x = np.zeros(x.shape)
        d_x.flat[position(x)] = np.asarray(d_out).reshape(())
        return d_x
    rows, back = as_rows(x, axis)
    d_rows = np.zeros(rows.shape)
    d_kept = np.asarray(d_out).reshape(rows.shape[:-1])
    np.put_along_axis(d_rows, np.asarray(position(rows, axis=-1))[..., None], d_kept[..., None], axis=-1)
    return back(d_rows)


@primitive(domain=DISTINCT, size=reduced_size)
def max_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest element; a tie is the first's."""
    x = np.asarray(x)
    return np.max(x, axis=axis, keepdims=keepdims), lambda d_out: put_at(x, axis, np.argmax, d_out)


@primitive(domain=DISTINCT, size=reduced_size)
def min_(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Smallest element; a tie is the first's."""
    x = np.asarray(x)
    return np.min(x, axis=axis, keepdims=keepdims), lambda d_out: put_at(x, axis, np.argmin, d_out)


@primitive(domain=DISTINCT, size=reduced_size)
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest less smallest element; ties are the first's."""
    x = np.asarray(x)

    def pull(d_out: Any) -> Any:
        d_x = put_at(x, axis, np.argmax, d_out)
        d_x -= put_at(x, axis, np.argmin, d_out)
        return d_x

    return np.ptp(x, axis=axis, keepdims=keepdims), pull


@primitive(domain=DISTINCT, size=reduced_size)
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle element, or the mean of the two in the middle; equals keep their order."""
    x = np.asarray(x)

    def pull(d_out: Any) -> Any:
        rows, back = as_rows(x, axis)
        order = np.argsort(rows, axis=-1, kind="stable")
        count = rows.shape[-1]
        middle = order[..., (count - 1) // 2 : count // 2 + 1]
        d_rows = np.zeros(rows.shape)
        d_kept = np.asarray(d_out).reshape((*rows.shape[:-1], 1)) / middle.shape[-1]
        np.put_along_axis(d_rows, middle, np.broadcast_to(d_kept, middle.shape), axis=-1)
        return back(d_rows)

    return np.median(x, axis=axis, keepdims=keepdims), pull


def _degrees(x: Any, axis: Any, ddof: Any, correction: Any) -> Any:
    """The number by which a sum of squares is divided."""
    free = _count(x, axis) - (ddof if correction is None else correction)
    if free <= 0:
        raise EngineError(
            f"a variance of {_count(x, axis)} elements leaves {free} degrees of freedom",
            hint="lower ddof, or reduce over more elements",
        )
    return free


def _centred(x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


@primitive(size=reduced_size)
def var(x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0, correction: Any = None) -> Any:
    """Variance; `correction` is another name of `ddof`."""
    free = _degrees(x, axis, ddof, correction)
    centred = _centred(x, axis)
    out = add_up(np.square(centred), axis=axis, keepdims=keepdims) / free
    return out, lambda d_out: spread(d_out * (2.0 / free), np.shape(x), axis, keepdims) * centred


@primitive(domain=DISTINCT, size=reduced_size)
def std(x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0, correction: Any = None) -> Any:
    """Standard deviation; where it is 0, the derivative is 0. `correction` is another name of `ddof`."""
    free = _degrees(x, axis, ddof, correction)
    centred = _centred(x, axis)
    out = np.sqrt(add_up(np.square(centred), axis=axis, keepdims=keepdims) / free)
    return out, lambda d_out: spread(quotient(d_out, out * free), np.shape(x), axis, keepdims) * centred


def _exponentials(x: Any, axis: Any) -> tuple[Any, Any]:
    """exp(x - top) in new memory, and the largest element `top` along the axis, 0 where infinite."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    shifted = np.asarray(x - top, float)
    return np.exp(shifted, out=shifted), top


@primitive(size=reduced_size)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))), without overflow"""
    weights, top = _exponentials(x, axis)
    total = add_up(weights, axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):  # where all are -inf, so is the result
        kept = top + np.log(total)
    out = kept if keepdims else np.squeeze(kept, axis=axis)

    def pull(d_out: Any) -> Any:
        return quotient(np.reshape(d_out, np.shape(total)), total) * weights

    return out, pull


@primitive
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / sum(exp(x)), without overflow"""
    out, _ = _exponentials(x, axis)
    out /= add_up(out, axis=axis, keepdims=True)

    def pull(d_out: Any) -> Any:
        d_x = np.asarray(d_out * out)
        np.subtract(d_out, add_up(d_x, axis=axis, keepdims=True), out=d_x)
        d_x *= out
        return d_x

    return out, pull


@primitive
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """log(softmax(x))"""
    out = np.asarray(x - np.max(x, axis=axis, keepdims=True), float)
    out -= np.log(add_up(np.exp(out), axis=axis, keepdims=True))

    def pull(d_out: Any) -> Any:
        d_x = np.asarray(np.exp(out))
        d_x *= add_up(d_out, axis=axis, keepdims=True)
        return np.subtract(d_out, d_x, out=d_x)

    return out, pull


@primitive
def cumsum(x: Any, axis: Any = None) -> Any:
    """Running sum"""

    def pull(d_out: Any) -> Any:
        along = 0 if axis is None else axis
        d_x = np.flip(np.cumsum(np.flip(d_out, along), axis=along), along)
        return d_x.reshape(np.shape(x))

    return np.cumsum(x, axis=axis), pull


@primitive
def cumprod(x: Any, axis: Any = None) -> Any:
    """Running product; exact where some elements are 0."""
    rows = np.ravel(x) if axis is None else np.moveaxis(x, axis, -1)

    def pull(d_out: Any) -> Any:
        """What comes before an element, times the rest: `rest[k] = d_out[k] + rows[k + 1] * rest[k + 1]`."""
        rest = np.array(d_out if axis is None else np.moveaxis(d_out, axis, -1))
        for k in range(rest.shape[-1] - 2, -1, -1):
            rest[..., k] += rows[..., k + 1] * rest[..., k + 1]
        rest[..., 1:] *= np.cumprod(rows[..., :-1], axis=-1)
        return rest.reshape(np.shape(x)) if axis is None else np.moveaxis(rest, -1, axis)

    return np.cumprod(x, axis=axis), pull


@primitive(differentiable=False, size=reduced_size, examples=POSITIONS)
def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Position of the largest element"""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@primitive(differentiable=False, size=reduced_size, examples=POSITIONS)
def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Position of the smallest element"""
    return np.argmin(x, axis=axis, keepdims=keepdims)
