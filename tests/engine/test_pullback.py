"""Values with several parts, auxiliary outputs, Jacobians, and a user's own primitives."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from aliascheck.engine import (
    NOTHING,
    REGISTRY,
    Bindings,
    Params,
    Tape,
    Tracer,
    check_rule,
    custom,
    gradient,
    jacobian,
    pullback,
    withgradient,
    withjacobian,
)
from aliascheck.engine.domain import reals
from aliascheck.errors import EngineError
from aliascheck.memory import Scattered
from tests.engine.tangents import matches

V = np.array([1.0, 2.0, 3.0])


# Several parts.


def test_a_tuple_is_pulled_back_part_by_part():
    value, back = pullback(lambda x: (np.sum(x * x), (x, 7.0)), V)
    assert value[0] == 14.0 and np.array_equal(value[1][0], V) and value[1][1] == 7.0
    assert matches(back((1.0, NOTHING))[0], 2 * V)
    assert matches(back((NOTHING, (np.ones(3), NOTHING)))[0], np.ones(3))
    assert matches(back((2.0, (np.ones(3), NOTHING)))[0], 4 * V + 1)


def test_only_the_first_output_is_the_loss():
    found = withgradient(lambda x: (np.sum(1 / x), 2 * x), np.array([1.0, 2.0, 4.0]))
    assert found.val[0] == 1.75 and matches(found.val[1], [2, 4, 8])
    assert matches(found.grad[0], [-1, -0.25, -0.0625])
    x = V.copy()
    value, grads = withgradient(lambda: (np.sum(x), np.sum(x * x)), Params([x]))
    assert value == (6.0, 14.0) and matches(grads[x], np.ones(3))
    with pytest.raises(EngineError, match="the loss has shape"):
        withgradient(lambda x: (x, np.sum(x)), V)


def test_a_cotangent_is_shaped_as_the_value():
    _, back = pullback(lambda x: 2 * x, V)
    for seed in (1.0, np.ones(2), np.ones((1, 3))):
        with pytest.raises(EngineError, match=r"the cotangent has shape .* and the value \(3,\)"):
            back(seed)


# Jacobians.


def test_rows_are_of_the_value_and_columns_of_the_argument():
    found = jacobian(lambda a, x: a**2 * x, V, 1.0)
    assert matches(found[0], np.diag(2 * V)) and matches(found[1], V**2)
    (found,) = jacobian(lambda m: np.prod(m, axis=1), np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert matches(found, [[2, 1, 0, 0], [0, 0, 4, 3]])
    value, (found,) = withjacobian(lambda x: np.sum(x * x), V)
    assert value == 14.0 and matches(found, [2 * V])
    used, unused = jacobian(lambda x, y: x, V, np.ones((2, 2)))
    assert matches(used, np.eye(3)) and matches(unused, np.zeros((3, 4)))


def test_jacobians_by_a_set():
    xs, ys = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 7.0, 9.0])
    main = Bindings(xs=xs, ys=ys)
    value, found = withjacobian(lambda: main.ys[:2] + np.sum(main.xs**2), Params([xs, ys]))
    assert value.tolist() == [35.0, 37.0]
    assert matches(found[ys], [[1, 0, 0], [0, 1, 0]]) and matches(found[xs], [[2, 4, 6, 8]] * 2)


def test_jacobians_are_of_arrays_by_arrays():
    with pytest.raises(EngineError, match="of a number or an array, not of a tuple"):
        jacobian(lambda x: (x, x), V)
    with pytest.raises(EngineError, match="by numbers and arrays, not by a tuple"):
        jacobian(lambda t: t[0], (V,))


# A user's own primitives.


def cube(x):
    return x**3


def test_a_custom_primitive_is_differentiated_by_its_product():
    own = custom(cube, lambda d_out, out, x: d_out * 3 * x**2)
    assert repr(own) == "cube" and "cube" not in REGISTRY
    check_rule(own)
    assert matches(gradient(lambda x: np.sum(own(x) + x), V)[0], 3 * V**2 + 1)
    assert np.array_equal(own(V), V**3)


def test_products_come_together_or_one_for_each_operand():
    together = custom(lambda x, y: x * y, lambda d_out, out, x, y: (d_out * y, d_out * x))
    apart = custom(
        lambda x, y: x * y, (lambda d_out, out, x, y: d_out * y, lambda d_out, out, x, y: d_out * x)
    )
    constant = custom(lambda x, y: x * y, (lambda d_out, out, x, y: d_out * y, None))
    stretched = custom(lambda x, y: x * y, lambda d_out, out, x, y: (d_out * y, d_out * x), broadcasts=True)
    for own in (together, apart, stretched):
        check_rule(own, operands=(V, V + 1))
        assert matches(gradient(lambda x, own=own: np.sum(own(x, x)), V)[0], 2 * V)
    check_rule(stretched, operands=(V, 2.0))
    assert gradient(lambda x, y: np.sum(constant(x, y)), V, V)[1] is NOTHING
    assert gradient(lambda y: np.sum(constant(V, y)), V) == (NOTHING,)


WRONG = {
    "factor": lambda d_out, out, x: d_out * 2 * x**2,
    "no cotangent": lambda d_out, out, x: 3 * x**2,
    "sign": lambda d_out, out, x: -3 * d_out * x**2,
    "nothing": lambda d_out, out, x: None,
    "exchanged": lambda d_out, out, x: (d_out * 3 * x**2)[..., ::-1] if np.ndim(x) else d_out,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_custom_rule_is_caught(name):
    with pytest.raises(AssertionError, match="differences give"):
        check_rule(custom(cube, WRONG[name], domain=reals(0.5, 2.0)))


def test_a_custom_product_of_the_wrong_shape_says_so():
    own = custom(cube, lambda d_out, out, x: np.sum(d_out * 3 * x**2))
    with pytest.raises(EngineError, match=r"cube: its vector-Jacobian product has shape \(\), .*\(3,\)"):
        gradient(lambda x: np.sum(own(x)), V)
    own = custom(lambda x, y: x * y, (lambda d_out, out, x, y: d_out * y,))
    with pytest.raises(EngineError, match="1 vector-Jacobian products for 2 operands"):
        gradient(lambda x: np.sum(own(x, x)), V)


def test_what_a_custom_rule_keeps_is_not_written_to():
    kept = np.ones(3)
    own = custom(lambda x: np.sum(x), lambda d_out, out, x: kept)
    assert matches(gradient(lambda x: own(x) + own(x) + np.sum(x * x), V)[0], 2 + 2 * V)
    assert kept.tolist() == [1, 1, 1]


def test_a_named_custom_primitive_is_in_the_language():
    from aliascheck.language import parse
    from tests.language.bindings import let

    try:
        custom(cube, lambda d_out, out, x: d_out * 3 * x**2, name="cubed")
        assert parse("sum(cubed(x))").evaluate(let(x=V)) == 36.0
        with pytest.raises(EngineError, match="there is a primitive 'cubed' already"):
            custom(cube, lambda d_out, out, x: d_out, name="cubed")
    finally:
        del REGISTRY["cubed"]


# Long and wide programs.


def test_a_chain_of_a_million_steps_neither_recurses_nor_leaks():
    def chain(x):
        for _ in range(500_000):
            x = x * 1.000001
            x = x + 0.000001
        return x

    (found,) = gradient(chain, 1.5)
    assert found == pytest.approx(np.exp(500_000 * np.log1p(1e-6)), rel=1e-9)
    assert not gc.garbage


def test_a_tape_that_does_not_record_keeps_no_step():
    tape = Tape(recording=False)
    x = Tracer(np.ones((2, 2)), tape, -1)
    steps = [np.tanh(x), x * x, 2.0 - x, x @ x, x.T, x[0], np.sum(x, axis=0), np.where(x > 0, x, 0.0)]
    steps += [np.concatenate([x, steps[0]]), np.einsum("ij,jk->ik", x, x), np.reshape(x, 4)]
    assert {step._index for step in steps} == {-1} and not tape.entries


def test_memory_for_each_step_is_bounded():
    """Under 600 bytes a step and its value: a tape holds an edge and a pullback, and nothing else."""
    import tracemalloc

    steps = 20_000

    def chain(x):
        for _ in range(steps // 4):
            x = np.sin(x * 1.01) + 0.5
            x = x * x
        return x

    tracemalloc.start()
    try:
        value, back = pullback(chain, 1.0)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 600 * steps and np.isfinite(value) and back is not None


def test_ten_thousand_reads_of_a_million_elements_are_written_out_once(monkeypatch):
    written, dense = [], Scattered.dense
    monkeypatch.setattr(Scattered, "dense", lambda self: written.append(self.count) or dense(self))
    x = np.ones(1_000_000)

    def loss(x):
        total = x[0]
        for position in range(1, 10_000):
            total = total + x[position * 90] * 2.0
        return total

    (found,) = gradient(loss, x)
    assert found.sum() == 1 + 2 * 9_999 and found[90] == 2.0
    assert written == [10_000]
    main = Bindings(x=x)
    gradient(lambda: sum(main.x[position] for position in range(100)), Params([x]))
    assert written[1:] == [100, 100]  # of the object, and of its global name


def test_sums_of_cotangents_are_made_in_place():
    """One matrix read by many products: two matrices at a time, not one for each."""
    import tracemalloc

    w, x = np.ones((400, 400)), np.ones((1, 400))

    def loss(w):
        return sum(np.sum(x @ w) for _ in range(12))

    _, back = pullback(loss, w)
    tracemalloc.start()
    try:
        back()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.6 * w.nbytes
