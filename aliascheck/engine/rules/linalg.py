"""Linear algebra."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals, square
from aliascheck.engine.primitive import REGISTRY, ContainerPrimitive, primitive, unbroadcast
from aliascheck.errors import EngineError

MATRICES = (reals(-2, 2, 3, 4), reals(-2, 2, 4, 2))
VECTORS = (reals(-2, 2, 3), reals(-2, 2, 3))


def _matmul_size(x: Any, y: Any) -> int:
    x, y = np.shape(x), np.shape(y)
    rows = x[-2] if len(x) > 1 else 1
    columns = y[-1] if len(y) > 1 else 1
    return int(rows * columns * np.prod(np.broadcast_shapes(x[:-2], y[:-2]), dtype=object))


@primitive(domain=MATRICES, size=_matmul_size)
def matmul(x: Any, y: Any) -> Any:
    """Matrix product, batched over leading axes"""
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        raise EngineError("matmul takes vectors and matrices, not numbers", hint="use x * y")

    def d_left(d_out: Any) -> Any:
        if np.ndim(y) == 1:
            return unbroadcast(np.multiply.outer(d_out, y), np.shape(x))
        if np.ndim(x) == 1:
            return unbroadcast(np.sum(d_out[..., None, :] * y, axis=-1), np.shape(x))
        return unbroadcast(d_out @ np.swapaxes(y, -1, -2), np.shape(x))

    def d_right(d_out: Any) -> Any:
        if np.ndim(x) == 1:
            if np.ndim(y) == 1:
                return d_out * x
            return unbroadcast(x[:, None] * d_out[..., None, :], np.shape(y))
        if np.ndim(y) == 1:
            return unbroadcast(np.sum(np.swapaxes(x, -1, -2) * d_out[..., None, :], axis=-1), np.shape(y))
        return unbroadcast(np.swapaxes(x, -1, -2) @ d_out, np.shape(y))

    return x @ y, (d_left, d_right)


def _dot_size(x: Any, y: Any) -> int:
    contracted = np.shape(x)[-1] if np.ndim(x) else 1
    return int(np.size(x) * np.size(y) // max(contracted, 1) ** (2 if np.ndim(x) and np.ndim(y) else 0))


@primitive(domain=VECTORS, size=_dot_size)
def dot(x: Any, y: Any) -> Any:
    """Inner product of vectors, product of matrices, last axis with last but one"""
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return np.dot(x, y), (
            lambda d_out: unbroadcast(d_out * y, np.shape(x)),
            lambda d_out: unbroadcast(d_out * x, np.shape(y)),
        )
    last = np.ndim(y) - 2 if np.ndim(y) > 1 else 0
    rows = np.ndim(x) - 1
    others = [axis for axis in range(np.ndim(y)) if axis != last]

    def d_left(d_out: Any) -> Any:
        return np.tensordot(d_out, y, (list(range(rows, np.ndim(d_out))), others))

    def d_right(d_out: Any) -> Any:
        d_y = np.tensordot(x, d_out, (list(range(rows)), list(range(rows))))
        return np.moveaxis(d_y, 0, last)

    return np.dot(x, y), (d_left, d_right)


@primitive(domain=VECTORS)
def inner(x: Any, y: Any) -> Any:
    """Inner product of two vectors"""
    if np.ndim(x) != 1 or np.ndim(y) != 1:
        raise EngineError("inner takes two vectors", hint="use x @ transpose(y), or sum(x * y)")
    return np.inner(x, y), (lambda d_out: d_out * y, lambda d_out: d_out * x)


@primitive(domain=(reals(-2, 2, 3), reals(-2, 2, 4)), size=lambda x, y: np.size(x) * np.size(y))
def outer(x: Any, y: Any) -> Any:
    """Outer product of two vectors"""
    return np.outer(x, y), (
        lambda d_out: (d_out @ np.ravel(y)).reshape(np.shape(x)),
        lambda d_out: (np.ravel(x) @ d_out).reshape(np.shape(y)),
    )


@primitive(domain=square(3))
def trace(x: Any) -> Any:
    """Sum of the diagonal of a matrix"""
    rows, columns = np.shape(x)
    return np.trace(x), lambda d_out: d_out * np.eye(rows, columns)


@primitive(domain=reals(-2, 2, 3), size=lambda x: np.size(x) ** 2 if np.ndim(x) == 1 else np.size(x))
def diag(x: Any) -> Any:
    """The matrix with the vector x as diagonal"""
    if np.ndim(x) != 1:
        raise EngineError("diag takes a vector", hint="use diagonal(x) for the diagonal of a matrix")
    return np.diag(x), np.diagonal


@primitive(domain=square(3))
def tril(x: Any, k: int = 0) -> Any:
    """Lower triangle"""
    return np.tril(x, k), lambda d_out: np.tril(d_out, k)


@primitive(domain=square(3))
def triu(x: Any, k: int = 0) -> Any:
    """Upper triangle"""
    return np.triu(x, k), lambda d_out: np.triu(d_out, k)


@primitive(domain=square(3))
def det(x: Any) -> Any:
    """Determinant of an invertible matrix"""
    out = np.linalg.det(x)
    return out, lambda d_out: d_out * out * np.linalg.inv(x).T


@primitive(domain=square(3))
def inv(x: Any) -> Any:
    """Inverse of a matrix"""
    out = np.linalg.inv(x)
    return out, lambda d_out: -out.T @ d_out @ out.T


@primitive(domain=(square(3), reals(-2, 2, 3)))
def solve(x: Any, y: Any) -> Any:
    """The solution z of x @ z = y"""
    out = np.linalg.solve(x, y)

    def d_right(d_out: Any) -> Any:
        return np.linalg.solve(np.transpose(x), d_out)

    def d_left(d_out: Any) -> Any:
        d_y = d_right(d_out)
        return -np.outer(d_y, out) if np.ndim(out) == 1 else -d_y @ out.T

    return out, (d_left, d_right)


@primitive(domain=(reals(-2, 2, 3), reals(-2, 2, 2)), size=lambda x, y: np.size(x) * np.size(y))
def kron(x: Any, y: Any) -> Any:
    """Kronecker product of two vectors or two matrices"""
    if np.ndim(x) != np.ndim(y) or np.ndim(x) not in (1, 2):
        raise EngineError("kron takes two vectors or two matrices")
    first, second = ("i", "a") if np.ndim(x) == 1 else ("ij", "ab")
    paired = "".join(pair for row in zip(first, second, strict=True) for pair in row)
    shape = [extent for pair in zip(np.shape(x), np.shape(y), strict=True) for extent in pair]
    return np.kron(x, y), (
        lambda d_out: np.einsum(f"{paired},{second}->{first}", np.reshape(d_out, shape), y),
        lambda d_out: np.einsum(f"{paired},{first}->{second}", np.reshape(d_out, shape), x),
    )


class Einsum(ContainerPrimitive):
    """Einstein's summation: the spec comes first, as NumPy has it."""

    def __call__(self, spec: Any, *operands: Any, **settings: Any) -> Any:
        if not isinstance(spec, str):
            raise EngineError("einsum takes its spec first", hint='write einsum("ij,jk->ik", a, b)')
        return self.apply((operands,), settings={**settings, "spec": spec})


