"""Arrays joined into one, and one array split into aliases of its parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aliascheck.engine.composite import composite
from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import primitive
from aliascheck.engine.rules.indexing import index_array
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense

PARTS = ([reals(-3, 3, 2, 3), reals(-3, 3, 2, 3)],)
EVEN = reals(-3, 3, 4, 4)
SECTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"indices_or_sections": 4},
    {"indices_or_sections": (1, 3)},
    {"indices_or_sections": ()},
)


@primitive(domain=PARTS, container=True, examples=({}, {"axis": 1}, {"axis": -1}, {"axis": None}))
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """Arrays joined along an axis, or with None all their elements in one row"""
    shapes = [array.shape if type(array) is np.ndarray else () for array in arrays]

    def pull(d_out: Any) -> Any:
        before = (slice(None),) * (0 if axis is None else axis % d_out.ndim)
        parts, end = [], 0
        for shape in shapes:
            start, end = end, end + (math.prod(shape) if axis is None else shape[axis])
            part = d_out[(*before, slice(start, end))]
            parts.append(part.reshape(shape) if axis is None else part)
        return parts

    return np.concatenate(arrays, axis), pull


@primitive(domain=PARTS, container=True)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Arrays joined along a new axis"""
    return np.stack(arrays, axis), lambda d_out: list(np.moveaxis(d_out, axis, 0))


stack.new_axis = True


@primitive(domain=PARTS, container=True)
def hstack(arrays: Any) -> Any:
    """Arrays side by side"""
    return _joined([np.atleast_1d(array) for array in arrays], 0 if np.ndim(arrays[0]) < 2 else 1, arrays)


@primitive(domain=PARTS, container=True)
def vstack(arrays: Any) -> Any:
    """Arrays one below the other"""
    return _joined([np.atleast_2d(array) for array in arrays], 0, arrays)


def _joined(raised: Sequence[Any], axis: int, arrays: Sequence[Any]) -> Any:
    """`arrays` joined with the axes that were added to each."""
    out, (split_up,) = concatenate.compute([raised], (axis,), {})
    return out, lambda d_out: [
        np.reshape(part, np.shape(array)) for part, array in zip(split_up(d_out), arrays, strict=True)
    ]


@composite(domain=EVEN, examples=(*SECTIONS, {"axis": 1}))
def split(x: Any, indices_or_sections: Any = 2, axis: int = 0) -> Any:
    """A list of equal parts along an axis, or of those between the indices given, over the same memory"""
    extent, sections = _extent(x, axis), indices_or_sections
    if not isinstance(sections, tuple) and extent % _positive(sections):
        raise EngineError(
            f"split: {extent} elements have no {sections} equal parts", hint="use array_split(x, n)"
        )
    return _parts(x, sections, axis)


@composite(domain=EVEN, examples=(*SECTIONS, {"indices_or_sections": 3, "axis": -1}))
def array_split(x: Any, indices_or_sections: Any = 2, axis: int = 0) -> Any:
    """As split, with parts that need not be equal"""
    return _parts(x, indices_or_sections, axis)


@composite(domain=EVEN, examples=SECTIONS)
def hsplit(x: Any, indices_or_sections: Any = 2) -> Any:
    """A list of parts side by side, over the same memory"""
    return split.forward(x, indices_or_sections, 0 if np.ndim(dense(primal(x))) == 1 else 1)


@composite(domain=EVEN, examples=SECTIONS)
def vsplit(x: Any, indices_or_sections: Any = 2) -> Any:
    """A list of parts one below the other, over the same memory"""
    return split.forward(x, indices_or_sections, 0)


def _parts(x: Any, sections: Any, axis: int) -> list[Any]:
    extent = _extent(x, axis)
    before = (slice(None),) * (axis % np.ndim(dense(primal(x))))
    ends = _ends(extent, sections)
    return [
        index_array(x, (*before, slice(start, end)))
        for start, end in zip((0, *ends), (*ends, extent), strict=True)
    ]


def _ends(extent: int, sections: Any) -> tuple[int, ...]:
    """Where all parts but the last end: given, or as equal as can be, the longer ones first."""
    if isinstance(sections, tuple):
        return sections
    size, longer = divmod(extent, _positive(sections))
    return tuple(size * part + min(part, longer) for part in range(1, sections))


def _extent(x: Any, axis: int) -> int:
    shape = np.shape(dense(primal(x)))
    if not -len(shape) <= axis < len(shape):
        raise EngineError(f"split: axis {axis} is outside an array of shape {shape}")
    return int(shape[axis])


def _positive(sections: Any) -> int:
    if not isinstance(sections, int) or sections < 1:
        raise EngineError("split: the number of parts must be a whole number from 1 on")
    return sections
