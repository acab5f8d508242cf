"""Norms of vectors and matrices, with NumPy's `ord`. Where a norm is 0, its derivative is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aliascheck.engine.primitive import primitive
from aliascheck.engine.rules.reductions import DISTINCT, add_up, put_at, quotient, reduced_size, spread
from aliascheck.errors import EngineError

EUCLIDEAN = (None, 2)
FROBENIUS = (None, "fro")


@primitive(
    domain=DISTINCT,
    size=lambda x, ord=None, axis=None, keepdims=False: reduced_size(x, axis),
    examples=[{}, {"keepdims": True}],
)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices, Euclidean (Frobenius) without `ord`; where it is 0, so is the derivative.

    One axis holds vectors, a pair of axes matrices; without an axis, x is one vector or matrix. For 'inf'
    and its kin, and for 1 and 2 on matrices, a tie is the first's.
    """
    x = np.asarray(x, float)
    if ord is None:
        return _euclidean(x, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise EngineError(
        f"norm with ord={ord} takes vectors or matrices, not an array of shape {x.shape}",
        hint="name one axis, or a pair of axes",
    )


def _euclidean(x: Any, axis: Any, keepdims: bool) -> Any:
    out = np.sqrt(add_up(np.square(x), axis=axis, keepdims=keepdims))
    return out, lambda d_out: spread(quotient(d_out, out), np.shape(x), axis, keepdims) * x


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord in EUCLIDEAN:
        return _euclidean(x, axis, keepdims)
    if isinstance(ord, str):
        raise EngineError(f"norm: ord='{ord}' is for matrices", hint="name a pair of axes, or leave ord out")
    out = np.linalg.norm(x, ord, axis, keepdims)
    if np.isinf(ord):
        position = np.argmax if ord > 0 else np.argmin
        return out, lambda d_out: put_at(np.abs(x), axis, position, d_out) * np.sign(x)
    if ord == 0:
        return out, lambda d_out: np.zeros(x.shape)

    def pull(d_out: Any) -> Any:
        """`sign(x) (abs(x) / out)^(ord - 1)`, and 0 for an element that is 0."""
        share = np.abs(x) * spread(quotient(1.0, out), np.shape(x), axis, keepdims)
        np.power(share, ord - 1.0, out=share, where=share != 0)
        return spread(d_out, np.shape(x), axis, keepdims) * share * np.sign(x)

    return out, pull


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord in FROBENIUS:
        return _euclidean(x, axes, keepdims)
    moved = np.moveaxis(x, axes, (-2, -1))
    out, rule = _norm_of_rows_and_columns(moved, ord)

    def pull(d_out: Any) -> Any:
        return np.moveaxis(rule(np.reshape(d_out, np.shape(out))), (-2, -1), axes)

    return (np.expand_dims(out, axes) if keepdims else out), pull


def _norm_of_rows_and_columns(x: Any, ord: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The norm of matrices in the last two axes, and its pullback."""
    if ord in ("nuc", 2, -2):
        return _norm_of_singular_values(x, ord)
    if ord not in (1, -1, np.inf, -np.inf):
        raise EngineError(
            f"norm: matrices have no norm with ord={ord!r}",
            hint="use 'fro', 'nuc', 1, -1, 2, -2, inf or -inf",
        )
    summed = -2 if abs(ord) == 1 else -1
    sums = add_up(np.abs(x), axis=summed)
    reduce, position = (np.max, np.argmax) if ord > 0 else (np.min, np.argmin)

    def pull(d_out: Any) -> Any:
        return np.expand_dims(put_at(sums, (-1,), position, d_out), summed) * np.sign(x)

    return reduce(sums, axis=-1), pull


def _norm_of_singular_values(x: Any, ord: Any) -> tuple[Any, Callable[[Any], Any]]:
    left, values, right = np.linalg.svd(x, full_matrices=False)
    if ord == "nuc":
        weights = (values > np.finfo(float).eps * max(x.shape[-2:]) * values[..., :1]).astype(float)
    else:
        weights = np.zeros(values.shape)
        weights[..., 0 if ord == 2 else -1] = 1.0
        weights *= values > 0

    def pull(d_out: Any) -> Any:
        return (left * (weights * np.asarray(d_out)[..., None])[..., None, :]) @ right

    return add_up(values, axis=-1) if ord == "nuc" else values[..., 0 if ord == 2 else -1], pull
