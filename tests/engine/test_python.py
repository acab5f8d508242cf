"""The engine used from Python: tracers, NumPy's functions, pullbacks, sets, and clear errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from aliascheck.engine import (
    NOTHING,
    REGISTRY,
    Bindings,
    Params,
    Tracer,
    call,
    gradient,
    make_list,
    make_struct,
    make_tuple,
    pullback,
    read_field,
    withgradient,
)
from aliascheck.errors import EngineError
from aliascheck.memory import Fields, MutableStruct, Struct
from tests.engine.tangents import identical, matches

adjoint, transpose, view = (REGISTRY[name] for name in ("adjoint", "transpose", "view"))
V = np.array([1.0, 2.0, 3.0])
M = np.array([[1.0, 2.0], [3.0, 4.0]])
GLOBAL = np.array([3.0, 4.0])


def test_gradients_are_a_tuple_with_one_entry_for_each_argument():
    found = gradient(lambda x, y, z: np.sum(x * y), V, V + 1, M)
    assert type(found) is tuple and len(found) == 3
    assert matches(found[0], V + 1) and matches(found[1], V) and found[2] is NOTHING
    assert gradient(lambda x: np.sum(x), V)[0].shape == V.shape
    assert gradient(lambda: 1.0) == ()


def test_numbers_and_0d_arrays():
    assert gradient(lambda x: 3 * x * x, 2.0) == (12.0,)
    (found,) = gradient(lambda x: x * x, np.array(3.0))
    assert np.shape(found) == () and found == 6.0
    assert gradient(lambda x: 1, 2.0) == (NOTHING,)


def test_withgradient_gives_both():
    value, (found,) = withgradient(lambda x: np.sum(1 / x), np.array([1.0, 2.0, 4.0]))
    assert value == 1.75 and matches(found, [-1, -0.25, -0.0625])
    w, x = np.array([3.0, 1.0]), np.array([2.0, 4.0])
    value, grads = withgradient(lambda: np.sum(w * x), Params([w]))
    assert value == 10.0 and matches(grads[w], [2, 4])


def test_structural_arguments_mirror_their_parts():
    a = Struct("A", {"x": V, "y": V})
    assert matches(gradient(lambda s: np.sum(s.x), a)[0], Fields(x=np.ones(3), y=NOTHING))
    assert matches(gradient(lambda t: np.sum(t[1]), (V, V))[0], (NOTHING, np.ones(3)))
    assert matches(gradient(lambda t: np.sum(t[1]), [V, V])[0], [NOTHING, np.ones(3)])
    assert matches(gradient(lambda d: np.sum(d["b"]), {"a": V, "b": V})[0], {"b": np.ones(3)})
    assert matches(gradient(lambda w: np.sum(w.parent), adjoint(V))[0], Fields(parent=np.ones(3)))
    assert matches(gradient(lambda w: np.sum(w), adjoint(V))[0], np.ones((1, 3)))
    mutable = MutableStruct("A", {"x": V})
    assert matches(gradient(lambda s: np.sum(s.x * s.x), mutable)[0], Fields(x=2 * V))


# Tracers.

OPERATIONS = {
    "array * tracer": (lambda x: V * x, V),
    "tracer * array": (lambda x: x * V, V),
    "array + tracer": (lambda x: V + x, np.ones(3)),
    "array - tracer": (lambda x: V - x, -np.ones(3)),
    "tracer - array": (lambda x: x - V, np.ones(3)),
    "array / tracer": (lambda x: V / x, -1 / V),
    "tracer / number": (lambda x: x / 2, np.full(3, 0.5)),
    "number / tracer": (lambda x: 2 / x, -2 / V**2),
    "number ** tracer": (lambda x: 2.0**x, 2.0**V * np.log(2)),
    "tracer ** number": (lambda x: x**3, 3 * V**2),
    "number % tracer": (lambda x: x % 2, np.ones(3)),
    "negative": (lambda x: -x, -np.ones(3)),
    "plus": (lambda x: +x, np.ones(3)),
    "abs": (lambda x: abs(-x), np.ones(3)),
    "np.float64 * tracer": (lambda x: np.float64(2) * x, np.full(3, 2.0)),
    "array @ tracer": (lambda x: np.ones((2, 3)) @ x, np.full(3, 2.0)),
    "tracer @ array": (lambda x: x @ np.ones((3, 2)), np.full(3, 2.0)),
    "np.multiply": (lambda x: np.multiply(V, x), V),
    "np.tanh": (lambda x: np.tanh(x), 1 - np.tanh(V) ** 2),
    "np.abs": (lambda x: np.abs(x), np.ones(3)),
    "np.power": (lambda x: np.power(x, 2), 2 * V),
    "np.where": (lambda x: np.where(x > 1.5, x, 0.0), [0, 1, 1]),
    "np.maximum": (lambda x: np.maximum(2.5, x), [0, 0, 1]),
    "np.clip": (lambda x: np.clip(x, 1.5, 2.5), [0, 1, 0]),
    "np.stack": (lambda x: np.stack([x, V, x]), np.full(3, 2.0)),
    "np.concatenate": (lambda x: np.concatenate((V, x)), np.ones(3)),
    "np.reshape": (lambda x: np.reshape(x, (3, 1)) * np.ones((3, 2)), np.full(3, 2.0)),
    "np.mean": (lambda x: np.mean(x, axis=0, keepdims=True), np.full(3, 1 / 3)),
    "np.linalg.norm": (lambda x: np.linalg.norm(x), V / np.sqrt(14)),
    "np.einsum": (lambda x: np.einsum("i,j->", x, V), np.full(3, 6.0)),
    "np.cumsum": (lambda x: np.cumsum(x), [3, 2, 1]),
    "np.dot": (lambda x: np.dot(x, x), 2 * V),
    "element": (lambda x: x[-1], [0, 0, 1]),
    "mask": (lambda x: x[x > 1.5], [0, 1, 1]),
    "index list": (lambda x: x[[0, 0, 2]], [2, 0, 1]),
    "new axis": (lambda x: x[None, 1:], [0, 1, 1]),
    "iteration": (lambda x: sum(part * part for part in x), 2 * V),
    "length": (lambda x: x * len(x), np.full(3, 3.0)),
    "shape": (lambda x: x * x.shape[0] * x.ndim * x.size, np.full(3, 9.0)),
    "branch": (lambda x: x * 2 if np.sum(x) > 0 else x, np.full(3, 2.0)),
    "stopped": (lambda x: x * REGISTRY["stop_gradient"](x), V),
    "called": (lambda x: call(REGISTRY["sum"], x), np.ones(3)),
    "list built inside": (lambda x: np.sum(np.concatenate(make_list([x, V]))), np.ones(3)),
    "struct built inside": (lambda x: read_field(make_struct("A", {"x": x, "n": 2.0}), "x"), np.ones(3)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_tracers_do_what_arrays_do(name):
    function, expected = OPERATIONS[name]
    (found,) = gradient(lambda x: np.sum(function(x)), V)
    assert matches(found, expected), found
    if "built inside" not in name:
        traced, _ = pullback(function, V)
        assert np.allclose(traced.array if hasattr(traced, "array") else traced, function(V))


ERRORS = {
    "unsupported ufunc": (lambda x: np.spacing(x), "NumPy's spacing has no rule here"),
    "nearly a name": (lambda x: np.nanmax(x), "NumPy's nanmax has no rule here .did you mean"),
    "unsupported function": (lambda x: np.percentile(x, 2), "NumPy's percentile has no rule here"),
    "reduce": (lambda x: np.add.reduce(x), "np.add.reduce is not traced"),
    "out": (lambda x: np.add(x, 1, out=np.zeros(3)), "cannot be written into an array"),
    "dtype": (lambda x: np.sum(x, dtype=float), "np.sum: its setting 'dtype' is not traced"),
    "float()": (lambda x: float(np.sum(x)), "cannot become a plain number"),
    "no such method": (lambda x: x.summ(), r"an array has no field 'summ'"),
    "a number of it": (lambda x: x[0].item(), r"x.item\(\) would lose its derivative"),
    "an array of it": (lambda x: np.array([x[0], x[1]]), r"join traced values with np.stack"),
    "integers": (lambda x: x.astype(int), r"astype\(int64\) has no derivative"),
    "true as index": (lambda x: x[True], "true and false are no indices"),
    "fraction as index": (lambda x: x[0.5], "must be a whole number"),
    "array as setting": (lambda x: REGISTRY["elu"](x, V), "'alpha' must be a number, not an array"),
    "computed setting": (
        lambda x: REGISTRY["leaky_relu"](x, 0.1 * np.sum(x)),
        "leaky_relu: 'slope' is a constant, and this number is traced",
    ),
    "computed fill": (
        lambda x: np.pad(x, 1, constant_values=x[0]),
        "pad: 'constant_values' is a constant",
    ),
    "a number's elements": (lambda x: sum(np.sum(x)), "a number cannot be iterated"),
    "complex arrays": (
        lambda x: np.abs(x * np.array([1j, 2, 3])),
        "multiply takes real numbers, not complex",
    ),
    "complex scalars": (lambda x: np.abs(x * np.exp(1j)), "multiply takes real numbers, not complex"),
    "a word as index": (lambda x: x["a"], "an array has no 'a'"),
    "traced setting": (lambda x: REGISTRY["leaky_relu"](x, x), "'slope' must be a number, not an array"),
    "array for a list": (lambda x: np.concatenate(x), "takes a list or tuple of arrays, not an array"),
    "complex": (lambda x: x * 1j, "takes arrays and numbers, not a complex number"),
    "too few": (lambda x: REGISTRY["add"](x), "add takes 2 arrays, and got 1"),
    "struct as array": (
        lambda x: np.sum(make_struct("A", {"x": x})),
        "the struct A .name the part that is meant",
    ),
    "no such field": (lambda x: make_struct("A", {"weight": x}).weigth, "did you mean 'weight'"),
    "no such key": (lambda x: REGISTRY["sum"](make_tuple([x])[1]), "index 1 is outside a tuple of length 1"),
    "not callable": (lambda x: x(1.0), "an array cannot be called"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_traced_says_so(name):
    function, message = ERRORS[name]
    with pytest.raises(EngineError, match=message):
        gradient(lambda x: np.sum(function(x)), V)


def test_errors_leave_nothing_behind():
    """After an exception inside a traced function, plain evaluation is plain again."""
    main = Bindings(x=V)
    with pytest.raises(EngineError):
        gradient(lambda: np.spacing(main.x), Params([V]))
    assert main.x is V
    main.y = 2.0
    assert main.y == 2.0


NOT_SCALAR = {
    "vector": (lambda x: x, r"the loss has shape \(3,\), and must be a scalar"),
    "wrapper": (lambda x: adjoint(x), r"the loss has shape \(1, 3\)"),
    "comparison": (lambda x: np.sum(x) > 0, "the loss is true or false, not a number"),
    "tuple": (lambda x: {"a": x}, "the loss is a dict, not a number"),
    "nothing": (lambda x: None, "the loss is nothing, not a number"),
    "complex": (lambda x: np.complex128(1j), "the loss is complex"),
    "function": (lambda x: np.sum, "the loss is a function, not a number"),
    "string": (lambda x: "1", "the loss is a string, not a number"),
}


@pytest.mark.parametrize("name", NOT_SCALAR)
def test_a_loss_is_a_real_scalar(name):
    function, message = NOT_SCALAR[name]
    for differentiate in (gradient, withgradient):
        with pytest.raises(EngineError, match=message):
            differentiate(function, V)


def test_memory_is_not_changed():
    x = V.copy()
    before = x.tobytes()
    main = Bindings(x=x, xt=adjoint(x))
    gradient(lambda: np.sum(main.xt * main.x + np.exp(main.x)[::-1] * main.xt.parent), Params([x]))
    gradient(lambda a: np.sum(a * a), x)
    assert x.tobytes() == before


def _set_item(x):
    x[0] = 1.0


def _delete_item(x):
    del x[0]


def _add_into_an_array(x):
    y = V.copy()
    y += x


def _add_to_it(x):
    y = x
    y += 1.0


def _bind_again(x):
    main = Bindings(x=V)
    main.x = x


def _set_field(x):
    make_struct("A", {"x": x}).x = 1.0


def _set_element(x):
    y = np.zeros(3)
    y[0] = x[0]


MUTATIONS = {
    "element": (_set_element, r"y\[...\] = x: a traced value cannot be written into an array \(collect"),
    "item": (_set_item, r"x\[...\] = y: a traced array cannot be written to \(build a new one"),
    "deleted": (_delete_item, r"del x\[...\]: a traced array cannot be written to"),
    "into": (_add_into_an_array, r"cannot be written into an array \(write y = y \+ x"),
    "augmented": (_add_to_it, r"x \+= y: a traced array cannot be written to \(write x = x \+ y"),
    "at": (lambda x: np.add.at(x, 0, 1.0), r"np.add.at: a traced value cannot be written into"),
    "copyto": (lambda x: np.copyto(x, V), "np.copyto: a traced array cannot be written to"),
    "fill_diagonal": (lambda x: np.fill_diagonal(x, 0.0), "np.fill_diagonal: a traced array"),
    "sort": (lambda x: x.sort(), r"x.sort\(\): a traced array cannot be written to \(use np.sort"),
    "fill": (lambda x: x.fill(0.0), r"x.fill\(\): a traced array cannot be written to"),
    "bound again": (_bind_again, "'x' cannot be bound again while it is differentiated"),
    "field": (_set_field, r"a field of a traced value cannot be set: .x ="),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_is_refused_when_it_happens(name):
    change, message = MUTATIONS[name]
    with pytest.raises(EngineError, match=message):
        gradient(lambda x: (change(x), np.sum(x))[1], V)


def test_another_number_for_a_name_is_no_mutation():
    """Arrays change in place under `+=`, numbers do not."""

    def loss(x):
        total = np.sum(x)
        first = total
        for element in x:
            total += element * element
        return total + first

    assert matches(gradient(loss, V)[0], 2.0 + 2.0 * V)


# Wrappers undone.


def test_only_what_flips_all_axes_is_undone():
    cube = np.arange(24.0).reshape(2, 3, 4)
    assert adjoint(adjoint(V)) is V and transpose(adjoint(M)) is M and transpose(transpose(cube)) is cube
    turned = transpose(cube, (1, 2, 0))
    assert np.array_equal(transpose(turned).array, cube.transpose(1, 2, 0).T)
    assert np.array_equal(transpose(transpose(M), (0, 1)).array, M.T)
    weights = np.random.default_rng(0).normal(size=(2, 4, 3))
    (found,) = gradient(lambda x: np.sum(transpose(transpose(x, (1, 2, 0))) * weights), cube)
    assert matches(found, weights.transpose(0, 2, 1))


# Pullbacks.


def test_a_pullback_takes_any_seed():
    value, back = pullback(lambda x: 2 * x, V)
    assert np.array_equal(value, 2 * V) and not isinstance(value, Tracer)
    assert matches(back(np.array([1.0, 0.0, -1.0]))[0], [2, 0, -2])
    assert matches(back([1, 2, 3])[0], [2, 4, 6])
    assert back(NOTHING) == (NOTHING,)
    _, back = pullback(lambda x: np.sum(x * x), V)
    assert matches(back()[0], 2 * V) and matches(back(0.5)[0], V)
    assert matches(back(0.0)[0], [0, 0, 0])


def test_a_second_pullback_does_not_change_the_first():
    w, x = V.copy(), V + 1
    main = Bindings(w=w, x=x)
    _, back = pullback(lambda: np.sum(main.w * main.x) + np.sum(main.w), Params([w]))
    first = back(1.0)
    kept = first[w].copy()
    second, third, none = back(1.0), back(2.0), back(NOTHING)
    assert identical(first[w], kept) and identical(second[w], kept) and matches(third[w], 2 * kept)
    assert none[w] is NOTHING and none.globals == {}
    assert identical(first.globals["Main.w"], kept)
    assert back(1.0).globals.keys() == {"Main.w", "Main.x"}


def test_writing_to_a_result_changes_no_other():
    _, back = pullback(lambda x: np.sum(x * x), V)
    (first,) = back()
    first *= 0.0
    assert matches(back()[0], 2 * V)


def test_the_forward_pass_ran_once_and_gates_nothing():
    calls = []

    def loss(x):
        calls.append(1)
        return np.sum(x)

    _, back = pullback(loss, V)
    back(), back()
    assert len(calls) == 1


# Sets.


def test_params_are_ordered_and_distinct_by_identity():
    x, y, z = np.array([1.0, 2.0]), np.array([1.0]), np.array([3.0, 4.0])
    params = Params([x, y, x])
    assert len(params) == 2 and params[0] is x and params[1] is y
    assert all(a is b for a, b in zip(params[0:2], [x, y], strict=True))
    assert x in params and z not in params and x.copy() not in params
    params.push(y)
    assert len(params) == 2
    params.push(z)
    params.delete(x)
    params.delete(x)
    assert [id(member) for member in params] == [id(y), id(z)]
    for empty in (Params(), Params(()), Params([])):
        assert len(empty) == 0


def test_unions_and_intersections():
    x, y, z = np.array([1.0, 2.0]), np.array([1.0]), np.array([3.0, 4.0])
    for union in (Params([x, y]).union([z]), Params([x, y]).union([y, z])):
        assert type(union) is Params and [id(member) for member in union] == [id(x), id(y), id(z)]
    assert [id(member) for member in Params([x, y, z]).intersect([z, x])] == [id(x), id(z)]


def test_wrappers_of_one_kind_and_parent_are_one_member():
    assert len(Params([adjoint(V), adjoint(V)])) == 1
    assert len(Params([adjoint(V), transpose(V), V, V[:]])) == 4
    assert adjoint(V) in Params([adjoint(V)])
    assert len(Params([view(V, (3,)), view(V, (2,))])) == 2


def test_grads_are_in_the_order_of_the_set():
    w, b, x = np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.array([3.0, 4.0])
    unused = np.zeros(1)
    main = Bindings(w=w, b=b, x=x)
    grads = gradient(lambda: np.sum(np.tanh(main.w * main.x + main.b)), Params([unused, b, w]))
    keys = grads.keys()
    assert len(grads) == 3 and [id(member) for member in keys] == [*map(id, (unused, b, w))]
    assert all(given is entry for given, entry in zip(grads, grads.values(), strict=True))
    assert grads.values()[0] is NOTHING and grads.values()[2] is grads[w]
    assert w in grads and x not in grads
    assert np.array_equal(grads["Main.b"], grads[b])
    with pytest.raises(EngineError, match="not in the set that was watched"):
        grads[x]
    with pytest.raises(KeyError):
        grads["Main.zzz"]


def test_numbers_in_a_set_get_nothing():
    main = Bindings(n=3.0, x=V)
    grads = gradient(lambda: main.n * np.sum(main.x), Params([3.0]))
    assert grads[3.0] is NOTHING and grads["Main.n"] == 6.0


def test_squares_of_every_member():
    w, b = np.ones((2, 3)), np.zeros(2)
    params = Params([w, b])
    grads = gradient(lambda: sum(np.sum(p * p) for p in params), params)
    assert matches(grads[w], np.full((2, 3), 2.0)) and matches(grads[b], [0, 0])


# What a Python function reads by name.


def test_captured_variables_and_globals_are_followed():
    x = V.copy()
    xt = adjoint(x)
    grads = gradient(lambda: np.sum(xt * x), Params([x, xt]))
    assert matches(grads[x], x) and matches(grads[xt], [x]) and grads.globals == {}
    grads = gradient(lambda: np.sum(GLOBAL * GLOBAL), Params([GLOBAL]))
    assert matches(grads[GLOBAL], 2 * GLOBAL) and matches(grads["Main.GLOBAL"], 2 * GLOBAL)


def _reads_global(scale):
    return scale * np.sum(GLOBAL)


def test_functions_that_are_called_are_followed():
    x = V.copy()

    def inner():
        return np.sum(x * x) + _reads_global(3.0)

    grads = gradient(lambda: inner() + inner(), Params([x, GLOBAL]))
    assert matches(grads[x], 4 * V) and matches(grads[GLOBAL], [6, 6])
    assert isinstance(x, np.ndarray) and isinstance(GLOBAL, np.ndarray)
    assert np.sum(x * x) == inner() - _reads_global(3.0)


def test_captured_containers_credit_as_their_kind_does():
    x, y = V.copy(), V + 1
    layers, pair, table = [x, y], (x, y), {"a": x, "b": y}
    assert gradient(lambda: np.sum(layers[0]), Params([x]))[x] is NOTHING
    assert matches(gradient(lambda: np.sum(pair[0]), Params([x]))[x], np.ones(3))
    assert matches(gradient(lambda: np.sum(table["a"]), Params([x]))[x], np.ones(3))
    for loss in (lambda: sum(np.sum(w) for w in layers), lambda: sum(np.sum(w) for w in pair)):
        grads = gradient(loss, Params([x, y]))
        assert matches(grads[x], np.ones(3)) and matches(grads[y], np.ones(3))


def test_iterating_credits_even_a_list_and_comprehension_reads_each_once():
    x, y = V.copy(), V + 1
    main = Bindings(v=[x, y])
    grads = gradient(lambda: sum(np.sum(w) for w in main.v), Params([x, y]))  # E15
    assert matches(grads[x], np.ones(3)) and matches(grads[y], np.ones(3)) and grads.globals == {}


def test_dicts_are_iterated_as_dicts():
    a, b, c = np.array([3.0]), np.array([4.0]), np.array([5.0])
    main = Bindings(d={"a": a, "b": b, "c": c})
    losses = [
        lambda: sum(np.sum(v) for v in main.d.values()) + np.sum(main.d["b"]),  # I11
        lambda: sum(np.sum(v) for _, v in main.d.items()) + np.sum(main.d["b"]),
        lambda: sum(np.sum(main.d[k]) for k in main.d) + np.sum(main.d["b"]),
        lambda: sum(np.sum(main.d[k]) for k in main.d.keys()) + np.sum(main.d["b"]),  # noqa: SIM118
    ]
    for loss in losses:
        assert loss() == 16.0
        grads = gradient(loss, Params([a, b, c]))
        assert [float(found[0]) for found in grads.values()] == [1.0, 2.0, 1.0]


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient(lambda x: np.sum(np.tanh(adjoint(x)) * x), V)
