"""Functions of torch under NumPy's names and with NumPy's arguments, as far as torch has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch


def floats(value: Any) -> Any:
    """A number or array as a tensor of floats; a tensor is itself."""
    if isinstance(value, torch.Tensor):
        return value
    return torch.from_numpy(np.array(value, dtype=np.float64))


asarray = floats


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes to reduce: all of them without one."""
    if axis is None or not x.ndim:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else (axis,)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis)
    return torch.sum(x, axes, keepdim=keepdims) if axes else x.clone()


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis)
    return torch.mean(x, axes, keepdim=keepdims) if axes else x.clone()


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis)
    return torch.amax(x, axes, keepdim=keepdims) if axes else x.clone()


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis)
    return torch.amin(x, axes, keepdim=keepdims) if axes else x.clone()


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = x
    for one in sorted((a % x.ndim for a in axes_of(x, axis)), reverse=True):
        out = torch.prod(out, one, keepdim=keepdims)
    return out.clone() if out is x else out


def along(function: Any, x: Any, axis: Any) -> Any:
    """A function of one axis; without one, of all elements in a row."""
    return function(x.reshape(-1), 0) if axis is None or not x.ndim else function(x, axis)


def position(function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A position along an axis; without one, among all elements in a row."""
    if axis is not None and x.ndim:
        return function(x, axis, keepdim=keepdims)
    found = function(x.reshape(-1), 0)
    return found.reshape((1,) * x.ndim) if keepdims else found


def transpose(x: Any, axes: Any = None) -> Any:
    return x.permute(tuple(reversed(range(x.ndim))) if axes is None else axes)


def reshape(x: Any, shape: Any) -> Any:
    return torch.reshape(x, shape)


def swapaxes(x: Any, one: int, other: int) -> Any:
    return torch.swapaxes(x, one, other)


def stack(parts: Any, axis: int = 0) -> Any:
    return torch.stack(list(parts), axis)


def concatenate(parts: Any, axis: Any = 0) -> Any:
    if axis is None:
        return torch.cat([part.reshape(-1) for part in parts], 0)
    return torch.cat(list(parts), axis)


def where(condition: Any, x: Any, y: Any) -> Any:
    holds = condition if isinstance(condition, torch.Tensor) else torch.from_numpy(np.asarray(condition))
    return torch.where(holds, floats(x), floats(y))


def maximum(x: Any, y: Any) -> Any:
    return torch.maximum(*torch.broadcast_tensors(floats(x), floats(y)))


def minimum(x: Any, y: Any) -> Any:
    return torch.minimum(*torch.broadcast_tensors(floats(x), floats(y)))


def logaddexp(x: Any, y: Any) -> Any:
    return torch.logaddexp(floats(x), floats(y))


def einsum(spec: str, *operands: Any) -> Any:
    return torch.einsum(spec, *operands)


def indexed(x: Any, key: Any = 0) -> Any:
    """An indexed or sliced tensor. Torch has no slices that run backwards: those pick by number."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
        x, parts = _forwards(x, parts)
    return x[tuple(_part(part) for part in parts)]


def _part(part: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(part)) if isinstance(part, np.ndarray) else part


def _forwards(x: Any, parts: list[Any]) -> tuple[Any, list[Any]]:
    """A tensor picked along the axes of slices that run backwards, and the rest of the index."""
    taken = [_width(part) for part in parts]
    spare = x.ndim - math.fsum(taken)
    axis, rest = 0, []
    for part, width in zip(parts, taken, strict=True):
        if isinstance(part, slice) and (part.step or 1) < 0:
            numbers = torch.tensor(list(range(*part.indices(x.shape[axis]))), dtype=torch.int64)
            x, part = x.index_select(axis, numbers), slice(None)  # noqa: PLW2901
        rest.append(part)
        axis += int(spare) if part is Ellipsis else width
    return x, rest


def _width(part: Any) -> int:
    """How many axes a part of an index takes."""
    if part is None or part is Ellipsis:
        return 0
    is_mask = getattr(part, "dtype", None) in (torch.bool, np.dtype(bool))
    return int(part.ndim) if is_mask else 1


abs = torch.abs
sign = torch.sign
sqrt = torch.sqrt
exp = torch.exp
log = torch.log
expm1 = torch.expm1
tanh = torch.tanh
round = torch.round
isfinite = torch.isfinite
zeros_like = torch.zeros_like
ones_like = torch.ones_like
linalg = torch.linalg
