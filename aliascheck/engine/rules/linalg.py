"""Products of vectors and matrices, and what is read from their diagonals and triangles.

Decompositions, inverses and solutions are in `decompositions`, norms in `norms`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals, square
from aliascheck.engine.primitive import REGISTRY, Primitive, primitive, unbroadcast
from aliascheck.engine.rules.decompositions import check_matrices
from aliascheck.errors import EngineError
from aliascheck.memory import Data

MATRICES = (reals(-2, 2, 3, 4), reals(-2, 2, 4, 2))
VECTORS = (reals(-2, 2, 3), reals(-2, 2, 3))


def _matmul_size(x: Any, y: Any) -> int:
    x, y = np.shape(x), np.shape(y)
    rows = x[-2] if len(x) > 1 else 1
    columns = y[-1] if len(y) > 1 else 1
    return int(rows * columns * np.prod(np.broadcast_shapes(x[:-2], y[:-2]), dtype=object))


@primitive(domain=MATRICES, size=_matmul_size)
def matmul(x: Any, y: Any) -> Any:
    """Matrix product, batched over leading axes

    The cotangent of a matrix that lies column by column (`fnc`) does so too, to be added to others in one go.
    """
    rows, columns = getattr(x, "ndim", 0), getattr(y, "ndim", 0)
    if rows == 0 or columns == 0:
        raise EngineError("matmul takes vectors and matrices, not numbers", hint="use x * y")

    def d_left(d_out: Any) -> Any:
        if rows == columns == 2:
            return (y @ d_out.T).T if x.flags.fnc else d_out @ y.T
        if columns == 2 and rows > 1:
            return d_out @ y.T
        if columns == 1:
            return np.multiply.outer(d_out, y)
        if rows == 1:
            return unbroadcast((y @ d_out[..., None])[..., 0], x.shape)
        return unbroadcast(d_out @ np.swapaxes(y, -1, -2), x.shape)

    def d_right(d_out: Any) -> Any:
        if rows == columns == 2:
            return (d_out.T @ x).T if y.flags.fnc else x.T @ d_out
        if rows == 1:
            return np.multiply.outer(x, d_out) if columns < 3 else x[:, None] * d_out[..., None, :]
        if columns == 1:
            return np.ravel(d_out) @ x.reshape(-1, x.shape[-1])
        if columns == 2 and rows > 2:
            return x.reshape(-1, x.shape[-1]).T @ d_out.reshape(-1, d_out.shape[-1])
        return unbroadcast(np.swapaxes(x, -1, -2) @ d_out, y.shape)

    return x @ y, (d_left, d_right)


def _contraction(x: Any, y: Any, x_axes: Sequence[int], y_axes: Sequence[int]) -> Any:
    """The sum of products over pairs of axes, with its pullbacks: each is a contraction too."""
    x_axes, y_axes = [a % x.ndim for a in x_axes], [a % y.ndim for a in y_axes]
    x_free = [a for a in range(x.ndim) if a not in x_axes]
    y_free = [a for a in range(y.ndim) if a not in y_axes]

    def d_left(d_out: Any) -> Any:
        d_x = np.tensordot(d_out, y, (range(len(x_free), np.ndim(d_out)), y_free))
        return d_x.transpose(np.argsort([*x_free, *(x_axes[k] for k in np.argsort(y_axes))]))

    def d_right(d_out: Any) -> Any:
        d_y = np.tensordot(x, d_out, (x_free, range(len(x_free))))
        return d_y.transpose(np.argsort([*(y_axes[k] for k in np.argsort(x_axes)), *y_free]))

    return np.tensordot(x, y, (x_axes, y_axes)), (d_left, d_right)


def _contracted_size(x: Any, y: Any, contracted: int) -> int:
    return int(np.size(x) * np.size(y) // max(contracted, 1) ** 2)


def _last(x: Any, y: Any) -> int:
    """The extent that a product of last axes sums over."""
    return int(np.shape(x)[-1]) if np.ndim(x) and np.ndim(y) else 1


def _scaled(x: Any, y: Any) -> Any:
    """A product where one of the two is a number."""
    return np.multiply(x, y), (
        lambda d_out: unbroadcast(d_out * y, np.shape(x)),
        lambda d_out: unbroadcast(d_out * x, np.shape(y)),
    )


@primitive(domain=VECTORS, size=lambda x, y: _contracted_size(x, y, _last(x, y)))
def dot(x: Any, y: Any) -> Any:
    """Inner product of vectors, product of matrices, last axis with last but one"""
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return _scaled(x, y)
    if np.ndim(x) <= 2 and np.ndim(y) <= 2:
        return matmul.forward(x, y)
    return _contraction(x, y, [-1], [max(np.ndim(y) - 2, 0)])


@primitive(domain=VECTORS, size=lambda x, y: _contracted_size(x, y, _last(x, y)))
def inner(x: Any, y: Any) -> Any:
    """Inner products along the last axes of both"""
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return _scaled(x, y)
    if np.shape(x)[-1] != np.shape(y)[-1]:
        raise EngineError(
            f"inner: the last axes of shapes {np.shape(x)} and {np.shape(y)} differ",
            hint="x @ y is the product of matrices",
        )
    return _contraction(x, y, [-1], [-1])


def _pairs_of_axes(x: Any, y: Any, axes: Any) -> tuple[list[int], list[int]]:
    """The axes that `tensordot` sums over, in pairs. Raises EngineError where they do not fit."""
    if isinstance(axes, int):
        first, second = list(range(np.ndim(x) - axes, np.ndim(x))), list(range(axes))
    else:
        first, second = (list(part) if isinstance(part, tuple) else [part] for part in axes)
    shapes = f"axes {first} and {second} of shapes {np.shape(x)} and {np.shape(y)}"
    if len(first) != len(second) or any(
        not -np.ndim(array) <= a < np.ndim(array) for array, given in ((x, first), (y, second)) for a in given
    ):
        raise EngineError(f"tensordot: there are no {shapes}", hint="write axes=([1, 0], [0, 1])")
    if any(np.shape(x)[a] != np.shape(y)[b] for a, b in zip(first, second, strict=True)):
        raise EngineError(f"tensordot: {shapes} differ in extent", hint="write axes=([1, 0], [0, 1])")
    return first, second


def _tensordot_size(x: Any, y: Any, axes: Any = 2) -> int:
    first, _ = _pairs_of_axes(x, y, axes)
    return _contracted_size(x, y, math.prod(np.shape(x)[a] for a in first))


@primitive(
    domain=(reals(-2, 2, 2, 3, 3), reals(-2, 2, 3, 3, 2)),
    size=_tensordot_size,
    examples=[{}, *({"axes": axes} for axes in (1, 0, ((1,), (0,)), ((2, 1), (0, 1)), ((-1, 0), (0, 2))))],
)
def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes: the last of x with the first of y, or those named"""
    x, y = np.asarray(x), np.asarray(y)
    return _contraction(x, y, *_pairs_of_axes(x, y, axes))


