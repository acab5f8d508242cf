"""Decompositions, inverses and solutions of matrices, batched over leading axes.

Source: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); J. Townsend, "Differentiating the singular value decomposition" (2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals, square
from aliascheck.engine.primitive import of_outputs, primitive, unbroadcast
from aliascheck.engine.rules.reductions import products_of_others, quotient
from aliascheck.errors import EngineError

SYMMETRIC = square(3, symmetric=True)
TALL = reals(-2, 2, 4, 3)


@contextmanager
def _decomposed(name: str) -> Iterator[None]:
    """NumPy's failure as an error that names the primitive."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise EngineError(f"{name}: {str(error)[:1].lower()}{str(error)[1:]}") from error


def check_matrices(name: str, x: Any) -> None:
    """Raise EngineError where x has no rows and columns."""
    if np.ndim(x) < 2:
        raise EngineError(
            f"{name} takes matrices, not an array of shape {np.shape(x)}", hint="use x[None, :]"
        )


def _check_square(name: str, x: Any) -> None:
    shape = np.shape(x)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise EngineError(
            f"{name} takes square matrices, not an array of shape {shape}",
            hint="its last two axes must have one extent",
        )


def _transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _count(x: Any) -> int:
    """How many matrices x holds."""
    return math.prod(np.shape(x)[:-2])


def _least(x: Any) -> int:
    """How many singular values each of them has."""
    return min(np.shape(x)[-2:], default=1)


def _diagonal_matrices(rows: Any) -> Any:
    return rows[..., None] * np.eye(rows.shape[-1])


def _scaled(d_out: Any) -> Any:
    """The cotangent of one number a matrix, over the axes of the matrices."""
    return np.asarray(d_out)[..., None, None]


@primitive(domain=square(3), size=lambda x: _count(x))
def det(x: Any) -> Any:
    """Determinant; its derivative, the matrix of cofactors, is exact for singular matrices too."""
    _check_square("det", x)

    def pull(d_out: Any) -> Any:
        left, values, right = np.linalg.svd(x)
        sign = np.linalg.det(left) * np.linalg.det(right)
        weights = products_of_others(values) * np.asarray(sign * d_out)[..., None]
        return (left * weights[..., None, :]) @ right

    return np.linalg.det(x), pull


@primitive(domain=square(3), size=lambda x: 2 * _count(x))
def slogdet(x: Any) -> Any:
    """Sign and logarithm of the absolute value of the determinant; the sign has derivative 0."""
    _check_square("slogdet", x)
    sign, logabsdet = np.linalg.slogdet(x)

    def pull(d_sign: Any, d_logabsdet: Any) -> Any:
        with _decomposed("the derivative of slogdet"):
            return _scaled(d_logabsdet) * _transposed(np.linalg.inv(x))

    return (sign, logabsdet), of_outputs((sign, logabsdet), pull)


@primitive(domain=square(3))
def inv(x: Any) -> Any:
    """Inverse of a matrix"""
    _check_square("inv", x)
    with _decomposed("inv"):
        out = np.linalg.inv(x)
    turned = _transposed(out)
    return out, lambda d_out: -turned @ d_out @ turned


@primitive(domain=TALL)
def pinv(x: Any) -> Any:
    """Pseudoinverse of a matrix of full rank"""
    check_matrices("pinv", x)
    out = np.linalg.pinv(x)

    def pull(d_out: Any) -> Any:
        """Source: G. Golub, V. Pereyra (1973); the terms of the two null spaces vanish but for one."""
        turned, d_turned = _transposed(out), _transposed(d_out)
        d_x = -turned @ d_out @ turned
        if x.shape[-2] > x.shape[-1]:
            part = d_turned @ out @ turned
            d_x += part - x @ (out @ part)
        elif x.shape[-2] < x.shape[-1]:
            part = turned @ out @ d_turned
            d_x += part - (part @ out) @ x
        return d_x

    return out, pull


def _solution(name: str, x: Any, y: Any, used: Callable[[Any], Any]) -> Any:
    """The solution of `used(x) @ out = y`, one vector or columns as NumPy 2 has them, with its pullbacks."""
    _check_square(name, x)
    vector = np.ndim(y) == 1
    if np.ndim(y) == 0 or np.shape(y)[-1 if vector else -2] != np.shape(x)[-1]:
        raise EngineError(
            f"{name}: matrices of shape {np.shape(x)} have no right side of shape {np.shape(y)}",
            hint="a right side is one vector, or has its columns in the last two axes",
        )
    matrix = used(x)

    def solve_for(matrix: Any, right: Any) -> Any:
        columns = right[..., None] if vector else right
        columns = columns.reshape((1,) * (matrix.ndim - columns.ndim) + columns.shape)
        with _decomposed(name):
            solved = np.linalg.solve(matrix, columns)
        return solved[..., 0] if vector else solved

    out = solve_for(matrix, y)

    def d_columns(d_out: Any) -> Any:
        return solve_for(_transposed(matrix), d_out)

    def d_left(d_out: Any) -> Any:
        d_y = d_columns(d_out)
        d_x = d_y[..., None] * out[..., None, :] if vector else d_y @ _transposed(out)
        return unbroadcast(used(np.negative(d_x, out=d_x)), x.shape)

    return out, (d_left, lambda d_out: unbroadcast(d_columns(d_out), y.shape))


def _solution_size(x: Any, y: Any, lower: bool = False) -> int:
    batch = math.prod(np.broadcast_shapes(np.shape(x)[:-2], np.shape(y)[:-2]))
    return int(batch * np.prod(np.shape(y)[-2:], dtype=object))


