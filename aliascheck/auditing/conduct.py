"""One audit: a subject's gradients, held against the two truths, judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.advice import advised
from aliascheck.auditing.bench import Bench, set_up
from aliascheck.auditing.coverage import coverage_of, describe_coverage
from aliascheck.auditing.groups import AccessPlan, Group, SlotPlan, owner_of
from aliascheck.auditing.outcome import GroupOutcome, Outcome, SlotOutcome
from aliascheck.auditing.settings import Settings
from aliascheck.auditing.slots import tangent_of
from aliascheck.auditing.trial import hold_trials
from aliascheck.auditing.truths import Known, MeasuredGroup, Measurements
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, format_path, replace
from aliascheck.oracle import Truth
from aliascheck.subjects.drawing import draws_kept
from aliascheck.subjects.subject import Gradients, Subject
from aliascheck.verdicts.catalogue import AC109
from aliascheck.verdicts.judge import Finding, finding


def audit(
    subject: Subject, modes: Sequence[str], settings: Settings | None = None, known: Known | None = None
) -> list[Outcome]:
    """Audit a subject in each mode. Its memory is the same afterwards, bit by bit.

    What is measured once for all modes counts towards the first. Audits that are given the same `known`
    share what they measure of the same loss, see `Measurements`.
    """
    outcomes = []
    started = time.perf_counter()
    with np.errstate(all="ignore"), draws_kept():
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
        reported = bench.gradients(mode)
    except EngineError as error:
        return _without_verdicts(bench, mode, finding(AC109, where=error.message), "failed")
    slots: dict[str, SlotOutcome] = {}
    groups: list[GroupOutcome] = []
    for trial in hold_trials(bench, measurements, mode, reported):
        group, measured = trial.group, trial.measured
        columns = tuple(column.name for column in measured.columns)
        groups.append(
            GroupOutcome(group, columns, trial.judgement, coverage_of(trial.given.holding, measured))
        )
        for plan, word in zip(group.slots, trial.judgement.words, strict=True):
            slots[plan.name] = _slot_outcome(plan, group, measured, reported, word)
    names = [plan.name for plan in bench.slots[mode]]
    judged = advised(bench, (one for outcome in groups for one in outcome.judgement.findings))
    found = [*bench.untied, *judged]
    notes = describe_coverage([(one.group, one.coverage) for one in groups], bench.settings.seed)
    notes += [note for outcome in groups for note in outcome.judgement.notes] + bench.remarks
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


def _entries(reported: Gradients) -> dict[str, Any]:
    entries = {format_path(path): tangent for path, tangent in reported.members.items()}
    return {**entries, **{f"Main.{name}": tangent for name, tangent in reported.globals.items()}}


def _slot_outcome(
    plan: SlotPlan, group: Group, measured: MeasuredGroup, reported: Gradients, word: str
) -> SlotOutcome:
    shows = group.probes.marked(group.cells.shown_by(plan.array))
    bound = max((float(one.bounds[shows].max(initial=0.0)) for one in measured.everything()), default=0.0)
    tangent = tangent_of(plan, reported)
    if not group.probes.exact:
        return SlotOutcome(plan, tangent, None, None, bound, word)
    cells = group.cells.of(plan.array)
    path = np.zeros(plan.array.shape)
    for access in group.accesses:
        if owner_of(access.place, group.slots) == group.slots.index(plan):
            path = path + _in_shape_of_slot(cells, group, access, measured.truth)
    return SlotOutcome(plan, tangent, path, measured.truth.total.values[cells], bound, word)


def _in_shape_of_slot(
    cells: NDArray[np.intp], group: Group, access: AccessPlan, truth: Truth
) -> NDArray[np.float64]:
    """A path derivative at a slot's elements; element by element where access and slot are one view.

    What stops remove of it is in it: the truth is that of the loss through its stops, where they are told.
    """
    by_element = truth.paths[access.path]
    if by_element is not None and np.array_equal(cells, group.cells.of(access.array)):
        return by_element.values
    return truth.effects[access.path].values[cells]
