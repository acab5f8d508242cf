"""Indexing: as NumPy picks, with gradients that cost what is read."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from aliascheck.engine import REGISTRY, Params, check_rule, gradient, metered, pullback
from aliascheck.errors import EngineError
from aliascheck.memory import Scattered, dense

V = np.array([1.0, 2.0, 3.0, 4.0])
M = np.arange(1.0, 13.0).reshape(3, 4)
T = np.arange(1.0, 25.0).reshape(2, 3, 4)
I = np.array([0, 2, 2])  # noqa: E741
MASK = np.array([True, False, True])

KEYS = {
    "number": (M, 1),
    "negative": (M, -1),
    "NumPy number": (M, np.int64(2)),
    "0-d array": (M, np.array(2)),
    "float": (M, 1.0),
    "slice": (M, slice(None, None, -2)),
    "empty slice": (M, slice(2, 2)),
    "ellipsis": (M, Ellipsis),
    "new axis": (M, (None, 1)),
    "element": (M, (1, -1)),
    "column": (M, (slice(None), 2)),
    "list": (M, [0, 0, 2]),
    "array": (M, I),
    "float array": (M, I.astype(float)),
    "negative array": (M, np.array([-1, 2, -1])),
    "matrix of indices": (M, np.array([[0, 1], [1, 1]])),
    "no indices": (M, np.zeros(0, int)),
    "pairs": (M, (I, np.array([1, 3, 3]))),
    "broadcast pairs": (M, (I[:, None], np.array([1, 1]))),
    "array and number": (M, (I, 0)),
    "array and slice": (M, (slice(1, None), I)),
    "slice and array": (M, (I, slice(None, None, 2))),
    "array apart from array": (T, (np.array([0, 1]), slice(None), np.array([3, 3]))),
    "ellipsis and array": (T, (Ellipsis, I)),
    "new axis and array": (M, (None, I)),
    "mask": (M, MASK),
    "mask of elements": (M, M > 4),
    "mask as list": (M, [True, False, True]),
    "mask and slice": (M, (MASK, slice(1, 3))),
    "mask and number": (M, (MASK, 1)),
    "mask and array": (M, (MASK, np.array([1, 1]))),
    "mask that holds nowhere": (M, np.zeros(3, bool)),
    "0-d whole": (np.array(2.0), ()),
    "0-d new axis": (np.array(2.0), None),
    "0-d ellipsis": (np.array(2.0), Ellipsis),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_numpys(name):
    x, key = KEYS[name]
    plain = key.astype(int) if name == "float array" else int(key) if name == "float" else key
    value, back = pullback(lambda x: x[key], x)
    assert np.array_equal(dense(value), x[plain])
    seed = np.random.default_rng(0).normal(size=np.shape(x[plain]))
    expected = np.zeros(x.shape)
    np.add.at(expected, plain, seed)
    (found,) = back(seed)
    assert type(found) is np.ndarray or found == expected
    assert np.allclose(found, expected, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("name", KEYS)
def test_what_an_index_picks_is_known_before(name):
    class Meter:
        def __init__(self):
            self.charged = 0

        def charge(self, name, elements):
            self.charged += elements if name == "getindex" else 0

    x, key = KEYS[name]
    meter = Meter()
    with metered(meter):
        value, _ = pullback(lambda x: x[key], x)
    assert meter.charged in (0, np.size(dense(value)))


@pytest.mark.parametrize(("key", "message"), [(4, "index 4 is out of bounds"), ([0, 9], "index 9 is out of")])
def test_outside(key, message):
    with pytest.raises((IndexError, EngineError), match=message):
        gradient(lambda x: np.sum(x[key]), V)


def test_an_index_may_be_traced_and_is_a_constant():
    x = np.array([2.0, 0.0, 1.0])
    found = gradient(lambda x: np.sum(V[np.argsort(x)] * x) + np.sum(x[x]), x)[0]
    assert found.tolist() == (V[[1, 2, 0]] + 1.0).tolist()


N = 10**6


def test_reading_one_by_one_costs_one_array():
    x = np.zeros(N)

    def loss(x):
        return sum(x[i] * float(i) for i in range(2000)) + np.sum(x * 2.0) + x[0]

    _, back = pullback(loss, x)
    tracemalloc.start()
    started = time.perf_counter()
    (found,) = back()
    taken, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[:3].tolist() == [3.0, 3.0, 4.0] and found[1999] == 2001.0 and found[-1] == 2.0
    assert peak < 4 * 8 * N, "an array for each read"
    assert taken < 1.0, "2,000 arrays of a million elements would take seconds"


def test_rows_of_a_member_of_a_set():
    table = np.random.default_rng(0).normal(size=(50, 8))
    words = np.random.default_rng(1).integers(0, 50, 400)
    grads = gradient(lambda: np.sum(table[words] ** 2), Params([table]))
    expected = np.zeros(table.shape)
    np.add.at(expected, words, 2 * table[words])
    assert np.allclose(grads[table], expected, rtol=1e-13)


@pytest.mark.parametrize("picks", [1, 3, 500])
@pytest.mark.parametrize(
    "name", ["array", "pairs", "array and slice", "ellipsis and array", "broadcast pairs"]
)
def test_a_scattered_tangent_written_out_is_that_of_add_at(name, picks):
    x, key = KEYS[name]
    seed = np.random.default_rng(0).normal(size=np.shape(x[key]))
    scattered, expected = Scattered(x.shape, key, seed), np.zeros(x.shape)
    for _ in range(picks):
        np.add.at(expected, key, seed)
    for _ in range(picks - 1):
        scattered = scattered + Scattered(x.shape, key, seed)
    assert np.allclose(scattered.dense(), expected, rtol=1e-12)
    both = x + scattered + x
    assert isinstance(both, Scattered) and np.allclose(both.dense(), expected + 2 * x, rtol=1e-12)
    assert np.allclose(both.each(lambda part: 3.0 * part).dense(), 3 * (expected + 2 * x), rtol=1e-12)
    assert np.allclose(scattered.dense(), expected, rtol=1e-12), "a sum changed what it was made of"


def test_gather_and_scatter_are_transposes():
    gather, scatter = REGISTRY["gather"], REGISTRY["scatter"]
    rng = np.random.default_rng(0)
    for axis, indices in (
        (0, I),
        (1, np.array([3, 3, -1])),
        (-1, I),
        (1, np.array([[0, 1], [1, 1]])),
        (0, 2),
    ):
        x = rng.normal(size=(3, 4))
        y = rng.normal(size=np.shape(gather(x, indices, axis)))
        place = axis % 2
        there = np.sum(gather(x, indices, axis) * y)
        back = np.sum(x * scatter(y, indices, size=x.shape[place], axis=place))
        assert np.isclose(there, back, rtol=1e-14)


@pytest.mark.parametrize(
    ("operand", "settings"),
    [
        (V, {"indices": (0, 0, 3)}),
        (M, {"indices": 1}),
        (M, {"indices": I, "axis": 1}),
        (T, {"indices": np.array([[1, 1], [0, 1]]), "axis": -2}),
        (np.zeros((2, 0)), {"indices": (0, 0)}),
    ],
)
def test_gather(operand, settings):
    check_rule(REGISTRY["gather"], operands=(operand,), settings=settings)


@pytest.mark.parametrize(
    ("operand", "settings"),
    [
        (V, {"indices": (0, 0, 3, -1), "size": 6}),
        (M, {"indices": (1, 1, 0), "size": 2}),
        (np.array(2.0), {"indices": 1, "size": 3}),
        (T, {"indices": (0, 2, 0), "size": 3, "axis": 1}),
    ],
)
def test_scatter(operand, settings):
    check_rule(REGISTRY["scatter"], operands=(operand,), settings=settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: REGISTRY["gather"](V), "gather needs indices .write gather"),
        (lambda: REGISTRY["take"](V), "take needs indices"),
        (lambda: REGISTRY["scatter"](V, [0, 1, 2, 3]), "scatter needs the extent of its result"),
        (lambda: REGISTRY["scatter"](V, [0, 1], size=4), r"indices of shape \(2,\) do not name the rows"),
        (lambda: REGISTRY["gather"](V, [0.5]), "not whole"),
        (lambda: REGISTRY["gather"](V, V > 2), "not a mask"),
        (lambda: REGISTRY["split"](M, 2), "3 elements have no 2 equal parts"),
        (lambda: REGISTRY["split"](V, 0), "a whole number from 1 on"),
        (lambda: REGISTRY["split"](2.0, 1), "axis 0 is outside"),
        (lambda: REGISTRY["pad"](V, ((1, 2), (3, 4))), "no width for 1 axes"),
        (lambda: REGISTRY["pad"](V, -1), "widths are whole numbers from 0 on"),
        (lambda: REGISTRY["rot90"](M, 1, (0, 0)), "not two axes"),
    ],
)
def test_what_is_missing_or_wrong_is_said(call, message):
    with pytest.raises(EngineError, match=message):
        call()


def test_the_parts_of_a_split_are_read_and_their_cotangents_put_together():
    weights = np.arange(1.0, 5.0)

    def loss(x):
        first, rest = REGISTRY["split"](x, [1])
        return np.sum(first * weights[:1]) + np.sum(rest * weights[1:]) + np.sum(rest)

    assert gradient(loss, V)[0].tolist() == [1.0, 3.0, 4.0, 5.0]
    parts = REGISTRY["array_split"](M, 3, axis=1)
    assert [dense(part).shape for part in parts] == [(3, 2), (3, 1), (3, 1)]
    assert all(np.shares_memory(dense(part), M) for part in parts)
