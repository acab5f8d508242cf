"""Sets and gradients (P, G), Jacobians (J), implicit mode's hooks (I), sums of cotangents (A)."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine import (
    NOTHING,
    Argument,
    Bindings,
    Grads,
    Ledger,
    Params,
    Tape,
    Tracer,
    gradient,
    pullback,
    read_global,
    walk_back,
    withgradient,
    withjacobian,
)
from aliascheck.errors import EngineError
from aliascheck.memory import Fields, MixedTangentsError, Struct, accumulate
from tests.conformance.fact import LONG, Fact, Loss, Result


def arrays(*values: Any) -> list[Any]:
    return [np.array(value, float) for value in values]


X1, X2 = np.array([5.0, 6.0]), np.array([7.0, 8.0])


class World:
    """Two weights, and the gradients that the facts of this section combine."""

    def __init__(self) -> None:
        self.w, self.b = arrays([1, 2], [3, 4])
        main = Bindings(w=self.w, b=self.b)
        w, both = Params([self.w]), Params([self.w, self.b])
        self.gs1 = gradient(lambda: np.sum(main.w * X1), w)
        self.gs2 = gradient(lambda: np.sum(main.w * X2), w)
        self.gs3 = gradient(lambda: np.sum(main.w * X1), both)
        self.gs4 = gradient(lambda: np.sum(main.w * X2 + main.b), both)


def implicit_parameters() -> Any:
    w, x = arrays([3, 1], [2, 4])
    found = withgradient(lambda: np.sum(w * x), Params([w]))
    return found.val, found.grad[w]


def membership() -> Any:
    w, b = np.ones((2, 3)), np.ones(2)
    return w in Params([w]), b in Params([w])


def copied_in() -> Any:
    (x,) = arrays([0, 0])
    Params([x]).copy_from([1, 2])
    return x


def indexed() -> Any:
    x, y = arrays([1, 2], [1])
    params = Params([x, y])
    return params[0] is x, params[1] is y, [id(one) for one in params[0:2]] == [id(x), id(y)]


def unions() -> Any:
    x, y, z = arrays([1, 2], [1], [3, 4])
    made = [Params([x, y]).union([z]), Params([x, y]).union([y, z])]
    return all(type(one) is Params and one.same_objects([x, y, z]) for one in made)


def algebra() -> Any:
    world = World()
    w, gs1, gs2 = world.w, world.gs1, world.gs2
    made = [2 * gs1, gs1 + gs2, gs1 - gs2, gs1 * 2, gs1 / 2]
    return all(isinstance(one, Grads) for one in made), tuple(one[w] for one in made)


def nothing_as_zero() -> Any:
    world = World()
    both = world.gs3 + world.gs4
    return world.gs3[world.b], both[world.w], both[world.b]


def other_sets() -> Any:
    world = World()
    return world.gs1 + world.gs4


def copies() -> Any:
    w = np.ones(2)
    _, back = pullback(lambda: np.sum(w * X1), Params([w]))
    g3 = back(1.0).copy()
    g4 = back(NOTHING)
    return g3[w], g4[w], all(np.array_equal(a, b) for a, b in zip(g3.copy(), g3, strict=True))


def as_dictionary() -> Any:
    w, b, x = arrays([1, 2], [0, 1], [3, 4])
    params = Params([w, b])
    grads = gradient(lambda: np.sum(np.tanh(w * x + b)), params)
    (first, value), _ = grads.items()
    return (
        params.same_objects(grads.keys()),
        len(grads.values()),
        len(grads.items()),
        first is params[0],
        value is grads[first],
    )


def clamped() -> Any:
    world = World()
    for entry in world.gs4:
        np.clip(entry, -0.5, 7.5, out=entry)
    return world.gs4[world.w], world.gs4[world.b]


def squares_of_all() -> Any:
    w, b = np.ones((2, 3)), np.zeros(2)
    params = Params([w, b])
    grads = gradient(lambda: sum(np.sum(p**2) for p in params), params)
    return grads[w], grads[b]


def jacobians() -> Any:
    xs, ys = arrays([[1, 2], [3, 4]], [5, 7, 9])
    found = withjacobian(lambda: ys[0:2] + np.sum(xs**2), Params([xs, ys]))
    return found.val, found.grad[ys], found.grad[xs]


def captured_dict() -> Any:
    d = {"key": np.ones(4)}
    return gradient(lambda: d["key"][1], Params([d["key"]]))[d["key"]]


def values_of_a_dict() -> Any:
    a, b, c = arrays([3], [4], [5])
    d = {"a": a, "b": b, "c": c}
    grads = gradient(lambda: sum(np.sum(v) for v in d.values()) + np.sum(d["b"]), Params([a, b, c]))
    return tuple(grads)


def global_parameter() -> Any:
    """The low-level sweep of x -> x * global_param, and what it leaves for the name."""
    tape, ledger = Tape(), Ledger()
    x = Tracer(2.0, tape, tape.record(Argument(0)))
    y = x * read_global(tape, "global_param", 3.0)
    found = walk_back(tape, y._index, np.float64(1.0), ledger)
    return y._value, found[0], ledger.globals


def field_in_both_modes() -> Any:
    g = Struct("g", {"m": np.array([1.0, 2.0, 3.0]), "P": np.eye(3)})
    main = Bindings(g=g)
    seed = np.array([1.0, 0.0, 0.0])
    explicit = pullback(lambda x: x.m, g)[1](seed)
    implicit = pullback(lambda: main.g.m, Params())[1](seed)
    return explicit, implicit["Main.g"]


def wrong_way_round() -> Any:
    try:
        return accumulate(Fields(a=1.0, b=2.0), Fields(a=1.0, b=2.0, c=3.0))
    except (MixedTangentsError, ValueError, KeyError) as error:
        raise EngineError(str(error)) from error


MUTABLE, IMMUTABLE = {"y1": [3.0], "M": "mutable(Mut(x=y1))"}, {"y1": [3.0], "M": "Imm(x=y1)"}
TWICE = "sum((M,)[0].x + (M,)[1 - 1].x) ** 3"

FACTS: list[Fact] = [
    Loss("P1 entries", "sum(w * x)", "w", {"w": [2, 4], "Main.w": [2, 4], "Main.x": [3, 1]},
         let={"w": [3.0, 1.0], "x": [2.0, 4.0]}),
    Result("P1", implicit_parameters, (10.0, [2, 4])),
    Result("P3", membership, (True, False)),
    Result("P5", copied_in, [1, 2]),
    Result("P7", lambda: Params(arrays([1, 2], [3])).copy_to(np.zeros(3)), [1, 2, 3]),
    Result("P9", lambda: all(np.all(a == b) for a, b in
                             zip(Params(arrays([1, 1])), Params(arrays([1, 1])), strict=True)), True),
    Result("P11", indexed, (True, True, True)),
    Result("P13", unions, True),
    Result("P15", lambda: (len(Params()), len(Params(())), len(Params([]))), (0, 0, 0)),
    Result("G1", algebra, (True, (2 * X1, X1 + X2, X1 - X2, 2 * X1, X1 / 2))),
    Result("G3", nothing_as_zero, (NOTHING, X1 + X2, [1, 1])),
    Result("G5", other_sets, error="gradients of different sets cannot be combined"),
    Result("G7", copies, (X1, NOTHING, True)),
    Result("G9", as_dictionary, (True, 2, 2, True, True)),
    Result("G11", clamped, ([7, 7.5], [1, 1])),
    Result("G13", squares_of_all, (np.full((2, 3), 2.0), [0, 0])),
    Result("J1", jacobians, ([35, 37], [[1, 0, 0], [0, 1, 0]], [[2, 4, 6, 8]] * 2)),
    Loss("I1", "d['key'][1]", "d['key']", {"d['key']": [0, 1, 0, 0]}, let={"d": "{'key': ones(4)}"}),
    Result("I1 captured", captured_dict, [0, 1, 0, 0]),
    Loss("I3", "sum(L(x))", "W", {"W": [[1, 2]], "Main.x": [3, 4]},
         let={**LONG, "W": [[3.0, 4.0]], "L": "Dense(W)"}),
    Loss("I5", "(p,)[0][0]", "p", {"p": [1]}, let={"p": [1.0]}, python=False),
    Loss("I7 mutable", "sum((M,)[0].x) ** 2", "y1", {"y1": [6]}, let=MUTABLE),
    Loss("I7 immutable", "sum((M,)[0].x) ** 2", "y1", {"y1": [6]}, let=IMMUTABLE),
    Loss("I9 mutable", TWICE, "y1", {"y1": [216]}, let=MUTABLE),
    Loss("I9 immutable", TWICE, "y1", {"y1": [216]}, let=IMMUTABLE),
    Result("I11", values_of_a_dict, ([1], [2], [1])),
    Loss(
        "I13", "sum(x * reshape(y, 2, 1) * z)", "x y",
        {"x": [[7, 70, 700], [8, 80, 800]], "y": [321, 654], "Main.x": [[7, 70, 700], [8, 80, 800]],
         "Main.y": [321, 654], "Main.z": [39, 54, 69]},
        let={"x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "y": [7.0, 8.0], "z": [1.0, 10.0, 100.0]},
        python=False,
    ),
    Result("I15", global_parameter, (6.0, 3.0, {"global_param": 2.0})),
    Result("I17", field_in_both_modes, ((Fields(m=[1, 0, 0], P=NOTHING),), Fields(m=[1, 0, 0], P=NOTHING))),
    Result("A1", lambda: accumulate(Fields(a=1.0, b=2.0, c=3.0), Fields(a=1.0, b=2.0)),
           Fields(a=2, b=4, c=3)),
    Result("A1 0-d", lambda: accumulate(np.array(1.0), np.array(2.0)), 3.0),
    Result("A1 reversed", wrong_way_round, error="c"),
]  # fmt: skip
