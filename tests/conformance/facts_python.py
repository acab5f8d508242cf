"""Facts of Python's own ways to read: loops, unpacking, methods of dicts, objects, plain Python between."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from aliascheck.engine import (
    NOTHING,
    REGISTRY,
    Bindings,
    Params,
    gradient,
    make_struct,
)
from aliascheck.memory import Fields, MutableStruct, Struct
from tests.conformance.fact import ONES, Call, Fact, Result

adjoint = REGISTRY["adjoint"]
V = np.array([1.0, 2.0, 3.0])


class Named(NamedTuple):
    """A named tuple of Python's own."""

    a: Any
    b: Any


def multiplier(x: Any) -> Callable[[Any], Any]:
    return lambda y: x * y


def times(a: Any, b: Any) -> Any:
    return a * b


class World:
    """Two arrays, and containers of both, bound to names."""

    def __init__(self) -> None:
        self.x, self.y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        self.main = Bindings(
            x=self.x,
            y=self.y,
            t=(self.x, self.y),
            v=[self.x, self.y],
            d={"a": self.x, "b": self.y},
            s=Struct("S", {"layers": [Struct("L", {"w": self.x}), Struct("L", {"w": self.y})]}),
            named=Named(self.x, self.y),
        )


def entries(loss: Callable[[Any], Any], watched: str = "xy") -> Any:
    """What a loss of the world's names enters for x and y, and for the names."""
    world = World()
    members = Params([getattr(world, name) for name in watched])
    grads = gradient(lambda: loss(world.main), members)
    return (*grads.values(), {name.removeprefix("Main."): part for name, part in grads.globals.items()})


def captured(loss: Callable[[Any, Any], Any]) -> Any:
    """What a loss enters for two captured variables and the names: none."""
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    grads = gradient(lambda: loss(x, y), Params([x, y]))
    return (*grads, grads.globals)


def loop(m: Any) -> Any:
    total = 0.0
    for part in m.t:
        total = total + np.sum(part * part)
    return total


def unpacked(m: Any) -> Any:
    first, second = m.t
    return np.sum(first * first) + np.sum(second)


def zipped(m: Any) -> Any:
    return sum(np.sum(a * b) for a, b in zip(m.v, m.t, strict=True))


FACTOR = 3.0
WEIGHTS = V.copy()
MODULE = ModuleType("weights")
MODULE.w = WEIGHTS  # type: ignore[attr-defined]


def global_number() -> Any:
    grads = gradient(lambda: FACTOR * np.sum(WEIGHTS), Params([WEIGHTS]))
    return grads[WEIGHTS], grads.globals.get("Main.FACTOR", NOTHING)


def array_of_a_module() -> Any:
    return gradient(lambda: np.sum(MODULE.w * MODULE.w), Params([WEIGHTS]))[WEIGHTS]


def bound_argument() -> Any:
    x = V.copy()
    return gradient(partial(lambda z: np.sum(z * z), x), Params([x]))[x]


