"""Gates: each access's contribution told apart on the way back, in one linear walk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aliascheck.engine import Ledger, Tape, Tracer, read_global, walk_back
from aliascheck.errors import EngineError
from aliascheck.language import parse
from aliascheck.memory import NOTHING, Element, Fields, accumulate, format_path, identity, lookup, parse_path
from aliascheck.subjects.program import Program
from tests.engine.tangents import identical, matches
from tests.language.bindings import let
from tests.programs import aliased_programs

steady = settings(deadline=None, derandomize=True)

MODES = ("implicit", "explicit")


def scaled(tangent: Any, factor: float) -> Any:
    if tangent is NOTHING:
        return NOTHING
    if isinstance(tangent, dict):
        return type(tangent)({key: scaled(part, factor) for key, part in tangent.items()})
    if isinstance(tangent, tuple | list):
        return type(tangent)(scaled(part, factor) for part in tangent)
    return factor * tangent


def of_zeros(tangent: Any) -> Any:
    """The same structure with zeros: absent stays absent."""
    if tangent is NOTHING:
        return NOTHING
    if isinstance(tangent, dict):
        return type(tangent)({key: of_zeros(part) for key, part in tangent.items()})
    if isinstance(tangent, tuple | list):
        return type(tangent)(map(of_zeros, tangent))
    return np.zeros(np.shape(tangent))


def largest(tangent: Any) -> float:
    if tangent is NOTHING:
        return 0.0
    if isinstance(tangent, dict):
        return max((largest(part) for part in tangent.values()), default=0.0)
    if isinstance(tangent, tuple | list):
        return max(map(largest, tangent), default=0.0)
    return float(np.max(np.abs(tangent), initial=0.0))


def entries(program: Program, mode: str, gates: Mapping[Any, float] | None = None) -> dict[str, Any]:
    """What a walk back reports: the members, and the entries of names; numbers have no gate."""
    found = program.gradients(mode, gates)
    members = {format_path(path): tangent for path, tangent in found.members.items()}
    arrays = {name for name, value in program.bindings.items() if not isinstance(value, float)}
    return {**members, **{f"Main.{name}": found.globals[name] for name in found.globals if name in arrays}}


def check_laws(program: Program, mode: str) -> None:
    """The four laws that make a gated walk an attribution."""
    accesses = list(program.accesses())
    plain = entries(program, mode)
    ones = entries(program, mode, dict.fromkeys(accesses, 1.0))
    closed = entries(program, mode, dict.fromkeys(accesses, 0.0))
    alone = {
        access: entries(program, mode, {other: float(other == access) for other in accesses})
        for access in accesses
    }
    generic = {access: 0.37 + 0.61 * number for number, access in enumerate(accesses)}
    mixed = entries(program, mode, generic)
    for name, tangent in plain.items():
        rounding = 1e-11 * (1.0 + largest(tangent) + sum(largest(found[name]) for found in alone.values()))
        assert identical(ones[name], tangent), name
        assert identical(of_zeros(closed[name]), of_zeros(tangent)), name
        assert largest(closed[name]) == 0.0, name
        total, weighted = of_zeros(tangent), of_zeros(tangent)
        for access, found in alone.items():
            total = accumulate(total, found[name])
            weighted = accumulate(weighted, scaled(found[name], generic[access]))
        assert matches(total, tangent, rounding), name
        assert matches(weighted, mixed[name], 10 * rounding), name
    assert ones.keys() == closed.keys() == mixed.keys() == plain.keys()


def program_of(loss: str, params: tuple[str, ...], **texts: Any) -> Program:
    made = {
        name: np.array(value, float) if isinstance(value, list) else value for name, value in texts.items()
    }
    return Program(let(**made).values, parse(loss).evaluate, [parse_path(name) for name in params])


@settings(steady, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(aliased_programs(), st.sampled_from(MODES))
def test_laws_hold_for_random_programs(text, mode):
    program = text.program()
    try:
        program.gradients(mode)
    except EngineError:  # read both as an array and through its fields
        assume(False)
    check_laws(program, mode)


LET = {"x": [1.0, 2.0], "y": [3.0, 4.0], "xt": "adjoint(x)"}

PROGRAMS = {
    "one array twice": ("sum(x * x)", ("x",), LET),
    "array and wrapper": ("sum(xt * x)", ("x", "xt"), LET),
    "wrapper and parent": ("sum(xt.parent * x)", ("x", "xt"), LET),
    "wrapper alone": ("sum(xt.parent * x)", ("xt",), LET),
    "built inside": ("sum(adjoint(x) * x)", ("x",), LET),
    "built inside, by its field": ("sum(adjoint(x).parent * x) + sum(adjoint(x))", ("x",), LET),
    "undone": ("sum(adjoint(adjoint(x)) * y)", ("x", "y"), LET),
    "undone outside": ("sum(adjoint(xt) * y)", ("x", "xt"), LET),
    "deep": ("sum(flip(xt)[0] * reshape(x, 1, 2))", ("x", "xt"), LET),
    "list": ("sum(exp(concatenate(v)) * concatenate([x, y]))", ("v", "x"), {**LET, "v": "[x, y]"}),
    "tuple": ("sum(concatenate(t) * concatenate((y, x)))", ("t", "x"), {**LET, "t": "(x, y)"}),
    "list of wrappers": ("sum(concatenate([xt, xt, adjoint(x)]))", ("x", "xt"), LET),
    "list of list": ("sum(hstack(v[1]) * hstack([x, y]))", ("v",), {**LET, "v": "[1.0, [x, y]]"}),
    "dict": ("sum(stack([d['a'], d['b']]) ** 2)", ("d",), {**LET, "d": "{'a': x, 'b': y}"}),
    "element": ("x[0] * x[1] + v[0][1]", ("x", "v"), {**LET, "v": "[x, y]"}),
    "index array": ("sum(x[[0, 1, 1]] * y[[1, 1, 0]])", ("x", "y"), LET),
    "slices": ("sum(x[1:] * x[:1]) + sum(s)", ("x", "s"), {**LET, "s": "x[1:]"}),
    "slices of slices": ("sum(x[0:2][1:]) * sum(s)", ("x", "s"), {**LET, "s": "x[1:]"}),
    "einsum": ("einsum('i,j,i->', x, xt[0], x)", ("x", "xt"), LET),
    "dense": ("sum(m(x))", ("W", "m"), {**LET, "W": [[1.0, 2.0]], "m": "Dense(W, ones(1), tanh)"}),
    "batch": ("sum(m(reshape(x, 1, 2)))", ("m",), {**LET, "W": [[1.0, 2.0]], "m": "Dense(W, ones(1))"}),
    "tied chain": (
        "sum(m(x))",
        ("W", "m"),
        {
            **LET,
            "W": [[1.0, 2.0], [3.0, 4.0]],
            "m": "Chain(Dense(W, ones(2), tanh), Dense(transpose(W), ones(2)))",
        },
    ),
    "embedding": (
        "sum(e(array([0, 1, 1], dtype='int')) @ transpose(W))",
        ("W", "e"),
        {"W": [[1.0, 2.0], [3.0, 4.0]], "e": "Embedding(W)"},
    ),
    "closure": ("f(y)", ("f", "x"), {**LET, "f": "(lambda w: lambda v: sum(w * v * x))(x)"}),
    "mutable": ("sum(M.x * M.x * x)", ("M", "x"), {**LET, "M": "mutable(A(x=x))"}),
    "stride 0": ("sum(b * y) + sum(exp(b))", ("b", "x"), {**LET, "b": "broadcast_to(x[:1], 3, 2)"}),
    "unused and constant": ("sum(x * 0) + 1.0", ("x", "y"), LET),
    "stopped": ("sum(x * stop_gradient(x))", ("x",), LET),
    "a number": ("n * sum(x)", ("x",), {**LET, "n": 3.0}),
    "constant": ("2.0", ("x",), LET),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_laws(name, mode):
    loss, params, texts = PROGRAMS[name]
    if mode == "explicit":  # members below one another are for implicit mode
        params = params[:1]
    check_laws(program_of(loss, params, **texts), mode)


def contribution(program: Program, access: str, mode: str = "implicit") -> dict[str, Any]:
    accesses = list(program.accesses())
    assert access in map(format_path, accesses)
    return entries(program, mode, {other: float(format_path(other) == access) for other in accesses})


def test_a_contribution_is_credited_where_the_ungated_one_is():
    program = program_of("sum(xt.parent * x)", ("x", "xt"), x=[2.0], xt="adjoint(x)")
    assert matches(entries(program, "implicit")["x"], [4.0])
    assert matches(contribution(program, "x")["x"], [2.0]) and matches(
        contribution(program, "xt.parent")["x"], [2.0]
    )
    assert contribution(program, "xt.parent")["xt"] is NOTHING
    assert matches(contribution(program, "xt.parent")["Main.x"], [0.0])  # closed, and read all the same


def test_structural_cotangents_pass_a_gate_on_their_holder():
    program = program_of("sum(xt.parent * y)", ("xt",), **LET)
    assert matches(contribution(program, "xt.parent")["xt"], Fields(parent=[3.0, 4.0]))
    assert [format_path(path) for path in program.accesses()] == ["xt.parent", "y"]


def test_a_container_is_gated_element_by_element():
    program = program_of("sum(concatenate(v))", ("v",), **LET, v="[x, y, x]")
    for position in range(3):
        expected = [np.full(2, float(position == other)) for other in range(3)]
        assert matches(contribution(program, f"v[{position}]")["v"], expected)


def test_an_element_read_by_itself_and_with_its_container_are_two_accesses():
    program = program_of("sum(concatenate(v)) + 5.0 * sum(v[0])", ("v",), **LET, v="[x, y]")
    whole, alone = (("v", Element(0)), ("v", 0))
    assert set(program.accesses()) == {whole, ("v", Element(1)), alone}
    assert matches(entries(program, "implicit", {whole: 0.0})["v"], [np.full(2, 5.0), np.ones(2)])
    assert matches(entries(program, "implicit", {alone: 0.0})["v"], [np.ones(2), np.ones(2)])


def test_elements_of_a_container_built_inside_keep_their_accesses():
    program = program_of("sum(concatenate([x, xt.parent, y]))", ("x", "y"), **LET)
    assert matches(contribution(program, "x")["x"], [1, 1])
    assert matches(contribution(program, "xt.parent")["x"], [1, 1])
    assert matches(contribution(program, "y")["x"], [0, 0])


def test_a_wrapper_built_inside_gates_its_operand_once():
    program = program_of("sum(adjoint(x) * 3.0)", ("x",), **LET)
    assert [format_path(path) for path in program.accesses()] == ["x"]
    assert matches(entries(program, "implicit", {("x",): 0.5})["x"], [1.5, 1.5])


def test_the_field_of_a_wrapper_built_inside_is_the_operands_access():
    program = program_of("sum(adjoint(x).parent * 3.0)", ("x",), **LET)
    assert matches(entries(program, "implicit", {("x",): 0.5})["x"], [1.5, 1.5])


def test_layers_gate_their_fields():
    texts = {"W": [[1.0, 2.0]], "x": [3.0, 4.0], "m": "Dense(W, ones(1))"}
    program = program_of("sum(m(x)) + sum(W)", ("W", "m"), **texts)
    assert sorted(map(format_path, program.accesses())) == ["W", "m.bias", "m.weight", "x"]
    assert matches(contribution(program, "m.weight")["W"], [[3, 4]])
    assert matches(contribution(program, "W")["W"], [[1, 1]])
    assert matches(contribution(program, "m.bias")["m"], Fields(weight=NOTHING, bias=[1]))


def test_a_gate_on_no_access_changes_nothing():
    program = program_of("sum(x * x)", ("x",), **LET)
    plain = entries(program, "implicit")
    gated = entries(program, "implicit", {("zzz",): 0.0, parse_path("xt.parent"): 0.0})
    assert gated.keys() == plain.keys() and all(identical(gated[name], plain[name]) for name in plain)


@pytest.mark.parametrize("loss", ["sum(x / y)", "sum(concatenate([x / y]))", "sum(concatenate([x, y]) / 0)"])
def test_a_closed_gate_makes_zeros_of_infinities(loss):
    """By selection: `0 * inf` would be NaN."""
    program = program_of(loss, ("x", "y"), x=[1.0, -2.0], y=[0.0, 0.0])
    with np.errstate(all="ignore"):
        assert largest(entries(program, "implicit")["y"]) == np.inf
        closed = entries(program, "implicit", dict.fromkeys(program.accesses(), 0.0))
    for tangent in closed.values():
        assert matches(tangent, [0.0, 0.0])


def test_closed_gates_give_zeros_and_nothing_stays_nothing():
    program = program_of("sum(x * x)", ("x", "y", "xt"), **LET)
    closed = entries(program, "implicit", {("x",): 0.0})
    assert closed["y"] is NOTHING and closed["xt"] is NOTHING
    assert matches(closed["x"], [0, 0]) and matches(closed["Main.x"], [0, 0])


def test_both_edges_of_one_access_have_its_gate():
    program = program_of("sum(x * x)", ("x",), **LET)
    assert matches(entries(program, "implicit", {("x",): -2.0})["x"], [-4.0, -8.0])


@steady
@given(st.lists(st.sampled_from(["x", "xt", "xt.parent", "y"]), min_size=1, max_size=6), st.data())
def test_gates_are_linear_in_a_sum_of_reads(reads, data):
    """sum of c_k sum(read_k): each entry is the sum of its own coefficients times gates."""
    coefficients = [float(k + 1) for k in range(len(reads))]
    terms = [f"{c} * sum({read})" for c, read in zip(coefficients, reads, strict=True)]
    assume(not {"xt", "xt.parent"} <= set(reads))
    program = program_of(" + ".join(terms), ("y", "xt"), **LET)
    gates = {path: data.draw(st.integers(-3, 3).map(float)) for path in program.accesses()}
    found = entries(program, "implicit", gates)
    for name in ("y", "xt"):
        own = [(c, read) for c, read in zip(coefficients, reads, strict=True) if read.split(".")[0] == name]
        total = sum(c * gates[parse_path(read)] for c, read in own)
        if not own:
            assert found[name] is NOTHING
        elif name == "y":
            assert matches(found[name], [total, total])
        elif own[0][1] == "xt":
            assert matches(found[name], [[total, total]])
        else:
            assert matches(found[name], Fields(parent=[total, total]))


def test_walks_over_one_tape_do_not_disturb_each_other():
    x = np.array([1.0, 2.0])
    tape = Tape()
    out: Tracer = np.sum(read_global(tape, "x", x) * read_global(tape, "x", x))
    results = []
    for gates in (None, {("x",): 0.0}, {("x",): 3.0}, None):
        ledger = Ledger([identity(x)])
        walk_back(tape, out._index, np.float64(1.0), ledger, gates)
        results.append(ledger.watched[identity(x)])
    assert [found.tolist() for found in results] == [[2, 4], [0, 0], [6, 12], [2, 4]]


def test_gates_leave_the_value_and_the_memory_alone():
    program = program_of("sum(exp(x) * xt.parent)", ("x",), **LET)
    value, memory = program.loss(), lookup(program.bindings, ("x",)).tobytes()
    entries(program, "implicit", {("x",): 0.0})
    assert program.loss() == value and lookup(program.bindings, ("x",)).tobytes() == memory
