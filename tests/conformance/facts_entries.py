"""Facts of the entry points, of sets and their entries, and of Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine import (
    NOTHING,
    REGISTRY,
    Params,
    Tracer,
    gradient,
    jacobian,
    make_dict,
    make_struct,
    pullback,
    withgradient,
    withjacobian,
)
from aliascheck.memory import Fields
from tests.conformance.fact import ONES, Call, Fact, Result
from tests.conformance.facts_python import Named, World

adjoint = REGISTRY["adjoint"]
V = np.array([1.0, 2.0, 3.0])


def keeps(first: Any, x: Any) -> Any:
    return np.sum(first[1] * x)


def sum_with_rest(x: Any) -> Any:
    return np.sum(x * x), 3.0 * x, "text"


def seeds() -> Any:
    _, back = pullback(lambda x: 2 * x, V)
    return back(np.array([1.0, 0.0, -1.0]))[0], back(np.zeros(3))[0], back(NOTHING)[0]


def named_output() -> Any:
    found = withgradient(lambda x: Named(np.sum(x * x), x), V)
    return float(found.val.a), found.grad


def list_output() -> Any:
    return pullback(lambda x: [np.sum(x), 2 * x], V)[1]([1.0, NOTHING])


def dict_output() -> Any:
    return pullback(lambda x: {"a": np.sum(x), "b": 2 * x}, V)[1]({"a": 1.0, "b": NOTHING})


def struct_output() -> Any:
    _, back = pullback(lambda x: make_struct("S", {"a": np.sum(x), "b": 2 * x}), V)
    return back(Fields(a=1.0, b=NOTHING))[0], back(Fields(a=NOTHING, b=np.ones(3)))[0]


def struct_of_outputs(x: Any) -> Any:
    return make_struct("NT", {"loss": np.sum(x), "rest": 2 * x})


def plain_outputs() -> bool:
    found = withgradient(lambda x: (np.sum(x), {"a": 2 * x}, [3 * x]), V)
    return not any(isinstance(part, Tracer) for part in (found.val[1]["a"], found.val[2][0]))


def made_dict_output() -> Any:
    return pullback(lambda x: make_dict({"a": np.sum(x), "b": 2 * x}), V)[1]({"a": NOTHING, "b": V})


def implicit_tuple() -> Any:
    x = V.copy()
    found = withgradient(lambda: (np.sum(x * x), 2 * x), Params([x]))
    return found.val, found.grad[x]


def second_call() -> Any:
    x = V.copy()
    _, back = pullback(lambda: np.sum(x * x), Params([x]))
    first, second = back(1.0), back(3.0)
    return first[x], second[x]


def jacobian_by_wrapper() -> Any:
    x = np.array([1.0, 2.0])
    xt = adjoint(x)
    return tuple(jacobian(lambda: xt[0] * x, Params([x, xt])))


def jacobian_with_unused() -> Any:
    x, y = np.array([1.0, 2.0]), np.zeros((2, 2))
    found = withjacobian(lambda: x * x, Params([y, x]))
    return found.val, found.grad[x], found.grad[y]


def only_globals() -> Any:
    world = World()
    grads = gradient(lambda: np.sum(world.main.x * world.main.y), Params())
    return len(grads), grads["Main.x"], grads["Main.y"]


def wrapper_in_a_sum() -> Any:
    world = World()
    xt = adjoint(world.x)
    params = Params([world.x, xt])
    first = gradient(lambda: np.sum(xt), params)
    second = gradient(lambda: np.sum(world.main.x), params)
    both = first + second
    return both[world.x], both[xt]


def equal_wrapper_as_key() -> Any:
    x = np.array([1.0, 2.0])
    grads = gradient(lambda: np.sum(adjoint(x)), Params([adjoint(x)]))
    return adjoint(x) in grads, grads[adjoint(x)]


def same_set() -> Any:
    world = World()
    params = Params([world.x])
    first = gradient(lambda: np.sum(world.main.x), params)
    return first.params is params, (first * 2).params is params


def duplicates() -> Any:
    x = V.copy()
    params = Params([x, x, x.copy()])
    return len(params), gradient(lambda: np.sum(x), params).values()[1]


FACTS: list[Fact] = [
    Result("1.3 unused arguments", lambda: gradient(lambda a, b, c: 1.0, V, (V, V), 2.0), (NOTHING,) * 3),
    Call("1.3 a container partly used", keeps, ((V, V, 2.0), V), ((NOTHING, V, NOTHING), V)),
    Result("1.3 the first output only", lambda: withgradient(sum_with_rest, V),
           ((14.0, 3 * V, "text"), (2 * V,))),
    Result("1.3 the first output, implicitly", implicit_tuple, ((14.0, 2 * V), 2 * V)),
    Result("1.3 a named tuple's first output", named_output, (14.0, (2 * V,))),
    Result("1.3 a list of outputs", list_output, ([1, 1, 1],)),
    Result("1.3 a dict of outputs", dict_output, ([1, 1, 1],)),
    Result("1.3 a struct of outputs", struct_output, ([1, 1, 1], [2, 2, 2])),
    Result("1.3 a traced dict of outputs", made_dict_output, (2 * V,)),
    Result("1.3 outputs that come along hold no tracers", plain_outputs, True),
    Result("1.3 the first of a struct's outputs", lambda: withgradient(struct_of_outputs, V).grad,
           ([1] * 3,)),
    Result("1.3 seeds", seeds, ([2, 0, -2], [0, 0, 0], NOTHING)),
    Result("1.3 a second call changes no first", second_call, (2 * V, 6 * V)),
    Result("1.3 a vector is no loss", lambda: gradient(lambda x: x, V), error="must be a scalar"),
    Result("1.3 nor is a tuple", lambda: gradient(lambda x: (np.sum(x), x), V),
           error="a tuple, not a number"),
    Result("1.3 nor is a complex number", lambda: gradient(lambda x: np.complex128(1j), V), error="complex"),
    Result("1.10 no members, but names", only_globals, (0, [3, 4], [1, 2])),
    Result("1.10 members twice", duplicates, (2, NOTHING)),
    Result("1.10 nothing of a wrapper counts as zero", wrapper_in_a_sum, (ONES, [ONES])),
    Result("1.10 a wrapper built apart as key", equal_wrapper_as_key, (True, NOTHING)),
    Result("1.10 results share the set", same_set, (True, True)),
    Result("1.11 Jacobians of both members", jacobian_by_wrapper, (np.diag([1.0, 2]), np.diag([1.0, 2]))),
    Result("1.11 Jacobians without influence", jacobian_with_unused,
           ([1, 4], np.diag([2.0, 4]), np.zeros((2, 4)))),
    Result("1.11 Jacobian by a number", lambda: jacobian(lambda a: a * V, 2.0), (V,)),
    Result("1.11 Jacobian of a number", lambda: jacobian(lambda a: np.sum(a * a), V), ([2 * V],)),
    Result("1.11 Jacobian of a matrix", lambda: jacobian(lambda a: np.outer(a, a[:1]), V[:2]),
           ([[2, 0], [2, 1]],)),
]  # fmt: skip
