"""Indexing: basic slices alias, index arrays copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine.alias import alias
from aliascheck.engine.domain import reals
from aliascheck.engine.parts import ARRAY_INDEX
from aliascheck.engine.primitive import primitive
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense


@primitive(name="getindex", domain=reals(-3, 3, 4))
def getindex(x: Any, key: Any = 0) -> Any:
    """Elements picked by number, mask or index arrays; repeated ones accumulate"""

    def pull(d_out: Any) -> Any:
        d_x = np.zeros(np.shape(x))
        np.add.at(d_x, key, d_out)
        return d_x

    return np.asarray(x)[key], pull


def _frozen(key: Any) -> Any:
    """A basic index as a hashable argument of its wrapper."""
    if isinstance(key, tuple):
        return tuple(_frozen(part) for part in key)
    return ("slice", key.start, key.stop, key.step) if isinstance(key, slice) else key


@alias(name="slice", domain=reals(-3, 3, 4))
def slice_(x: Any, key: Any = slice(None)) -> Any:
    """A basic slice, over the same memory"""

    def back(d_out: Any) -> Any:
        d_x = np.zeros(x.shape)
        d_x[key] = d_out
        return d_x

    return (_frozen(key),), lambda memory: memory[key], back


def _is_basic(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)


def _plain_key(key: Any) -> Any:
    """An index without tracers, whole numbers as integers."""
    key = primal(key)
    if isinstance(key, tuple):
        return tuple(_plain_key(part) for part in key)
    if isinstance(key, list):
        return np.asarray(key)
    if isinstance(key, slice):
        return slice(_whole(key.start), _whole(key.stop), _whole(key.step))
    if key is None or key is Ellipsis:
        return key
    if isinstance(key, bool):
        raise EngineError("true and false are no indices")
    key = dense(key)
    if np.ndim(key) == 0 and not isinstance(key, np.ndarray):
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
    if not _is_basic(key):
        return getindex(holder, key=key)
    seen = dense(primal(holder))
    if np.ndim(seen[key]) == 0:
        return getindex(holder, key=key)
    return slice_(holder, key=key)


ARRAY_INDEX.append(index_array)


@primitive(domain=reals(-3, 3, 4))
def take(x: Any, indices: Any = (0, 0, 1), axis: Any = None) -> Any:
    """Elements or rows by number, along an axis"""
    indices = np.asarray(dense(indices)).astype(np.int64)

    def pull(d_out: Any) -> Any:
        if axis is None:
            d_x = np.zeros(np.size(x))
            np.add.at(d_x, indices, d_out)
            return d_x.reshape(np.shape(x))
        d_x = np.zeros(np.shape(x))
        key = (slice(None),) * (axis % np.ndim(x)) + (indices,)
        np.add.at(d_x, key, d_out)
        return d_x

    return np.take(x, indices, axis=axis), pull
