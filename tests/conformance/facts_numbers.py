"""Facts of engine.md's array rules (1.8, 1.11), with numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aliascheck.engine import NOTHING, REGISTRY, gradient
from tests.conformance.fact import Call, Fact, Result

adjoint, transpose, permutedims = (REGISTRY[name] for name in ("adjoint", "transpose", "permutedims"))
V, W = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
M = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
B = np.array([[1.0, 10.0, 100.0], [1000.0, 1e4, 1e5]])
TIES = [2.0, 7.0, 7.0, 1.0]


def weighted(function: Callable[[Any], Any], weights: Any = B) -> Callable[[Any], Any]:
    """The sum of a result with weights that tell its elements apart."""
    return lambda x: np.sum(function(x) * np.asarray(weights))


STRETCHED: list[Fact] = [
    Call("1.11 column and row", lambda x, y: np.sum(np.reshape(x, (2, 1)) * y), ([1, 2], V),
         ([6, 6], [3] * 3)),
    Call("1.11 a row on a matrix", lambda m, v: np.sum(m * v), (M, V), ([V, V], [5, 7, 9])),
    Call("1.11 a column on a matrix", lambda m, c: np.sum(m * c), (M, [[1], [2]]),
         ([[1] * 3, [2] * 3], [[6], [15]])),
    Call("1.11 a number on an array", lambda a, v: np.sum(a * v), (2.0, V), (6, [2] * 3)),
    Call("1.11 a 0-d array", lambda a, v: np.sum(a * v), (np.array(2.0), V), (6, [2] * 3)),
    Call("1.11 a 0-d array alone", lambda a: a * a, (np.array(3.0),), (6,)),
    Call("1.11 one element on three", lambda a, v: np.sum(a + v), ([1], V), ([3], [1] * 3)),
    Call("1.11 a difference", lambda x, y: np.sum(x - y), (M, 1.0), (np.ones((2, 3)), -6)),
    Call("1.11 a quotient", lambda x, y: np.sum(x / y), (V, 2.0), ([0.5] * 3, -1.5)),
    Call("1.11 a quotient by an array", lambda x, y: np.sum(x / y), (1.0, [1, 2]), (1.5, [-1, -0.25])),
    Call("1.11 a power of both", lambda x, p: np.sum(x**p), ([2, 3], 2.0),
         ([4, 6], 4 * np.log(2) + 9 * np.log(3))),
    Call("1.11 a power zero", lambda x: np.sum(x**0), ([0, 2],), ([0, 0],)),
    Call("1.11 a power of zero", lambda x: np.sum(x**2), ([0, 2],), ([0, 4],)),
    Call("1.11 a power of zero by its exponent", lambda p: np.sum(np.array([0.0, 1.0]) ** p), (2.0,), (0,)),
    Call("1.11 a number to a power", lambda x: np.sum(2.0**x), ([1, 2],), ([2 * np.log(2), 4 * np.log(2)],)),
    Result("1.11 a number on a tuple", lambda: gradient(lambda a, t: np.sum(a * t), 2.0, (1.0, 2.0, 3.0)),
           error="multiply takes arrays and numbers, not a tuple"),
    Call("1.11 an array filled with a number", lambda x: np.sum(np.full_like(x, x[0])), (V,), ([3, 0, 0],)),
    Call("1.11 a number repeated", lambda x: np.sum(np.broadcast_to(x, (3,))), (2.0,), (3,)),
    Call("1.11 a mask as a factor", lambda x: np.sum((x > 1) * x), (V,), ([0, 1, 1],)),
    Call("1.11 a mask alone", lambda x: np.sum(x > 1), (V,), (NOTHING,)),
    Call("1.11 a quantified comparison", lambda x: 1 if np.any(x > 1) else 0, (V,), (NOTHING,)),
]  # fmt: skip

REDUCED: list[Fact] = [
    Call("1.11 sum over an axis", weighted(lambda m: np.sum(m, axis=0), [1, 10, 100]), (M,),
         ([[1, 10, 100]] * 2,)),
    Call("1.11 sum, axis kept", weighted(lambda m: np.sum(m, axis=1, keepdims=True), [[1], [10]]), (M,),
         ([[1] * 3, [10] * 3],)),
    Call("1.11 mean", np.mean, ([1, 2, 3, 4],), ([0.25] * 4,)),
    Call("1.11 prod", np.prod, (V,), ([6, 3, 2],)),
    Call("1.11 prod with a zero", np.prod, ([0, 2, 3],), ([6, 0, 0],)),
    Call("1.11 prod with two zeros", np.prod, ([0, 0, 3],), ([0, 0, 0],)),
    Call("1.11 prod over an axis", weighted(lambda m: np.prod(m, axis=1), [1, 10]), (M,),
         ([[6, 3, 2], [300, 240, 200]],)),
    Call("1.11 maximum, first of ties", np.max, (TIES,), ([0, 1, 0, 0],)),
    Call("1.11 minimum, first of ties", np.min, ([3, 1, 1],), ([0, 1, 0],)),
    Call("1.11 maximum over an axis", weighted(lambda m: np.max(m, axis=1), [1, 10]), ([[2, 2], [0, 5]],),
         ([[1, 0], [0, 10]],)),
    Call("1.11 var", np.var, (V,), ([-2 / 3, 0, 2 / 3],)),
    Call("1.11 std of equal numbers", np.std, ([2, 2],), ([0, 0],)),
    Call("1.11 cumsum", weighted(np.cumsum, [1, 10, 100]), (V,), ([111, 110, 100],)),
    Call("1.11 cumprod", lambda x: np.cumprod(x)[2], (V,), ([6, 3, 2],)),
    Call("1.11 dot", np.dot, (V, W), (W, V)),
    Call("1.11 norm", np.linalg.norm, ([3, 4],), ([0.6, 0.8],)),
    Call("1.11 norm of zeros", np.linalg.norm, ([0, 0],), ([0, 0],)),
    Call("1.11 trace", np.trace, ([[1, 2], [3, 4]],), ([[1, 0], [0, 1]],)),
    Call("1.11 det", np.linalg.det, ([[1, 2], [3, 4]],), ([[4, -3], [-2, 1]],)),
    Call("1.11 inv", lambda m: np.linalg.inv(m)[0, 0], ([[2, 0], [0, 4]],), ([[-0.25, 0], [0, 0]],)),
]  # fmt: skip

MOVED: list[Fact] = [
    Call("1.11 matrix product", lambda a, b: np.sum(a @ b), (M, np.ones((3, 2))),
         ([[2] * 3] * 2, [[5] * 2, [7] * 2, [9] * 2])),
    Call("1.11 matrix and vector", lambda a, b: np.sum(a @ b), (M, V), ([V, V], [5, 7, 9])),
    Call("1.11 vector and matrix", lambda a, b: np.sum(a @ b), ([1, 2], M), ([6, 15], [[1] * 3, [2] * 3])),
    Call("1.11 outer product by @", lambda x: np.sum(np.reshape(x, (3, 1)) @ adjoint(x)), (V,), ([12] * 3,)),
    Call("1.11 adjoint of a matrix", weighted(adjoint, B.T), (M,), (B,)),
    Call("1.11 adjoint of a vector", weighted(adjoint, [V]), (W,), (V,)),
    Call("1.11 permutedims", weighted(lambda m: permutedims(m, (1, 0)), B.T), (M,), (B,)),
    Call("1.11 reshape", weighted(lambda m: np.reshape(m, (3, 2)), B.reshape(3, 2)), (M,), (B,)),
    Call("1.11 flip", weighted(lambda v: v[::-1], [1, 10, 100]), (V,), ([100, 10, 1],)),
    Call("1.11 roll", weighted(lambda v: np.roll(v, 1), [1, 10, 100]), (V,), ([10, 100, 1],)),
    Call("1.11 an element", lambda m: m[1, 2], (M,), ([[0, 0, 0], [0, 0, 1]],)),
    Call("1.11 a row", lambda m: np.sum(m[1]), (M,), ([[0] * 3, [1] * 3],)),
    Call("1.11 a column", lambda m: np.sum(m[:, 1]), (M,), ([[0, 1, 0]] * 2,)),
    Call("1.11 a mask as an index", lambda m: np.sum(m[m > 3]), (M,), ([[0] * 3, [1] * 3],)),
    Call("1.11 repeated indices", weighted(lambda v: v[[0, 0, 2]], [1, 10, 100]), (V,), ([11, 0, 100],)),
    Call("1.11 repeated rows", lambda m: np.sum(m[[1, 1]]), (M,), ([[0] * 3, [2] * 3],)),
    Call("1.11 a slice of a slice", lambda v: np.sum(v[1:][1:]), (V,), ([0, 0, 1],)),
    Call("1.11 concatenate", lambda x, y: np.sum(np.concatenate([x, y]) * np.arange(5.0)), (V, [1, 2]),
         ([0, 1, 2], [3, 4])),
    Call("1.11 one array twice", lambda x: np.sum(np.concatenate([x, x]) * np.arange(6.0)), (V,),
         ([3, 5, 7],)),
    Call("1.11 hstack", lambda m, n: np.sum(np.hstack([m, n])[0]), (M, [[1], [2]]),
         ([[1] * 3, [0] * 3], [[1], [0]])),
    Call("1.11 vstack", lambda x, y: np.sum(np.vstack([x, y])[1]), (V, W), ([0] * 3, [1] * 3)),
    Call("1.11 stack of numbers", lambda x: np.sum(np.stack([x, 2.0, x]) * np.array([1.0, 10.0, 100.0])),
         (5.0,),
         (101,)),
    Call("1.11 sort", weighted(np.sort, [1, 10, 100]), ([3, 1, 2],), ([100, 1, 10],)),
    Call("1.11 sort of ties", weighted(np.sort, [1, 10, 100]), ([2, 2, 1],), ([10, 100, 1],)),
    Call("1.11 repeat", weighted(lambda v: np.repeat(v, 2), [1, 10, 100, 1e3]), ([1, 2],), ([11, 1100],)),
    Call("1.11 repeat rows", lambda m: np.sum(np.repeat(m, 3, axis=0)), (M,), ([[3] * 3] * 2,)),
    Call("1.11 tile", weighted(lambda v: np.tile(v, 2), [1, 10, 100, 1e3]), ([1, 2],), ([101, 1010],)),
    Call("1.11 diag of a vector", weighted(np.diag, [[1, 9], [9, 10]]), ([1, 2],), ([1, 10],)),
    Call("1.11 diag of a matrix", weighted(np.diag, [1, 10]), ([[1, 2], [3, 4]],), ([[1, 0], [0, 10]],)),
    Call("1.11 kron", lambda x, y: np.sum(np.kron(x, y)), ([1, 2], V), ([6, 6], [3] * 3)),
    Call("1.11 solve", lambda a, b: np.sum(np.linalg.solve(a, b)), ([[2, 0], [0, 4]], [2, 4]),
         ([[-0.5, -0.5], [-0.25, -0.25]], [0.5, 0.25])),
    Call("1.11 a copy is the identity", lambda x: np.sum(np.copy(x) * x), (V,), (2 * V,)),
    Call("1.11 numbers of one's own axis", lambda m: np.sum(np.expand_dims(m, 0)[0, 1]), (M,),
         ([[0] * 3, [1] * 3],)),
    Call("1.8 ceil and round", lambda x: np.sum(np.ceil(x) + np.round(x)), ([1.2, 1.7],), ([0, 0],)),
    Call("1.8 sign", lambda x: np.sum(np.sign(x)), ([-1, 0, 2],), ([0, 0, 0],)),
    Call("1.8 abs at zero", lambda x: np.sum(np.abs(x)), ([-1, 0, 2],), ([-1, 0, 1],)),
    Call("1.8 argmax", lambda x: np.argmax(x), (V,), (NOTHING,)),
]  # fmt: skip


def set_element(x: Any) -> None:
    x[0] = 1.0


def add_in_place(x: Any) -> None:
    x += 1.0


def write_through_a_view(x: Any) -> None:
    x[1:][:] = 0.0


def write_elsewhere(x: Any) -> None:
    y = np.zeros(3)
    y += x


def copy_over(x: Any) -> None:
    np.copyto(x, V)


def _refused(change: Callable[[Any], None]) -> Callable[[], Any]:
    return lambda: gradient(lambda x: (change(x), np.sum(x))[1], V.copy())


REFUSED: list[Fact] = [
    Result("1.11 no element is set", _refused(set_element), error="cannot be written to"),
    Result("1.11 nothing is added in place", _refused(add_in_place), error="cannot be written to"),
    Result("1.11 nor through a slice", _refused(write_through_a_view), error="cannot be written to"),
    Result("1.11 nor into another array", _refused(write_elsewhere), error="cannot be written into an array"),
    Result("1.11 nor copied over", _refused(copy_over), error="cannot be written to"),
]

FACTS: list[Fact] = [*STRETCHED, *REDUCED, *MOVED, *REFUSED]
