"""Orders: sorted copies, and where elements stand in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import primitive
from aliascheck.memory import Array

DISTINCT = reals(-3, 3, 3, 4, distinct=True)
SORTED = (reals(-3, 3, 4), reals(-3, 3, 3))


def _permuted_back(d_out: Any, order: Array, axis: int) -> Array:
    d_x = np.empty(order.shape)
    np.put_along_axis(d_x, order, d_out, axis)
    return d_x


@primitive(domain=DISTINCT)
def sort(x: Any, axis: int | None = -1) -> Any:
    """In increasing order along an axis, or all in one row"""
    row, along = (np.ravel(x), 0) if axis is None else (np.asarray(x), axis)
    order = np.argsort(row, along, kind="stable")
    return (
        np.take_along_axis(row, order, along),
        lambda d_out: _permuted_back(d_out, order, along).reshape(np.shape(x)),
    )


@primitive(domain=DISTINCT, examples=({}, {"kth": 2, "axis": 0}, {"kth": (0, 2)}, {"kth": 5, "axis": None}))
def partition(x: Any, kth: Any = 0, axis: int | None = -1) -> Any:
    """Element kth where it stands in order along an axis, smaller ones before and larger ones behind it"""
    row, along = (np.ravel(x), 0) if axis is None else (np.asarray(x), axis)
    out = np.partition(row, kth, along)

    def pull(d_out: Any) -> Any:
        order = np.empty(out.shape, np.int64)
        sorted_from = np.argsort(row, along, kind="stable")
        np.put_along_axis(order, np.argsort(out, along, kind="stable"), sorted_from, along)
        return _permuted_back(d_out, order, along).reshape(np.shape(x))

    return out, pull


@primitive(domain=DISTINCT, differentiable=False)
def argsort(x: Any, axis: int | None = -1, kind: Any = None) -> Any:
    """Where the elements in increasing order along an axis are found"""
    return np.argsort(x, axis, kind)


@primitive(domain=DISTINCT, differentiable=False)
def argpartition(x: Any, kth: Any = 0, axis: int | None = -1) -> Any:
    """Where the elements of the partition along an axis are found"""
    return np.argpartition(x, kth, axis)


@primitive(domain=SORTED, differentiable=False, size=lambda x, y, side="left": np.size(y))
def searchsorted(x: Any, y: Any, side: Any = "left") -> Any:
    """Where the elements of y would be put into the sorted vector x"""
    return np.searchsorted(x, y, side)
