"""Explicit mode (X): structures, containers, mutable objects, and plain Python around them."""

from __future__ import annotations

import copy
from functools import reduce
from typing import Any

import numpy as np

from aliascheck.engine import NOTHING, REGISTRY, custom, gradient, make_struct, pullback, withgradient
from aliascheck.memory import Fields, MutableStruct, Struct
from tests.conformance.fact import Call, Fact, Result

adjoint = REGISTRY["adjoint"]
V = np.array([1.0, 2.0, 3.0])
THREE = (1.0, 2.0, 3.0)


def imm(x: Any) -> Struct:
    return Struct("Imm", {"x": x})


def mut(x: Any) -> MutableStruct:
    return MutableStruct("Mut", {"x": x})


def ref(x: Any) -> MutableStruct:
    return MutableStruct("Ref", {"x": x})


class Box:
    """An object of Python's own, made and changed inside the function."""

    value: Any = 0.0


def set_and_read(args: Any) -> Any:
    box = Box()
    box.value = args[0]
    return box.value


def pulled_back_by_one() -> Any:
    return pullback(set_and_read, (1.0,))[1](1.0)


def local_dict(x: Any) -> Any:
    d = {}
    d["x"] = x
    return x * d["x"]


def powers_in_a_dict(x: Any) -> Any:
    d = {}
    for i in range(1, 5):
        d[i] = float(i) ** x
    return sum(d.values())


def changed_copy(d: Any) -> Any:
    changed = dict(d)
    changed["1"] = d["1"] * 5.0
    return np.sum(changed["1"]) + np.sum(changed["2"])


def changed_deepcopy(d: Any) -> Any:
    changed = copy.deepcopy(dict(d))
    changed["1"] = d["1"] * 5.0
    return np.sum(changed["1"]) + np.sum(changed["2"])


def keyword_product(*, x: Any, z: Any = 10.0, **others: Any) -> Any:
    return x * z


def run_time_index(parts: Any) -> Any:
    for position in range(3):
        if position == 1:
            return parts[position]
    return None


def several_seeds() -> Any:
    """Cotangents of a tuple's parts: nothing alone stays so, among numbers it counts as zero."""
    _, back = pullback(lambda x: tuple(x), np.array([3.0, 4.0]))
    return back(NOTHING)[0], back((NOTHING, NOTHING))[0], back((NOTHING, 4.0))[0]


def auxiliary_output() -> Any:
    found = withgradient(lambda x: (np.sum(1 / x), 1 / x), np.array([1.0, 2.0, 4.0]))
    return found.val, found.grad


def length_of_a_sum(a: Any, b: Any) -> Any:
    total = make_struct("Point", {"x": a.x + b.x, "y": a.y + b.y})
    return np.sqrt(total.x**2 + total.y**2)


def point(x: float, y: float) -> Struct:
    return Struct("Point", {"x": x, "y": y})


UNIT = Fields(x=0.5547001962252291, y=0.8320502943378437)
NAMED = Struct("NT", {"a": 1.0, "b": 2.0})
ONE_OF_NAMED = Fields(x=Fields(a=1.0, b=NOTHING))
POSITION = [0]
CUBES = [
    Call(f"X25 {outer.__name__} {inner.__name__}", lambda x: x.x.x**3, (outer(inner(4.0)),),
         (Fields(x=Fields(x=48)),))
    for outer, inner in ((imm, imm), (imm, mut), (mut, imm), (mut, mut))
]  # fmt: skip

