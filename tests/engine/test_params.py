"""Sets of watched objects and what was found for them: order, identity, algebra, flat vectors."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Bindings, Grads, Params, gradient, pullback
from aliascheck.errors import EngineError
from aliascheck.memory import Fields
from tests.engine.tangents import matches

adjoint = REGISTRY["adjoint"]


def arrays(*values):
    return [np.array(value, float) for value in values]


def ids(members):
    return [id(member) for member in members]


# Params.


def test_a_set_of_a_set_is_that_set_and_a_copy_is_not():
    params = Params(arrays([1, 2], [3]))
    assert Params(params) is params and len(params) == 2
    copied = params.copy()
    assert copied is not params and ids(copied) == ids(params)
    copied.push(np.zeros(1))
    assert len(params) == 2


def test_equality_is_by_value_and_order_and_sameness_by_identity():
    x, y = arrays([1, 1], [2, 2])
    assert Params([x]) == Params(arrays([1, 1])) and not Params([x]).same_objects(arrays([1, 1]))
    assert Params([x, y]) != Params([y, x]) and Params([x, y]).same_objects([y, x])
    assert Params([x]) != Params([x, y]) and Params([x]) != [x]
    assert all(np.array_equal(a, b) for a, b in zip(Params([x]), Params(arrays([1, 1])), strict=True))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Params())


def test_the_set_interface_leaves_its_operands_alone():
    x, y, z = arrays([1, 2], [1], [3, 4])
    left, right = Params([x, y]), Params([y, z])
    assert ids(left | right) == ids([x, y, z]) and ids(left & right) == ids([y])
    assert ids(left.union([z], [x])) == ids([x, y, z])
    assert ids(left) == ids([x, y]) and ids(right) == ids([y, z])
    assert ids(left.push(z, x)) == ids([x, y, z])
    assert ids(left.delete(y)) == ids([x, z]) and y not in left


def test_flat_vectors_go_in_and_out_in_row_major_order():
    x, m = arrays([9, 9], [[0, 0], [0, 0]])
    params = Params([x, adjoint(m)])
    assert params.size == 6
    assert params.copy_from([1, 2, 3, 4, 5, 6]) is params
    assert x.tolist() == [1, 2] and m.tolist() == [[3, 5], [4, 6]]
    assert params.copy_to(np.zeros(6)).tolist() == [1, 2, 3, 4, 5, 6]
    for wrong in (np.zeros(5), np.zeros((6, 1))):
        with pytest.raises(EngineError, match="and the set holds 6 numbers"):
            params.copy_to(wrong)
        with pytest.raises(EngineError, match="and the set holds 6 numbers"):
            params.copy_from(wrong)
    assert Params(arrays([1, 2], [3])).copy_to(np.zeros(3)).tolist() == [1, 2, 3]
    with pytest.raises(EngineError, match="only sets of arrays"):
        Params([x, 3.0]).copy_to(np.zeros(3))


NOT_REAL = {
    "integer": (np.array([1, 2]), r"is integer, .* \(give x.astype\(float\)\)"),
    "boolean": (np.array([True]), r"is boolean, .* \(give x.astype\(float\)\)"),
    "complex": (np.array([1j]), r"is complex, .* \(give x.real and x.imag apart\)"),
    "integer below a wrapper": (adjoint(np.array([1, 2])), "is integer"),
    "objects": (np.array([None]), "is of dtype object"),
    "text": (np.array(["a"]), "is of dtype <U1"),
    "a complex number": (1j, "is complex"),
    "true": (True, "is boolean"),
}


@pytest.mark.parametrize("name", NOT_REAL)
def test_parameters_are_real_floating_point_numbers(name):
    value, message = NOT_REAL[name]
    with pytest.raises(EngineError, match=f"argument 0 {message}"):
        gradient(lambda x: 1.0, value)
    with pytest.raises(EngineError, match=f"a member of the set {message}"):
        gradient(lambda: 1.0, Params([value]))


def test_a_whole_number_is_a_number():
    (found,) = gradient(lambda x: x * x, 3)
    assert found == 6.0 and isinstance(found, float)
    (found,) = gradient(lambda x: np.sum(x * x), np.array([1.5], np.float32))
    assert matches(found, [3.0])


# Grads.


@pytest.fixture
def world():
    w, b, x1, x2 = arrays([1, 2], [3, 4], [5, 6], [7, 8])
    main = Bindings(w=w, b=b, x1=x1, x2=x2)
    return (
        w,
        b,
        gradient(lambda: np.sum(main.w * main.x1), Params([w])),
        gradient(lambda: np.sum(main.w * main.x2), Params([w])),
        gradient(lambda: np.sum(main.w * main.x1), Params([w, b])),
        gradient(lambda: np.sum(main.w * main.x2 + main.b), Params([b, w])),
    )


def test_sums_and_multiples_of_gradients(world):
    w, b, first, second, without_b, with_b = world
    x1, x2 = np.array([5.0, 6.0]), np.array([7.0, 8.0])
    results = {
        "sum": (first + second, x1 + x2),
        "difference": (first - second, x1 - x2),
        "twice": (2 * first, 2 * x1),
        "times": (first * 2.0, 2 * x1),
        "half": (first / 2, x1 / 2),
        "negative": (-first, -x1),
        "positive": (+first, x1),
        "array": (np.array([1.0, 10.0]) * first, np.array([5.0, 60.0])),
        "array behind": (first * np.array([1.0, 10.0]), np.array([5.0, 60.0])),
        "plus": (1.0 + first, x1 + 1),
        "minus": (1.0 - first, 1 - x1),
        "map": (first.map(lambda a, b: a @ b, second), x1 @ x2),
    }
    for name, (grads, expected) in results.items():
        assert isinstance(grads, Grads) and grads.params is first.params, name
        assert matches(grads[w], expected), name
    assert matches(first[w], x1) and matches(second[w], x2)
    both = without_b + with_b
    assert without_b[b] is NOTHING and matches(both[b], [1, 1]) and matches(both[w], x1 + x2)
    assert matches((2 * without_b)[b], [0, 0])


def test_gradients_of_other_sets_cannot_be_combined(world):
    _, _, first, _, without_b, _ = world
    for combine in (lambda: first + without_b, lambda: without_b - first):
        with pytest.raises(EngineError, match="gradients of different sets cannot be combined"):
            combine()


def test_augmented_sums_replace_entries_and_no_arrays(world):
    w, _, first, second, _, _ = world
    kept, same = first[w], first
    first += second
    assert first is same and matches(first[w], [12, 14]) and matches(kept, [5, 6])
    first -= second
    first *= 4
    first /= 2
    assert matches(first[w], [10, 12])


def test_structural_entries_are_combined_part_by_part():
    x = np.array([1.0, 2.0])
    xt = adjoint(x)
    main = Bindings(x=x, xt=xt)
    grads = gradient(lambda: np.sum(main.xt.parent * main.x), Params([xt]))
    assert matches(grads[xt], Fields(parent=[1.0, 2.0]))
    assert matches((grads + grads)[xt], Fields(parent=[2.0, 4.0]))
    assert matches((3 * grads)[xt], Fields(parent=[3.0, 6.0]))
    with pytest.raises(EngineError, match="a structural gradient is no array"):
        grads.copy_to(np.zeros(2))


def test_keys_values_and_items_are_in_the_order_of_the_set(world):
    w, b, *_, with_b = world
    assert ids(with_b.keys()) == ids([b, w]) and len(with_b) == 2
    assert [id(member) for member, _ in with_b.items()] == ids([b, w])
    assert all(a is c for a, c in zip(with_b, with_b.values(), strict=True))
    for value in with_b:
        np.clip(value, 0.0, 7.5, out=value)
    assert matches(with_b[w], [7, 7.5]) and matches(with_b["Main.w"], [7, 8])


def test_a_copy_is_replaced_apart(world):
    w, _, first, *_ = world
    copied = first.copy()
    assert copied[w] is first[w] and copied.params is first.params
    copied[w] = np.zeros(2)
    assert matches(first[w], [5, 6])
    with pytest.raises(EngineError, match="not in the set"):
        copied[np.zeros(2)] = np.zeros(2)


def test_merging_takes_over_members_and_entries(world):
    w, b, first, _, _, with_b = world
    params = first.params
    assert first.merge(with_b) is first and first.params is params
    assert ids(params) == ids([w, b])
    assert matches(first[w], [7, 8]) and matches(first[b], [1, 1]) and "Main.b" in first.globals


def test_entries_go_in_and_out_of_flat_vectors(world):
    w, b, *_, without_b, _ = world
    assert without_b.copy_to(np.ones(4)).tolist() == [5, 6, 0, 0]
    without_b.copy_from([1, 2, 3, 4])
    assert matches(without_b[w], [1, 2]) and matches(without_b[b], [3, 4])
    with pytest.raises(EngineError, match="the set holds 4 numbers"):
        without_b.copy_from(np.zeros(3))


def test_what_has_no_entry_says_why(world):
    _, _, first, *_ = world
    with pytest.raises(EngineError, match="a number is no parameter"):
        first[3.0]
    with pytest.raises(EngineError, match="not in the set that was watched"):
        first[np.zeros(2)]
    assert gradient(lambda: 1.0, Params([])).values() == []


# Results belong to the caller.


def test_results_are_writable_and_shared_with_nothing():
    x, y = arrays([1, 2], [3, 4])
    seed = np.ones(2)
    _, back = pullback(lambda a, b: a + b, x, y)
    d_x, d_y = back(seed)
    assert not any(np.shares_memory(d_x, other) for other in (d_y, seed, x, y))
    for summed in (lambda a: np.sum(a), lambda a: np.sum(a[None, :] + np.zeros((3, 2)))):
        (found,) = gradient(summed, x)
        found[0] = 7.0
        assert matches(gradient(summed, x)[0], [1, 1] if found[1] == 1 else [3, 3])
    main = Bindings(x=x)
    grads = gradient(lambda: np.sum(main.x), Params([x]))
    grads[x][:] = 0.0
    assert matches(grads["Main.x"], [1, 1])
