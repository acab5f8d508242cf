"""Facts that follow from engine.md's rules, by their numbers: identity, hooks, kinds of cotangents."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine import NOTHING
from aliascheck.memory import Fields
from tests.conformance.fact import LONG, ONES, Fact, Loss, parent

PAIR = {**LONG, "t": "(x, y)"}
PAIRS = {**PAIR, "u": "(x, y)"}
LIST = {**LONG, "v": "[x, y]"}
DICT = {**LONG, "d": "{'a': x, 'b': y}"}
STRUCT = {**LONG, "a": "A(x=x, y=y)", "b": "A(x=x, y=y)"}
MUTABLE = {**LONG, "a": "mutable(A(x=x, y=y))", "b": "mutable(A(x=x, y=y))"}
NESTED = {**LONG, "p": "P(a=A(x=x), n=2.0)"}
DEEP = {**LONG, "r": "flip(xt)"}
TURNED = {
    "M": [[1.0, 2.0], [3.0, 4.0]],
    "Mt": "transpose(M)",
    "Ma": "adjoint(M)",
    "N": [[1.0, 2.0], [3.0, 4.0]],
}
ROWS, COLUMNS = [[1.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]
ONE_FIELD = Fields(x=ONES, y=NOTHING)
FIRST = [np.ones(2), NOTHING]  # of a list: not an array

IDENTITY: list[Fact] = [
    Loss("1.1 wrappers built apart are one key", "sum(x2)", "xt", {"xt": [[1]], "Main.x2": [[1]]},
         let={"x": [1.0], "xt": "adjoint(x)", "x2": "adjoint(x)"}),
    Loss("1.1 each of them is credited", "sum(xt) + sum(x2)", "xt",
         {"xt": [[2]], "Main.xt": [[1]], "Main.x2": [[1]]},
         let={"x": [1.0], "xt": "adjoint(x)", "x2": "adjoint(x)"}),
    Loss("1.1 transpose is not adjoint", "sum(Mt[0])", "Ma", {"Ma": NOTHING, "Main.Mt": ROWS}, let=TURNED),
    Loss("1.1 equal arrays are two keys", "sum(N[0])", "M", {"M": NOTHING, "Main.N": ROWS}, let=TURNED),
    Loss("1.1 equal tuples are one key", "sum(t[0]) + sum(u[0])", "t",
         {"t": ([2, 2], NOTHING), "Main.t": (ONES, NOTHING), "Main.u": (ONES, NOTHING)}, let=PAIRS),
    Loss("1.1 equal lists are two keys", "sum(w[0])", "v", {"v": NOTHING, "Main.w": FIRST},
         let={**LIST, "w": "[x, y]"}),
    Loss("1.1 equal dicts are two keys", "sum(e['a'])", "d", {"d": NOTHING, "Main.e": {"a": ONES}},
         let={**DICT, "e": "{'a': x, 'b': y}"}),
    Loss("1.1 equal structs are one key", "sum(b.x)", "a", {"a": ONE_FIELD, "Main.b": ONE_FIELD}, let=STRUCT),
    Loss("1.1 equal mutable structs are two", "sum(b.x)", "a", {"a": NOTHING, "Main.b": ONE_FIELD},
         let=MUTABLE),
    Loss("1.1 a struct of another name", "sum(b.x)", "a", {"a": NOTHING, "Main.b": Fields(x=ONES)},
         let={**LONG, "a": "A(x=x)", "b": "B(x=x)"}),
    Loss("1.1 slices of one region are one key", "sum(s)", "s2", {"s2": [1], "Main.s": [1]},
         let={**LONG, "s": "x[1:]", "s2": "x[1:]"}),
    Loss("1.1 slices of two regions are two", "sum(s)", "s2", {"s2": NOTHING, "Main.s": [1]},
         let={**LONG, "s": "x[1:]", "s2": "x[:1]"}),
    Loss("1.1 one object by two names", "sum(x * z)", "x z",
         {"x": [2, 4], "z": [2, 4], "Main.x": [1, 2], "Main.z": [1, 2]}, let={**LONG, "z": "x"}),
    Loss("1.1 numbers are never watched", "n * sum(t[0])", "t",
         {"t": ([3, 3], NOTHING), "Main.t": ([3, 3], NOTHING), "Main.n": 3.0},
         let={**LONG, "t": "(x, 2.0)", "n": 3.0}),
    Loss("1.1 tuples of numbers neither", "t[0] * t[0]", "t", {"t": NOTHING, "Main.t": (4, NOTHING)},
         let={"t": "(2.0, 3.0)"}),
]  # fmt: skip

HOOKS: list[Fact] = [
    # Fields.
    Loss("1.5d unread siblings are nothing", "sum(a.x)", "", {"Main.a": ONE_FIELD}, let=STRUCT),
    Loss("1.5d a watched field is consumed", "sum(a.x) + sum(a.y)", "x",
         {"x": ONES, "Main.a": Fields(x=NOTHING, y=ONES)}, {"x": NOTHING}, let=STRUCT),
    Loss("1.5d the innermost watched field", "sum(p.a.x)", "p.a p.a.x", {"p.a": NOTHING, "p.a.x": ONES},
         let=NESTED),
    Loss("1.5d a watched struct inside", "sum(p.a.x)", "p p.a", {"p": NOTHING, "p.a": Fields(x=ONES)},
         let=NESTED),
    Loss("1.5d a number in a field", "p.n * sum(p.a.x)", "x",
         {"x": [2, 2], "Main.p": Fields(a=NOTHING, n=3)}, let=NESTED),
    Loss("1.5d mutable once", "sum(a.x)", "a", {"a": ONE_FIELD, "Main.a": ONE_FIELD}, {"a": ONE_FIELD},
         let=MUTABLE),
    Loss("1.5d mutable twice is not doubled", "sum(a.x * a.x)", "a",
         {"a": Fields(x=[2, 4], y=NOTHING), "Main.a": Fields(x=[2, 4], y=NOTHING)}, let=MUTABLE),
    Loss("1.5d deep", "sum(r.parent.parent)", "x xt", {"x": ONES, "xt": NOTHING}, let=DEEP),
    Loss("1.5d half deep", "sum(r.parent)", "x xt", {"x": NOTHING, "xt": [ONES]}, let=DEEP),
    Loss("1.5d deep, outermost only", "sum(r.parent.parent)", "r",
         {"r": parent(parent(ONES)), "Main.r": parent(parent(ONES))}, let=DEEP),
    Loss("1.5d a closure", "sum(f(y))", "x", {"x": [3, 4], "Main.y": [1, 2]}, python=False,
         let={**LONG, "f": "(lambda w: lambda v: w * v)(x)"}),
    Loss("1.5d a closure, unwatched", "sum(f(y))", "", {"Main.f": Fields(w=[3, 4]), "Main.y": [1, 2]},
         python=False,
         let={**LONG, "f": "(lambda w: lambda v: w * v)(x)"}),
    # Tuples.
    Loss("1.5e an unwatched element", "sum(t[0])", "y", {"y": NOTHING, "Main.t": (ONES, NOTHING)}, let=PAIR),
    Loss("1.5e from the end", "sum(t[-1])", "y", {"y": ONES}, let=PAIR),
    Loss("1.5e a tuple in a tuple", "sum(t[1][0])", "x", {"x": ONES}, let={**LONG, "t": "(y, (x,))"}),
    Loss("1.5e the inner tuple watched", "sum(t[1][0])", "t[1]", {"t[1]": (ONES,)},
         let={**LONG, "t": "(y, (x,))"}),
    Loss("1.5e a wrapper in a tuple", "sum(t[0])", "x xt", {"x": NOTHING, "xt": [ONES]},
         let={**LONG, "t": "(xt, y)"}),
    Loss("1.5e the parent of one", "sum(t[0].parent)", "x xt", {"x": ONES, "xt": NOTHING},
         let={**LONG, "t": "(xt, y)"}),
    Loss("1.5e elements of a slice are read from it", "sum(t[0:1][0])", "x", {"x": ONES}, let=PAIR),
    Loss("1.5e a slice itself is not", "sum(concatenate(t[0:1]))", "x",
         {"x": NOTHING, "Main.t": (ONES, NOTHING)}, let=PAIR, python=False),
    Loss("1.5e consumed whole", "sum(concatenate(t))", "x", {"x": NOTHING, "Main.t": (ONES, ONES)}, let=PAIR,
         python=False),
    Loss("1.5e built inside", "sum(concatenate([x, y])) + sum((x, y)[0])", "x",
         {"x": [2, 2], "Main.x": ONES, "Main.y": ONES}, let=LONG, python=False),
    Loss("1.5e a list built inside", "sum([x, y][0])", "x", {"x": ONES, "Main.x": ONES}, let=LONG),
    # Lists are indexed as arrays are: without credit.
    Loss("1.5 a list's element", "sum(v[0])", "x", {"x": NOTHING, "Main.v": FIRST}, let=LIST),
    Loss("1.5 both of a list's elements", "sum(v[0] * v[-1])", "x",
         {"x": NOTHING, "Main.v": [np.array([3, 4]), np.array([1, 2])]}, let=LIST),
    Loss("1.5 the list watched", "sum(v[0])", "v", {"v": FIRST, "Main.v": FIRST}, let=LIST),
    Loss("1.5 a list in a list", "sum(v[1][0])", "x", {"x": NOTHING, "Main.v": [NOTHING, [np.ones(2)]]},
         let={**LONG, "v": "[y, [x]]"}),
    Loss("1.5 a tuple in a list", "sum(v[0][0])", "x", {"x": ONES}, let={**LONG, "v": "[(x, y)]"}),
    Loss("1.5 a list in a tuple", "sum(t[0][0])", "x", {"x": NOTHING, "Main.t": (FIRST, NOTHING)},
         let={**LONG, "t": "([x, y], y)"}),
    Loss("1.5 a slice of a list", "sum(v[0:1][0])", "x", {"x": NOTHING, "Main.v": FIRST}, let=LIST),
    Loss("1.5 a struct in a list", "sum(v[0].x)", "x", {"x": ONES}, let={**LONG, "v": "[A(x=x)]"}),
    # Dicts.
    Loss("1.5e a dict's value", "sum(d['a'])", "x", {"x": ONES}, let=DICT),
    Loss("1.5e touched keys only", "sum(d['b'])", "x", {"x": NOTHING, "Main.d": {"b": ONES}}, let=DICT),
    Loss("1.5e a key read twice", "sum(d['b'] * d['b'])", "d",
         {"d": {"b": [6, 8]}, "Main.d": {"b": [6, 8]}}, {"d": {"b": [6, 8]}}, let=DICT),
    Loss("1.5e the dict watched", "sum(d['b']) + sum(d['a'])", "d",
         {"d": {"a": ONES, "b": ONES}, "Main.d": {"a": ONES, "b": ONES}}, let=DICT),
    Loss("1.5e a dict in a dict", "sum(d['a']['b'])", "x", {"x": ONES}, let={**LONG, "d": "{'a': {'b': x}}"}),
    # Arrays.
    Loss("1.5 an array's element", "x[0]", "x", {"x": [1, 0], "Main.x": [1, 0]}, let=LONG),
    Loss("1.5 a slice bound outside", "sum(s)", "x s", {"x": NOTHING, "s": [1], "Main.s": [1]},
         let={**LONG, "s": "x[1:]"}),
    Loss("1.5 a slice made inside", "sum(x[1:])", "x s", {"x": [0, 1], "s": NOTHING, "Main.x": [0, 1]},
         let={**LONG, "s": "x[1:]"}),
    Loss("1.5 the parent of a slice", "sum(s.parent)", "x s", {"x": ONES, "s": NOTHING},
         let={**LONG, "s": "x[1:]"}),
]  # fmt: skip

KINDS: list[Fact] = [
    Loss("1.6 tuples add up part by part", "sum(t[0]) + sum(t[1] * t[0])", "t",
         {"t": ([4, 5], [1, 2]), "Main.t": ([4, 5], [1, 2])}, let=PAIR),
    Loss("1.6 structures add up field by field", "sum(a.x) + sum(a.y * a.x)", "",
         {"Main.a": Fields(x=[4, 5], y=[1, 2])}, let=STRUCT),
    Loss("1.6 mixed through a tuple", "sum(t[0]) + sum(t[0].parent)", "", error="read both as an array",
         let={**LONG, "t": "(xt, y)"}),
    Loss("1.7 a matrix by its wrapper", "sum(Mt[0])", "M Mt", {"M": NOTHING, "Mt": ROWS, "Main.Mt": ROWS},
         let=TURNED),
    Loss("1.7 a matrix through its parent", "sum(adjoint(Mt.parent)[0])", "M Mt",
         {"M": COLUMNS, "Mt": NOTHING},
         let=TURNED, python=False),
    Loss("1.7 a wrapper built inside maps back", "sum(adjoint(M)[0])", "M", {"M": COLUMNS, "Main.M": COLUMNS},
         let=TURNED),
    Loss("1.7 built and undone inside", "sum(adjoint(adjoint(x)) * y)", "x",
         {"x": [3, 4], "Main.x": [3, 4], "Main.y": [1, 2]}, let=LONG),
    Loss("1.7 built outside, undone inside", "sum(adjoint(xt) * y)", "x",
         {"x": NOTHING, "Main.xt": [[3, 4]], "Main.y": [1, 2]}, let=LONG),
    Loss("1.7 the parent of one built inside", "sum(adjoint(x).parent * y)", "x",
         {"x": [3, 4], "Main.y": [1, 2]}, let=LONG),
    Loss("1.7 the same, unwatched", "sum(adjoint(x).parent * y)", "",
         {"Main.x": [3, 4], "Main.y": [1, 2]}, let=LONG),
    Loss("1.7 both kinds at one built inside", "sum(adjoint(x).parent) + sum(adjoint(x))", "y",
         {"y": NOTHING, "Main.x": [2, 2]}, let=LONG),
    Loss("1.7 a reshape built inside", "sum(reshape(x, (2, 1)) * y)", "x",
         {"x": [7, 7], "Main.x": [7, 7], "Main.y": [3, 3]}, let=LONG),
    Loss("1.7 a reshape built outside", "sum(s)", "x s",
         {"x": NOTHING, "s": [[1], [1]], "Main.s": [[1], [1]]},
         let={**LONG, "s": "reshape(x, 2, 1)"}),
    Loss("1.7 an argument below a binding", "sum(xt.parent * x)", "xt.parent", explicit={"xt.parent": [1]}),
    Loss("1.8 a constant loss", "1.0", "x", {"x": NOTHING}, {"x": NOTHING}),
    Loss("1.8 zero is not nothing", "sum(0 * x)", "x", {"x": [0, 0], "Main.x": [0, 0]}, {"x": [0, 0]},
         let=LONG),
    Loss("1.8 floor gives zero", "sum(floor(x))", "x", {"x": [0, 0], "Main.x": [0, 0]}, let=LONG),
    Loss("1.8 a comparison gives nothing", "sum(1 - (x > 0))", "x", {"x": NOTHING}, let=LONG),
    Loss("1.8 a stop gives nothing", "sum(stop_gradient(x))", "x", {"x": NOTHING}, let=LONG),
    Loss("1.8 an unused argument", "sum(x)", "x y", explicit={"x": ONES, "y": NOTHING}, let=LONG),
    Loss("1.8 the other branch of where", "sum(where(x > 1.5, x, y))", "x y",
         explicit={"x": [0, 1], "y": [1, 0]}, let=LONG, python=False),
]  # fmt: skip

FACTS: list[Any] = [*IDENTITY, *HOOKS, *KINDS]
