"""Tangents: kinds of absence kept apart, sums that change nothing, and maps with their transposes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.engine import REGISTRY
from aliascheck.engine.alias import Alias
from aliascheck.memory import (
    NOTHING,
    CellMap,
    Fields,
    MixedTangentsError,
    Struct,
    accumulate,
    dense,
    describe,
    is_empty,
    pick,
    pull_through,
    scatter,
    unwrap,
)
from tests.memory.strided import views_of_one_memory

steady = settings(deadline=None, derandomize=True)

NUMBERS = st.integers(-8, 8).map(float)
ARRAYS = st.lists(NUMBERS, min_size=3, max_size=3).map(np.array)


def _absent(tangents):
    return st.one_of(st.just(NOTHING), tangents)


# Tangents of one value, (x=[3], t=([3], n), l=[[3], [3]], d={'a': [3], 'b': [3]}): any part may be absent.
TANGENTS = _absent(
    st.builds(
        lambda x, t, items, d: Fields(x=x, t=t, l=items, d=d),
        _absent(ARRAYS),
        _absent(st.tuples(_absent(ARRAYS), _absent(NUMBERS))),
        _absent(st.lists(_absent(ARRAYS), min_size=2, max_size=2)),
        _absent(st.dictionaries(st.sampled_from("ab"), _absent(ARRAYS))),
    )
)


def same(left, right):
    """Equal in kind, structure and number; NOTHING only equals itself, keys without a part are NOTHING."""
    if left is NOTHING or right is NOTHING:
        return left is right
    if isinstance(left, dict):
        keys = {*left, *right}
        return type(left) is type(right) and all(
            same(left.get(key, NOTHING), right.get(key, NOTHING)) for key in keys
        )
    if isinstance(left, tuple | list):
        return type(left) is type(right) and all(map(same, left, right)) and len(left) == len(right)
    return np.shape(left) == np.shape(right) and np.allclose(left, right, rtol=1e-15, atol=0)


def test_nothing_is_not_zero_and_falsy_and_itself():
    assert not NOTHING and repr(NOTHING) == "nothing"
    assert copy.copy(NOTHING) is NOTHING and copy.deepcopy(NOTHING) is NOTHING
    assert pickle.loads(pickle.dumps((NOTHING, 1.0)))[0] is NOTHING
    zero = np.zeros(2)
    assert accumulate(NOTHING, NOTHING) is NOTHING
    assert accumulate(NOTHING, zero) is zero
    assert not is_empty(zero) and not is_empty(0.0)
    assert is_empty(NOTHING) and is_empty(Fields(x=NOTHING)) and is_empty(([NOTHING], {"a": NOTHING}))
    assert not is_empty(Fields(x=NOTHING, y=zero))


@steady
@given(TANGENTS)
def test_nothing_is_neutral(tangent):
    assert accumulate(tangent, NOTHING) is tangent
    assert accumulate(NOTHING, tangent) is tangent


@steady
@given(TANGENTS, TANGENTS)
def test_sums_commute(left, right):
    assert same(accumulate(left, right), accumulate(right, left))


@steady
@given(TANGENTS, TANGENTS, TANGENTS)
def test_sums_associate(one, two, three):
    assert same(accumulate(accumulate(one, two), three), accumulate(one, accumulate(two, three)))


@steady
@given(TANGENTS, TANGENTS)
def test_a_sum_changes_neither_side(left, right):
    before = copy.deepcopy((left, right))
    total = accumulate(left, right)
    accumulate(total, total)
    assert same(before, (left, right))


def test_a_sum_keeps_kinds():
    assert accumulate((1.0, NOTHING), (2.0, 3.0)) == (3.0, 3.0)
    assert accumulate([1.0], [2.0]) == [3.0]
    assert type(accumulate(Fields(x=1.0), Fields(x=1.0))) is Fields
    assert type(accumulate({"a": 1.0}, {"b": 1.0})) is dict
    assert accumulate({"a": 1.0}, {"b": 2.0}) == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize("structural", [Fields(parent=np.ones(2)), (np.ones(2),), [np.ones(2)], {"a": 1.0}])
@pytest.mark.parametrize("natural", [np.ones(2), 1.0, np.float64(1.0), np.array(1.0)])
def test_natural_and_structural_cannot_be_added(natural, structural):
    for pair in ((natural, structural), (structural, natural)):
        with pytest.raises(MixedTangentsError, match="read both as an array and through its fields"):
            accumulate(*pair)


def test_kinds_in_words():
    assert describe(NOTHING) == "nothing"
    assert describe(Fields(parent=1.0)) == "a structural gradient (parent=)"
    assert describe((1.0,)) == "a structural gradient (tuple)"
    assert describe(np.ones((2, 1))) == "an array gradient of shape (2, 1)"
    assert describe(1.0) == "a number"
    assert repr(Fields(parent=NOTHING)) == "(parent=nothing,)"


def test_pick_follows_steps_and_stops_at_nothing():
    tangent = Fields(layers=(NOTHING, Fields(weight=1.0)))
    assert pick(tangent, ("layers", 1, "weight")) == 1.0
    assert pick(tangent, ("layers", 0, "weight")) is NOTHING
    assert pick(tangent, ("bias",)) is NOTHING
    assert pick(tangent, ()) is tangent


@steady
@given(views_of_one_memory(), st.randoms(use_true_random=False))
def test_scatter_is_the_transpose_of_reading(case, random):
    _, views = case
    cells = CellMap(views)
    rng = np.random.default_rng(random.randrange(2**32))
    for view in views:
        numbers = cells.of(view)
        memory, tangent = rng.normal(size=len(cells)), rng.normal(size=view.shape[::-1]).T
        scattered = scatter(numbers, len(cells), tangent)
        assert scattered.shape == (len(cells),)
        assert np.isclose(np.sum(memory[numbers] * tangent), memory @ scattered, rtol=1e-12, atol=1e-12)


X = np.arange(1.0, 13.0).reshape(3, 4)
V = np.arange(1.0, 13.0)
ALIASES = {
    "adjoint": (X, ()),
    "adjoint of vector": (V, ()),
    "transpose": (X, ()),
    "transpose by axes": (X.reshape(2, 3, 2), ((1, 2, 0),)),
    "permutedims": (X.reshape(2, 3, 2), ((2, 0, 1),)),
    "swapaxes": (X.reshape(2, 3, 2), (0, 2)),
    "moveaxis": (X.reshape(2, 3, 2), (0, 2)),
    "rot90": (X, (3,)),
    "reshape": (X, (2, -1)),
    "ravel": (X, ()),
    "squeeze": (X.reshape(3, 1, 4), ()),
    "expand_dims": (X, (1,)),
    "diagonal": (X, ()),
    "diagonal of tall": (X.reshape(6, 2), ()),
    "diagonal beside": (X, (-1,)),
    "flip": (X, (1,)),
    "broadcast_to": (X[:1], (2, 3, 4)),
    "broadcast_to number": (np.array(2.0), (2, 3)),
    "view": (V, ((3, 4), (2, 1), 1)),
    "view stride 0": (V, ((2, 3), (0, 4))),
    "view backwards": (V, ((5,), (-2,), 10)),
    "view of every second": (np.arange(24.0)[::2], ((3,), (4,), 2)),
    "slice": (X, ((slice(None, None, -1), slice(1, 3)),)),
    "fliplr": (X, ()),
    "flipud": (X, ()),
    "slice row": (X, (1,)),
    "slice new axis": (X, ((slice(0, 2), None, 0),)),
    "slice of nothing": (X, (slice(3, 3),)),
}


def make(name):
    parent, arguments = ALIASES[name]
    return REGISTRY[name.partition(" ")[0]](parent, *arguments)


def test_all_kinds_of_alias_are_here():
    kinds = {name for name, primitive in REGISTRY.items() if type(primitive) is Alias}
    assert {name.partition(" ")[0] for name in ALIASES} == kinds


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_shows_its_parents_own_memory(name):
    wrapper = make(name)
    inside = CellMap([dense(wrapper.parent)])
    assert inside.of(wrapper.array).shape == wrapper.array.shape


@pytest.mark.parametrize("name", ALIASES)
def test_pull_through_is_the_transpose_of_what_a_wrapper_shows(name):
    wrapper = make(name)
    parent = dense(wrapper.parent)
    rng = np.random.default_rng(5)
    for _ in range(3):
        memory, tangent = rng.normal(size=parent.shape), rng.normal(size=wrapper.array.shape)
        pulled = pull_through(wrapper, tangent)
        assert pulled.shape == parent.shape
        assert np.isclose(np.sum(wrapper.show(memory) * tangent), np.sum(memory * pulled), rtol=1e-12)


@pytest.mark.parametrize("name", ALIASES)
def test_pull_through_agrees_with_the_cells(name):
    """In memory, what the parent gets is what the wrapper got."""
    wrapper = make(name)
    cells = CellMap([dense(wrapper.parent)])
    tangent = np.random.default_rng(6).normal(size=wrapper.array.shape)
    through_parent = scatter(cells.of(dense(wrapper.parent)), len(cells), pull_through(wrapper, tangent))
    assert np.allclose(scatter(cells.of(wrapper.array), len(cells), tangent), through_parent, rtol=1e-12)


def test_pull_through_spreads_a_number():
    assert np.array_equal(pull_through(make("broadcast_to"), np.array(1.0)), np.full((1, 4), 6.0))


def test_unwrap_follows_structural_parts_of_wrappers_only():
    inner = REGISTRY["adjoint"](X)
    outer = REGISTRY["flip"](inner)
    g = np.ones((3, 4))
    value, tangent = unwrap(outer, Fields(parent=Fields(parent=g)))
    assert value is X and tangent is g
    value, tangent = unwrap(outer, g.T)
    assert value is outer and tangent.shape == (4, 3)
    value, tangent = unwrap(outer, Fields(parent=NOTHING))
    assert value is inner and tangent is NOTHING
    struct = Struct("A", {"x": X})
    assert unwrap(struct, Fields(x=g))[0] is struct
