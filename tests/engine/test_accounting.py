"""Who is credited with what in layers, closures and places below a binding.

The facts of engine.md and of its rules are in `tests/conformance`; these are the engine's own.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from aliascheck.engine import NOTHING
from aliascheck.memory import Fields
from tests.conformance.fact import LONG, ONES, Loss
from tests.conformance.facts_seed import DENSE, FIRST, SECOND

SLOPE = 1 - math.tanh(1) ** 2
PAIR = {**LONG, "t": "(x, y)"}

FACTS = [
    # One struct in two places: the same one where it is immutable.
    Loss("immutable in two places", "sum(t[0].x) + sum(a.x)", "a",
         {"a": Fields(x=[2, 2]), "Main.a": Fields(x=ONES)}, let={**LONG, "a": "A(x=x)", "t": "(A(x=x), y)"}),
    Loss("mutable in two places", "sum(t[0].x) + sum(a.x)", "a",
         {"a": Fields(x=ONES), "Main.a": Fields(x=ONES), "Main.t": (Fields(x=ONES), NOTHING)},
         let={**LONG, "a": "mutable(A(x=x))", "t": "(mutable(A(x=x)), y)"}),
    # Layers and closures.
    Loss("activation", "sum(L(x))", "W",
         {"W": [[SLOPE, 0]], "Main.x": [SLOPE] * 2,
          "Main.L": Fields(weight=NOTHING, bias=[SLOPE], activation=NOTHING)},
         let={"x": [1.0, 0.0], "W": [[1.0, 1.0]], "L": "Dense(W, zeros(1), tanh)"}),
    Loss("embedding", "sum(e(i))", "W", {"W": [[1, 1], [0, 0], [2, 2]]},
         let={"W": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "e": "Embedding(W)", "i": np.array([0, 2, 2])}),
    Loss("closure built inside", "(lambda w: lambda v: sum(w * v))(x)(y)", "x",
         {"x": [3, 4], "Main.y": [1, 2]}, let=LONG, python=False),
    Loss("global read in a lambda", "f(y)", "x", {"x": [3, 4], "Main.x": [3, 4], "Main.y": [1, 2]},
         let={**LONG, "f": "lambda v: sum(x * v)"}, python=False),
    # Stops and copies.
    Loss("stopped", "sum(x * stop_gradient(x))", "x", {"x": [1, 2], "Main.x": [1, 2]}, let=LONG),
    Loss("a copy is cut off", "sum(x * copy(x))", "x", {"x": [2, 4], "Main.x": [2, 4]}, {"x": [2, 4]},
         let=LONG),
    # Explicit mode: places below a binding.
    Loss("used by name only", "sum(x * z)", "x", explicit={"x": [1, 2]}, let={**LONG, "z": "x"}),
    Loss("below a binding", "sum(m.layers[0].weight @ x)", "m.layers[0].weight",
         explicit={"m.layers[0].weight": [[1, 2]]}, let={**LONG, "W": [[3.0, 4.0]], "m": "Chain(Dense(W))"}),
    Loss("tied dense, by the parent", "sum(m(ones(5)))", "m.layers[0].weight m.layers[1].weight.parent",
         explicit={"m.layers[0].weight": FIRST, "m.layers[1].weight.parent": np.transpose(SECOND)},
         let=DENSE),
    Loss("list element", "sum(v[0] * v[1])", "v[0]", explicit={"v[0]": [3, 4]}, let={**LONG, "v": "[x, y]"}),
    Loss("dict element", "sum(d['a'] * d['b'])", "d['b']", explicit={"d['b']": [1, 2]},
         let={**LONG, "d": "{'a': x, 'b': y}"}),
    Loss("container", "sum(t[0] * t[0])", "t", explicit={"t": ([2, 4], NOTHING)}, let=PAIR),
    Loss("element of a container consumed whole", "sum(concatenate(v))", "v[1]", explicit={"v[1]": ONES},
         let={**LONG, "v": "[x, y]"}, python=False),
]  # fmt: skip


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(fact):
    fact.check()