BOTH = (ONES, ONES, {})
ITERATION: list[Fact] = [
    Result("1.5e for over a tuple", lambda: entries(loop), ([2, 4], [6, 8], {})),
    Result("1.5e for over a list", lambda: entries(lambda m: sum(np.sum(w) for w in m.v)), BOTH),
    Result("1.5e a tuple taken apart", lambda: entries(unpacked), ([2, 4], ONES, {})),
    Result("1.5e enumerate", lambda: entries(lambda m: sum(i * np.sum(w) for i, w in enumerate(m.v, 1))),
           (ONES, [2, 2], {})),
    Result("1.5e zip", lambda: entries(zipped), ([2, 4], [6, 8], {})),
    Result("1.5e nested loops", lambda: entries(lambda m: sum(np.sum(a * b) for a in m.v for b in m.v)),
           ([8, 12], [8, 12], {})),
    Result("1.5e one watched", lambda: entries(lambda m: sum(np.sum(w) for w in m.v), "x"),
           (ONES, {"v": [NOTHING, np.ones(2)]})),
    Result("1.5e values", lambda: entries(lambda m: sum(np.sum(w) for w in m.d.values())), BOTH),
    Result("1.5e items", lambda: entries(lambda m: sum(np.sum(w) for _, w in m.d.items())), BOTH),
    Result("1.5e keys", lambda: entries(lambda m: sum(np.sum(m.d[key]) for key in m.d)), BOTH),
    Result("1.5e values unwatched", lambda: entries(lambda m: sum(np.sum(w) for w in m.d.values()), ""),
           ({"d": {"a": ONES, "b": ONES}},)),
    Result("1.5e get", lambda: entries(lambda m: np.sum(m.d.get("a", 0.0))), (ONES, NOTHING, {})),
    Result("1.5e get of a missing key", lambda: entries(lambda m: np.sum(m.d.get("c", m.y))),
           (NOTHING, ONES, {"y": ONES})),
    Result("1.5e structs in a list", lambda: entries(lambda m: sum(np.sum(one.w) for one in m.s.layers)),
           BOTH),
    Result("1.5 rows of an array", lambda: entries(lambda m: sum(one * one for one in m.x)),
           ([2, 4], NOTHING, {"x": [2, 4]})),
    Result("1.5d captured", lambda: captured(lambda x, y: np.sum(x * y)), ([3, 4], [1, 2], {})),
    Result("1.5d captured and passed on", lambda: captured(lambda x, y: np.sum(multiplier(x)(x))),
           ([2, 4], NOTHING, {})),
    Result("1.5d a plain list of captured ones", lambda: captured(lambda x, y: np.sum([x, y][1])),
           (NOTHING, ONES, {})),
    Result("1.5 an argument is not looked up", lambda: gradient(lambda z: np.sum(z * z), V), ([2, 4, 6],)),
    # Python iterates to unpack, and for a comprehension: both credit as a loop does.
    Result("1.5e unpacked into a call", lambda: entries(lambda m: np.sum(times(*m.v))), ([3, 4], [1, 2], {})),
    Result("1.5e a comprehension", lambda: entries(lambda m: np.sum(np.stack([np.sum(w) for w in m.v]))),
           BOTH),
    # Python tells of a number's reading only through Bindings.
    Result("1.5 a name's number in a function", global_number, ([3] * 3, NOTHING)),
    Result("1.5 a module's array", array_of_a_module, 2 * V),
    Result("1.5d a bound argument", bound_argument, 2 * V),
    Result("1.5 a named tuple's field", lambda: entries(lambda m: np.sum(m.named.a)), (ONES, NOTHING, {})),
]  # fmt: skip


class Model:
    """A model of a user's own, in plain Python."""

    def __init__(self, w: Any) -> None:
        self.w = w


def attribute_of_an_object() -> Any:
    model = Model(V.copy())
    return gradient(lambda: np.sum(model.w * model.w), Params([model.w]))[model.w]


def accumulated(x: Any) -> Any:
    parts: list[Any] = []
    for one in x:
        parts.append(one * one)
    return sum(parts)


def powered(x: Any) -> Any:
    result, n = 1.0, 3
    while n:
        result, n = result * x, n - 1
    return result


def caught(x: Any) -> Any:
    try:
        raise KeyError(x)
    except KeyError:
        return x * x