FACTS: list[Fact] = [
    Call("X1", lambda x: 1, (2.0,), (NOTHING,)),
    Call("X5 one", lambda x, *a: x, (1.0,), (1.0,)),
    Call("X5", lambda x, *a: x, (1.0, 1.0), (1.0, NOTHING)),
    Call("X5 compared", lambda x, *a: 1 if x == a[0] else 0, (1.0, 1.0), (NOTHING, NOTHING)),
    Call("X7", local_dict, (2.0,), (4.0,)),
    Call("X9", custom(lambda f, x: f * x, lambda d_out, out, f, x: (1.0, 2.0)), (5.0, 7.0), (1.0, 2.0)),
    Result("X11", lambda: gradient(lambda v: (v.append(1.0), np.sum(v[0]))[1], [V]),
           error="a list has no field 'append'"),
    Call("X13", lambda x: x.shape[1], (np.ones((2, 3)),), (NOTHING,)),
    Call("X15", lambda v: sum(x[1] for x in v), ([THREE, (4.0, 5.0, 6.0)],), ([(NOTHING, 1, NOTHING)] * 2,)),
    Result("X17", pulled_back_by_one, ((1.0,),)),
    Call("X19", lambda r: r.x**2 + r.x, (ref(3.0),), (Fields(x=7),)),
    Call("X19 nested", lambda r: r.x.x**2 + r.x.x, (ref(ref(1.0)),), (Fields(x=Fields(x=3)),)),
    Call("X21", lambda r: sum(np.sum(r.x * n) for n in (1, 2, 3)), (ref(np.array([4.0, 5.0])),),
         (Fields(x=[6, 6]),)),
    Call("X21 inside", lambda x: sum(np.sum(make_struct("Ref", {"x": x}, mutable=True).x * n)
                                     for n in (1, 2, 3)), ([4, 5],), ([6, 6],)),
    *(Call(f"X23 {kind.__name__}", lambda x: x[0].x ** 2, ((kind(3.0),),), ((Fields(x=6),),))
      for kind in (mut, imm, ref)),
    *(Call(f"X23 {kind.__name__} at run time", lambda x: x[POSITION[0]].x ** 2, ((kind(3.0),),),
           ((Fields(x=6),),)) for kind in (mut, imm, ref)),
    *CUBES,
    *(Call(f"X27 {kind.__name__}", lambda x: np.sum(x[0].x) ** 2, ((kind(np.array([3.0])),),),
           ((Fields(x=[6]),),)) for kind in (imm, mut)),
    *(Call(f"X27 {kind.__name__} twice", lambda x: np.sum(x[0].x + x[0].x) ** 3, ((kind(np.array([3.0])),),),
           ((Fields(x=[216]),),)) for kind in (imm, mut)),
    Call("X29", lambda r: r.x.a, (ref(NAMED),), (ONE_OF_NAMED,)),
    Call("X29 in a list", lambda v: v[0].x.a, ([ref(NAMED), ref(NAMED)],), ([ONE_OF_NAMED, NOTHING],)),
    Call("X31", lambda nt: keyword_product(x=nt.x, z=nt.z), (Struct("NT", {"x": 3.0, "y": 4.0, "z": 2.3}),),
         (Fields(x=2.3, y=NOTHING, z=3.0),)),
    Call("X31 dict", lambda d: keyword_product(**d), ({"x": 3.0, "y": 4.0, "z": 2.3},),
         ({"x": 2.3, "z": 3.0},)),
    Call("X33", powers_in_a_dict, (3.0,), (123.93054835019153,)),
    Call("X35", changed_copy, ({"1": np.ones(1), "2": np.ones(1)},), ({"1": [5], "2": [1]},)),
    Call("X35 deep copy", changed_deepcopy, ({"1": np.ones(1), "2": np.ones(1)},), ({"1": [5], "2": [1]},)),
    Call("X37", lambda x: max(*x), (V,), ([0, 0, 1],)),
    Call("X37 matrix", lambda x: max(*x.ravel()), ([[1, 2], [3, 4]],), ([[0, 0], [0, 1]],)),
    Call("X37 row", lambda x: max(*x.ravel()), (adjoint(V),), ([[0, 0, 1]],)),
    Call("X37 tuple", lambda x: reduce(np.minimum, x), (THREE,), ((1, 0, 0),)),
    Call("X39", lambda d: d.get("a", 0.0), ({"a": 2.0, "b": 3.0},), ({"a": 1.0},)),
    Call("X39 missing", lambda d, default: d.get("c", default), ({"a": 2.0, "b": 3.0}, 10.0), (NOTHING, 1)),
    Call("X41", run_time_index, (THREE,), ((NOTHING, 1, NOTHING),)),
    Call("X41 by name", lambda p: getattr(p, ["a", "b"][1]), (NAMED,), (Fields(a=NOTHING, b=1),)),
    Result("X47", several_seeds, (NOTHING, NOTHING, [0, 4])),
    Result("X49", auxiliary_output, ((1.75, [1, 0.5, 0.25]), ([-1, -0.25, -0.0625],))),
    Call("X53", length_of_a_sum, (point(1.0, 2.0), point(3.0, 4.0)), (UNIT, UNIT)),
]  # fmt: skip
