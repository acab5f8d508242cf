"""What engines lack of the primitives, made of functions that they have.

An engine is called by NumPy's names: jax and autograd have them, for torch there is a namespace of such.
Formulas are those of the bundled engine's primitives. No derivative is written here.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy

Function = Callable[..., Any]

GELU_SLOPE = math.sqrt(2.0 / math.pi)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def thawed(key: Any) -> Any:
    """A basic index from the arguments of a wrapper, where slices are tuples."""
    if isinstance(key, tuple) and len(key) == 4 and key[0] == "slice":
        return slice(*key[1:])
    return tuple(map(thawed, key)) if isinstance(key, tuple) else key


def as_index(indices: Any) -> Any:
    """Whole numbers as an index: those of a setting as a NumPy array."""
    return indices if hasattr(indices, "shape") else numpy.asarray(indices, int)


def shown(x: Any, rearrange: Function, *arguments: Any, **settings: Any) -> Any:
    """The elements of an array, where a function of NumPy that only moves elements puts them."""
    numbers = numpy.arange(math.prod(x.shape)).reshape(tuple(x.shape))
    return x.reshape((-1,))[numpy.array(rearrange(numbers, *arguments, **settings))]


def moving(rearrange: Function) -> Function:
    """The function of an engine that moves elements as one of NumPy does."""
    return lambda x, *arguments, **settings: shown(x, rearrange, *arguments, **settings)


def range_of(x: Any) -> tuple[int, ...]:
    """All axes of an array."""
    return tuple(range(x.ndim))


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """A setting as one number an axis."""
    return value if isinstance(value, tuple) else (value,) * axes


FOR_EVERY_ENGINE = (
    *("normalize", "split_heads", "merge_heads", "max_pool", "avg_pool"),
    *("mse", "mae", "huber", "cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
)


class Composed:
    """Functions in terms of those of one engine, `np`."""

    def __init__(self, np: Any) -> None:
        self.np = np

    def for_every_engine(self) -> dict[str, Function]:
        """What no engine has a function for, by the names of the primitives."""
        return {name: getattr(self, name) for name in FOR_EVERY_ENGINE}

    # Elementwise

    def cbrt(self, x: Any) -> Any:
        return self.np.sign(x) * self.np.abs(x) ** (1.0 / 3.0)

    def heaviside(self, x: Any, y: Any) -> Any:
        np = self.np
        return np.where(x < 0, np.zeros_like(x * y), np.where(x > 0, np.ones_like(x * y), y + 0.0 * x))

    def hypot(self, x: Any, y: Any) -> Any:
        return self.np.sqrt(x * x + y * y)

    def round(self, x: Any, decimals: int = 0) -> Any:
        if decimals == 0:
            return self.np.round(x)
        scale = 10.0 ** abs(decimals)
        return self.np.round(x * scale) / scale if decimals > 0 else self.np.round(x / scale) * scale

    def clip(self, x: Any, low: Any = None, high: Any = None) -> Any:
        above = x if low is None else self.np.maximum(x, low)
        return above if high is None else self.np.minimum(above, high)

    def sigmoid(self, x: Any) -> Any:
        return 0.5 * self.np.tanh(0.5 * x) + 0.5

    def softplus(self, x: Any) -> Any:
        return self.np.logaddexp(0.0, x)

    def log_sigmoid(self, x: Any) -> Any:
        return -self.np.logaddexp(0.0, -x)

    def relu(self, x: Any) -> Any:
        return self.np.where(x > 0, x, 0.0 * x)

    def leaky_relu(self, x: Any, slope: float = 0.01) -> Any:
        return self.np.where(x > 0, x, slope * x)

    def elu(self, x: Any, alpha: float = 1.0) -> Any:
        return self.np.where(x > 0, x, alpha * self.np.expm1(self.np.where(x > 0, 0.0 * x, x)))

    def selu(self, x: Any) -> Any:
        return SELU_SCALE * self.elu(x, SELU_ALPHA)

    def gelu(self, x: Any) -> Any:
        return 0.5 * x * (1.0 + self.np.tanh(x * GELU_SLOPE * (1.0 + 0.044715 * (x * x))))

    def silu(self, x: Any) -> Any:
        return x * self.sigmoid(x)

    def hard_tanh(self, x: Any) -> Any:
        return self.clip(x, -1.0, 1.0)

    # Reductions

    def ptp(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.np.max(x, axis=axis, keepdims=keepdims) - self.np.min(x, axis=axis, keepdims=keepdims)

    def var(
        self, x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0, correction: Any = None
    ) -> Any:
        centred = x - self.np.mean(x, axis=axis, keepdims=True)
        summed = self.np.sum(centred * centred, axis=axis, keepdims=keepdims)
        return summed / (self._count(x, axis) - (ddof if correction is None else correction))

    def std(
        self, x: Any, axis: Any = None, keepdims: bool = False, ddof: Any = 0, correction: Any = None
    ) -> Any:
        return self.np.sqrt(self.var(x, axis, keepdims, ddof, correction))

    def _count(self, x: Any, axis: Any) -> int:
        shape = tuple(x.shape)
        if axis is None:
            return math.prod(shape)
        return math.prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,))) if shape else 1

    def sort(self, x: Any, axis: Any = -1) -> Any:
        row, along = (x.reshape((-1,)), 0) if axis is None else (x, axis)
        return self.take_along_axis(row, self.np.argsort(row, along, "stable"), along)

    def median(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = [a % x.ndim for a in per_axis(range_of(x) if axis is None else axis, 1)]
        kept = [a for a in range_of(x) if a not in axes]
        lead, count = [x.shape[a] for a in kept], math.prod(x.shape[a] for a in axes)
        rows = self.sort(self.np.transpose(x, (*kept, *axes)).reshape((*lead, count)))
        out = self.np.mean(rows[..., (count - 1) // 2 : count // 2 + 1], axis=-1)
        return out.reshape([1 if a in axes else x.shape[a] for a in range_of(x)]) if keepdims else out

    def cumprod(self, x: Any, axis: Any = None) -> Any:
        row, along = (x.reshape((-1,)), 0) if axis is None else (x, axis % x.ndim)
        before = (slice(None),) * along
        parts = [row[(*before, k)] for k in range(row.shape[along])]
        return self.np.stack(list(itertools.accumulate(parts, operator.mul)), axis=along) if parts else row

    def logsumexp(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        np = self.np
        top = np.max(x, axis=axis, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0 * np.ones_like(top))
        kept = top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))
        return kept if keepdims else kept.reshape(numpy.sum(numpy.empty(x.shape), axis=axis).shape)

    def softmax(self, x: Any, axis: Any = -1) -> Any:
        weights = self.np.exp(x - self.np.max(x, axis=axis, keepdims=True))
        return weights / self.np.sum(weights, axis=axis, keepdims=True)

    def log_softmax(self, x: Any, axis: Any = -1) -> Any:
        shifted = x - self.np.max(x, axis=axis, keepdims=True)
        return shifted - self.np.log(self.np.sum(self.np.exp(shifted), axis=axis, keepdims=True))

    # Aliases: by the arguments that their wrappers have

    def flipped_rows(self, x: Any) -> Any:
        """A vector of n as (1, n), rows as columns."""
        return x.reshape((1, -1)) if x.ndim == 1 else self.np.transpose(x)

    def transposed(self, x: Any, axes: Any = None) -> Any:
        return self.flipped_rows(x) if axes is None else self.np.transpose(x, axes)

    def reshaped(self, x: Any, shape: Any) -> Any:
        return self.np.reshape(x, shape)

    def sliced(self, x: Any, key: Any) -> Any:
        return x[thawed(key)]

    def picked(self, x: Any, key: Any = 0) -> Any:
        return x[key]

    def aliases(self) -> dict[str, Function]:
        """The functions of all aliases."""
        ordered = dict.fromkeys(("permutedims", "swapaxes", "moveaxis", "transpose"), self.transposed)
        shaped = dict.fromkeys(("reshape", "ravel", "squeeze", "expand_dims"), self.reshaped)
        turned = {
            name: moving(getattr(numpy, name))
            for name in ("diagonal", "rot90", "flip", "fliplr", "flipud", "broadcast_to")
        }
        return {"adjoint": self.flipped_rows, **ordered, **shaped, **turned, "slice": self.sliced}

    # Elements by number, and elements that are moved

    def take(self, x: Any, indices: Any = None, axis: int | None = None) -> Any:
        if axis is None or not x.ndim:
            return x.reshape((-1,))[as_index(indices)]
        return x[(*(slice(None),) * (axis % x.ndim), as_index(indices))]

    def gather(self, x: Any, indices: Any = None, axis: int = 0) -> Any:
        return self.take(x, indices, axis)

    def take_along_axis(self, x: Any, indices: Any = None, axis: int | None = -1) -> Any:
        at = as_index(indices)
        if axis is None:
            return x.reshape((-1,))[at]
        along = axis % max(x.ndim, 1)
        key = numpy.ogrid[tuple(slice(extent) for extent in x.shape)]
        return x[(*key[:along], at, *key[along + 1 :])]

    def pad(self, x: Any, pad_width: Any = 1, mode: Any = "constant", constant_values: Any = 0.0) -> Any:
        if not x.ndim:
            return x
        if mode != "constant":
            return shown(x, numpy.pad, pad_width, mode)
        margin = self.np.ones_like(x.reshape((-1,))[:1]) * 0.0 if math.prod(x.shape) else None
        if margin is None:
            return self.np.asarray(
                numpy.pad(numpy.zeros(x.shape), pad_width, constant_values=constant_values)
            )
        cells = self.np.concatenate(
            [x.reshape((-1,)), self.np.ones_like(x.reshape((-1,))[:1]) * constant_values]
        )
        last = math.prod(x.shape)
        return cells[numpy.pad(numpy.arange(last).reshape(tuple(x.shape)), pad_width, constant_values=last)]

    def rearranging(self) -> dict[str, Function]:
        """The functions that only move elements, or repeat them."""
        return {
            "roll": lambda x, shift=1, axis=None: shown(x, numpy.roll, shift, axis),
            "tile": lambda x, reps=2: shown(x, numpy.tile, reps),
            "repeat": lambda x, repeats=2, axis=None: shown(x, numpy.repeat, repeats, axis),
        }

    # Matrices

    def tril(self, x: Any, k: int = 0) -> Any:
        return self.np.where(numpy.tril(numpy.ones(x.shape, bool), k), x, 0.0 * self.np.ones_like(x))

    def triu(self, x: Any, k: int = 0) -> Any:
        return self.np.where(numpy.triu(numpy.ones(x.shape, bool), k), x, 0.0 * self.np.ones_like(x))

    def diag(self, x: Any, k: int = 0) -> Any:
        if x.ndim == 2:
            return shown(x, numpy.diagonal, k)
        on = numpy.diag(numpy.ones(x.shape, bool), k)
        places = numpy.diag(numpy.arange(x.shape[0]), k)
        return self.np.where(on, x[places], 0.0) if x.shape[0] else self.np.asarray(numpy.zeros(on.shape))

    def trace(self, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return self.np.sum(shown(x, numpy.diagonal, offset, axis1, axis2), axis=-1)

    def kron(self, x: Any, y: Any) -> Any:
        ndim = max(x.ndim, y.ndim)
        of_x, of_y = ((1,) * (ndim - one.ndim) + tuple(one.shape) for one in (x, y))
        apart = [tuple(n for pair in zip(of_x, (1,) * ndim, strict=True) for n in pair)]
        apart.append(tuple(n for pair in zip((1,) * ndim, of_y, strict=True) for n in pair))
        product = x.reshape(apart[0]) * y.reshape(apart[1])
        return product.reshape(tuple(a * b for a, b in zip(of_x, of_y, strict=True)))

    def outer(self, x: Any, y: Any) -> Any:
        return x.reshape((-1, 1)) * y.reshape((1, -1))

    def symmetric(self, x: Any, UPLO: Any = "L") -> Any:
        """The symmetric matrices that the lower or the upper triangles stand for: what is read of them."""
        upper = UPLO == "U"
        beside = self.triu(x, 1) if upper else self.tril(x, -1)
        return (self.triu(x) if upper else self.tril(x)) + self.np.swapaxes(beside, -1, -2)

    def solve_triangular(self, x: Any, y: Any, lower: bool = False) -> Any:
        return self.np.linalg.solve(self.tril(x) if lower else self.triu(x), y)

    # Layers and losses

    def normalize(self, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
        centred = x - self.np.mean(x, axis=axis, keepdims=True)
        return centred / self.np.sqrt(self.np.mean(centred * centred, axis=axis, keepdims=True) + eps)

    def split_heads(self, x: Any, heads: int = 1) -> Any:
        *lead, length, width = x.shape
        return self.np.swapaxes(x.reshape((*lead, length, heads, width // heads)), -2, -3)

    def merge_heads(self, x: Any) -> Any:
        *lead, heads, length, width = x.shape
        return self.np.swapaxes(x, -2, -3).reshape((*lead, length, heads * width))

    def _reduced(self, losses: Any, reduction: str) -> Any:
        if reduction == "none":
            return losses
        return self.np.sum(losses) / (max(math.prod(losses.shape), 1) if reduction == "mean" else 1)

    def mse(self, x: Any, y: Any, reduction: str = "mean") -> Any:
        return self._reduced((x - y) * (x - y), reduction)

    def mae(self, x: Any, y: Any, reduction: str = "mean") -> Any:
        return self._reduced(self.np.abs(x - y), reduction)

    def huber(self, x: Any, y: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
        near = self.clip(x - y, -delta, delta)
        return self._reduced(near * (x - y - 0.5 * near), reduction)

    def cross_entropy(self, logits: Any, targets: Any, axis: int = -1, reduction: str = "mean") -> Any:
        np, logs = self.np, self.log_softmax(logits, axis)
        if targets.ndim == logits.ndim:
            shares = targets
        else:
            lie = [1] * logits.ndim
            lie[axis] = -1
            classes = numpy.arange(float(logits.shape[axis])).reshape(lie)
            rows = targets.reshape(
                (*targets.shape[: axis % logits.ndim], 1, *targets.shape[axis % logits.ndim :])
            )
            shares = np.where(rows == np.asarray(classes), np.ones_like(logs), np.zeros_like(logs))
        terms = np.where(
            shares != 0, shares * np.where(shares != 0, logs, 0.0 * np.ones_like(logs)), 0.0 * shares
        )
        return self._reduced(-np.sum(terms, axis=axis), reduction)

    def _times_log(self, x: Any, y: Any) -> Any:
        """x * log(y), and 0 where x is 0."""
        np = self.np
        return x * np.log(np.where(x != 0, y, np.ones_like(y)))

    def binary_cross_entropy(self, x: Any, y: Any, reduction: str = "mean") -> Any:
        return self._reduced(-self._times_log(y, x) - self._times_log(1.0 - y, 1.0 - x), reduction)

    def binary_cross_entropy_with_logits(self, x: Any, y: Any, reduction: str = "mean") -> Any:
        return self._reduced(self.softplus(x) - x * y, reduction)

    # Windows

    def _windows(
        self, x: Any, size: Any, stride: Any, padding: Any, dilation: Any, filling: float
    ) -> Iterator[Any]:
        """What lies at each position in a window: as many elements as there are windows."""
        axes = len(size)
        stride, padding, dilation = (per_axis(one, axes) for one in (stride, padding, dilation))
        around = ((0, 0),) * (x.ndim - axes) + tuple((p, p) for p in padding)
        seen = self.pad(x, around, constant_values=filling) if any(padding) else x
        count = [
            (n - (k - 1) * d - 1) // s + 1
            for n, k, d, s in zip(seen.shape[-axes:], size, dilation, stride, strict=True)
        ]
        for position in itertools.product(*map(range, size)):
            yield seen[
                (
                    ...,
                    *(
                        slice(p * d, p * d + (n - 1) * s + 1, s)
                        for p, d, n, s in zip(position, dilation, count, stride, strict=True)
                    ),
                )
            ]

    def convolved(
        self, x: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:
        """A product of the weight with what lies in the windows, for each sample and group."""
        out, inner, *size = weight.shape
        parts = list(self._windows(x, tuple(size), stride, padding, dilation, 0.0))
        columns = self.np.stack(parts, axis=0)  # positions, samples, channels, windows
        axes = len(size)
        batch, count = tuple(columns.shape[1 : -axes - 1]), tuple(columns.shape[-axes:])
        columns = columns.reshape((len(parts), math.prod(batch), groups, inner, math.prod(count)))
        matrix = weight.reshape((groups, out // groups, inner, len(parts)))
        product = self.np.einsum("goip,pbgiw->bgow", matrix, columns)
        return product.reshape((*batch, out, *count))

    def _pool(self, x: Any, size: Any, stride: Any, padding: Any, filling: float) -> list[Any]:
        size = per_axis(size, 2)
        return list(self._windows(x, size, size if stride is None else stride, padding, 1, filling))

    def max_pool(self, x: Any, size: Any = 2, stride: Any = None, padding: Any = 0) -> Any:
        return self.np.max(self.np.stack(self._pool(x, size, stride, padding, -math.inf), axis=0), axis=0)

    def avg_pool(self, x: Any, size: Any = 2, stride: Any = None, padding: Any = 0) -> Any:
        parts = self._pool(x, size, stride, padding, 0.0)
        return sum(parts[1:], parts[0]) / len(parts)