@primitive(domain=(reals(-2, 2, 3), reals(-2, 2, 4)), size=lambda x, y: np.size(x) * np.size(y))
def outer(x: Any, y: Any) -> Any:
    """Outer product of two vectors"""
    return np.outer(x, y), (
        lambda d_out: (d_out @ np.ravel(y)).reshape(np.shape(x)),
        lambda d_out: (np.ravel(x) @ d_out).reshape(np.shape(y)),
    )


@primitive(domain=(reals(-2, 2, 3), reals(-2, 2, 2)), size=lambda x, y: np.size(x) * np.size(y))
def kron(x: Any, y: Any) -> Any:
    """Kronecker product"""
    ndim = max(np.ndim(x), np.ndim(y))
    x_shape, y_shape = (np.shape(part) for part in (x, y))
    x_full, y_full = ((1,) * (ndim - len(shape)) + shape for shape in (x_shape, y_shape))
    paired = [extent for pair in zip(x_full, y_full, strict=True) for extent in pair]
    of_x, of_y = range(0, 2 * ndim, 2), range(1, 2 * ndim, 2)

    def d_left(d_out: Any) -> Any:
        return np.tensordot(np.reshape(d_out, paired), np.reshape(y, y_full), (of_y, range(ndim))).reshape(
            x_shape
        )

    def d_right(d_out: Any) -> Any:
        return np.tensordot(np.reshape(d_out, paired), np.reshape(x, x_full), (of_x, range(ndim))).reshape(
            y_shape
        )

    return np.kron(x, y), (d_left, d_right)


