"""One audit: a subject's gradients, held against the two truths, judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.audit.bench import Bench, set_up
from aliascheck.audit.evidence import assemble, failed_checks, intruders, point_of, slot_evidence, tangent_of
from aliascheck.audit.gating import GatedGradients, run_gates
from aliascheck.audit.groups import Group, SlotPlan, owner_of
from aliascheck.audit.jitter import moved_nearby
from aliascheck.audit.outcome import GroupOutcome, Outcome, Settings, SlotOutcome
from aliascheck.audit.truths import Column, Known, MeasuredGroup, Measurements
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Data, format_path, replace
from aliascheck.oracle import Measured
from aliascheck.subjects.subject import Gradients, Subject
from aliascheck.verdicts.catalogue import AC109
from aliascheck.verdicts.evidence import Evidence, Point, Slot
from aliascheck.verdicts.judge import Finding, finding, judge


def audit(
    subject: Subject, modes: Sequence[str], settings: Settings | None = None, known: Known | None = None
) -> list[Outcome]:
    """Audit a subject in each mode. Its memory is the same afterwards, bit by bit.

    What is measured once for all modes counts towards the first. Audits that are given the same `known`
    share what they measure of the same loss, see `Measurements`.
    """
    outcomes = []
    started = time.perf_counter()
    with np.errstate(all="ignore"):
        bench = set_up(subject, modes, settings or Settings())
        measurements = Measurements(bench, known)
        for mode in modes:
            outcome = _audit_mode(bench, measurements, mode)
            now = time.perf_counter()
            outcomes.append(replace(outcome, evaluations=bench.evaluations, seconds=now - started))
            bench.evaluations, started = 0, now
    return outcomes


def _audit_mode(bench: Bench, measurements: Measurements, mode: str) -> Outcome:
    if bench.ended is not None:
        word = "noisy" if bench.ended.code == "AC202" else "undecided"
        return _without_verdicts(bench, mode, bench.ended, word)
    try:
        reported = bench.subject.gradients(mode)
    except EngineError as error:
        return _without_verdicts(bench, mode, finding(AC109, where=error.message), "failed")
    gated = run_gates(bench, mode, reported)
    slots: dict[str, SlotOutcome] = {}
    groups: list[GroupOutcome] = []
    for group in bench.groups[mode]:
        measured = measurements.at("given", group)
        measured, evidence = _gather(bench, measurements, mode, group, measured, reported, gated)
        judgement = judge(evidence, _contract_in(group, bench.settings.contract))
        groups.append(GroupOutcome(group, tuple(column.name for column in measured.columns), judgement))
        for plan, word in zip(group.slots, judgement.words, strict=True):
            slots[plan.name] = _slot_outcome(plan, group, measured, reported, word)
    names = [plan.name for plan in bench.slots[mode]]
    found = [*bench.untied, *(one for outcome in groups for one in outcome.judgement.findings)]
    notes = [note for outcome in groups for note in outcome.judgement.notes]
    return Outcome(
        mode,
        bench.loss,
        _entries(reported),
        tuple(slots[name] for name in names),
        tuple(groups),
        tuple(_in_slot_order(found, names)),
        tuple(dict.fromkeys(notes)),
    )


def _without_verdicts(bench: Bench, mode: str, ending: Finding, word: str) -> Outcome:
    slots = tuple(SlotOutcome(plan, NOTHING, None, None, None, word) for plan in bench.slots[mode])
    return Outcome(mode, bench.loss, {}, slots, (), (*bench.untied, ending))


def _in_slot_order(findings: list[Finding], names: list[str]) -> list[Finding]:
    """Findings about the whole audit first, then by slot, each slot's in the order of the table."""
    position = {name: number for number, name in enumerate(names)}
    return sorted(findings, key=lambda one: -1 if one.slot is None else position[one.slot])


def _contract_in(group: Group, contract: str) -> str:
    """The contract in one group: a named owner is meant where it is a slot of the group."""
    name = contract.partition(":")[2]
    return contract if not name or name in {slot.name for slot in group.slots} else "sum"


def _entries(reported: Gradients) -> dict[str, Any]:
    entries = {format_path(path): tangent for path, tangent in reported.members.items()}
    return {**entries, **{f"Main.{name}": tangent for name, tangent in reported.globals.items()}}


def _gather(
    bench: Bench,
    measurements: Measurements,
    mode: str,
    group: Group,
    measured: MeasuredGroup,
    reported: Gradients,
    gated: GatedGradients,
) -> tuple[MeasuredGroup, Evidence]:
    """The evidence on one group; with a point nearby where the given one does not tell."""
    slots = tuple(slot_evidence(group, plan, reported) for plan in group.slots)
    failed = failed_checks(group, slots, reported, gated)
    if not failed:
        measured = measured.with_foreign(intruders(bench, group, slots, gated))
    given = point_of(group, measured, slots, reported, gated)
    jittered = None
    if failed or _is_silent(given, slots):
        nearby = _look_nearby(bench, measurements, mode, group)
        if nearby is not None:
            measured = measured.with_stops_of(nearby.measured)
            given = point_of(group, measured, slots, reported, gated)
            there = nearby.measured.with_columns(measured.columns)
            jittered = point_of(group, there, slots, nearby.reported, nearby.gated)
    return measured, assemble(bench, group, measured, slots, given, jittered, failed)


def _is_silent(point: Point, slots: Sequence[Slot]) -> bool:
    """Whether some access has no derivative at the slots' cells: zero initialisation, mostly."""
    covered = np.logical_or.reduce([slot.shows for slot in slots])
    heard = np.any((np.abs(point.effects) > point.bounds) & covered, axis=1)
    return not np.all(heard)


class _Nearby(Data, frozen=True, eq=False):
    """What was measured and reported at a point nearby."""

    measured: MeasuredGroup
    reported: Gradients
    gated: GatedGradients


def _look_nearby(bench: Bench, measurements: Measurements, mode: str, group: Group) -> _Nearby | None:
    with moved_nearby(bench, group.block) as point:
        if point is None:
            return None
        try:
            reported = bench.subject.gradients(mode)
        except EngineError:
            return None
        return _Nearby(measurements.at(point, group), reported, run_gates(bench, mode, reported))


def _slot_outcome(
    plan: SlotPlan, group: Group, measured: MeasuredGroup, reported: Gradients, word: str
) -> SlotOutcome:
    cells = group.cells.of(plan.array)
    shows = group.probes.shown_by(cells)
    bound = max((float(one.bounds[shows].max(initial=0.0)) for one in measured.everything()), default=0.0)
    tangent = tangent_of(plan, reported)
    if not group.probes.exact:
        return SlotOutcome(plan, tangent, None, None, bound, word)
    path = np.zeros(plan.array.shape)
    for column, effect in zip(measured.columns, measured.effects, strict=True):
        if owner_of(column.plan.place, group.slots) == group.slots.index(plan):
            path = path + _in_shape_of_slot(cells, group, column, effect, measured)
    return SlotOutcome(plan, tangent, path, measured.truth.total.values[cells], bound, word)


def _in_shape_of_slot(
    cells: NDArray[np.intp], group: Group, column: Column, effect: Measured, measured: MeasuredGroup
) -> NDArray[np.float64]:
    """A path derivative at a slot's elements; element by element where access and slot are one view."""
    by_element = None if column.stopped else measured.truth.paths[column.plan.path]
    if by_element is not None and np.array_equal(cells, group.cells.of(column.plan.array)):
        return by_element.values
    return effect.values[cells]