@primitive(domain=(square(3), reals(-2, 2, 3)), size=_solution_size)
def solve(x: Any, y: Any) -> Any:
    """The solution z of x @ z = y"""
    return _solution("solve", x, y, lambda matrix: matrix)


@primitive(
    domain=(square(3), reals(-2, 2, 3)), size=_solution_size, examples=[{}, {"lower": True}, {"lower": False}]
)
def solve_triangular(x: Any, y: Any, lower: bool = False) -> Any:
    """The solution z of x @ z = y by the upper or lower triangle of x, the rest of which is not read."""
    return _solution("solve_triangular", x, y, np.tril if lower else np.triu)


def _onto_triangle(d_x: Any, triangle: Callable[..., Any]) -> Any:
    """The cotangent of the triangle that is read, from that of the symmetric matrix which it stands for."""
    folded = triangle(d_x + _transposed(d_x))
    steps = np.arange(d_x.shape[-1])
    folded[..., steps, steps] = d_x[..., steps, steps]
    return folded


@primitive(domain=SYMMETRIC)
def cholesky(x: Any) -> Any:
    """The lower triangular L with L @ L.T = x, a positive definite matrix read from its lower triangle."""
    _check_square("cholesky", x)
    with _decomposed("cholesky"):
        out = np.linalg.cholesky(x)

    def pull(d_out: Any) -> Any:
        turned = _transposed(out)
        inside = np.tril(turned @ d_out)
        steps = np.arange(x.shape[-1])
        inside[..., steps, steps] *= 0.5
        half = np.linalg.solve(turned, inside)
        return _onto_triangle(_transposed(np.linalg.solve(turned, _transposed(half))), np.tril)

    return out, pull


def _triangle(uplo: Any) -> Callable[..., Any]:
    if uplo not in ("L", "U"):
        raise EngineError(f"UPLO must be 'L' or 'U', not {uplo!r}")
    return np.tril if uplo == "L" else np.triu


@primitive(domain=SYMMETRIC, size=lambda x, UPLO="L": np.size(x) + _least(x) * _count(x))
def eigh(x: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues in increasing order and eigenvectors of a symmetric matrix, read from one triangle.

    The derivative of eigenvectors is that of distinct eigenvalues; between equal ones they turn freely,
    and that part counts as 0.
    """
    _check_square("eigh", x)
    triangle = _triangle(UPLO)
    with _decomposed("eigh"):
        values, vectors = np.linalg.eigh(x, UPLO)

    def pull(d_values: Any, d_vectors: Any) -> Any:
        gaps = values[..., None, :] - values[..., None]
        inside = quotient(_transposed(vectors) @ d_vectors, gaps) + _diagonal_matrices(d_values)
        return _onto_triangle(vectors @ inside @ _transposed(vectors), triangle)

    return (values, vectors), of_outputs((values, vectors), pull)


@primitive(domain=SYMMETRIC, size=lambda x, UPLO="L": _least(x) * _count(x))
def eigvalsh(x: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues of a symmetric matrix in increasing order, read from one triangle"""
    _check_square("eigvalsh", x)
    triangle = _triangle(UPLO)
    with _decomposed("eigvalsh"):
        values, vectors = np.linalg.eigh(x, UPLO)
    return values, lambda d_out: _onto_triangle(
        (vectors * d_out[..., None, :]) @ _transposed(vectors), triangle
    )


def _values_of(name: str, x: Any) -> Any:
    with _decomposed(name):
        left, values, right = np.linalg.svd(x, full_matrices=False)
    return values, lambda d_out: (left * d_out[..., None, :]) @ right


@primitive(domain=TALL, size=lambda x: _least(x) * _count(x))
def svdvals(x: Any) -> Any:
    """Singular values in decreasing order"""
    check_matrices("svdvals", x)
    return _values_of("svdvals", x)


@primitive(
    domain=TALL,
    size=lambda x, *settings, **named: 2 * np.size(x) + _least(x) * _count(x),
    examples=[{"full_matrices": False}, {"compute_uv": False}],
)
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, S and Vh with U * S @ Vh = x, for distinct singular values that are not 0.

    What a full U or Vh has beyond the reduced one turns freely and has no derivative: `full_matrices`, on
    as in NumPy, is refused for a matrix that is not square.
    """
    check_matrices("svd", x)
    if not compute_uv:
        return _values_of("svd", x)
    rows, columns = np.shape(x)[-2:]
    if full_matrices and rows != columns:
        raise EngineError(
            "svd: the full matrices of one that is not square are not determined, and have no derivative",
            hint="write svd(x, full_matrices=False)",
        )
    with _decomposed("svd"):
        left, values, right = np.linalg.svd(x, full_matrices=False)
    across = _transposed(right)

    def pull(d_left: Any, d_values: Any, d_right: Any) -> Any:
        squares = np.square(values)
        gaps = squares[..., None, :] - squares[..., None]
        d_across = _transposed(d_right)
        by_left, by_right = _transposed(left) @ d_left, right @ d_across
        inside = (
            quotient(by_left - _transposed(by_left), gaps) * values[..., None, :]
            + values[..., None] * quotient(by_right - _transposed(by_right), gaps)
            + _diagonal_matrices(d_values)
        )
        d_x = left @ inside @ right
        shares = quotient(1.0, values)
        if rows > columns:
            d_x += ((d_left - left @ by_left) * shares[..., None, :]) @ right
        if rows < columns:
            d_x += (left * shares[..., None, :]) @ _transposed(d_across - across @ by_right)
        return d_x

    return (left, values, right), of_outputs((left, values, right), pull)
