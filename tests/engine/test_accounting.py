"""Who is credited with what: the two modes, fact by fact, in expressions and in Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Bindings, Params, call, gradient, make_list, make_tuple
from aliascheck.errors import EngineError
from aliascheck.language import parse
from aliascheck.memory import Fields, format_path, lookup, parse_path
from aliascheck.subjects.program import Program
from tests.engine.tangents import matches
from tests.language.bindings import let

adjoint, transpose, concatenate = (REGISTRY[name] for name in ("adjoint", "transpose", "concatenate"))


def parent(tangent: Any) -> Fields:
    return Fields(parent=tangent)


@dataclass(frozen=True)
class Fact:
    """A loss, a set, and every entry that implicit mode makes; `main.` names are globals' entries."""

    id: str
    loss: str
    params: tuple[str, ...]
    entries: dict[str, Any]
    let: dict[str, Any] = field(default_factory=dict)
    python: Callable[[Any], Any] | None = None
    error: str | None = None

    def bindings(self) -> dict[str, Any]:
        made = let(**{name: made_of(value) for name, value in {**SEED, **self.let}.items()})
        return made.values


def made_of(value: Any) -> Any:
    return np.array(value, float) if isinstance(value, list) else value


SEED: dict[str, Any] = {"x": [1.0], "xt": "adjoint(x)"}
LONG: dict[str, Any] = {"x": [1.0, 2.0], "y": [3.0, 4.0], "xt": "adjoint(x)"}
ONES = [1.0, 1.0]
DENSE = {
    "W": [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]],
    "m": "Chain(Dense(W, zeros(2)), Dense(transpose(W), zeros(5)))",
    "W2": "m.layers[1].weight",
}
FIRST, SECOND = [[15.0] * 5, [40.0] * 5], [[15.0, 40.0]] * 5
REST = Fields(layers=(Fields(weight=NOTHING, bias=[15, 40]), Fields(weight=NOTHING, bias=[1] * 5)))
SLOPE = 1 - math.tanh(1) ** 2

