"""What a walk, a rule or a result must not get wrong, one line of the engine each."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Bindings, Params, gradient, pullback
from aliascheck.errors import EngineError
from aliascheck.memory import Fields, Scattered, Struct, accumulate
from aliascheck.subjects.program import Program
from tests.engine.tangents import matches

V = np.array([1.0, 2.0, 3.0])


def test_results_within_containers_are_writable_and_apart():
    model = {"a": V, "s": Struct("S", {"b": V.copy()}), "t": (V.copy(),)}
    seed = np.ones(3)
    (found,) = pullback(lambda m: m["a"] + m["s"].b + m["t"][0], model)[1](seed)
    parts = [found["a"], found["s"]["b"], found["t"][0]]
    for number, part in enumerate(parts):
        assert not any(np.shares_memory(part, other) for other in (seed, *parts[:number]))
        part[...] = 1.0
    (found,) = gradient(lambda m: np.sum(m["a"]) + np.sum(m["s"].b), model)
    found["a"] *= 2.0
    assert matches(found["s"], Fields(b=np.ones(3)))


def test_scattered_tangents_add_pieces_and_bases_of_both():
    def one(key, tangent):
        return Scattered((3,), key, tangent)

    left, right = one(0, 1.0) + V, one(1, 10.0) + 2 * V
    assert matches((left + right).dense(), [4, 16, 9])
    assert matches((V + one(2, 1.0)).dense(), [1, 2, 4]) and matches(
        accumulate(V, one(0, 1.0)).dense(), [2, 2, 3]
    )
    grown = one(0, 1.0)
    longer = grown + one(1, 5.0)
    assert matches(grown.each(lambda piece: 2 * piece).dense(), [2, 0, 0])
    assert matches(longer.each(lambda piece: 2 * piece).dense(), [2, 10, 0])
    assert matches((grown + one(2, 7.0)).dense(), [1, 0, 7]) and matches(longer.dense(), [1, 5, 0])


def test_a_closed_gate_on_what_is_scattered_selects_zeros():
    def loss(env):
        return REGISTRY["sum"](REGISTRY["multiply"](env.read("x")[np.array([0, 0, 2])], np.inf))

    program = Program({"x": V.copy()}, loss, [("x",)])
    with np.errstate(all="ignore"):
        (found,) = program.gradients("implicit", {("x",): 0.0}).members.values()
    assert matches(found, [0, 0, 0])


def test_one_of_several_results_may_be_read_by_elements():
    a = np.array([[2.0, 0.5], [0.5, 3.0]])
    (by_element,) = gradient(lambda x: np.linalg.eigh(x)[0][1], a)
    weights = np.array([0.0, 1.0])
    (whole,) = gradient(lambda x: np.sum(np.linalg.eigh(x)[0] * weights), a)
    assert matches(by_element, whole)


def test_a_container_of_what_is_no_array_is_refused():
    with pytest.raises(EngineError, match="concatenate takes arrays and numbers, not a string"):
        gradient(lambda x: np.sum(REGISTRY["concatenate"]([x, "a"])), V)


def test_masks_are_numbers_where_they_meet():
    mask = V > 1.5
    assert REGISTRY["subtract"](mask, mask).tolist() == [0, 0, 0]
    assert REGISTRY["negative"](mask).tolist() == [0, -1, -1]
    assert matches(gradient(lambda x: np.sum(x * mask - mask), V)[0], [0, 1, 1])


def test_sums_are_made_in_place_only_where_kinds_agree():
    single = REGISTRY["multiply"]
    x = np.ones(3, np.float32)
    (found,) = gradient(lambda x: np.sum(single(x, np.ones(3, np.float32)) + x * np.full(3, 1e-9)), x)
    assert found.dtype == np.float64 and np.allclose(found - 1.0, 1e-9, rtol=1e-5)


def test_probabilities_of_nothing_cost_nothing():
    logits = np.array([[0.0, -np.inf]])
    targets = np.array([[1.0, 0.0]])
    value, _ = pullback(lambda t: REGISTRY["cross_entropy"](logits, t), targets)
    assert value == 0.0
    (found,) = gradient(lambda x: REGISTRY["cross_entropy"](x, targets), np.array([[0.0, -800.0]]))
    assert matches(found, [[0.0, 0.0]])


def test_edges_of_bounded_functions():
    hard_tanh, clip = REGISTRY["hard_tanh"], REGISTRY["clip"]
    at = np.array([-1.0, 0.5, 1.0])
    assert matches(gradient(lambda x: np.sum(hard_tanh(x)), at)[0], [0, 1, 0])
    assert matches(gradient(lambda x: np.sum(clip(x, -1.0, 1.0)), at)[0], [1, 1, 1])


def test_powers_by_arrays_of_exponents_are_flat_where_they_are():
    with np.errstate(all="ignore"):
        (found,) = pullback(lambda x: x ** np.array([2.0, 0.0]), np.zeros(2))[1](np.full(2, np.inf))
    assert matches(found, [0, 0])


def test_copies_of_gradients_have_names_of_their_own():
    main = Bindings(x=V)
    grads = gradient(lambda: np.sum(main.x), Params([V]))
    copied = grads.copy()
    copied.globals.clear()
    assert "Main.x" in grads.globals
    assert matches((1.0 / grads)[V], [1, 1, 1]) and matches(abs(-grads)[V], [1, 1, 1])
    assert matches(((3 * grads) ** 2)[V], [9, 9, 9])


class Watched(np.ndarray):
    """An array that can be watched for its end."""


def test_a_gradient_lets_go_of_what_is_done_with():
    """The first activation is gone when the last rule runs: the tape holds it no longer."""
    alive = []

    def first(x):
        out = np.exp(x).view(Watched)
        alive.append(weakref.ref(out))
        return np.asarray(out), lambda d_out, out=out: d_out * np.asarray(out)

    def last(x):
        def pull(d_out):
            gc.collect()
            alive.append(alive[0]() is not None)
            return d_out

        return x * 1.0, pull

    from aliascheck.engine import Primitive

    head, tail = Primitive(first, "first"), Primitive(last, "last")
    gradient(lambda x: np.sum(head(tail(x))), V)
    assert alive[1] is False


COTANGENTS = {
    "a short tuple": (lambda x: (x, 2 * x), (V,)),
    "a number for a tuple": (lambda x: (x, 2 * x), 1.0),
    "an unknown key": (lambda x: {"a": x}, {"b": V}),
    "a wrong part": (lambda x: {"a": x}, {"a": 1.0}),
    "a complex number": (lambda x: np.sum(x), 1j),
    "a text": (lambda x: np.sum(x), "a"),
}


@pytest.mark.parametrize("name", COTANGENTS)
def test_cotangents_are_shaped_as_the_value(name):
    function, seed = COTANGENTS[name]
    with pytest.raises(EngineError, match="a cotangent is not shaped as the value"):
        pullback(function, V)[1](seed)


def test_duck_typing_asks_without_an_error():
    seen = []
    gradient(lambda x: (seen.append((hasattr(x, "nope"), getattr(x, "nope", 7))), np.sum(x))[1], V)
    assert seen == [(False, 7)]
    with pytest.raises(EngineError, match="an array has no field 'nope'"):
        gradient(lambda x: x.nope, V)


def test_settings_that_count_are_whole_and_axes_are_there():
    for call, message in {
        lambda: REGISTRY["rot90"](np.ones((2, 2)), 1.5): "rot90: 'k' is a whole number, not 1.5",
        lambda: REGISTRY["roll"](V, 1.5): "roll: 'shift' is a whole number",
        lambda: REGISTRY["sum"](V, axis=2): r"sum: axis 2 is outside an array of shape \(3,\)",
        lambda: REGISTRY["softmax"](V, 1): r"softmax: axis 1 is outside",
        lambda: REGISTRY["concatenate"]([V, V], axis=1): "concatenate: axis 1 is outside",
    }.items():
        with pytest.raises(EngineError, match=message):
            call()
    m = np.arange(6.0).reshape(2, 3)
    assert REGISTRY["getindex"](m, key=[0, 1]).tolist() == m[[0, 1]].tolist()
    assert NOTHING is not None
