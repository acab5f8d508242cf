"""The thread's examples (S), and others in the same world (E)."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine import NOTHING, REGISTRY, Bindings, Params, gradient
from aliascheck.memory import Fields
from tests.conformance.fact import LONG, ONES, Call, Fact, Loss, Result, parent

adjoint = REGISTRY["adjoint"]

A = {**LONG, "a": "A(x=x)"}
PAIR = {**LONG, "t": "(x, y)"}
LIST = {**LONG, "v": "[x, y]"}
DENSE = {
    "W": [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]],
    "m": "Chain(Dense(W, zeros(2)), Dense(transpose(W), zeros(5)))",
    "W2": "m.layers[1].weight",
}
FIRST, SECOND = [[15.0] * 5, [40.0] * 5], [[15.0, 40.0]] * 5
ALL = Fields(layers=(Fields(weight=FIRST, bias=[15, 40]), Fields(weight=SECOND, bias=[1] * 5)))
BIASES = Fields(layers=(Fields(weight=NOTHING, bias=[15, 40]), Fields(weight=NOTHING, bias=[1] * 5)))
WITHOUT_FIRST = Fields(layers=(Fields(weight=NOTHING, bias=[15, 40]), Fields(weight=SECOND, bias=[1] * 5)))
TIED = "m.layers[0].weight m.layers[1].weight m.layers[0].bias m.layers[1].bias"


def constant_global() -> Any:
    """A captured variable is read without an entry of its name, as a constant global is."""
    x = np.array([1.0])
    grads = gradient(lambda: np.sum(x), Params([x]))
    return grads[x], grads.globals


def generator_over_a_list() -> Any:
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    main = Bindings(v=[x, y])
    grads = gradient(lambda: sum(np.sum(w) for w in main.v), Params([x, y]))
    return grads[x], grads[y], grads.globals


FACTS: list[Fact] = [
    # Implicit, from the thread.
    Loss("S1", "sum(adjoint(x) * x)", "x", {"x": [2], "Main.x": [2]}),
    Loss("S2", "sum(xt * x)", "x", {"x": [1], "Main.x": [1], "Main.xt": [[1]]}),
    Loss("S3", "sum(xt * x)", "x xt", {"x": [1], "Main.x": [1], "xt": [[1]], "Main.xt": [[1]]}),
    Loss("S4", "sum(xt.parent * x)", "x", {"x": [2], "Main.x": [1]}),
    Loss("S5", "sum(xt.parent * x)", "x xt", {"x": [2], "xt": NOTHING, "Main.x": [1]}),
    Loss("S6", "sum(xt.parent * x)", "xt", {"xt": parent([1]), "Main.x": [1], "Main.xt": parent([1])}),
    Loss("S7", "sum(a.x)", "x", {"x": ONES}, let=A),
    Loss("S8", "sum(xt)", "x", {"x": NOTHING, "Main.xt": [ONES]}, let=LONG),
    Loss("S8 watched", "sum(xt)", "x xt", {"x": NOTHING, "xt": [ONES], "Main.xt": [ONES]}, let=LONG),
    Loss("S8 by its parent", "sum(xt.parent)", "x", {"x": ONES}, let=LONG),
    # Explicit, from the thread.
    Loss("S9", "sum(a.x)", "x", explicit={"x": NOTHING}, let=A),
    Loss("S9 the object", "sum(a.x)", "a", explicit={"a": Fields(x=ONES)}, let=A),
    Loss("S10", "sum(xt)", "x", explicit={"x": NOTHING}, let=LONG),
    Loss("S10 the wrapper", "sum(xt)", "xt", explicit={"xt": [ONES]}, let=LONG),
    Loss("S10 its parent", "sum(xt.parent)", "xt", explicit={"xt": parent(ONES)}, let=LONG),
    Loss("S11", "sum(m(ones(5)))", TIED,
         explicit=dict(zip(TIED.split(), [FIRST, SECOND, [15, 40], [1] * 5], strict=True)), let=DENSE),
    Loss("S11 the model", "sum(m(ones(5)))", "m", explicit={"m": ALL}, let=DENSE),
    Loss("S11 both watched", "sum(m(ones(5)))", "W W2", {"W": FIRST, "W2": SECOND, "Main.m": BIASES},
         let=DENSE),
    Loss("S11 the plain one watched", "sum(m(ones(5)))", "W", {"W": FIRST, "Main.m": WITHOUT_FIRST},
         let=DENSE),
    # Derived.
    Loss("E1", "sum(xt.parent * x)", "", {"Main.x": [1], "Main.xt": parent([1])}),
    Loss("E3", "sum(xt.parent * xt.parent)", "x", {"x": [2]}),
    Loss("E5", "sum(xt * xt.parent)", "xt", error="read both as an array and through its fields"),
    Loss("E7", "sum(adjoint(x) * x)", "xt", {"xt": NOTHING, "Main.x": [2]}),
    Loss("E9", "sum(tt)", "xt", {"xt": NOTHING, "Main.tt": [[1]]},
         let={"x": [1.0], "xt": "adjoint(x)", "tt": "transpose(x)"}),
    Result("E11", constant_global, ([1], {})),
    Loss("E13", "sum(t[0])", "x", {"x": ONES}, let=PAIR),
    Result("E15", generator_over_a_list, (ONES, ONES, {})),
    Loss("E17", "sum(L.W)", "x L", {"x": ONES, "L": NOTHING}, let={**LONG, "L": "Layer(W=x)"}),
    Loss("E19", "sum(n * x)", "x", {"x": [3], "Main.x": [3], "Main.n": 1.0}, let={"x": [1.0], "n": 3.0}),
    # In the same world: what is looked up, and what is not.
    Loss("1.1 wrapper twice", "sum(xt * xt)", "xt", {"xt": [[2]], "Main.xt": [[2]]}),
    Loss("1.1 parent twice", "sum(xt.parent * xt.parent)", "xt", {"xt": parent([2]), "Main.xt": parent([2])}),
    Loss("1.1 computed wrappers are not looked up", "sum(adjoint(x))", "xt", {"xt": NOTHING, "Main.x": [1]}),
    Loss("1.7 the structural part consumed", "sum(xt * xt.parent)", "x xt",
         {"x": [1], "xt": [[1]], "Main.xt": [[1]]}),
    Loss("1.7 read both ways unwatched", "sum(xt * xt.parent)", "", error="read both as an array"),
    Loss("1.7 the wrapper undone beside its parent", "sum(xt.parent * adjoint(xt))", "x",
         {"x": [1], "Main.xt": [[1]]}),
    Loss("1.5a a number has its entry only", "n * n", "x", {"x": NOTHING, "Main.n": 6.0},
         let={"x": [1.0], "n": 3.0}),
    Loss("1.5a a name without use has none", "sum(x)", "x", {"x": [1], "Main.x": [1]}),
    Call("1.3 by the wrapper's field", lambda w: np.sum(w.parent), (adjoint(np.ones(2)),), (parent(ONES),)),
    Call("1.3 through an array operation", lambda w: np.sum(w), (adjoint(np.ones(2)),), ([ONES],)),
]  # fmt: skip
