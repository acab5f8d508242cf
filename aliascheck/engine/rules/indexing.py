"""Indexing: basic slices alias, index arrays copy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aliascheck.engine.alias import alias
from aliascheck.engine.domain import reals
from aliascheck.engine.foreign import Foreign, is_foreign
from aliascheck.engine.parts import ARRAY_INDEX, is_written_out
from aliascheck.engine.primitive import primitive
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import Scattered, dense, is_basic


def _picked(x: Any, key: Any = 0) -> int:
    """How many elements an index picks: where index arrays pick, one row of them times their number."""
    basic: list[Any] = []
    shapes: list[tuple[int, ...]] = []
    for part in key if isinstance(key, tuple) else (key,):
        if not isinstance(part, np.ndarray):
            basic.append(part)
        elif part.dtype.kind == "b":
            basic += [slice(0, 1)] * part.ndim
            shapes.append((int(np.count_nonzero(part)),))
        else:
            basic.append(slice(0, 1))
            shapes.append(part.shape)
    row = np.broadcast_to(False, np.shape(x))[tuple(basic)]
    return np.size(row) * math.prod(np.broadcast_shapes(*shapes))


@primitive(name="getindex", domain=reals(-3, 3, 4), size=_picked)
def getindex(x: Any, key: Any = 0) -> Any:
    """Elements picked by number, mask or index arrays; repeated ones accumulate"""
    shape = np.shape(x)
    return np.asarray(x)[key], lambda d_out: Scattered(shape, key, d_out)


def _frozen(key: Any) -> Any:
    """A basic index as a hashable argument of its wrapper."""
    if isinstance(key, tuple):
        return tuple(_frozen(part) for part in key)
    return ("slice", key.start, key.stop, key.step) if isinstance(key, slice) else key


@alias(name="slice", domain=reals(-3, 3, 4))
def slice_(x: Any, key: Any = slice(None)) -> Any:
    """A basic slice, over the same memory"""

    shape = x.shape
    return (_frozen(key),), lambda memory: memory[key], lambda d_out: Scattered(shape, key, d_out)


def _plain_key(key: Any) -> Any:
    """An index without tracers, whole numbers as integers."""
    if is_written_out(key):
        return key
    key = primal(key)
    if isinstance(key, Foreign):
        return key
    if isinstance(key, tuple):
        return tuple(_plain_key(part) for part in key)
    if isinstance(key, list | range):
        return np.asarray(key if len(key) else [], None if len(key) else np.int64)
    if isinstance(key, str):
        raise EngineError(f"an array has no '{key}': it is indexed by whole numbers, slices and masks")
    if isinstance(key, slice):
        return slice(_whole(key.start), _whole(key.stop), _whole(key.step))
    if key is None or key is Ellipsis:
        return key
    if isinstance(key, bool):
        raise EngineError("true and false are no indices")
    key = dense(key)
    if np.ndim(key) == 0 and np.asarray(key).dtype.kind != "b":
        return _whole(key)
    if key.dtype.kind == "f":
        whole = key.astype(np.int64)
        if not np.array_equal(whole, key):
            raise EngineError("an index array holds a number that is not whole")
        return whole
    return key


def _whole(number: Any) -> int | None:
    number = primal(number)
    if number is None:
        return None
    if float(number) != int(number):
        raise EngineError(f"an index must be a whole number, not {number}")
    return int(number)


def index_array(holder: Any, key: Any) -> Any:
    """An indexed or sliced array: a wrapper where memory is shared, a new array or number where not."""
    key = _plain_key(key)
    basic = is_basic(key)
    if type(holder) is Foreign or (not basic and is_foreign(key)):
        return _index_foreign(holder, key)
    if basic and np.ndim(dense(primal(holder))[key]):
        return slice_.apply((holder,), (), {"key": key})
    return getindex.apply((holder,), (), {"key": key})


def _index_foreign(holder: Any, key: Any) -> Any:
    """As its own engine indexes an array; or an array of the bundled engine, by one of another."""
    if is_foreign(key):
        (part, *_) = (one for one in (key if isinstance(key, tuple) else (key,)) if is_foreign(one))
        return part.vocabulary.apply("getindex", (holder,), (), {"key": key})
    if is_basic(key) and np.ndim(np.broadcast_to(False, holder.shape)[key]):
        return slice_.apply((holder,), (), {"key": key})
    return getindex.apply((holder,), (), {"key": key})


ARRAY_INDEX.append(index_array)

INDICES = (0, 0, 1)
BY_NUMBER = ({"indices": INDICES}, *({"indices": ((0, -1), (2, 2)), "axis": axis} for axis in (0, 1, None)))


def _numbers(name: str, indices: Any) -> Any:
    """Indices as whole numbers: one, or an array of them."""
    if indices is None:
        raise EngineError(f"{name} needs indices", hint=f"write {name}(x, [0, 2])")
    found = _plain_key(np.asarray(dense(indices)))
    if isinstance(found, np.ndarray) and found.dtype.kind == "b":
        raise EngineError(f"{name} takes indices, not a mask", hint="write x[mask]")
    return found


def _taken_size(x: Any, indices: Any = None, axis: int | None = None) -> int:
    if axis is None or not np.ndim(x):
        return int(np.size(indices))
    rest = [extent for a, extent in enumerate(np.shape(x)) if a != axis % np.ndim(x)]
    return math.prod((*np.shape(indices), *rest))


def _taken(x: Any, indices: Any, axis: int | None) -> Any:
    out = np.take(x, indices, axis=axis)
    shape = np.shape(x)

    def pull(d_out: Any) -> Any:
        if not shape:
            return np.sum(d_out)
        if axis is None:
            return Scattered(shape, np.unravel_index(np.mod(indices, math.prod(shape)), shape), d_out)
        return Scattered(shape, (*(slice(None),) * (axis % len(shape)), indices), d_out)

    return out, pull


@primitive(domain=reals(-3, 3, 3, 4), size=_taken_size, examples=BY_NUMBER)
def take(x: Any, indices: Any = None, axis: int | None = None) -> Any:
    """Elements or rows by number, along an axis"""
    return _taken(x, _numbers("take", indices), axis)


@primitive(
    domain=reals(-3, 3, 3, 4),
    size=lambda x, indices, axis=0: _taken_size(x, indices, axis),
    examples=BY_NUMBER,
)
def gather(x: Any, indices: Any = None, axis: int = 0) -> Any:
    """Rows by number along an axis; repeated ones accumulate. The transpose of scatter"""
    return _taken(x, _numbers("gather", indices), axis)


def _scattered_size(x: Any, indices: Any = None, size: Any = None, axis: int = 0) -> int:
    rows = max(np.size(indices), 1)
    return int(size or 0) * (np.size(x) // rows)


@primitive(
    domain=reals(-3, 3, 3, 4),
    size=_scattered_size,
    examples=(
        {"indices": INDICES, "size": 5},
        {"indices": (0, -1, 2, 0), "size": 3, "axis": 1},
        {"indices": ((1, 1, 1, 1), (0, 2, 0, 2), (3, 0, 3, 0)), "size": 4},
    ),
)
def scatter(x: Any, indices: Any = None, size: int | None = None, axis: int = 0) -> Any:
    """Zeros, with the rows of x added at indices along an axis of extent `size`. The transpose of gather"""
    at = _numbers("scatter", indices)
    shape, rows = np.shape(x), np.shape(at)
    if not isinstance(size, int) or size < 0:
        raise EngineError("scatter needs the extent of its result", hint="write scatter(x, indices, size=n)")
    first = axis % max(len(shape) - len(rows) + 1, 1)
    if shape[first : first + len(rows)] != rows:
        raise EngineError(
            f"scatter: indices of shape {rows} do not name the rows of an array of shape {shape}"
        )
    whole = (*shape[:first], size, *shape[first + len(rows) :])
    out = Scattered(whole, (*(slice(None),) * first, at), x).dense()
    return out, lambda d_out: np.take(d_out, at, axis=first)


@primitive(
    domain=reals(-3, 3, 3, 4),
    size=lambda x, indices=None, axis=-1: np.size(x if indices is None else indices),
    examples=(
        {"indices": ((0, 0, 3), (1, -1, 1), (2, 2, 2))},
        {"indices": ((0, 2, 1, 1),), "axis": 0},
        {"indices": (11, 0, 0), "axis": None},
    ),
)
def take_along_axis(x: Any, indices: Any = None, axis: int | None = -1) -> Any:
    """For each row along an axis, the elements that its own row of indices names"""
    at = np.asarray(_numbers("take_along_axis", indices))
    shape = np.shape(x)
    if axis is None:
        return _taken(x, at, None)
    along = axis % max(len(shape), 1)
    key = np.ogrid[tuple(slice(extent) for extent in shape)]
    return np.take_along_axis(np.asarray(x), at, axis), lambda d_out: Scattered(
        shape, (*key[:along], at, *key[along + 1 :]), d_out
    )