def _on_diagonal(d_out: Any, shape: tuple[int, ...], k: int, axes: tuple[int, int] = (-2, -1)) -> Any:
    """Zeros of `shape` with a diagonal of `d_out`, whose last axis runs along it."""
    d_x = np.zeros(shape)
    matrices = np.moveaxis(d_x, axes, (-2, -1))
    rows, columns = matrices.shape[-2:]
    steps = np.arange(max(0, min(rows + min(k, 0), columns - max(k, 0))))
    matrices[..., steps - min(k, 0), steps + max(k, 0)] = d_out
    return d_x


def _trace_size(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> int:
    summed = {axis % max(np.ndim(x), 1) for axis in (axis1, axis2)}
    return math.prod(extent for axis, extent in enumerate(np.shape(x)) if axis not in summed)


@primitive(domain=square(3), size=_trace_size)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum of a diagonal of matrices, by default over the first two axes"""
    if np.ndim(x) < 2:
        raise EngineError("trace takes matrices", hint="sum(x) adds the elements of a vector")
    return np.trace(x, offset, axis1, axis2), lambda d_out: _on_diagonal(
        np.asarray(d_out)[..., None], np.shape(x), offset, (axis1, axis2)
    )


def _diag_size(x: Any, k: int = 0) -> int:
    return (np.size(x) + abs(k)) ** 2 if np.ndim(x) == 1 else int(np.size(x))


@primitive(domain=reals(-2, 2, 3), size=_diag_size)
def diag(x: Any, k: int = 0) -> Any:
    """The matrix with the vector x as its diagonal, or a copy of the diagonal of the matrix x"""
    if np.ndim(x) not in (1, 2):
        raise EngineError("diag takes a vector or a matrix", hint="use einsum('...ii->...i', x) on a batch")
    if np.ndim(x) == 1:
        return np.diag(x, k), lambda d_out: np.diagonal(d_out, k)
    return np.diagonal(x, k).copy(), lambda d_out: _on_diagonal(d_out, x.shape, k)


@primitive(domain=square(3))
def tril(x: Any, k: int = 0) -> Any:
    """Lower triangle"""
    check_matrices("tril", x)
    return np.tril(x, k), lambda d_out: np.tril(d_out, k)


@primitive(domain=square(3))
def triu(x: Any, k: int = 0) -> Any:
    """Upper triangle"""
    check_matrices("triu", x)
    return np.triu(x, k), lambda d_out: np.triu(d_out, k)


class Einsum(Primitive):
    """Einstein's summation: the spec comes first, as NumPy has it, and then any number of operands."""

    def __call__(self, spec: Any, *operands: Any, **settings: Any) -> Any:
        if not isinstance(spec, str):
            spec, operands = _spelled_out(spec, *operands)
        return self.apply(operands, settings={**settings, "spec": spec})


def _spelled_out(*parts: Any) -> tuple[str, tuple[Any, ...]]:
    """The spec and operands of einsum(a, [0, 1], b, [1, 2], [0, 2]): lists of numbers for subscripts."""
    operands, subscripts = parts[: len(parts) // 2 * 2 : 2], [*parts[1::2], *parts[len(parts) // 2 * 2 :]]
    if not all(isinstance(one, list | tuple) for one in subscripts):
        raise EngineError("einsum takes its spec first", hint='write einsum("ij,jk->ik", a, b)')
    names = [
        "".join("..." if number is Ellipsis else chr(ord("a") + number) for number in one)
        for one in subscripts
    ]
    left = ",".join(names[: len(operands)])
    return (f"{left}->{names[-1]}" if len(names) > len(operands) else left), operands


def _letters(spec: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """The subscripts of each operand and of the result, an ellipsis spelled out."""
    left, arrow, out = spec.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(shapes):
        raise EngineError(f"einsum: the spec has {len(parts)} operands, and {len(shapes)} were given")
    spare = [chr(code) for code in range(ord("A"), ord("Z") + 1) if chr(code) not in spec]
    extra = [len(shape) - len(part.replace("...", "")) for part, shape in zip(parts, shapes, strict=True)]
    most = max((n for n, part in zip(extra, parts, strict=True) if "..." in part), default=0)
    dots = spare[:most]
    full = [
        part.replace("...", "".join(dots[most - n :])) if n >= 0 else part
        for n, part in zip(extra, parts, strict=True)
    ]
    if any(len(part) != len(shape) for part, shape in zip(full, shapes, strict=True)):
        raise _misfit(spec, shapes)
    if not arrow:
        once = sorted(letter for letter in set(left) if letter.isalpha() and left.count(letter) == 1)
        return full, "".join([*dots, *once])
    return full, out.replace("...", "".join(dots))


def _misfit(spec: str, shapes: Sequence[tuple[int, ...]]) -> EngineError:
    return EngineError(
        f"einsum: the spec '{spec}' does not fit operands of shapes {', '.join(map(str, shapes))}"
    )


def _extents(parts: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    extents: dict[str, int] = {}
    for part, shape in zip(parts, shapes, strict=True):
        for letter, extent in zip(part, shape, strict=True):
            extents[letter] = extents.get(letter, 1) if extent == 1 else extent
    return extents


def _einsum_size(*arrays: Any, spec: str, optimize: Any = False) -> int:
    shapes = [np.shape(array) for array in arrays]
    parts, out = _letters(spec, shapes)
    extents = _extents(parts, shapes)
    return math.prod(extents.get(letter, 1) for letter in out)


class Backward(Data, frozen=True):
    """How the cotangent of one operand is made: over its distinct subscripts, put where it repeats them.

    `lost` are the axes that nothing else has, over which the cotangent is the same; `stretched` those that
    the operand has of extent 1 and others of `widths` more.
    """

    spec: str
    position: int
    lost: tuple[int, ...]
    widths: tuple[int, ...]
    stretched: tuple[int, ...]
    shape: tuple[int, ...]
    repeated: str | None

    def pull(self, arrays: Sequence[Any], optimize: Any, d_out: Any) -> Any:
        others = (*arrays[: self.position], *arrays[self.position + 1 :])
        part = np.einsum(self.spec, d_out, *others, optimize=optimize)
        if self.lost:
            part = np.expand_dims(part, self.lost)
        if part.shape != self.widths:
            part = np.broadcast_to(part, self.widths)
        if self.stretched:
            part = part.sum(axis=self.stretched, keepdims=True)
        if self.repeated is None:
            return part
        d_x = np.zeros(self.shape)
        np.einsum(self.repeated, d_x)[...] = part
        return d_x


@lru_cache(maxsize=256)
def _planned(spec: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[str, tuple[Backward, ...]]:
    """The spec without ellipses, and how each operand's cotangent is made."""
    parts, out = _letters(spec, shapes)
    extents = _extents(parts, shapes)
    backward = []
    for position, (own, shape) in enumerate(zip(parts, shapes, strict=True)):
        distinct = "".join(dict.fromkeys(own))
        others = [part for k, part in enumerate(parts) if k != position]
        reached = set(out).union(*others)
        kept = "".join(letter for letter in distinct if letter in reached)
        widths = tuple(extents[letter] for letter in distinct)
        own_widths = [shape[own.index(letter)] for letter in distinct]
        backward.append(
            Backward(
                spec=f"{','.join([out, *others])}->{kept}",
                position=position,
                lost=tuple(k for k, letter in enumerate(distinct) if letter not in kept),
                widths=widths,
                stretched=tuple(
                    k for k, (w, n) in enumerate(zip(widths, own_widths, strict=True)) if n == 1 != w
                ),
                shape=shape,
                repeated=None if len(distinct) == len(own) else f"{own}->{distinct}",
            )
        )
    return f"{','.join(parts)}->{out}", tuple(backward)


def _einsum(*arrays: Any, spec: str = "", optimize: Any = False) -> Any:
    """Sum of products over repeated subscripts, any spec that NumPy takes"""
    shapes = tuple([array.shape if type(array) is np.ndarray else () for array in arrays])
    full, backward = _planned(spec, shapes)
    rules = tuple([partial(one.pull, arrays, optimize) for one in backward])
    try:
        return np.einsum(full, *arrays, optimize=optimize), rules
    except ValueError as error:
        raise _misfit(spec, shapes) from error


EINSUM = Einsum(
    _einsum,
    "einsum",
    size=_einsum_size,
    domain=(reals(-2, 2, 2, 3), reals(-2, 2, 3, 2)),
    examples=[{"spec": spec} for spec in ("ij,jk->ik", "ij,ji", "ij,kl->lj", "ab,cd->", "...i,i...->...")],
)
EINSUM.signature = inspect.signature(lambda spec, *operands: None)
REGISTRY["einsum"] = EINSUM
