"""The laws that every audit rests on, over random programs with random aliasing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from aliascheck.audit import Settings, audit
from aliascheck.audit.bench import set_up
from aliascheck.audit.gating import is_identical, run_gates
from aliascheck.audit.truths import Measurements
from aliascheck.errors import EngineError
from aliascheck.memory import Probe, Probes, dense, is_below, lookup, parse_path
from aliascheck.oracle import AccessView, Measured, measure_truth
from aliascheck.subjects.program import Program
from tests.audit.reference import Reference
from tests.programs import Text, aliased_programs, random_program, untied_programs

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
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
    return [(group, measurements.at("given", group)) for group in bench.groups["implicit"]]


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
    view = AccessView(access.path, access.array, group.cells.of(access.array))
    probes = Probes(len(moved), False, (Probe(np.arange(len(moved)), moved),))
    subject = bench.subject
    found = measure_truth(
        group.block, probes, [view], subject.loss, subject.loss_reading, bench.loss, bench.noise
    )
    reference = Reference(text)
    check_bound(found.total, reference.total(memory.name, direction), text)
    check_bound(found.effects[access.path], reference.path(access.path, moved[view.cells]), text)


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
        gated = run_gates(bench, mode, reported)
        assert gated.transparent, text
        for member in program.members:
            whole = leaf_numbers(reported.members[member])
            parts = [leaf_numbers(run.members[member]) for run in gated.single.values()]
            generic = leaf_numbers(gated.generic.members[member])
            scale = 1e-12 * (1 + np.abs(whole).sum() + sum(np.abs(part).sum() for part in parts))
            assert np.all(np.abs(sum(parts, np.zeros_like(whole)) - whole) <= scale), text
            weighted = sum(
                (gated.factors[path] * part for path, part in zip(gated.single, parts, strict=True)),
                np.zeros_like(whole),
            )
            assert np.all(np.abs(weighted - generic) <= scale), text
            assert not leaf_numbers(gated.silent.members[member]).any(), text


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


@given(aliased_programs())
@EXAMPLES
def test_copying_every_alias_breaks_every_tie(text):
    """With copies in the place of aliases no two slots share a cell, in any mode."""
    copied = text
    for name, value in text.let.items():
        bindings = text.bindings()
        if isinstance(value, str) and isinstance(dense(bindings[name]), np.ndarray):
            copied = copied.with_let(name, f"copy({value})" if ".parent" not in value else value)
    try:
        program = copied.program()
        program.loss()
    except Exception:  # noqa: BLE001 - a loss that opened an alias has nothing to open any more
        return
    for outcome in audit(program, ["implicit"]):
        for group in outcome.groups:
            arrays = [slot.array for slot in group.group.slots]
            for number, first in enumerate(arrays):
                for second in arrays[number + 1 :]:
                    names = {path[0] for slot in group.group.slots for path in slot.paths}
                    if len(names) == len(arrays) and not _holders(copied, names):
                        assert not np.shares_memory(first, second), copied


def _holders(text: Text, names: set[str]) -> bool:
    bindings = text.bindings()
    return any(not isinstance(dense(bindings[name]), np.ndarray) for name in names)


class Interrupted(Program):
    """A program whose loss fails after some evaluations, with the memory moved."""

    failing: BaseException
    left = 12

    def loss(self, **settings):
        self.left -= 1
        if self.left < 0:
            raise self.failing
        return super().loss(**settings)


@given(aliased_programs())
@EXAMPLES
def test_memory_is_bit_identical_after_an_audit(text):
    program = text.program()
    before = [array.tobytes() for _, array in program.places()]
    audit(program, modes_of(program))
    assert [array.tobytes() for _, array in program.places()] == before


@pytest.mark.parametrize("failing", [RuntimeError("midway"), KeyboardInterrupt(), EngineError("midway")])
@pytest.mark.parametrize("seed", range(12))
def test_memory_is_bit_identical_after_an_audit_that_raised(seed, failing):
    program = random_program(seed).program(Interrupted)
    program.failing = failing
    before = [array.tobytes() for _, array in program.places()]
    with pytest.raises(type(failing)):
        audit(program, ["implicit"])
    assert [array.tobytes() for _, array in program.places()] == before


@given(aliased_programs())
@EXAMPLES
def test_the_order_of_the_set_changes_no_entry(text):
    program = text.program()
    turned = text.with_params(*reversed(text.params)).program()
    for mode in modes_of(program):
        try:
            entries = program.gradients(mode)
        except EngineError:
            continue
        again = turned.gradients(mode)
        assert is_identical(entries.members, again.members), text


def test_members_that_are_one_object_are_one_slot():
    text = Text({"x": [1.0, 2.0], "y": "x"}, "sum(x * y)", ("x", "y"))
    implicit, explicit = audit(text.program(), MODES)
    assert [slot.plan.name for slot in implicit.slots] == ["x"]
    assert implicit.slots[0].plan.paths == (parse_path("x"), parse_path("y"))
    assert np.array_equal(implicit.entries["x"], implicit.entries["y"])
    assert [slot.word for slot in implicit.slots] == ["total"]
    assert [slot.word for slot in explicit.slots] == ["split", "split"]
    assert lookup(text.bindings(), parse_path("y")) is not None
