"""Array rules with numbers (R)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from aliascheck.engine import NOTHING, gradient, jacobian, primal, pullback
from aliascheck.errors import EngineError
from aliascheck.memory import Fields, Struct
from tests.conformance.fact import Call, Fact, Loss, Result

V = np.array([1.0, 2.0, 3.0])
FIVE = [1.0, 2.0, 3.0, 4.0, 5.0]
TEN = np.arange(1.0, 11.0)
POWERS = ([2, 4, 6], [3, 0])


def sum_of_squares() -> Any:
    y, back = pullback(lambda x: np.sum(x * x), V)
    return y, back(1.0)


def size_as_exponent(x: Any, y: Any, d: Any) -> Any:
    p = x.shape[int(primal(d))]
    return np.sum(x**p + y)


def by_list(x: Any, y: Any) -> Any:
    return sum([z**2 + y[0] for z in x])


def by_map(x: Any, y: Any) -> Any:
    return sum(map(lambda z: z**2 + y[0], x))  # noqa: C417


def by_stack(x: Any, y: Any) -> Any:
    return np.sum(np.stack([z**2 + y[0] for z in x]))


def affine_map() -> Any:
    x, target = V, np.array([-1.0, -2.0, -3.0])
    return gradient(lambda W, b: np.sum((W @ x + b - target) ** 2) / 2, np.zeros((3, 3)), np.zeros(3))


def copied_through_a_list(x: Any) -> Any:
    parts: list[Any] = [None] * 3
    for position in range(3):
        parts[position] = x[position]
    return np.sum(np.stack(parts))


def five_columns(x: Any) -> Any:
    columns = []
    for _ in range(5):
        columns.append(x)
    return np.sum(np.stack(columns))


def overwritten(x: Any) -> Any:
    parts = list(x)
    parts[:] = [2.0] * 3
    return np.sum(np.array(parts))


def pushed(x: Any) -> Any:
    parts: list[Any] = []
    parts.append(x)
    parts.append(3.0)
    return np.prod(np.stack(parts))


def zip_loop(x: Any, y: Any) -> Any:
    total = 0.0
    for a, b in zip(x, y, strict=False):
        total = total + 13 * a + 17 * b
    return total


def over_a_grid(x: Any, y: Any) -> Any:
    return sum(a**2 + 10 * b for a, b in product(x, y))


def element_of_zip(x: Any, y: Any) -> Any:
    return [a**2 + 10 * b for a, b in zip(x, y, strict=True)][1]


def block_element(i: int, j: int) -> Any:
    return lambda xs: np.reshape(np.stack(list(xs)), (2, 2))[i, j]


def written_into(x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = x[0]
    return np.sum(y)


def refused() -> bool:
    try:
        gradient(written_into, V)
    except (EngineError, ValueError):  # NumPy makes its own of the engine's refusal
        return True
    return False


FACTS: list[Fact] = [
    Result("R1", sum_of_squares, (14.0, ([2, 4, 6],))),
    Call("R3", size_as_exponent, ([7, 11], 0.0, 0), ([14, 22], 2, NOTHING)),
    Call("R5", lambda x, y: np.sum(x**2 + y[0]), (V, [4, 5]), POWERS),
    Call("R5 list", by_list, (V, [4, 5]), POWERS),
    Call("R5 map", by_map, (V, [4, 5]), POWERS),
    Call("R5 stack", by_stack, (V, [4, 5]), POWERS),
    Call("R7 mask", lambda x: np.sum(1 - (x > 0)), (FIVE,), (NOTHING,)),
    Call("R7", lambda x: np.sum(x - (x > 0)), (FIVE,), ([1] * 5,)),
    Call("R9", lambda x: np.sum(x ** np.array([1, -1, 2])), ([1, 2, 4],), ([1, -0.25, 8],)),
    Call("R9 one", lambda x: np.sum(x**-1), ([1, 2, 4],), ([-1, -0.25, -0.0625],)),
    Call("R11 square", lambda x: x**2, (-2.0,), (-4,)),
    Call("R11 tenth", lambda x: x**10, (-1.0,), (-10,)),
    Call("R11 squares", lambda x: np.sum(x**2), ([2, -1],), ([4, -2],)),
    Call("R11", lambda x: np.sum(x**10), ([3, -1],), ([10 * 3.0**9, -10],)),
    Call("R13", lambda x, y: sum(yi * x for yi in y), (1.0, [1, 1]), (2, [1, 1])),
    Call("R13 prod", lambda x, y: np.prod(np.stack([yi * x for yi in y])), (1.0, [1, 1]), (2, [1, 1])),
    Call("R15", lambda x, z: np.dot(np.ones(4), x[z]), (V, [0, 1, 2, 2]), ([1, 1, 2], NOTHING)),
    Call("R17", lambda p: np.sum(np.array([1.0, 0.0]) - p), ([2, 3],), ([-1, -1],)),
    Call("R17 stack", lambda x: np.sum(np.stack([1.0, x]) + x), (4.0,), (3,)),
    Call("R19", lambda x: x[0:2][0], ([1, 1, 1],), ([1, 0, 0],)),
    Call("R21", lambda xs: sum(1 / y for y in [x**2 for x in xs]), ([1, 1],), ([-2, -2],)),
    Call("R23", lambda x: sum(map(lambda a, b: a * b, x, [1, 2, 3])), (FIVE,), ([1, 2, 3, 0, 0],)),
    Call("R23 tuple", lambda x: sum(map(lambda a, b: a * b, x, [1, 2, 3])), (tuple(FIVE),),
         ((1, 2, 3, NOTHING, NOTHING),)),
    Result("R25", affine_map, ([[1, 2, 3], [2, 4, 6], [3, 6, 9]], [1, 2, 3])),
    Loss(
        "R25 implicit", "sum((W @ x + b - t) ** 2) / 2", "W b",
        {"W": [[1, 2, 3], [2, 4, 6], [3, 6, 9]], "b": [1, 2, 3], "Main.W": [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
         "Main.b": [1, 2, 3], "Main.x": [0, 0, 0], "Main.t": [-1, -2, -3]},
        let={"W": "zeros(3, 3)", "b": "zeros(3)", "x": [1.0, 2.0, 3.0], "t": [-1.0, -2.0, -3.0]},
    ),
    Call("R27", lambda x: sum(map(np.log, filter(lambda one: one % 2 == 0, x))), (TEN,),
         (np.where(TEN % 2 == 0, 1 / TEN, 0),)),
    Call("R31", lambda x: ([x] * 3)[0][0], ((1.0, 2.0),), ((1, NOTHING),)),
    Call("R31 named", lambda nt: ([nt] * 3)[0].a, (Struct("NT", {"a": 1.0, "b": 2.0}),),
         (Fields(a=1, b=NOTHING),)),
    Call("R33", lambda a, b, c, d: np.sum(np.sqrt(np.vstack([np.stack([a, b]), np.stack([c, d])]))),
         (1.0, 1.0, 1.0, 4.0), (0.5, 0.5, 0.5, 0.25)),
    *(Call(f"R33 element {i}{j}", block_element(i, j), ([1, 2, 3, 4],), (np.eye(4)[2 * i + j],))
      for i in range(2) for j in range(2)),
    Call("R35", lambda x: np.sum(np.ones(x.shape)), (V,), (NOTHING,)),
    Call("R35 like", lambda x: np.sum(np.ones_like(x)) + np.sum(np.zeros_like(x)), (V,), (NOTHING,)),
    Call("R37", lambda x: np.sum(x * (x == np.max(x, axis=0))), ([[1, 5, 3], [4, 2, 6]],),
         ([[0, 1, 0], [1, 0, 1]],)),
    Call("R39", copied_through_a_list, (V,), ([1, 1, 1],)),
    Call("R39 columns", five_columns, (V,), ([5, 5, 5],)),
    Call("R39 overwritten", overwritten, (V,), (NOTHING,)),
    Call("R39 pushed", pushed, (2.0,), (3,)),
    Call("R41", zip_loop, (np.arange(1.0, 12.0), np.arange(1.0, 8.0)), ([13] * 7 + [0] * 4, [17] * 7)),
    Call("R43", over_a_grid, ([3, 4, 5], [6, 7, 8]), ([18, 24, 30], [30, 30, 30])),
    Call("R45", element_of_zip, ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
         ((NOTHING, 4, NOTHING), (NOTHING, 10, NOTHING))),
    Result("R47", lambda: jacobian(lambda a, x: a**2 * x, V, 1.0), (np.diag([2.0, 4, 6]), [1, 4, 9])),
    Result("R47 prod", lambda: jacobian(lambda m: np.prod(m, axis=0), np.array([[1.0, 2.0], [3.0, 4.0]])),
           ([[3, 0, 1, 0], [0, 4, 0, 2]],)),
    *(Call(f"R49 at {x}", lambda x: np.sqrt(x**2), (x,), (slope,)) for x, slope in ((2.0, 1), (-2.0, -1))),
    Call("R49 at zero", lambda x: np.sqrt(x**2), (0.0,), (0,)),
    Call("R49", lambda x: np.sum(np.sqrt(x**2)), ([0, 1, -2],), ([0, 1, -1],)),
    Call("R51", lambda xs: sum(x**i for i, x in enumerate(xs, 1)), (FIVE,), ([1, 4, 27, 256, 3125],)),
    Call("R51 grid", lambda xs, ys: sum([x**2 + y for x in xs for y in ys]), (TEN, FIVE),
         (10 * TEN, [10] * 5)),
    Result("R53", refused, True),
]  # fmt: skip
