"""The laws that every audit rests on, over random programs with random aliasing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.auditing import Settings, audit
from aliascheck.auditing.bench import set_up
from aliascheck.auditing.gating import run_gates
from aliascheck.auditing.slots import holding_of
from aliascheck.auditing.truths import Measurements, asking
from aliascheck.errors import AliascheckError, EngineError
from aliascheck.language import parse
from aliascheck.memory import (
    Probe,
    Probes,
    Region,
    dense,
    is_array,
    is_below,
    is_identical,
    lookup,
    parse_path,
)
from aliascheck.oracle import AccessView, Measured, measure_truth
from aliascheck.subjects.program import Program
from tests.auditing.reference import Reference
from tests.programs import Text, aliased_programs, random_program, untied_programs

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)
MODES = ("implicit", "explicit")


def modes_of(program: Program) -> list[str]:
    """Explicit mode takes no nested members."""
    members = program.members
    nested = any(a != b and is_below(b, a) for a in members for b in members)
    return ["implicit"] if nested else list(MODES)


def measured(text: Text):
    """The truth of every group of a program."""
    bench = set_up(text.program(), ["implicit"], Settings())
    measurements = Measurements(bench)
    return [(group, measurements.at(b"given", group)) for group in bench.groups["implicit"]]


@pytest.mark.parametrize("start", range(0, 1000, 100))
def test_stated_bounds_hold_on_a_thousand_programs(start):
    """Against complex steps in extended precision, which share nothing with the engine.

    Along one direction of all the cells of each group: its total, and the path of one of its accesses.
    """
    for seed in range(start, start + 100):
        text = random_program(seed)
        subject = text.with_params(*text.allocated).program()
        bench = set_up(subject, ["implicit"], Settings())
        for group in bench.groups["implicit"]:
            if group.accesses:
                check_one_direction(text, bench, group, np.random.default_rng(seed))


def check_one_direction(text: Text, bench, group, rng: np.random.Generator) -> None:
    memory = next(slot for slot in group.slots if slot.name in text.allocated)
    direction = rng.choice((-1.0, 1.0), memory.array.shape) * rng.uniform(0.5, 1.5, memory.array.shape)
    moved = np.zeros(len(group.cells))
    moved[group.cells.of(memory.array)] = direction
    access = group.accesses[rng.integers(len(group.accesses))]
    view = AccessView(access.path, access.array)
    probes = Probes(len(moved), False, (Probe(Region(), moved),))
    with asking(bench) as oracle:
        found = measure_truth(oracle, group.block, group.cells, probes, [view])
    reference = Reference(text)
    check_bound(found.total, reference.total(memory.name, direction), text)
    check_bound(
        found.effects[access.path], reference.path(access.path, group.cells.show(moved, access.array)), text
    )


def check_bound(found: Measured, exact: Any, text: Text) -> None:
    assert not found.undecided.any(), text
    assert np.all(np.abs(found.values - exact) <= found.bounds), text


@pytest.mark.parametrize("seed", range(0, 1000, 50))
def test_stated_bounds_hold_at_every_element(seed):
    text = random_program(seed)
    reference = Reference(text)
    for group, found in measured(text.with_params(*text.allocated)):
        for slot in group.slots:
            exact = [reference.total(slot.name, unit) for unit in units(slot.array)]
            cells = group.cells.of(slot.array).ravel()
            total = found.truth.total
            assert np.all(np.abs(total.values[cells] - exact) <= total.bounds[cells]), text
        for access in group.accesses:
            exact = [reference.path(access.path, unit) for unit in units(access.array)]
            check_bound(found.truth.paths[access.path], np.reshape(exact, access.array.shape), text)


def units(array: np.ndarray) -> Iterator[np.ndarray]:
    """The directions of one element each."""
    for place in np.ndindex(array.shape):
        unit = np.zeros(array.shape)
        unit[place] = 1.0
        yield unit


@given(aliased_programs())
@EXAMPLES
def test_paths_add_up_to_the_total(text):
    for group, found in measured(text):
        covered = np.zeros(len(group.cells), bool)
        for slot in group.slots:
            covered[group.cells.of(slot.array)] = True
        paths = sum((effect.values for effect in found.effects), np.zeros(len(group.cells)))
        bound = found.truth.total.accept + sum(effect.accept for effect in found.effects)
        gap = np.abs(paths - found.truth.total.values) * covered
        assert np.all(gap <= bound), text


@given(aliased_programs())
@EXAMPLES
def test_gates_tell_contributions_apart(text):
    """At 1 they change nothing, contributions add up, generic gates are linear, closed ones leave zero."""
    program = text.program()
    bench = set_up(program, modes_of(program), Settings())
    for mode in modes_of(program):
        try:
            reported = program.gradients(mode)
        except EngineError:
            continue
        holdings = [holding_of(group, reported) for group in bench.groups[mode]]
        for holding, gated in zip(holdings, run_gates(bench, mode, reported, holdings), strict=True):
            assert gated.transparent, text
            whole, parts = holding.values, list(gated.single.values())
            scale = 1e-12 * (1 + np.abs(whole).sum() + sum(np.abs(part).sum() for part in parts))
            assert np.all(np.abs(sum(parts, np.zeros_like(whole)) - whole) <= scale), text
            weighted = sum(
                (gated.factors[path] * part for path, part in gated.single.items()), np.zeros_like(whole)
            )
            assert np.all(np.abs(weighted - gated.generic) <= scale), text
            assert not gated.silent.any(), text


def leaf_numbers(tangent) -> np.ndarray:
    """All numbers of a tangent in a row."""
    if isinstance(tangent, dict):
        tangent = tuple(tangent.values())
    if isinstance(tangent, tuple | list):
        return np.concatenate([np.empty(0), *(leaf_numbers(part) for part in tangent)])
    return np.empty(0) if tangent is None or not np.size(tangent) or tangent is False else _ravel(tangent)


def _ravel(tangent) -> np.ndarray:
    return np.empty(0) if repr(tangent) == "nothing" else np.ravel(np.asarray(tangent, float))


@given(untied_programs())
@EXAMPLES
def test_explicit_mode_on_an_untied_model_is_clean(text):
    program = text.program()
    if "explicit" in modes_of(program):
        (outcome,) = audit(program, ["explicit"])
        assert not outcome.findings, text
        assert all(group.judgement.attribution.conserved for group in outcome.groups), text


@given(untied_programs())
@EXAMPLES
def test_implicit_mode_on_an_untied_model_of_whole_bindings_is_clean(text):
    """Elements of lists are another matter: reading one credits the list, as it always did."""
    whole = text.with_params(*dict.fromkeys(str(parse_path(name)[0]) for name in text.params))
    (outcome,) = audit(whole.program(), ["implicit"])
    assert not outcome.findings, whole


@given(aliased_programs(), st.integers(0, 3))
@EXAMPLES
def test_copying_an_alias_breaks_its_tie_in_every_report(text, number):
    """No group holds the copy and the memory that it was made from, and their cells are disjoint."""
    bindings = text.bindings()
    aliases = [name for name in text.let if name not in text.allocated and is_array(bindings[name])]
    if not aliases:
        return
    name = aliases[number % len(aliases)]
    memory = {base for base in text.allocated if np.shares_memory(bindings[base], dense(bindings[name]))}
    copied = text.with_let(name, f"copy({text.let[name]})").with_params(name, *sorted(memory))
    try:
        program = copied.program()
        program.loss()
    except AliascheckError:
        return  # it opened the alias, and a copy has nothing to open
    for outcome in audit(program, MODES):
        for one in outcome.groups:
            parts = (*one.group.slots, *one.group.accesses)
            known = {name: [], **{base: [] for base in memory}}
            for part in parts:
                for path in getattr(part, "paths", None) or (part.path,):
                    known.get(path[0], []).append(part.array)
            assert not known[name] or not any(known[base] for base in memory), copied
            assert not any(
                np.shares_memory(a, b) for a in known[name] for base in memory for b in known[base]
            )


class Interrupted(Program):
    """A program that fails after some calls: of the loss with the memory moved, or of the engine."""

    failing: BaseException
    left = 12
    where = "loss"

    def _count(self, where: str) -> None:
        if where == self.where:
            self.left -= 1
            if self.left < 0:
                raise self.failing

    def loss(self, **settings):
        self._count("loss")
        return super().loss(**settings)

    def loss_reading(self, *args, **settings):
        self._count("path")
        return super().loss_reading(*args, **settings)

    def gradients(self, mode, gates=None):
        self._count("engine" if gates is None else "gates")
        return super().gradients(mode, gates)


@given(aliased_programs())
@EXAMPLES
def test_memory_is_bit_identical_after_an_audit(text):
    program = text.program()
    before = [array.tobytes() for _, array in program.places()]
    audit(program, modes_of(program))
    assert [array.tobytes() for _, array in program.places()] == before


@pytest.mark.parametrize("failing", [RuntimeError("midway"), KeyboardInterrupt(), EngineError("midway")])
@pytest.mark.parametrize("left", [0, 1, 2, 5, 9, 13, 40, 58])
def test_memory_is_bit_identical_after_a_loss_that_raised(left, failing):
    """What a loss raises where its memory has been moved makes it undefined there, and ends no audit."""
    program = random_program(left).program(Interrupted)
    program.failing, program.left = failing, left
    before = [array.tobytes() for _, array in program.places()]
    try:
        (outcome,) = audit(program, ["implicit"])
    except type(failing):
        assert left < 2 or isinstance(failing, KeyboardInterrupt)
    else:
        assert not isinstance(failing, KeyboardInterrupt)
        assert any(f"{type(failing).__name__}: midway" in note for note in outcome.notes)
    assert [array.tobytes() for _, array in program.places()] == before


@pytest.mark.parametrize("where", ["path", "engine", "gates"])
@pytest.mark.parametrize("failing", [RuntimeError("midway"), KeyboardInterrupt()])
def test_memory_is_bit_identical_after_an_engine_or_a_path_that_raised(where, failing):
    """Also where the memory has been moved nearby, because the derivative is zero at the given point."""
    for left in range(4):
        program = ZEROS.program(Interrupted)
        program.failing, program.left, program.where = failing, left, where
        before = [array.tobytes() for _, array in program.places()]
        try:
            audit(program, ["explicit"])
        except type(failing):
            pass
        else:
            assert where == "engine" or not isinstance(failing, KeyboardInterrupt), left
            assert left > 1 or not isinstance(failing, KeyboardInterrupt)
        assert [array.tobytes() for _, array in program.places()] == before


ZEROS = Text({"x": [0.0, -0.0], "y": "x[::-1]"}, "sum(x * y * y)", ("x", "y"))


@pytest.mark.parametrize("where", ["engine", "gates"])
def test_memory_is_bit_identical_after_an_engine_that_failed(where):
    program = ZEROS.program(Interrupted)
    program.failing, program.left, program.where = EngineError("it fails"), 0, where
    (outcome,) = audit(program, ["explicit"])
    assert [array.tobytes() for _, array in program.places()] == [
        array.tobytes() for _, array in ZEROS.program().places()
    ]
    assert [finding.label for finding in outcome.findings] == (["AC109"] if where == "engine" else [])
    assert where == "engine" or any("it fails" in note for note in outcome.notes)


def test_memory_is_bit_identical_after_a_loss_that_writes_to_it():
    text = Text({"x": [1.0, 2.0], "y": "x[::-1]"}, "sum(x * y)", ("x",))
    right = text.program()

    def writes(env):
        value = parse(text.loss).evaluate(env)
        right.bindings["x"][0] += 0.5
        return value

    (outcome,) = audit(Program(right.bindings, writes, right.members), ["implicit"])
    assert [finding.label for finding in outcome.findings] == ["AC203"]
    assert right.bindings["x"].tolist() == [1.0, 2.0]


@given(aliased_programs())
@EXAMPLES
def test_the_order_of_the_set_changes_no_number(text):
    program = text.program()
    turned = text.with_params(*reversed(text.params)).program()
    modes = modes_of(program)
    for first, second in zip(audit(program, modes), audit(turned, modes), strict=True):
        assert is_identical(first.entries, second.entries), text
        if not first.groups:
            continue
        there = {path: slot for slot in second.slots for path in slot.plan.paths}
        for slot in first.slots:
            other = there[slot.plan.paths[0]]
            assert set(slot.plan.paths) == set(other.plan.paths), text
            assert is_identical(slot.reported, other.reported), text
            assert is_identical(slot.total, other.total), text
            assert is_identical(slot.path, other.path), text
            assert slot.bound == other.bound, text


def test_members_that_are_one_object_are_one_slot():
    text = Text({"x": [1.0, 2.0], "y": "x"}, "sum(x * y)", ("x", "y"))
    implicit, explicit = audit(text.program(), MODES)
    assert [slot.plan.name for slot in implicit.slots] == ["x"]
    assert implicit.slots[0].plan.paths == (parse_path("x"), parse_path("y"))
    assert np.array_equal(implicit.entries["x"], implicit.entries["y"])
    assert [slot.word for slot in implicit.slots] == ["total"]
    assert [slot.word for slot in explicit.slots] == ["split", "split"]
    assert lookup(text.bindings(), parse_path("y")) is not None


@pytest.mark.parametrize("loss", ["sum(adjoint(transpose(x)) * x)", "sum(tanh(transpose(transpose(x))))"])
def test_a_wrapper_that_the_loss_undoes_is_a_path_like_any_other(loss):
    for outcome in audit(Text({"x": [[1.0, 2.0], [3.0, 5.0]]}, loss, ("x",)).program(), MODES):
        assert not outcome.findings
        assert not outcome.notes


def test_a_flip_without_axes_shows_memory():
    text = Text({"x": "array(0.7)", "y": "flip(x)"}, "y * x", ("x",))
    assert [finding.label for finding in audit(text.program(), ["explicit"])[0].findings] == ["AC103:x"]
