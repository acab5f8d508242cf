"""Values cast to another precision are the same values, and alias each other as before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.engine import adjoint, transpose
from aliascheck.language import parse
from aliascheck.memory import Cast, CellMap, MutableStruct, Struct, Wrapper, dense, identity, walk
from aliascheck.subjects.program import Plain
from tests.memory.strided import views_of_one_memory
from tests.programs import random_program

steady = settings(deadline=None, derandomize=True)
DTYPES = [np.complex128, np.float32, np.longdouble]


@steady
@given(views_of_one_memory(), st.sampled_from(DTYPES))
def test_counterparts_show_the_same_cells(case, dtype):
    memory, views = case
    cast = Cast(views, dtype)
    made = [cast.array(view) for view in views]
    for view, other in zip(views, made, strict=True):
        assert np.array_equal(view, other)
        assert other.dtype == (dtype if view.size else view.dtype)
    kept = [(view, other) for view, other in zip(views, made, strict=True) if view.size]
    cells, others = CellMap(view for view, _ in kept), CellMap(other for _, other in kept)
    for view, other in kept:
        assert np.array_equal(cells.of(view), others.of(other))
        assert not np.shares_memory(memory, other)


@steady
@given(views_of_one_memory(), st.data())
def test_a_write_shows_in_all_counterparts_as_it_would_in_memory(case, data):
    _, views = case
    cast = Cast(views, np.complex128)
    made = [cast.array(view) for view in views]
    number = data.draw(st.integers(0, len(views) - 1))
    if views[number].size:
        place = data.draw(st.sampled_from(list(np.ndindex(views[number].shape))))
        views[number][place] = made[number][place] = -7.0
    for view, other in zip(views, made, strict=True):
        assert np.array_equal(view, other)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_programs_keep_their_aliases_and_identities(start):
    """Cast, and seen by the same paths: the same numbers, the same sharing, the same objects."""
    for seed in range(start, start + 50):
        bindings = random_program(seed).bindings()
        places = [place for name, value in bindings.items() for place in walk(value, (name,))]
        arrays = [array for _, array in places]
        made = Cast(arrays, np.complex128).values(bindings)
        again = [place for name, value in made.items() for place in walk(value, (name,))]
        assert [path for path, _ in again] == [path for path, _ in places]
        others = [array for _, array in again]
        assert all(map(np.array_equal, arrays, others))
        assert CellMap(arrays).groups(arrays) == CellMap(others).groups(others)
        for one, two in ((arrays, others), (list(bindings.values()), list(made.values()))):
            keys, new = [identity(v) for v in one], [identity(v) for v in two]
            assert [[a == b for b in keys] for a in keys] == [[a == b for b in new] for a in new]


def test_values_of_every_kind_are_rebuilt():
    x, y = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0])
    layer, state = (
        Struct("Dense", {"weight": transpose(x), "bias": y, "size": 3}),
        MutableStruct("S", {"x": x}),
    )
    bindings = {
        "x": x,
        "again": x,
        "xt": adjoint(x),
        "layer": layer,
        "same": layer,
        "state": state,
        "pair": (x, [y, x[0]], {"w": x[:, 1:], "n": 2}),
        "number": 2.5,
        "text": "mean",
        "whole": np.array([1, 2]),
    }
    cast = Cast([x, y], np.complex128)
    made = cast.values(bindings)
    assert made["x"] is made["again"] is made["xt"].parent is made["state"].fields["x"] is made["pair"][0]
    assert made["layer"] is made["same"] and made["layer"].fields["weight"].parent is made["x"]
    assert isinstance(made["xt"], Wrapper) and isinstance(made["state"], MutableStruct)
    assert (made["xt"].kind, made["xt"].type_tag) == (bindings["xt"].kind, bindings["xt"].type_tag)
    assert made["layer"].fields["bias"] is made["pair"][1][0]
    assert (made["layer"].fields["size"], made["number"], made["text"]) == (3, 2.5, "mean")
    assert made["whole"] is bindings["whole"]
    assert cast.value(layer) is made["layer"]
    made["x"][...] = np.arange(6.0).reshape(2, 3) * 1j
    assert np.array_equal(made["pair"][1][1], [0, 1j, 2j])
    assert np.array_equal(made["pair"][2]["w"], [[1j, 2j], [4j, 5j]])
    assert np.array_equal(dense(made["layer"].fields["weight"]), made["x"].T)
    assert np.array_equal(x, np.arange(6.0).reshape(2, 3))


def test_closures_keep_what_they_captured():
    x = np.array([1.0, 2.0])
    bindings = {"x": x}
    bindings["f"] = parse("(lambda a: lambda b: a * b)(x)").evaluate(Plain(bindings))
    made = Cast([x], np.float64).values(bindings)
    captured = [array for _, array in walk(made["f"], ("f",))]
    assert captured and all(array is made["x"] for array in captured)
    made["x"][...] = [3.0, 5.0]
    assert parse("sum(f(x))").evaluate(Plain(made)) == 3.0**2 + 5.0**2
    assert parse("sum(f(x))").evaluate(Plain(bindings)) == 1.0 + 2.0**2


def test_containers_that_hold_themselves():
    x = np.array([1.0, 2.0])
    ring, table = [x], {"x": x}
    ring.append(ring)
    table["ring"], table["self"] = ring, table
    made = Cast([x], np.complex128).values({"ring": ring, "table": table})
    assert made["ring"][1] is made["ring"]
    assert made["table"]["self"] is made["table"] and made["table"]["ring"] is made["ring"]
    assert made["ring"][0] is made["table"]["x"] and made["ring"][0].dtype == complex
    assert ring[0] is x and table["self"] is table


def test_a_struct_that_holds_itself_stays_one_object():
    x = np.array([1.0, 2.0])
    parts = []
    node = MutableStruct("Node", {"x": x, "parts": parts})
    parts += [node, (node, x)]
    for first in ("node", "parts"):
        cast = Cast([x], np.complex128)
        cast.value({"node": node, "parts": parts}[first])
        made = cast.value(node)
        assert made.fields["parts"] is cast.value(parts)
        assert made.fields["parts"][0] is made.fields["parts"][1][0] is made
        assert made.fields["x"] is made.fields["parts"][1][1] is cast.array(x)


def test_elements_fractions_of_an_element_apart_are_refused():
    memory = np.zeros(4).view(np.int8)
    odd = memory[4:28].view(float)
    with pytest.raises(ValueError, match="fractions"):
        Cast([memory[:24].view(float), odd], np.complex128).array(odd)