FACTS = [
    # The seed thread.
    Fact(
        "S1",
        "sum(adjoint(x) * x)",
        ("x",),
        {"x": [2], "Main.x": [2]},
        python=lambda m: np.sum(adjoint(m.x) * m.x),
    ),
    Fact(
        "S2",
        "sum(xt * x)",
        ("x",),
        {"x": [1], "Main.x": [1], "Main.xt": [[1]]},
        python=lambda m: np.sum(m.xt * m.x),
    ),
    Fact(
        "S3",
        "sum(xt * x)",
        ("x", "xt"),
        {"x": [1], "Main.x": [1], "xt": [[1]], "Main.xt": [[1]]},
        python=lambda m: np.sum(m.xt * m.x),
    ),
    Fact(
        "S4",
        "sum(xt.parent * x)",
        ("x",),
        {"x": [2], "Main.x": [1]},
        python=lambda m: np.sum(m.xt.parent * m.x),
    ),
    Fact(
        "S5",
        "sum(xt.parent * x)",
        ("x", "xt"),
        {"x": [2], "xt": NOTHING, "Main.x": [1]},
        python=lambda m: np.sum(m.xt.parent * m.x),
    ),
    Fact(
        "S6",
        "sum(xt.parent * x)",
        ("xt",),
        {"xt": parent([1]), "Main.x": [1], "Main.xt": parent([1])},
        python=lambda m: np.sum(m.xt.parent * m.x),
    ),
    Fact("S7", "sum(a.x)", ("x",), {"x": ONES}, {**LONG, "a": "A(x=x)"}, python=lambda m: np.sum(m.a.x)),
    Fact("S8", "sum(xt)", ("x",), {"x": NOTHING, "Main.xt": [ONES]}, LONG, python=lambda m: np.sum(m.xt)),
    Fact(
        "S8 watched",
        "sum(xt)",
        ("x", "xt"),
        {"x": NOTHING, "xt": [ONES], "Main.xt": [ONES]},
        LONG,
        python=lambda m: np.sum(m.xt),
    ),
    Fact("S8 parent", "sum(xt.parent)", ("x",), {"x": ONES}, LONG, python=lambda m: np.sum(m.xt.parent)),
    # The same world, derived.
    Fact(
        "E1",
        "sum(xt.parent * x)",
        (),
        {"Main.x": [1], "Main.xt": parent([1])},
        python=lambda m: np.sum(m.xt.parent * m.x),
    ),
    Fact(
        "E3",
        "sum(xt.parent * xt.parent)",
        ("x",),
        {"x": [2]},
        python=lambda m: np.sum(m.xt.parent * m.xt.parent),
    ),
    Fact(
        "E3 unwatched",
        "sum(xt.parent * xt.parent)",
        ("xt",),
        {"xt": parent([2]), "Main.xt": parent([2])},
        python=lambda m: np.sum(m.xt.parent * m.xt.parent),
    ),
    Fact(
        "E5",
        "sum(xt * xt.parent)",
        ("xt",),
        {},
        python=lambda m: np.sum(m.xt * m.xt.parent),
        error="read both as an array and through its fields",
    ),
    Fact(
        "E5 consumed",
        "sum(xt * xt.parent)",
        ("x", "xt"),
        {"x": [1], "xt": [[1]], "Main.xt": [[1]]},
        python=lambda m: np.sum(m.xt * m.xt.parent),
    ),
    Fact(
        "E7",
        "sum(adjoint(x) * x)",
        ("xt",),
        {"xt": NOTHING, "Main.x": [2]},
        python=lambda m: np.sum(adjoint(m.x) * m.x),
    ),
    Fact(
        "E9",
        "sum(tt)",
        ("xt",),
        {"xt": NOTHING, "Main.tt": [[1]]},
        {"tt": "transpose(x)"},
        python=lambda m: np.sum(m.tt),
    ),
    Fact(
        "E9 equal",
        "sum(x2)",
        ("xt",),
        {"xt": [[1]], "Main.x2": [[1]]},
        {"x2": "adjoint(x)"},
        python=lambda m: np.sum(m.x2),
    ),
    Fact("E13", "sum(t[0])", ("x",), {"x": ONES}, {**LONG, "t": "(x, y)"}, python=lambda m: np.sum(m.t[0])),
    Fact(
        "E13 unwatched",
        "sum(t[0])",
        ("y",),
        {"y": NOTHING, "Main.t": (ONES, NOTHING)},
        {**LONG, "t": "(x, y)"},
        python=lambda m: np.sum(m.t[0]),
    ),
    Fact(
        "E13 tuple watched",
        "sum(t[0]) + sum(u[0])",
        ("t",),
        {"t": ([2, 2], NOTHING), "Main.t": (ONES, NOTHING), "Main.u": (ONES, NOTHING)},
        {**LONG, "t": "(x, y)", "u": "(x, y)"},
        python=lambda m: np.sum(m.t[0]) + np.sum(m.u[0]),
    ),
    Fact(
        "E17",
        "sum(L.W)",
        ("x", "L"),
        {"x": ONES, "L": NOTHING},
        {**LONG, "L": "Layer(W=x)"},
        python=lambda m: np.sum(m.L.W),
    ),
    Fact(
        "E17 outer only",
        "sum(L.W)",
        ("L",),
        {"L": Fields(W=ONES), "Main.L": Fields(W=ONES)},
        {**LONG, "L": "Layer(W=x)"},
        python=lambda m: np.sum(m.L.W),
    ),
    Fact(
        "E19",
        "sum(n * x)",
        ("x",),
        {"x": [3], "Main.x": [3], "Main.n": 1.0},
        {"n": 3.0},
        python=lambda m: np.sum(m.n * m.x),
    ),
    # Containers: tuples and dicts credit what is read from them, lists do not.
    Fact(
        "list",
        "sum(v[0])",
        ("x",),
        {"x": NOTHING, "Main.v": [np.ones(2), NOTHING]},
        {**LONG, "v": "[x, y]"},
        python=lambda m: np.sum(m.v[0]),
    ),
    Fact(
        "list twice",
        "sum(v[0] * v[-1])",
        ("x",),
        {"x": NOTHING, "Main.v": [np.array([3, 4]), np.array([1, 2])]},
        {**LONG, "v": "[x, y]"},
        python=lambda m: np.sum(m.v[0] * m.v[-1]),
    ),
    Fact(
        "list object",
        "sum(v[0])",
        ("v",),
        {"v": [np.ones(2), NOTHING], "Main.v": [np.ones(2), NOTHING]},
        {**LONG, "v": "[x, y]"},
        python=lambda m: np.sum(m.v[0]),
    ),
    Fact(
        "list of list",
        "sum(v[1][0])",
        ("x",),
        {"x": NOTHING, "Main.v": [NOTHING, [np.ones(2)]]},
        {**LONG, "v": "[y, [x]]"},
        python=lambda m: np.sum(m.v[1][0]),
    ),
    Fact(
        "tuple in a list",
        "sum(v[0][0])",
        ("x",),
        {"x": ONES},
        {**LONG, "v": "[(x, y)]"},
        python=lambda m: np.sum(m.v[0][0]),
    ),
    Fact(
        "slice of a tuple",
        "sum(t[0:1][0])",
        ("x",),
        {"x": ONES},
        {**LONG, "t": "(x, y)"},
        python=lambda m: np.sum(m.t[0:1][0]),
    ),
    Fact(
        "slice of a list",
        "sum(v[0:1][0])",
        ("x",),
        {"x": NOTHING, "Main.v": [np.ones(2), NOTHING]},
        {**LONG, "v": "[x, y]"},
        python=lambda m: np.sum(m.v[0:1][0]),
    ),
    Fact(
        "I1",
        "d['key'][1]",
        ("d['key']",),
        {"d['key']": [0, 1, 0, 0]},
        {"d": "{'key': ones(4)}"},
        python=lambda m: m.d["key"][1],
    ),
    Fact(
        "dict",
        "sum(d['b'])",
        ("x",),
        {"x": NOTHING, "Main.d": {"b": ONES}},
        {**LONG, "d": "{'a': x, 'b': y}"},
        python=lambda m: np.sum(m.d["b"]),
    ),
    Fact(
        "dict object",
        "sum(d['b']) + sum(d['a'])",
        ("d",),
        {"d": {"a": ONES, "b": ONES}, "Main.d": {"a": ONES, "b": ONES}},
        {**LONG, "d": "{'a': x, 'b': y}"},
        python=lambda m: np.sum(m.d["b"]) + np.sum(m.d["a"]),
    ),
    Fact(
        "consumed whole",
        "sum(concatenate(t))",
        ("x",),
        {"x": NOTHING, "Main.t": (ONES, ONES)},
        {**LONG, "t": "(x, y)"},
        python=lambda m: np.sum(concatenate(m.t)),
    ),
    Fact(
        "built inside",
        "sum(concatenate([x, y])) + sum((x, y)[0])",
        ("x",),
        {"x": [2, 2], "Main.x": ONES, "Main.y": ONES},
        LONG,
        python=lambda m: np.sum(np.concatenate([m.x, m.y])) + np.sum(make_tuple([m.x, m.y])[0]),
    ),
    Fact("I5", "(x,)[0][0]", ("x",), {"x": [1, 0]}, LONG, python=lambda m: make_tuple([m.x])[0][0]),
    Fact(
        "list built inside",
        "sum([x, y][0])",
        ("x",),
        {"x": ONES, "Main.x": ONES},
        LONG,
        python=lambda m: np.sum(make_list([m.x, m.y])[0]),
    ),
    # Structs and mutable structs.
    Fact(
        "I7 mutable",
        "sum((M,)[0].x) ** 2",
        ("y1",),
        {"y1": [6]},
        {"y1": [3.0], "M": "mutable(Mut(x=y1))"},
        python=lambda m: np.sum(make_tuple([m.M])[0].x) ** 2,
    ),
    Fact(
        "I7 immutable",
        "sum((M,)[0].x) ** 2",
        ("y1",),
        {"y1": [6]},
        {"y1": [3.0], "M": "Imm(x=y1)"},
        python=lambda m: np.sum(make_tuple([m.M])[0].x) ** 2,
    ),
    Fact(
        "immutable in two places",
        "sum(t[0].x) + sum(a.x)",
        ("a",),
        {"a": Fields(x=[2, 2]), "Main.a": Fields(x=ONES)},
        {**LONG, "a": "A(x=x)", "t": "(A(x=x), y)"},
        python=lambda m: np.sum(m.t[0].x) + np.sum(m.a.x),
    ),
    Fact(
        "mutable in two places",
        "sum(t[0].x) + sum(a.x)",
        ("a",),
        {"a": Fields(x=ONES), "Main.a": Fields(x=ONES), "Main.t": (Fields(x=ONES), NOTHING)},
        {**LONG, "a": "mutable(A(x=x))", "t": "(mutable(A(x=x)), y)"},
        python=lambda m: np.sum(m.t[0].x) + np.sum(m.a.x),
    ),
    Fact(
        "siblings",
        "sum(a.x)",
        (),
        {"Main.a": Fields(x=ONES, y=NOTHING)},
        {**LONG, "a": "A(x=x, y=y)"},
        python=lambda m: np.sum(m.a.x),
    ),
    # Array indexing: no credit, and dense zeros where not read.
    Fact("element", "x[0]", ("x",), {"x": [1, 0], "Main.x": [1, 0]}, LONG, python=lambda m: m.x[0]),
    Fact(
        "repeated index",
        "sum(x[[0, 1, 1]])",
        ("x",),
        {"x": [1, 2], "Main.x": [1, 2]},
        LONG,
        python=lambda m: np.sum(m.x[[0, 1, 1]]),
    ),
    Fact(
        "slice outside",
        "sum(s)",
        ("x", "s"),
        {"x": NOTHING, "s": [1], "Main.s": [1]},
        {**LONG, "s": "x[1:]"},
        python=lambda m: np.sum(m.s),
    ),
    Fact(
        "slice inside",
        "sum(x[1:])",
        ("x", "s"),
        {"x": [0, 1], "s": NOTHING, "Main.x": [0, 1]},
        {**LONG, "s": "x[1:]"},
        python=lambda m: np.sum(m.x[1:]),
    ),
    # Nothing against zero.
    Fact("constant", "1.0", ("x",), {"x": NOTHING}, python=lambda m: 1.0),
    Fact(
        "R7 comparison",
        "sum(1 - (x > 0))",
        ("x",),
        {"x": NOTHING},
        LONG,
        python=lambda m: np.sum(1 - (m.x > 0)),
    ),
    Fact(
        "R7",
        "sum(x - (x > 0))",
        ("x",),
        {"x": ONES, "Main.x": ONES},
        LONG,
        python=lambda m: np.sum(m.x - (m.x > 0)),
    ),
    Fact(
        "zero", "sum(0 * x)", ("x",), {"x": [0, 0], "Main.x": [0, 0]}, LONG, python=lambda m: np.sum(0 * m.x)
    ),
    Fact(
        "floor",
        "sum(floor(x))",
        ("x",),
        {"x": [0, 0], "Main.x": [0, 0]},
        LONG,
        python=lambda m: np.sum(np.floor(m.x)),
    ),
    Fact(
        "stopped",
        "sum(x * stop_gradient(x))",
        ("x",),
        {"x": [1, 2], "Main.x": [1, 2]},
        LONG,
        python=lambda m: np.sum(m.x * REGISTRY["stop_gradient"](m.x)),
    ),
    # Wrappers built inside.
    Fact(
        "undone",
        "sum(adjoint(adjoint(x)) * y)",
        ("x",),
        {"x": [3, 4], "Main.x": [3, 4], "Main.y": [1, 2]},
        LONG,
        python=lambda m: np.sum(adjoint(adjoint(m.x)) * m.y),
    ),
    Fact(
        "undone outside",
        "sum(adjoint(xt) * y)",
        ("x",),
        {"x": NOTHING, "Main.xt": [[3, 4]], "Main.y": [1, 2]},
        LONG,
        python=lambda m: np.sum(adjoint(m.xt) * m.y),
    ),
    Fact(
        "field of one built inside",
        "sum(adjoint(x).parent * y)",
        ("x",),
        {"x": [3, 4], "Main.y": [1, 2]},
        LONG,
        python=lambda m: np.sum(adjoint(m.x).parent * m.y),
    ),
    Fact(
        "field of one built inside, unwatched",
        "sum(adjoint(x).parent * y)",
        (),
        {"Main.x": [3, 4], "Main.y": [1, 2]},
        LONG,
        python=lambda m: np.sum(adjoint(m.x).parent * m.y),
    ),
    Fact(
        "both ways, built inside",
        "sum(adjoint(x).parent) + sum(adjoint(x))",
        ("y",),
        {"y": NOTHING, "Main.x": [2, 2]},
        LONG,
        python=lambda m: np.sum(adjoint(m.x).parent) + np.sum(adjoint(m.x)),
    ),
    # Wrappers of wrappers: innermost takes over.
    Fact(
        "deep",
        "sum(r.parent.parent)",
        ("x", "xt"),
        {"x": ONES, "xt": NOTHING},
        {**LONG, "r": "flip(xt)"},
        python=lambda m: np.sum(m.r.parent.parent),
    ),
    Fact(
        "half deep",
        "sum(r.parent)",
        ("x", "xt"),
        {"x": NOTHING, "xt": [ONES]},
        {**LONG, "r": "flip(xt)"},
        python=lambda m: np.sum(m.r.parent),
    ),
    Fact(
        "deep, outermost only",
        "sum(r.parent.parent)",
        ("r",),
        {"r": parent(parent(ONES)), "Main.r": parent(parent(ONES))},
        {**LONG, "r": "flip(xt)"},
        python=lambda m: np.sum(m.r.parent.parent),
    ),
    # Layers and closures.
    Fact(
        "tied dense, both",
        "sum(m(ones(5)))",
        ("W", "W2"),
        {"W": FIRST, "W2": SECOND, "Main.m": REST},
        DENSE,
        python=lambda m: np.sum(m.m(np.ones(5))),
    ),
    Fact(
        "I3",
        "sum(L(x))",
        ("W",),
        {"W": [[1, 2]], "Main.x": [3, 4]},
        {**LONG, "W": [[3.0, 4.0]], "L": "Dense(W)"},
        python=lambda m: np.sum(m.L(m.x)),
    ),
    Fact(
        "activation",
        "sum(L(x))",
        ("W",),
        {
            "W": [[SLOPE, 0]],
            "Main.x": [SLOPE] * 2,
            "Main.L": Fields(weight=NOTHING, bias=[SLOPE], activation=NOTHING),
        },
        {"x": [1.0, 0.0], "W": [[1.0, 1.0]], "L": "Dense(W, zeros(1), tanh)"},
        python=lambda m: np.sum(call(m.L, m.x)),
    ),
    Fact(
        "embedding",
        "sum(e(array([0, 2, 2], dtype='int')))",
        ("W",),
        {"W": [[1, 1], [0, 0], [2, 2]]},
        {"W": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "e": "Embedding(W)"},
        python=lambda m: np.sum(m.e(np.array([0, 2, 2]))),
    ),
    Fact(
        "closure",
        "sum(f(y))",
        ("x",),
        {"x": [3, 4], "Main.y": [1, 2]},
        {**LONG, "f": "(lambda w: lambda v: w * v)(x)"},
    ),
    Fact(
        "closure unwatched",
        "sum(f(y))",
        (),
        {"Main.f": Fields(w=[3, 4]), "Main.y": [1, 2]},
        {**LONG, "f": "(lambda w: lambda v: w * v)(x)"},
    ),
    Fact(
        "closure built inside",
        "(lambda w: lambda v: sum(w * v))(x)(y)",
        ("x",),
        {"x": [3, 4], "Main.y": [1, 2]},
        LONG,
    ),
    Fact(
        "global read in a lambda",
        "f(y)",
        ("x",),
        {"x": [3, 4], "Main.x": [3, 4], "Main.y": [1, 2]},
        {**LONG, "f": "lambda v: sum(x * v)"},
    ),
    # Implicit facts of the original's own tests.
    Fact(
        "P1",
        "sum(w * x)",
        ("w",),
        {"w": [2, 4], "Main.w": [2, 4], "Main.x": [3, 1]},
        {"w": [3.0, 1.0], "x": [2.0, 4.0]},
        python=lambda m: np.sum(m.w * m.x),
    ),
    Fact(
        "I13",
        "sum(x * reshape(y, 2, 1) * z)",
        ("x", "y"),
        {
            "x": [[7, 70, 700], [8, 80, 800]],
            "y": [321, 654],
            "Main.x": [[7, 70, 700], [8, 80, 800]],
            "Main.y": [321, 654],
            "Main.z": [39, 54, 69],
        },
        {"x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "y": [7.0, 8.0], "z": [1.0, 10.0, 100.0]},
        python=lambda m: np.sum(m.x * np.reshape(m.y, (2, 1)) * m.z),
    ),
    Fact(
        "R25",
        "sum((W @ x + b - t) ** 2) / 2",
        ("W", "b"),
        {
            "W": [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
            "b": [1, 2, 3],
            "Main.W": [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
            "Main.b": [1, 2, 3],
            "Main.x": [0, 0, 0],
            "Main.t": [-1, -2, -3],
        },
        {"W": "zeros(3, 3)", "b": "zeros(3)", "x": [1.0, 2.0, 3.0], "t": [-1.0, -2.0, -3.0]},
        python=lambda m: np.sum((m.W @ m.x + m.b - m.t) ** 2) / 2,
    ),
    Fact(
        "members are one object",
        "sum(x * z)",
        ("x", "z"),
        {"x": [2, 4], "z": [2, 4], "Main.x": [1, 2], "Main.z": [1, 2]},
        {**LONG, "z": "x"},
        python=lambda m: np.sum(m.x * m.z),
    ),
    Fact(
        "a number is never watched",
        "n * sum(t[0])",
        ("t",),
        {"t": ([3, 3], NOTHING), "Main.t": ([3, 3], NOTHING), "Main.n": 3.0},
        {**LONG, "t": "(x, 2.0)", "n": 3.0},
        python=lambda m: m.n * np.sum(m.t[0]),
    ),
    Fact(
        "mixed through a tuple",
        "sum(t[0]) + sum(t[0].parent)",
        (),
        {},
        {**LONG, "t": "(xt, y)"},
        python=lambda m: np.sum(m.t[0]) + np.sum(m.t[0].parent),
        error="read both as an array",
    ),
]


def check_entries(fact: Fact, members: dict[str, Any], found_globals: dict[str, Any]) -> None:
    found = {**members, **{f"Main.{name}": tangent for name, tangent in found_globals.items()}}
    assert found.keys() == fact.entries.keys()
    for name, tangent in found.items():
        assert matches(tangent, fact.entries[name]), f"{name}: {tangent!r} is not {fact.entries[name]!r}"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_expression(fact):
    program = Program(fact.bindings(), parse(fact.loss).evaluate, [parse_path(name) for name in fact.params])
    if fact.error is not None:
        with pytest.raises(EngineError, match=fact.error):
            program.gradients("implicit")
        return
    found = program.gradients("implicit")
    check_entries(
        fact, {format_path(path): tangent for path, tangent in found.members.items()}, found.globals
    )


@pytest.mark.parametrize("fact", [fact for fact in FACTS if fact.python], ids=lambda fact: fact.id)
def test_python(fact):
    values = fact.bindings()
    main = Bindings(**values)
    objects = {name: lookup(values, parse_path(name)) for name in fact.params}

    def loss():
        return fact.python(main)

    if fact.error is not None:
        with pytest.raises(EngineError, match=fact.error):
            gradient(loss, Params(objects.values()))
        return
    grads = gradient(loss, Params(objects.values()))
    names = {name.removeprefix("Main."): tangent for name, tangent in grads.globals.items()}
    check_entries(fact, {name: grads[value] for name, value in objects.items()}, names)


EXPLICIT = [
    # loss, let, members, gradients
    ("S10", "sum(xt)", LONG, {"x": NOTHING}),
    ("the wrapper itself", "sum(xt)", LONG, {"xt": [ONES]}),
    ("its parent", "sum(xt.parent)", LONG, {"xt": parent(ONES)}),
    ("X1", "1.0", LONG, {"x": NOTHING, "y": NOTHING}),
    ("used by name only", "sum(x * z)", {**LONG, "z": "x"}, {"x": [1, 2]}),
    ("below a binding", "sum(m.layers[0].weight @ x)", {**LONG, "W": [[3.0, 4.0]], "m": "Chain(Dense(W))"},
     {"m.layers[0].weight": [[1, 2]]}),
    ("S11", "sum(m(ones(5)))", DENSE, {"m.layers[0].weight": FIRST, "m.layers[1].weight": SECOND}),
    ("S11 whole", "sum(m(ones(5)))", DENSE,
     {"m": Fields(layers=(Fields(weight=FIRST, bias=[15, 40]), Fields(weight=SECOND, bias=[1] * 5)))}),
    ("S11 by parent", "sum(m(ones(5)))", DENSE,
     {"m.layers[0].weight": FIRST, "m.layers[1].weight.parent": np.transpose(SECOND)}),
    ("list element", "sum(v[0] * v[1])", {**LONG, "v": "[x, y]"}, {"v[0]": [3, 4]}),
    ("dict element", "sum(d['a'] * d['b'])", {**LONG, "d": "{'a': x, 'b': y}"}, {"d['b']": [1, 2]}),
    ("container", "sum(t[0] * t[0])", {**LONG, "t": "(x, y)"}, {"t": ([2, 4], NOTHING)}),
    ("consumed whole", "sum(concatenate(v))", {**LONG, "v": "[x, y]"}, {"v[1]": ONES}),
    ("a copy is cut off", "sum(x * copy(x))", LONG, {"x": [2, 4]}),
    ("x twice", "sum(x * x)", LONG, {"x": [2, 4]}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "texts", "expected"), [row[1:] for row in EXPLICIT], ids=[row[0] for row in EXPLICIT]
)
def test_explicit_expression(loss, texts, expected):
    bindings = let(**{name: made_of(value) for name, value in texts.items()}).values
    program = Program(bindings, parse(loss).evaluate, [parse_path(name) for name in expected])
    found = program.gradients("explicit")
    assert found.globals == {}
    assert [format_path(path) for path in found.members] == list(expected)
    for path, tangent in found.members.items():
        assert matches(tangent, expected[format_path(path)]), tangent
