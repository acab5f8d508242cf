"""Gradients do not meet: values of another one, other threads, arrays of the caller's."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Bindings, Params, custom, gradient, pullback, withgradient
from aliascheck.errors import EngineError
from tests.engine.tangents import matches

V = np.array([0.5, 1.5, 2.5])
MET = "a value that another gradient traces"


def test_a_value_kept_from_an_earlier_gradient_is_refused():
    kept = [0.0]

    def loss(w):
        kept[0] = np.sum(w * 2) + 0.5 * kept[0]
        return kept[0]

    assert matches(gradient(loss, V)[0], [2, 2, 2])
    with pytest.raises(EngineError, match=MET):
        gradient(loss, V)
    with pytest.raises(EngineError, match=MET):
        gradient(lambda w: kept[0] * 1.0, V)
    with pytest.raises(EngineError, match=MET):
        gradient(lambda w: np.sum(np.stack([kept[0], w[0]])), V)


def test_a_gradient_in_a_gradient_is_refused_where_they_meet():
    def nested(inner):
        return gradient(lambda x: (inner(x), np.sum(x))[1], V)[0]

    for inner in (
        lambda x: gradient(lambda y: np.sum(y * y * x), V),
        lambda x: gradient(lambda y: np.sum(x * y), V),
        lambda x: gradient(lambda y: np.sum(y), x),
        lambda x: gradient(lambda: np.sum(x), Params([V])),
    ):
        with pytest.raises(EngineError, match=MET):
            nested(inner)
    stop = REGISTRY["stop_gradient"]
    seen = []
    assert matches(
        nested(lambda x: seen.append(gradient(lambda y: np.sum(y * y * stop(x)), V)[0])), [1, 1, 1]
    )
    assert matches(seen[0], 2 * V * V)


def test_threads_read_bindings_each_for_itself():
    """Many small gradients at once, each of bindings of its own, and one thread that only reads."""
    wrong, stop = [], threading.Event()
    shared = Bindings(a=V)

    def work(number):
        x = np.full(3, float(number))
        main = Bindings(x=x)
        for _ in range(40):
            found = gradient(lambda: np.sum(main.x * main.x) + _pause() * 0.0, Params([x]))[x]
            if not matches(found, 2 * x):
                wrong.append(found)

    def read():
        while not stop.is_set():
            if shared.a is not V:
                wrong.append("a tracer")

    reader = threading.Thread(target=read)
    reader.start()
    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    stop.set()
    reader.join()
    assert not wrong


def _pause():
    time.sleep(0)
    return 1.0


def test_containers_of_seeds_stay_the_callers():
    one, other = np.ones(3), np.ones(3)
    _, back = pullback(lambda x, y: (x, [y]), V, V.copy())
    found = back((one, [other]))
    assert not any(np.shares_memory(a, b) for a in found for b in (one, other))


def test_a_value_that_is_written_to_changes_no_gradient():
    value, back = pullback(np.exp, V)
    value[:] = 100.0
    assert matches(back(np.ones(3))[0], np.exp(V))
    (value, _), back = pullback(lambda x: (np.exp(x), 1.0), V)
    value[:] = 100.0
    assert matches(back((np.ones(3), NOTHING))[0], np.exp(V))


def test_a_product_that_writes_to_its_cotangent_fails_there():
    def writes(d_out, out, x):
        d_out *= 2.0
        return d_out

    bad = custom(lambda x: 2.0 * x, writes)
    with pytest.raises(ValueError, match="read-only"):
        gradient(lambda x, y: np.sum((bad(x) + y) * V), V, V)


def test_whole_numbers_in_containers_are_constants():
    for leaf in (np.array([4, 5, 6]), np.array([True, False, True])):
        (found,) = gradient(lambda d: np.sum(d["n"] * d["x"]), {"x": V, "n": leaf})
        assert found.keys() == {"x"} and matches(found["x"], leaf)
    (found,) = gradient(lambda t: np.sum(t[0][t[1]]), (V, np.array([0, 0])))
    assert matches(found, ([2.0, 0.0, 0.0], NOTHING))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [np.ma.array, np.asmatrix])
def test_arrays_with_an_arithmetic_of_their_own_are_refused(kind):
    with pytest.raises(EngineError, match=r"whose arithmetic is its own \(give np.asarray"):
        gradient(lambda x: np.sum(x * x), kind([[1.0, 2.0], [3.0, 4.0]]))


def test_bounds_of_clip_may_be_traced_or_arrays():
    found = gradient(lambda x, h: np.sum(np.clip(x, 0.0, h)), V, 1.0)
    assert matches(found, ([1, 0, 0], 2.0))
    (found,) = gradient(lambda x: np.sum(np.clip(x, 0.0, x[0] * 2)), V)
    assert matches(found, [5, 0, 0])
    (found,) = gradient(lambda x: np.sum(x.clip(np.array([1.0, 1.0, 3.0]))), V)
    assert matches(found, [0, 1, 0])


def test_what_is_infinite_times_nothing_is_told_from_what_is_no_number():
    assert matches(gradient(lambda x: np.sqrt(x**2), 0.0), (0.0,))
    (found,) = gradient(lambda x: np.sum(x**2 * np.nan), np.zeros(2))
    assert np.isnan(found).all()


def test_pythons_own_functions_keep_derivatives_or_refuse():
    assert matches(gradient(lambda x: round(x[0]) * x[1] + divmod(x[1], 1.0)[1], V), ([0.0, 1.0, 0.0],))
    assert withgradient(lambda x: (np.sum(x), f"{x[0]:.2f}"), V).val[1] == "0.50"
    assert matches(gradient(lambda x: np.sum(x[[]]) + np.sum(x[range(2)]), V), ([1, 1, 0],))
    (found,) = gradient(lambda d: d["b"] * d["a"], {"a": 2.0, "b": 3.0})
    assert list(found) == ["a", "b"]


def test_customs_of_functions_without_a_signature():
    own = custom(
        np.arctan2, lambda d_out, out, y, x: (d_out * x / (x * x + y * y), -d_out * y / (x * x + y * y))
    )
    assert own.arity == 2
    assert matches(gradient(lambda y: np.sum(own(y, 1.0)), V), (1 / (1 + V * V),), 1e-12)


def test_positional_outs_are_refused():
    for write in (lambda x: np.add(V, V, x), lambda x: np.any(V, 0, x)):
        with pytest.raises(EngineError, match="cannot be written"):
            gradient(lambda x, write=write: (write(x), np.sum(x))[1], V)
