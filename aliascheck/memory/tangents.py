"""Gradients of values, with the kinds of absence kept apart: `NOTHING` is not zero.

A dense (natural) tangent of an array or wrapper is an array of its shape; `Scattered` is one that is
zero but at some indices, and not yet written out. A structural tangent mirrors a value's parts: `Fields`
for a record, tuple, list or dict for containers, `NOTHING` where a part got none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from aliascheck.memory.values import Array, Wrapper, dense


class Nothing:
    """The absent gradient: nothing depends on this value structurally."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Final = Nothing()


class Fields(dict[str, Any]):
    """The structural tangent of a record: field name to tangent."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(" + ", ".join(f"{name}={value!r}" for name, value in self.items()) + ",)"


class Scattered:
    """A natural tangent that is zero but at some indices: pieces to be added into an array of zeros.

    Reading n elements one by one makes n pieces and one array, not n arrays. Sums share the list of
    pieces as long as only one of them grows, so that adding a piece costs the same however many there are.
    What dense tangents were added stands beside the pieces, summed, as `base`.
    """

    __slots__ = ("base", "count", "pieces", "shape")
    __array_ufunc__ = None  # an array leaves sums with it to __radd__

    def __init__(self, shape: tuple[int, ...], key: Any, tangent: Any) -> None:
        self.shape = shape
        self.pieces = [(key, tangent)]
        self.count = 1
        self.base: Any = None

    def __repr__(self) -> str:
        return f"Scattered({self.dense()!r})"

    def _with(self, pieces: list[tuple[Any, Any]], base: Any) -> Scattered:
        made = Scattered.__new__(Scattered)
        made.shape, made.pieces, made.count, made.base = self.shape, pieces, len(pieces), base
        return made

    def _own_pieces(self) -> list[tuple[Any, Any]]:
        return self.pieces if len(self.pieces) == self.count else self.pieces[: self.count]

    def __add__(self, other: Any) -> Scattered:
        pieces = self._own_pieces()
        if not isinstance(other, Scattered):
            return self._with(pieces, other if self.base is None else self.base + other)
        pieces.extend(other.pieces[: other.count])
        if self.base is None or other.base is None:
            return self._with(pieces, other.base if self.base is None else self.base)
        return self._with(pieces, self.base + other.base)

    __radd__ = __add__

    def each(self, change: Callable[[Any], Any]) -> Scattered:
        """The tangent whose pieces are changed by a linear map of zero to zero."""
        pieces = [(key, change(tangent)) for key, tangent in self.pieces[: self.count]]
        return self._with(pieces, None if self.base is None else change(self.base))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.dense(), dtype)

    def dense(self) -> Array:
        """The tangent written out, in new memory."""
        untouched = self.base is None
        total = np.zeros(self.shape) if untouched else np.array(self.base, float, order="C")
        for key, tangent in self.pieces[: self.count]:
            if not is_basic(key):
                _add_at(total, key, tangent)
            elif untouched:
                total[key] = tangent
            else:
                total[key] += tangent
            untouched = False
        return total


def _add_at(total: Array, key: Any, tangent: Any) -> None:
    """`total[key] += tangent`, where an element that is picked several times gets all of them.

    NumPy's add.at is quick on vectors only (2 ns an element, and 9 ns on others): many picks from an array
    are made on its one row of elements, in memory of our own.
    """
    if total.ndim == 1 or 8 * np.size(tangent) < total.size:
        np.add.at(total, key, tangent)
    else:
        cells = np.arange(total.size).reshape(total.shape)[key]
        np.add.at(total.reshape(-1), cells.ravel(), np.broadcast_to(tangent, cells.shape).ravel())


def is_basic(key: Any) -> bool:
    """Whether an index is basic: made of numbers and slices, so that no element is picked twice."""
    if type(key) is slice or type(key) is int:  # most are
        return True
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)


def settled(tangent: Any) -> Any:
    """A tangent without pieces left to be added up."""
    if type(tangent) is np.ndarray:
        return tangent
    if isinstance(tangent, Scattered):
        return tangent.dense()
    if isinstance(tangent, dict):
        return type(tangent)({key: settled(part) for key, part in tangent.items()})
    if isinstance(tangent, tuple | list):
        return type(tangent)(settled(part) for part in tangent)
    return tangent


class MixedTangentsError(TypeError):
    """A natural and a structural tangent met at one value, and cannot be added."""


_NATURAL = frozenset((np.ndarray, np.float64, Scattered))


def accumulate(left: Any, right: Any) -> Any:
    """The sum of two tangents of one value; neither is changed.

    Raises: MixedTangentsError where one is an array and the other structural, and where the second has a
        field that the first has not.
    """
    if type(left) in _NATURAL and type(right) in _NATURAL:
        return left + right
    if right is NOTHING:
        return left
    if left is NOTHING:
        return right
    if isinstance(left, dict):
        if not isinstance(right, dict):
            raise _mixed(left, right)
        if isinstance(left, Fields) and not right.keys() <= left.keys():
            raise MixedTangentsError(f"{describe(left)} has not all the fields of {describe(right)}")
        return type(left)(
            {
                key: accumulate(left.get(key, NOTHING), right.get(key, NOTHING))
                for key in [*left, *(key for key in right if key not in left)]
            }
        )
    if isinstance(left, tuple | list):
        if not isinstance(right, tuple | list):
            raise _mixed(left, right)
        return type(left)(accumulate(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(right, dict | tuple | list):
        raise _mixed(left, right)
    return left + right


def _mixed(left: Any, right: Any) -> MixedTangentsError:
    return MixedTangentsError(
        f"{describe(left)} and {describe(right)} cannot be added: a value is read both as an array "
        "and through its fields"
    )


def describe(tangent: Any) -> str:
    """The kind of a tangent in words."""
    if tangent is NOTHING:
        return "nothing"
    if isinstance(tangent, Fields):
        return "a structural gradient " + "(" + ", ".join(f"{name}=" for name in tangent) + ")"
    if isinstance(tangent, dict | tuple | list):
        return f"a structural gradient ({type(tangent).__name__})"
    shape = np.shape(tangent)
    return f"an array gradient of shape {shape}" if shape else "a number"


def pick(tangent: Any, steps: tuple[Any, ...]) -> Any:
    """The part of a structural tangent below `steps`; NOTHING where it has none."""
    for step in steps:
        if tangent is NOTHING:
            return NOTHING
        tangent = tangent.get(step, NOTHING) if isinstance(tangent, dict) else tangent[step]
    return tangent


def is_empty(tangent: Any) -> bool:
    """Whether nothing at all is in `tangent`."""
    if isinstance(tangent, dict):
        return all(is_empty(part) for part in tangent.values())
    if isinstance(tangent, tuple | list):
        return all(is_empty(part) for part in tangent)
    return tangent is NOTHING


def is_identical(left: Any, right: Any) -> bool:
    """Whether two tangents are the same bit by bit."""
    if isinstance(left, dict | tuple | list):
        if type(left) is not type(right) or len(left) != len(right):
            return False
        if isinstance(left, dict):
            return all(key in right and is_identical(part, right[key]) for key, part in left.items())
        return all(is_identical(a, b) for a, b in zip(left, right, strict=True))
    if left is NOTHING or right is NOTHING:
        return left is right
    return _same_bits(np.asarray(left), np.asarray(right))


def _same_bits(left: Array, right: Array) -> bool:
    if left.shape != right.shape or left.dtype != right.dtype:
        return False
    if left.dtype != np.float64:
        return left.tobytes() == right.tobytes()
    return np.array_equal(left.view(np.int64), right.view(np.int64))


def unwrap(value: Any, tangent: Any) -> tuple[Any, Any]:
    """Follow a structural tangent of a wrapper down: the array value it belongs to, and its dense part."""
    while isinstance(tangent, Fields) and isinstance(value, Wrapper):
        tangent, value = tangent.get("parent", NOTHING), value.parent
    return value, tangent


def scatter(cells: Array, size: int, tangent: Array) -> Array:
    """The sum in memory of a dense tangent: `V^T tangent`, adding where cells repeat.

    Shapes: `cells` and `tangent` alike; the result is (size,).
    """
    return np.bincount(cells.ravel(), weights=np.asarray(tangent, float).ravel(), minlength=size)


def pull_through(wrapper: Wrapper, tangent: Array) -> Array:
    """The parent's tangent from a wrapper's natural one: the transpose of what the wrapper shows."""
    parent = dense(wrapper.parent)
    cells = wrapper.show(np.arange(parent.size).reshape(parent.shape))
    return scatter(cells, parent.size, np.broadcast_to(tangent, cells.shape)).reshape(parent.shape)
