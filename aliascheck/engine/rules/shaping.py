"""Shapes: aliases that show memory differently; copies and stops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from aliascheck.engine.alias import Unwrapping, alias
from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import REGISTRY, primitive, unbroadcast
from aliascheck.engine.stops import hold
from aliascheck.errors import EngineError

MATRIX = reals(-3, 3, 3, 4)


def shape_of(parts: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape that settings such as `2, 3` or `(2, 3)` name. Raises EngineError for anything else."""
    if len(parts) == 1 and isinstance(parts[0], tuple):
        parts = parts[0]
    if any(isinstance(extent, bool) or not isinstance(extent, int) for extent in parts):
        raise EngineError("a shape is made of whole numbers")
    return parts


def _flip(memory: Any) -> Any:
    return memory.reshape(1, -1) if memory.ndim == 1 else memory.T


@alias(domain=MATRIX, undoes=("adjoint", "transpose"))
def adjoint(x: Any) -> Any:
    """Rows as columns; a vector of n becomes (1, n). `adjoint(adjoint(x))` is `x`."""
    if x.ndim > 2:
        raise EngineError("adjoint takes vectors and matrices", hint="use permutedims(x, (2, 0, 1))")
    return (), _flip, _flip if x.ndim == 2 else lambda d_out: d_out.T.reshape(x.shape)


@alias(domain=MATRIX, undoes=("adjoint", "transpose"))
def transpose(x: Any, axes: Any = None) -> Any:
    """Axes reversed, or in the order given; a vector of n becomes (1, n)."""
    if axes is not None:
        return _permuted(x, axes)
    return (), _flip, _flip if x.ndim == 2 else lambda d_out: d_out.T.reshape(x.shape)


def _parent(x: Any) -> Any:
    """What a wrapper that shows all of its parent was made of: parent(adjoint(x)) is x."""
    return x


REGISTRY["parent"] = Unwrapping(_parent, "parent", domain=MATRIX, examples=())


def _permuted(x: Any, axes: Any) -> Any:
    axes = shape_of((axes,))
    if sorted(a % x.ndim if x.ndim else a for a in axes) != list(range(x.ndim)):
        raise EngineError(f"axes {axes} are no order of the axes of an array of shape {x.shape}")
    axes = tuple(a % x.ndim for a in axes)
    return (axes,), lambda memory: memory.transpose(axes), lambda d_out: d_out.transpose(np.argsort(axes))


@alias(domain=MATRIX)
def permutedims(x: Any, axes: Any = (1, 0)) -> Any:
    """Axes in the order given"""
    return _permuted(x, axes)