def _letters(spec: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
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
        raise EngineError(f"einsum: the spec '{spec}' does not fit operands of shapes {shapes}")
    if not arrow:
        once = sorted(letter for letter in set(left) if letter.isalpha() and left.count(letter) == 1)
        return full, "".join([*dots, *once])
    return full, out.replace("...", "".join(dots))


def _einsum_size(arrays: list[Any], spec: str) -> int:
    parts, out = _letters(spec, [np.shape(array) for array in arrays])
    extents = _extents(parts, arrays)
    return math.prod(extents.get(letter, 1) for letter in out)


def _extents(parts: list[str], arrays: list[Any]) -> dict[str, int]:
    extents: dict[str, int] = {}
    for part, array in zip(parts, arrays, strict=True):
        for letter, extent in zip(part, np.shape(array), strict=True):
            extents[letter] = extents.get(letter, 1) if extent == 1 else extent
    return extents


def _einsum(arrays: Any, spec: str = "") -> Any:
    """Sum of products over repeated subscripts, any spec that NumPy takes"""
    parts, out = _letters(spec, [np.shape(array) for array in arrays])
    extents = _extents(parts, arrays)
    joined = ",".join(parts)

    def d_operand(position: int, d_out: Any) -> Any:
        """The cotangent over the operand's distinct subscripts, put where it repeats them."""
        own, shape = parts[position], np.shape(arrays[position])
        distinct = "".join(dict.fromkeys(own))
        others = [part for k, part in enumerate(parts) if k != position]
        reached = set(out).union(*others)
        kept = "".join(letter for letter in distinct if letter in reached)
        rest = [array for k, array in enumerate(arrays) if k != position]
        part = np.einsum(f"{','.join([out, *others])}->{kept}", d_out, *rest)
        part = np.expand_dims(part, [k for k, letter in enumerate(distinct) if letter not in kept])
        widths = [extents[letter] for letter in distinct]
        part = np.broadcast_to(part, widths)
        own_widths = [shape[own.index(letter)] for letter in distinct]
        stretched = tuple(k for k, (w, n) in enumerate(zip(widths, own_widths, strict=True)) if n == 1 != w)
        part = part.sum(axis=stretched, keepdims=True) if stretched else part
        if len(distinct) == len(own):
            return part
        d_x = np.zeros(shape)
        np.einsum(f"{own}->{distinct}", d_x)[...] = part
        return d_x

    def pull(d_out: Any) -> list[Any]:
        return [d_operand(position, d_out) for position in range(len(arrays))]

    return np.einsum(f"{joined}->{out}", *arrays), pull


EINSUM = Einsum(
    _einsum,
    "einsum",
    size=_einsum_size,
    domain=([reals(-2, 2, 2, 3), reals(-2, 2, 3, 2)],),
    examples=[{"spec": spec} for spec in ("ij,jk->ik", "ij,ji", "ij,kl->lj", "ab,cd->", "...i,i...->...")],
)
EINSUM.signature = inspect.signature(lambda spec, *operands: None)
REGISTRY["einsum"] = EINSUM
