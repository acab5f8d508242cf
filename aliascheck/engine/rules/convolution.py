"""Convolution and pooling: windows that slide over the last axes, and the layers around them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from aliascheck.engine.domain import reals
from aliascheck.engine.layer import given, has_field, layer
from aliascheck.engine.parts import read_field
from aliascheck.engine.primitive import primitive
from aliascheck.engine.rules.elementwise import add
from aliascheck.engine.rules.shaping import reshape
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import Data, dense

Extents = tuple[int, ...]


class Windows(Data, frozen=True):
    """Where windows of `size` lie over padded extents: `count` of them along each axis."""

    size: Extents
    stride: Extents
    padding: Extents
    dilation: Extents
    count: Extents

    @property
    def axes(self) -> Extents:
        """The axes that they slide over: the last ones."""
        return tuple(range(-len(self.size), 0))

    def positions(self) -> Iterator[tuple[Any, ...]]:
        """For each position in a window, the index of the elements that lie there."""
        for position in itertools.product(*map(range, self.size)):
            yield (
                ...,
                *(
                    slice(p * d, p * d + (n - 1) * s + 1, s)
                    for p, d, n, s in zip(position, self.dilation, self.count, self.stride, strict=True)
                ),
            )

    def padded(self, x: Any, filling: float = 0.0) -> Any:
        """x with `filling` around its last axes; x itself where there is no padding."""
        if not any(self.padding):
            return x
        around = [(0, 0)] * (x.ndim - len(self.size)) + [(p, p) for p in self.padding]
        return np.pad(x, around, constant_values=filling)

    def spread_shape(self, shape: Extents) -> Extents:
        """`shape` with its last axes padded."""
        lead = len(shape) - len(self.size)
        return (*shape[:lead], *(n + 2 * p for n, p in zip(shape[lead:], self.padding, strict=True)))

    def cropped(self, x: Any) -> Any:
        """x without its padding."""
        if not any(self.padding):
            return x
        extents = x.shape[-len(self.size) :]
        inside: Any = (..., *(slice(p, n - p) for p, n in zip(self.padding, extents, strict=True)))
        return x[inside]

    def columns(self, x: Any) -> Any:
        """What each position in a window sees: (..., *size, *count), in new memory or as a view of x."""
        reach = tuple((k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True))
        slid = sliding_window_view(self.padded(x), reach, self.axes)
        steps: Any = (..., *(slice(None, None, step) for step in (*self.stride, *self.dilation)))
        slid = slid[steps]
        lead, n = slid.ndim - 2 * len(self.size), len(self.size)
        return slid.transpose(*range(lead), *range(lead + n, lead + 2 * n), *range(lead, lead + n))


def _extents(name: str, what: str, value: Any, axes: int, least: int) -> Extents:
    """A setting as one whole number an axis. Raises EngineError for anything else."""
    parts = value if isinstance(value, tuple) else (value,) * axes
    if any(isinstance(part, bool) or not isinstance(part, int) or part < least for part in parts):
        raise EngineError(f"{name}: the {what} must be whole and at least {least}, not {value}")
    if len(parts) != axes:
        raise EngineError(f"{name}: the {what} has {len(parts)} numbers for {axes} axes")
    return parts


def _windows(
    name: str, shape: Extents, size: Extents, stride: Any, padding: Any, dilation: Any = 1
) -> Windows:
    """The windows over the last axes of `shape`. Raises EngineError where not even one fits."""
    axes = len(size)
    stride = _extents(name, "stride", stride, axes, 1)
    padding = _extents(name, "padding", padding, axes, 0)
    dilation = _extents(name, "dilation", dilation, axes, 1)
    count = tuple(
        (n + 2 * p - (k - 1) * d - 1) // s + 1
        for n, p, k, d, s in zip(shape[-axes:], padding, size, dilation, stride, strict=True)
    )
    if min(count) < 1:
        raise EngineError(f"{name}: a window of {size} does not fit into {shape[-axes:]}, padding {padding}")
    return Windows(size, stride, padding, dilation, count)


def _over_input(
    name: str, x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Windows:
    """The windows of a convolution. Raises EngineError where input, weight and settings do not fit."""
    shape, kernel = np.shape(x), np.shape(weight)
    axes = 2 if name == "conv2d" else 1
    if len(kernel) != axes + 2 or 0 in kernel:
        wanted = "(out, in, height, width)" if axes == 2 else "(out, in, length)"
        raise EngineError(f"{name}: the weight has the shape {wanted}, not {kernel}")
    if len(shape) not in (axes + 1, axes + 2):
        wanted = "(N, C, H, W) or (C, H, W)" if axes == 2 else "(N, C, L) or (C, L)"
        raise EngineError(f"{name}: the input has the shape {wanted}, not {shape}")
    (groups,) = _extents(name, "number of groups", groups, 1, 1)
    channels = shape[-axes - 1]
    if channels != kernel[1] * groups or kernel[0] % groups:
        raise EngineError(
            f"{name}: {channels} channels in {groups} groups do not fit a weight of shape {kernel}",
            hint="the weight has the shape (out, in / groups, ...), and out is a multiple of groups",
        )
    return _windows(name, shape, kernel[2:], stride, padding, dilation)


def _convolve(name: str, x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    """A matrix product of the weight with the columns of the input, for each sample and group."""
    windows = _over_input(name, x, weight, stride, padding, dilation, groups)
    axes, shape, kernel = len(windows.size), np.shape(x), np.shape(weight)
    batch = shape[: -axes - 1]
    rows = (*batch, groups, kernel[0] // groups, math.prod(windows.count))
    columns = windows.columns(x).reshape(*batch, groups, math.prod(kernel[1:]), rows[-1])
    matrix = np.reshape(weight, (groups, rows[-2], -1))

    def d_x(d_out: Any) -> Any:
        d_columns = np.swapaxes(matrix, -1, -2) @ d_out.reshape(rows)
        d_columns = d_columns.reshape(*batch, shape[-axes - 1], -1, *windows.count)
        d_padded = np.zeros(windows.spread_shape(shape))
        for number, position in enumerate(windows.positions()):
            d_padded[position] += d_columns[(..., number, *(slice(None),) * axes)]
        return windows.cropped(d_padded)

    def d_weight(d_out: Any) -> Any:
        d_matrix = d_out.reshape(rows) @ np.swapaxes(columns, -1, -2)
        return (d_matrix.sum(axis=0) if batch else d_matrix).reshape(kernel)

    return (matrix @ columns).reshape(*batch, kernel[0], *windows.count), (d_x, d_weight)


def _columns_size(name: str) -> Callable[..., int]:
    def size(
        x: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> int:
        """The elements of the columns and of the result, and of the padded input."""
        windows = _over_input(name, x, weight, stride, padding, dilation, groups)
        kernel, samples = np.shape(weight), math.prod(np.shape(x)[: -len(windows.size) - 1])
        rows = math.prod(kernel[1:]) * groups + kernel[0]
        columns: int = samples * rows * math.prod(windows.count)
        return columns + math.prod(windows.spread_shape(np.shape(x)))

    return size


@primitive(
    domain=(reals(-3, 3, 2, 4, 7), reals(-3, 3, 6, 2, 3)),
    size=_columns_size("conv1d"),
    examples=[
        {"groups": 2},
        {"stride": 2, "padding": 1, "groups": 2},
        {"padding": 3, "dilation": 2, "groups": 2},
        {"stride": 3, "dilation": (3,), "groups": 2},
    ],
)
def conv1d(x: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    """Cross-correlation of (N, C, L) or (C, L) with a weight of (out, C / groups, length)"""
    return _convolve("conv1d", x, weight, stride, padding, dilation, groups)


@primitive(
    domain=(reals(-3, 3, 2, 4, 5, 6), reals(-3, 3, 4, 2, 3, 2)),
    size=_columns_size("conv2d"),
    examples=[
        {"groups": 2},
        {"stride": 2, "padding": 1, "groups": 2},
        {"stride": (1, 3), "padding": (2, 0), "groups": 2},
        {"padding": 1, "dilation": (2, 3), "groups": 2},
    ],
)
def conv2d(x: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    """Cross-correlation of (N, C, H, W) or (C, H, W) with a weight of (out, C / groups, height, width)"""
    return _convolve("conv2d", x, weight, stride, padding, dilation, groups)


def _pool_windows(name: str, x: Any, size: Any, stride: Any, padding: Any) -> Windows:
    """The windows of a pool. Raises EngineError where they do not fit, or one would see only padding."""
    size = _extents(name, "size", size, len(size) if isinstance(size, tuple) else 2, 1)
    shape = np.shape(x)
    if not size or len(shape) < len(size):
        raise EngineError(f"{name}: windows of {size} do not slide over an input of shape {shape}")
    windows = _windows(name, shape, size, size if stride is None else stride, padding)
    if any(2 * p > k for p, k in zip(windows.padding, size, strict=True)):
        raise EngineError(f"{name}: the padding {windows.padding} is over half of the size {size}")
    return windows


def _padded_size(name: str) -> Callable[..., int]:
    def size(x: Any, size: Any = 2, stride: Any = None, padding: Any = 0) -> int:
        """The elements of the padded input and of the result."""
        windows = _pool_windows(name, x, size, stride, padding)
        lead: int = math.prod(np.shape(x)[: -len(windows.size)])
        return math.prod(windows.spread_shape(np.shape(x))) + lead * math.prod(windows.count)

    return size


POOLS = [
    {},
    {"size": 3, "stride": 2, "padding": 1},
    {"size": (2, 3), "stride": 1},
    {"size": (3,), "padding": 1},
]


@primitive(domain=reals(-3, 3, 2, 2, 5, 6, distinct=True), size=_padded_size("max_pool"), examples=POOLS)
def max_pool(x: Any, size: Any = 2, stride: Any = None, padding: Any = 0) -> Any:
    """Largest element of each window over the last axes: two, or as many as size has numbers"""
    windows = _pool_windows("max_pool", x, size, stride, padding)
    seen = windows.padded(x, -np.inf)
    first, *others = list(windows.positions())
    out, winner = np.array(seen[first], float), np.zeros(seen[first].shape, np.int64)
    for number, position in enumerate(others, 1):
        part = seen[position]
        larger = ~(part <= out) & ~np.isnan(out)  # what is not a number wins, and stays
        np.copyto(out, part, where=larger)
        winner[larger] = number

    def pull(d_out: Any) -> Any:
        d_padded = np.zeros(seen.shape)
        for number, position in enumerate((first, *others)):
            d_padded[position] += np.where(winner == number, d_out, 0.0)
        return windows.cropped(d_padded)

    return out, pull


@primitive(domain=reals(-3, 3, 2, 2, 5, 6), size=_padded_size("avg_pool"), examples=POOLS)
def avg_pool(x: Any, size: Any = 2, stride: Any = None, padding: Any = 0) -> Any:
    """Mean of each window over the last axes, padding counted as 0: two, or as many as size has numbers"""
    windows = _pool_windows("avg_pool", x, size, stride, padding)
    seen = windows.padded(x)
    share = 1.0 / math.prod(windows.size)
    out: Any = 0.0
    for position in windows.positions():
        out = out + seen[position]

    def pull(d_out: Any) -> Any:
        d_padded, part = np.zeros(seen.shape), d_out * share
        for position in windows.positions():
            d_padded[position] += part
        return windows.cropped(d_padded)

    return out * share, pull


CONVOLUTION = ("stride", "padding", "dilation", "groups")
POOL = ("size", "stride", "padding")


def _convolved(self: Any, x: Any, convolution: Any, axes: int) -> Any:
    weight = read_field(self, "weight")
    out = convolution(x, weight, **given(self, CONVOLUTION))
    if not has_field(self, "bias"):
        return out
    bias = read_field(self, "bias")
    if np.shape(dense(primal(bias))) != np.shape(dense(primal(weight)))[:1]:
        raise EngineError(
            f"{primal(self).name}: the bias has the shape {np.shape(dense(primal(bias)))}, "
            f"and the weight {np.shape(dense(primal(weight)))}"
        )
    return add(out, reshape(bias, -1, *(1,) * axes))


@layer(fields=("weight", "bias", *CONVOLUTION), required=1)
def Conv1d(self: Any, x: Any) -> Any:  # noqa: N802
    """conv1d(x, weight) + bias, for (N, C, L) or (C, L); weight (out, C / groups, length)"""
    return _convolved(self, x, conv1d, 1)


@layer(fields=("weight", "bias", *CONVOLUTION), required=1)
def Conv2d(self: Any, x: Any) -> Any:  # noqa: N802
    """conv2d(x, weight) + bias, for (N, C, H, W) or (C, H, W); weight (out, C / groups, height, width)"""
    return _convolved(self, x, conv2d, 2)


@layer(fields=POOL, required=1)
def MaxPool(self: Any, x: Any) -> Any:  # noqa: N802
    """max_pool over the last two axes, or as many as size has numbers; the stride is the size if not given"""
    return max_pool(x, **given(self, POOL))


@layer(fields=POOL, required=1)
def AvgPool(self: Any, x: Any) -> Any:  # noqa: N802
    """avg_pool over the last two axes, or as many as size has numbers; the stride is the size if not given"""
    return avg_pool(x, **given(self, POOL))