@alias(domain=MATRIX, examples=({}, {"axis1": 0, "axis2": 1}, {"axis1": 1, "axis2": 1}))
def swapaxes(x: Any, axis1: int = -1, axis2: int = -2) -> Any:
    """Two axes exchanged"""
    axes = list(range(x.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return _permuted(x, tuple(axes))


@alias(domain=reals(-3, 3, 2, 3, 4), examples=({}, {"source": (0, -1), "destination": (2, 0)}))
def moveaxis(x: Any, source: Any = 0, destination: Any = -1) -> Any:
    """Axes moved to other positions, the others kept in order"""
    sources, targets = _axes_of(x, source), _axes_of(x, destination)
    if len(sources) != len(targets):
        raise EngineError(f"moveaxis: {len(sources)} axes have {len(targets)} destinations")
    axes = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        axes.insert(target, axis)
    return _permuted(x, tuple(axes))


def _axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    """One axis or several, counted from the first. Raises EngineError where `x` has no such axis."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    if any(not isinstance(a, int) or not -x.ndim <= a < x.ndim for a in axes):
        raise EngineError(f"axis {axis} is outside an array of shape {x.shape}")
    return tuple(a % x.ndim for a in axes)


def _without_copy(shape: tuple[int, ...]) -> Any:
    def show(memory: Any) -> Any:
        seen = memory.reshape(shape)
        if seen.size and not np.may_share_memory(seen, memory):
            raise EngineError(
                f"a view of strides {memory.strides} cannot be reshaped to {shape} without a copy",
                hint="write reshape(copy(x), ...) if new memory is meant",
            )
        return seen

    return show


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    known = math.prod(extent for extent in shape if extent != -1)
    if shape.count(-1) > 1 or (known != x.size if -1 not in shape else known == 0 or x.size % known != 0):
        raise EngineError(f"an array of shape {x.shape} has no reshape to {shape}")
    if -1 in shape:
        shape = tuple(x.size // known if extent == -1 else extent for extent in shape)
    return (shape,), _without_copy(shape), lambda d_out: np.reshape(d_out, x.shape)


@alias(domain=MATRIX)
def reshape(x: Any, *shape: Any) -> Any:
    """Another shape over the same memory, row by row"""
    return _reshaped(x, shape_of(shape))


@alias(domain=MATRIX)
def ravel(x: Any) -> Any:
    """All elements in one row over the same memory"""
    return _reshaped(x, (x.size,))


@alias(domain=reals(-3, 3, 1, 3, 1), examples=({}, {"axis": 0}, {"axis": (0, -1)}))
def squeeze(x: Any, axis: Any = None) -> Any:
    """Without axes of extent 1: all of them, or those given"""
    ones = [a for a, extent in enumerate(x.shape) if extent == 1] if axis is None else _axes_of(x, axis)
    if any(x.shape[a] != 1 for a in ones):
        raise EngineError(f"squeeze: axis {axis} of an array of shape {x.shape} has not the extent 1")
    return _reshaped(x, tuple(extent for a, extent in enumerate(x.shape) if a not in ones))


@alias(domain=MATRIX, examples=({}, {"axis": 1}, {"axis": -1}, {"axis": (0, 2)}))
def expand_dims(x: Any, axis: Any = 0) -> Any:
    """One more axis of extent 1, or several"""
    return _reshaped(x, np.expand_dims(x, axis).shape)


@alias(domain=reals(-3, 3, 3, 4), examples=({}, {"offset": 1}, {"offset": -2}, {"offset": 5}))
def diagonal(x: Any, offset: int = 0) -> Any:
    """The diagonal of a matrix or one beside it, over the same memory"""
    if x.ndim != 2:
        raise EngineError("diagonal takes a matrix", hint="use diag(x) to make one from a vector")

    def show(memory: Any) -> Any:
        part = memory[:, offset:] if offset > 0 else memory[-offset:]
        return as_strided(part, (min(part.shape),), (sum(part.strides),))

    return (offset,) if offset else (), show, None


@alias(domain=MATRIX)
def rot90(x: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by k times 90 degrees, from the first of two axes to the second, over the same memory"""
    if len(set(_axes_of(x, axes))) != 2:
        raise EngineError(f"rot90: {axes} are not two axes of an array of shape {x.shape}")
    return (k, axes), lambda memory: np.rot90(memory, k, axes), lambda d_out: np.rot90(d_out, -k, axes)


@alias(domain=MATRIX)
def flip(x: Any, axis: Any = None) -> Any:
    """In reverse order along an axis, or all, over the same memory"""
    if x.ndim == 0 and axis is None:  # which NumPy gives back as a number, without its memory
        return (axis,), lambda memory: memory, lambda d_out: d_out
    return (axis,), lambda memory: np.flip(memory, axis), lambda d_out: np.flip(d_out, axis)


@alias(domain=MATRIX)
def fliplr(x: Any) -> Any:
    """Columns in reverse order, over the same memory"""
    return (), lambda memory: memory[:, ::-1], lambda d_out: d_out[:, ::-1]


@alias(domain=MATRIX)
def flipud(x: Any) -> Any:
    """Rows in reverse order, over the same memory"""
    return (), lambda memory: memory[::-1], lambda d_out: d_out[::-1]


@alias(domain=MATRIX)
def broadcast_to(x: Any, *shape: Any) -> Any:
    """Repeated to a larger shape without new memory (stride 0)"""
    wanted = shape_of(shape)
    if np.broadcast_shapes(x.shape, wanted) != wanted:
        raise EngineError(f"an array of shape {x.shape} cannot be broadcast to {wanted}")
    return (
        (wanted,),
        lambda memory: np.broadcast_to(memory, wanted),
        lambda d_out: unbroadcast(d_out, x.shape),
    )


@alias(domain=reals(-3, 3, 12))
def view(x: Any, shape: Any = None, strides: Any = None, offset: int = 0) -> Any:
    """Any strided window on the cells of x: shape, strides and offset count elements of its memory."""
    shape = x.shape if shape is None else shape_of((shape,))
    if strides is None:
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    strides = shape_of((strides,))
    if len(shape) != len(strides):
        raise EngineError(
            f"view: {len(shape)} extents and {len(strides)} strides", hint="give one stride an axis"
        )
    if any(extent < 0 for extent in shape):
        raise EngineError("view: an extent is negative")
    _check_inside(x, shape, strides, offset)

    own_strides = x.strides

    def show(memory: Any) -> Any:
        if memory.strides != own_strides:
            return memory.ravel()[_element_numbers(memory.shape, own_strides, shape, strides, offset)]
        unit = memory.itemsize
        reach = sum((extent - 1) * step for extent, step in zip(memory.shape, own_strides, strict=True))
        cells = as_strided(memory, (reach // unit + 1,), (unit,)) if memory.size else memory.ravel()
        return as_strided(cells[offset:], shape, tuple(stride * unit for stride in strides))

    return (shape, strides, offset), show, None


def _element_numbers(
    own_shape: tuple[int, ...],
    own_strides: tuple[int, ...],
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
) -> Any:
    """Which elements of an array a window shows, for a copy of it that lies differently in memory."""
    own = _offsets(own_shape, tuple(stride // 8 for stride in own_strides)).ravel()
    window = offset + _offsets(shape, strides)
    order = np.argsort(own, kind="stable")
    return order[np.searchsorted(own[order], window)]


def _offsets(shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    total = np.zeros(shape, np.int64)
    for axis, (extent, stride) in enumerate(zip(shape, strides, strict=True)):
        steps = np.arange(extent, dtype=np.int64) * stride
        total += steps.reshape((-1,) + (1,) * (len(shape) - 1 - axis))
    return total


def _check_inside(x: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
    """Refuse a window that leaves the cells of `x`. Whole numbers of any size, so nothing overflows."""
    if 0 in shape:
        return
    reached = {offset}
    if math.prod(shape) > 2**27:
        raise EngineError(f"view: {math.prod(shape)} elements are more than 2**27")
    low = offset + sum(min(0, (extent - 1) * stride) for extent, stride in zip(shape, strides, strict=True))
    high = offset + sum(max(0, (extent - 1) * stride) for extent, stride in zip(shape, strides, strict=True))
    own = _own_offsets(x)
    if low < 0 or high > (int(own[-1]) if own.size else -1):
        raise EngineError(
            f"view: it reaches from element {low} to {high}, outside its argument's "
            f"memory of elements 0 to {int(own[-1]) if own.size else -1}"
        )
    if len(own) == int(own[-1]) + 1:
        return
    for extent, stride in zip(shape, strides, strict=True):
        reached = {start + position * stride for start in reached for position in range(extent)}
    outside = sorted(reached - set(own.tolist()))
    if outside:
        raise EngineError(f"view: element {outside[0]} lies between the cells of its argument")


def _own_offsets(x: Any) -> Any:
    """The distances, in elements, of the cells of `x` from its first one, in order."""
    if any(stride < 0 for stride in x.strides):
        raise EngineError("view: its argument runs backwards in memory", hint="view what it was flipped from")
    offsets = np.zeros((1,), np.int64)
    for extent, stride in zip(x.shape, x.strides, strict=True):
        steps = np.arange(extent, dtype=np.int64) * (stride // x.itemsize)
        offsets = np.unique(offsets[:, None] + steps[None, :])
    return offsets if x.size else offsets[:0]


@primitive
def copy(x: Any) -> Any:
    """New memory with the same numbers, row by row: breaks a tie"""
    return np.array(x, float, order="C"), lambda d_out: d_out


@primitive(differentiable=False)
def stop_gradient(x: Any) -> Any:
    """x as a constant"""
    return hold(np.array(x, float))[()]