MERGED = {"a": 2.0, "b": 3.0}
PLAIN: list[Fact] = [
    Call("1.4 a loop that collects", accumulated, (V,), (2 * V,)),
    Call("1.4 a loop with a counter", powered, (2.0,), (12,)),
    Call("1.4 a branch", lambda x: x * 2 if x > 0 else -x, (-2.0,), (-1,)),
    Call("1.4 an exception on the way", caught, (3.0,), (6,)),
    Call("1.4 a conditional read", lambda t: t[0] if len(t) > 1 else t[1], ((1.0, 2.0),), ((1, NOTHING),)),
    Call("1.4 tuples built and read", lambda a, b: (a, (b, a))[1][0], (1.0, 2.0), (NOTHING, 1)),
    Call("1.4 closures", lambda x: multiplier(x)(x), (3.0,), (6,)),
    Call("1.4 structs built and read", lambda x: make_struct("P", {"a": x, "b": 2 * x}).b, (3.0,), (2,)),
    Call("1.4 mutable structs", lambda x: make_struct("P", {"a": x}, mutable=True).a ** 2, (3.0,), (6,)),
    Call("1.4 a product of a struct's fields", lambda p: p.a * p.b, (Struct("P", {"a": 2.0, "b": 3.0}),),
         (Fields(a=3, b=2),)),
    Call("1.4 two mutable places of one object", lambda t: np.sum(t[0].w) + np.sum(t[1].w * 2),
         ((MutableStruct("P", {"w": V}),) * 2,), ((Fields(w=[1] * 3), Fields(w=[2] * 3)),)),
    Call("1.4 unpacked into a call", lambda t: times(*t), ((2.0, 3.0),), ((3, 2),)),
    Call("1.4 unpacked by names", lambda d: times(**d), (MERGED,), ({"a": 3, "b": 2},)),
    Call("1.4 a dict merged", lambda d: {**d, "c": 1.0}["a"], (MERGED,), ({"a": 1},)),
    Call("1.4 the last of a reversed tuple", lambda t: next(iter(reversed(t))), ((1.0, 2.0),),
         ((NOTHING, 1),)),
    Call("1.4 sum of a tuple", lambda t: sum(t), ((1.0, 2.0),), ((1, 1),)),
    Call("1.4 a mapped list", lambda v: sum(map(np.sum, v)), ([V, V],), ([np.ones(3), np.ones(3)],)),
    Call("1.4 siblings in a list of structs", lambda v: v[0].a, ([Struct("P", {"a": 1.0, "b": 2.0})] * 2,),
         ([Fields(a=1, b=NOTHING), NOTHING],)),
    Call("1.4 a shallow copy", lambda x: np.sum(copy.copy(x) * x), (V,), (2 * V,)),
    Call("1.11 a deep copy is the identity", lambda x: np.sum(copy.deepcopy(x) * x), (V,), (2 * V,)),
    Call("1.4 a named tuple", lambda p: np.sum(p.a * p.a), (Named(V, V),), (Named(2 * V, NOTHING),)),
    Call("1.4 a named tuple's index", lambda p: np.sum(p[0]), (Named(V, V),), (Named(np.ones(3), NOTHING),)),
    Call("1.4 tuples joined", lambda t: (*t, *t)[2], ((1.0, 2.0),), ((1, NOTHING),)),
    Result("1.4 tuples added", lambda: gradient(lambda t: (t + t)[2], (1.0, 2.0)),
           error="add takes arrays and numbers, not a tuple"),
    Call("1.4 an index computed by NumPy", lambda t: t[np.argmax(V)], ((1.0, 2.0, 3.0),),
         ((NOTHING, NOTHING, 1),)),
    Result("1.8 a truth", lambda: gradient(lambda x, flag: np.sum(x) if flag else 0.0, V, True),
           error="argument 1 is boolean, and derivatives are taken by real numbers"),
    Call("1.8 a text", lambda x, name: np.sum(x) if name == "sum" else 0.0, (V, "sum"), ([1] * 3, NOTHING)),
    Call("1.8 None as an argument", lambda x, y: np.sum(x) if y is None else 0.0, (V, None),
         ([1] * 3, NOTHING)),
    Call("1.8 None in a field", lambda s: np.sum(s.w) if s.b is None else 0.0,
         (Struct("D", {"w": V, "b": None}),), (Fields(w=[1] * 3, b=NOTHING),)),
    Call("1.8 a function as an argument", lambda f, x: f(x), (np.sum, V), (NOTHING, [1] * 3)),
    Call("1.8 whole quotients", lambda x: 1.0 * (x // 2.0), (5.0,), (NOTHING,)),
    Call("1.8 hash", lambda x: hash(x) % 1, (5.0,), (NOTHING,)),
    Result("1.5d an attribute of a plain object", attribute_of_an_object, 2 * V),
]  # fmt: skip

FACTS: list[Fact] = [*ITERATION, *PLAIN]
