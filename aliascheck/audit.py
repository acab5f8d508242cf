"""One audit: a subject's gradients, held against the two truths, judged."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.errors import AliascheckError, EngineError
from aliascheck.groups import AccessPlan, Group, SlotPlan, owner_of, plan_accesses, plan_groups, plan_slots
from aliascheck.memory import (
    NOTHING,
    CellMap,
    Fields,
    Path,
    accumulate,
    dense,
    describe,
    format_path,
    lookup,
    overlaps_itself,
    pick,
    scatter,
    unwrap,
)
from aliascheck.oracle import Measured, MemoryBlock, Truth, measure_noise, measure_truth
from aliascheck.subjects.subject import Gradients, Subject
from aliascheck.verdicts.catalogue import AC109, AC202, AC203, AC302
from aliascheck.verdicts.evidence import Access, Evidence, Point, Slot
from aliascheck.verdicts.gates import GateRuns, check_gates
from aliascheck.verdicts.judge import Finding, Judgement, finding, judge

JITTERS = (1.0, 0.5, 0.25)  # tried in turn where the loss leaves its domain


@dataclass(frozen=True)
class Settings:
    """How an audit is carried out. `stops`: "constant" replays stopped values, "report" judges them."""

    contract: str = "sum"
    stops: str = "constant"
    rtol: float = 0.0
    atol: float = 0.0
    seed: int = 0
    ties: tuple[tuple[Path, ...], ...] = ()


@dataclass(frozen=True)
class SlotOutcome:
    """One slot's row: what was reported, both truths in its shape, and the word."""

    plan: SlotPlan
    reported: Any
    path: NDArray[np.float64] | None
    total: NDArray[np.float64] | None
    bound: float | None
    word: str


@dataclass(frozen=True)
class GroupOutcome:
    """One alias group as judged: columns name accesses, a stopped part being one of its own."""

    group: Group
    columns: tuple[str, ...]
    judgement: Judgement


@dataclass(frozen=True)
class Outcome:
    """What one audit found in one mode."""

    mode: str
    loss: float
    entries: dict[str, Any]
    slots: tuple[SlotOutcome, ...]
    groups: tuple[GroupOutcome, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    evaluations: int = 0
    seconds: float = 0.0
    failure: str | None = None


@dataclass
class _Column:
    """One access in a group, or the part of it that a stop removes."""

    plan: AccessPlan
    stopped: bool = False

    @property
    def name(self) -> str:
        return self.plan.name + (" (stopped)" if self.stopped else "")


@dataclass
class _MeasuredGroup:
    """The truths of one group at one point, with a column for each access and for each stopped part."""

    group: Group
    truth: Truth
    columns: list[_Column]
    effects: list[Measured]


@dataclass
class _Bench:
    """Everything about a subject that does not depend on the mode: measured once, used by each."""

    subject: Subject
    settings: Settings
    slots: dict[str, list[SlotPlan]]
    accesses: list[AccessPlan]
    groups: dict[str, list[Group]]
    loss: float
    noise: float = 0.0
    evaluations: int = 0
    truths: dict[tuple[Any, ...], _MeasuredGroup] = field(default_factory=dict)


def audit(subject: Subject, modes: Sequence[str], settings: Settings | None = None) -> list[Outcome]:
    """Audit a subject in each mode. Its memory is the same afterwards, bit by bit."""
    settings = settings or Settings()
    started = time.perf_counter()
    with np.errstate(all="ignore"):
        bench, ended = _prepare(subject, modes, settings)
        outcomes = []
        for mode in modes:
            outcomes.append(_ended(bench, mode, ended) if ended else _audit_mode(bench, mode))
            seconds = time.perf_counter() - started
            outcomes[-1] = replace(outcomes[-1], seconds=seconds)
            started = time.perf_counter()
    return outcomes


def _prepare(subject: Subject, modes: Sequence[str], settings: Settings) -> tuple[_Bench, Finding | None]:
    """Plan slots and groups, and look for what ends an audit: a loss that mutates or does not repeat."""
    places = subject.places()
    accesses = plan_accesses(subject.accesses(), places, list(subject.bindings))
    slots = {mode: plan_slots(subject.bindings, subject.members, mode) for mode in modes}
    groups = {mode: plan_groups(slots[mode], accesses, places, settings.seed) for mode in modes}
    before = [array.copy() for _, array in places]
    losses = [subject.base(), subject.loss(), subject.loss()]
    bench = _Bench(subject, settings, slots, accesses, groups, losses[0], evaluations=3)
    changed = [
        format_path(path)
        for (path, array), old in zip(places, before, strict=True)
        if array.tobytes() != old.tobytes()
    ]
    if changed:
        for (_, array), old in zip(places, before, strict=True):
            array[...] = old
        return bench, finding(AC203, where=", ".join(changed))
    if len({_bits(loss) for loss in losses}) > 1:
        return bench, finding(AC202, where=", ".join(f"{loss:.17g}" for loss in losses))
    blocks = _distinct_blocks(groups)
    if blocks:
        bench.noise, used = measure_noise(subject.loss, blocks, losses[0], settings.seed)
        bench.evaluations += used
    return bench, None


def _bits(number: float) -> bytes:
    return np.float64(number).tobytes()


def _distinct_blocks(groups: Mapping[str, list[Group]]) -> list[MemoryBlock]:
    one_mode = next(iter(groups.values()), [])
    return [group.block for group in one_mode if group.block.size]


def _ended(bench: _Bench, mode: str, ended: Finding) -> Outcome:
    word = "noisy" if ended.code == "AC202" else "undecided"
    slots = tuple(SlotOutcome(plan, NOTHING, None, None, None, word) for plan in bench.slots[mode])
    return Outcome(mode, bench.loss, {}, slots, (), (ended,), evaluations=bench.evaluations)


def _audit_mode(bench: _Bench, mode: str) -> Outcome:
    subject, settings = bench.subject, bench.settings
    ties = _untied(bench)
    try:
        reported = subject.gradients(mode)
    except EngineError as error:
        return _failed(bench, mode, error, ties)
    runs = _run_gates(bench, mode, reported)
    slots: dict[int, SlotOutcome] = {}
    outcomes, findings, notes = [], list(ties), []
    order = {id(plan): number for number, plan in enumerate(bench.slots[mode])}
    for group in bench.groups[mode]:
        measured = _measure(bench, group)
        evidence = _evidence(bench, mode, group, measured, reported, runs)
        judgement = judge(evidence, _contract_for(settings.contract, group))
        columns = tuple(column.name for column in measured.columns)
        outcomes.append(GroupOutcome(group, columns, judgement))
        findings.extend(judgement.findings)
        notes.extend(note for note in judgement.notes if note not in notes)
        for plan, word in zip(group.slots, judgement.words, strict=True):
            slots[order[id(plan)]] = _slot_outcome(bench, plan, group, measured, reported, word)
    findings = _in_slot_order(findings, [plan.name for plan in bench.slots[mode]])
    return Outcome(
        mode,
        bench.loss,
        _entries(reported),
        tuple(slots[number] for number in sorted(slots)),
        tuple(outcomes),
        tuple(findings),
        tuple(notes),
        bench.evaluations,
    )


def _in_slot_order(findings: list[Finding], names: list[str]) -> list[Finding]:
    """Findings about the audit first, then by slot, each slot's in the order of the table."""
    position = {name: number for number, name in enumerate(names)}
    return sorted(findings, key=lambda f: -1 if f.slot is None else position.get(f.slot, len(names)))


def _contract_for(contract: str, group: Group) -> str:
    """The contract in one group: a named owner is meant where it is a slot of the group."""
    name = contract.partition(":")[2]
    return contract if not name or name in {slot.name for slot in group.slots} else "sum"


def _failed(bench: _Bench, mode: str, error: EngineError, ties: list[Finding]) -> Outcome:
    plans = bench.slots[mode]
    failed = finding(AC109, where=error.message)
    slots = tuple(SlotOutcome(plan, NOTHING, None, None, None, "failed") for plan in plans)
    return Outcome(
        mode, bench.loss, {}, slots, (), (*ties, failed), (), bench.evaluations, failure=error.message
    )


def _untied(bench: _Bench) -> list[Finding]:
    """Declared ties that memory does not bear out."""
    apart = []
    for tie in bench.settings.ties:
        arrays = [dense(lookup(bench.subject.bindings, path)) for path in tie]
        first = CellMap([arrays[0]])
        loose = [format_path(p) for p, array in zip(tie, arrays, strict=True) if not first.touches(array)]
        if loose:
            name = format_path(tie[0])
            apart.append(finding(AC302, where=f"{', '.join(loose)} shares no memory with {name}"))
    return apart


def _entries(reported: Gradients) -> dict[str, Any]:
    entries = {format_path(path): tangent for path, tangent in reported.members.items()}
    entries.update({f"Main.{name}": tangent for name, tangent in reported.globals.items()})
    return entries


# Gates


@dataclass(frozen=True)
class _Runs:
    """An engine's gradients under gates; `failed` tells why they are not to be trusted, if they are not."""

    single: dict[Path, Gradients]
    generic: Gradients
    silent: Gradients
    factors: dict[Path, float]
    transparent: bool
    failed: tuple[str, ...] = ()


def _run_gates(bench: _Bench, mode: str, reported: Gradients) -> _Runs:
    """One gradient for each access, and those for the checks."""
    gradients = bench.subject.gradients
    paths = [access.path for access in bench.accesses]
    rng = np.random.default_rng(bench.settings.seed)
    factors = {path: float(factor) for path, factor in zip(paths, rng.uniform(0.5, 2.0, len(paths)), strict=True)}
    closed = dict.fromkeys(paths, 0.0)
    try:
        opened = gradients(mode, dict.fromkeys(paths, 1.0))
        return _Runs(
            {path: gradients(mode, {**closed, path: 1.0}) for path in paths},
            gradients(mode, factors),
            gradients(mode, closed),
            factors,
            _identical(opened.members, reported.members) and _identical(opened.globals, reported.globals),
        )
    except EngineError as error:
        return _Runs(
            dict.fromkeys(paths, reported),
            reported,
            reported,
            factors,
            False,
            (f"the engine fails with gates: {error.message}",),
        )


def _identical(left: Any, right: Any) -> bool:
    """Whether two gradients are the same bit by bit."""
    if isinstance(left, dict | tuple | list):
        if type(left) is not type(right) or len(left) != len(right):
            return False
        if isinstance(left, dict):
            return all(key in right and _identical(part, right[key]) for key, part in left.items())
        return all(_identical(a, b) for a, b in zip(left, right, strict=True))
    if left is NOTHING or right is NOTHING:
        return left is right
    return np.asarray(left).tobytes() == np.asarray(right).tobytes()


# Truth


def _measure(bench: _Bench, group: Group) -> _MeasuredGroup:
    """The truths of a group at the memory as it is; measured once for all modes."""
    key = (_point(bench), tuple(a.path for a in group.accesses), len(group.cells), _cells_key(group))
    if key not in bench.truths:
        bench.truths[key] = _measure_columns(bench, group)
    known = bench.truths[key]
    return _MeasuredGroup(group, known.truth, known.columns, known.effects)


def _cells_key(group: Group) -> bytes:
    return b"".join(group.cells.of(slot.array).tobytes() for slot in group.slots) + group.block.read().tobytes()


def _point(bench: _Bench) -> bytes:
    return b"".join(array.tobytes() for _, array in bench.subject.places())


def _measure_columns(bench: _Bench, group: Group) -> _MeasuredGroup:
    report_stops = bench.settings.stops == "report" and bench.subject.has_stops()
    live = _measure_once(bench, group, through_stops=False)
    columns = [_Column(plan) for plan in group.accesses]
    effects = [live.effects[plan.path] for plan in group.accesses]
    if not report_stops:
        return _MeasuredGroup(group, live, columns, effects)
    whole = _measure_once(bench, group, through_stops=True)
    for plan in group.accesses:
        stopped = _difference(whole.effects[plan.path], live.effects[plan.path])
        if np.any(np.abs(stopped.values) > stopped.accept):
            columns.append(_Column(plan, stopped=True))
            effects.append(stopped)
    return _MeasuredGroup(group, whole, columns, effects)


def _measure_once(bench: _Bench, group: Group, *, through_stops: bool) -> Truth:
    subject = bench.subject
    base = subject.loss()
    truth = measure_truth(
        group.block,
        group.probes,
        group.views(),
        lambda: subject.loss(through_stops=through_stops),
        lambda access, private: subject.loss_reading(access, private, through_stops=through_stops),
        base,
        bench.noise,
    )
    bench.evaluations += truth.evaluations + 1
    return truth


def _difference(whole: Measured, live: Measured) -> Measured:
    return Measured(
        whole.values - live.values,
        whole.bounds + live.bounds,
        whole.accept + live.accept,
        whole.kinks | live.kinks,
        whole.undecided | live.undecided,
    )


# Evidence


def _evidence(
    bench: _Bench, mode: str, group: Group, measured: _MeasuredGroup, reported: Gradients, runs: _Runs
) -> Evidence:
    slots = tuple(_slot_evidence(group, plan, reported) for plan in group.slots)
    point = _point_of(bench, group, measured, slots, reported, runs)
    failed = runs.failed or _check(group, slots, reported, runs)
    jittered = None
    if failed or _needs_jitter(group, measured, point, slots):
        jittered = _jittered_point(bench, mode, group, slots)
    seen = [_seen_by(group, slot, measured) for slot in slots]
    return Evidence(
        slots=slots,
        accesses=tuple(_access_evidence(bench, group, column) for column in measured.columns),
        given=point,
        jittered=jittered,
        gates_failed=failed,
        kinks=tuple(kink for kink, _ in seen),
        undecided=tuple(undecided for _, undecided in seen),
        slack=_slack(bench, measured),
    )


def _slack(bench: _Bench, measured: _MeasuredGroup) -> float:
    """What the user accepts beyond the oracle's own bound."""
    truth = measured.truth.total.values
    return bench.settings.atol + bench.settings.rtol * float(np.abs(truth).max(initial=0.0))


def _slot_evidence(group: Group, plan: SlotPlan, reported: Gradients) -> Slot:
    tangent = _tangent(plan, reported)
    problem, text = _problem(plan, tangent)
    cells = group.cells.of(plan.array)
    plain = group.probes.exact and not overlaps_itself(cells)
    return Slot(
        name=plan.name,
        shows=group.probes.shown_by(cells),
        structural=isinstance(tangent, Fields | tuple | list | dict),
        absent=tangent is NOTHING,
        problem=problem,
        problem_text=text,
        cells=cells if plain else None,
    )


def _tangent(plan: SlotPlan, reported: Gradients) -> Any:
    """What was reported for a slot: the sum over the members that it is a part of."""
    tangent: Any = NOTHING
    for member, steps in plan.sources:
        tangent = accumulate(tangent, pick(reported.members[member], steps))
    return tangent


def _problem(plan: SlotPlan, tangent: Any) -> tuple[str | None, str]:
    value, inner = unwrap(plan.value, tangent)
    if inner is NOTHING:
        return None, ""
    if isinstance(inner, dict | tuple | list):
        return "shape", f"it got {describe(inner)}, and is an array of shape {plan.array.shape}"
    if np.shape(inner) != dense(value).shape:
        return "shape", f"the gradient has shape {np.shape(inner)}, and the array {dense(value).shape}"
    finite = np.isfinite(inner)
    if not np.all(finite):
        bad = np.argwhere(~np.atleast_1d(finite))
        first = "[" + ", ".join(map(str, bad[0].tolist())) + "]"
        more = f" and {len(bad) - 1} more elements" if len(bad) > 1 else ""
        return "nonfinite", f"the gradient is {np.atleast_1d(inner)[tuple(bad[0])]} at {first}{more}"
    return None, ""


def _in_memory(group: Group, plan: SlotPlan, gradients: Gradients) -> NDArray[np.float64]:
    """What was reported for a slot, in the probes of its group; zero where it is nothing."""
    value, tangent = unwrap(plan.value, _tangent(plan, gradients))
    size = len(group.cells)
    if tangent is NOTHING or np.shape(tangent) != dense(value).shape:
        return group.probes.project(np.zeros(size))
    return group.probes.project(scatter(group.cells.of(dense(value)), size, tangent))


def _stack(group: Group, slots: Sequence[Slot], gradients: Gradients) -> NDArray[np.float64]:
    rows = [
        np.zeros(len(group.probes)) if slot.problem else _in_memory(group, plan, gradients)
        for slot, plan in zip(slots, group.slots, strict=True)
    ]
    return np.array(rows).reshape(len(rows), len(group.probes))


def _check(group: Group, slots: Sequence[Slot], reported: Gradients, runs: _Runs) -> tuple[str, ...]:
    paths = list(runs.single)
    shape = (len(paths), len(slots), len(group.probes))
    single = np.array([_stack(group, slots, runs.single[path]) for path in paths]).reshape(shape)
    return check_gates(
        GateRuns(
            ungated=_stack(group, slots, reported),
            single=single,
            generic=_stack(group, slots, runs.generic),
            silent=_stack(group, slots, runs.silent),
            factors=np.array([runs.factors[path] for path in paths]),
            transparent=runs.transparent,
        )
    )


def _point_of(
    bench: _Bench,
    group: Group,
    measured: _MeasuredGroup,
    slots: Sequence[Slot],
    reported: Gradients,
    runs: _Runs,
) -> Point:
    rest = _stack(group, slots, runs.silent)
    zero = np.zeros_like(rest)
    held = [
        zero if column.stopped else _stack(group, slots, runs.single[column.plan.path]) - rest
        for column in measured.columns
    ]
    size = len(group.probes)
    shape = (len(measured.columns), len(slots), size)
    columns = (len(measured.columns), size)
    return Point(
        held=np.array(held).reshape(shape).transpose(1, 0, 2),
        gradient=_stack(group, slots, reported),
        rest=rest,
        effects=np.array([effect.values for effect in measured.effects]).reshape(columns),
        bounds=np.array([effect.accept for effect in measured.effects]).reshape(columns),
        total=measured.truth.total.values,
        total_bound=measured.truth.total.accept,
    )


def _needs_jitter(group: Group, measured: _MeasuredGroup, point: Point, slots: Sequence[Slot]) -> bool:
    """Whether some access has no derivative here at the cells of the slots: zero initialisation, mostly."""
    covered = np.logical_or.reduce([slot.shows for slot in slots])
    return any(
        not np.any((np.abs(effect) > bound) & covered)
        for effect, bound in zip(point.effects, point.bounds, strict=True)
    )


def _jittered_point(bench: _Bench, mode: str, group: Group, slots: Sequence[Slot]) -> Point | None:
    """The same measurements at a point nearby, None where the loss leaves its domain whichever way."""
    for moved in _jitters(group.block, bench.settings.seed):
        with _memory_at(bench, group.block, moved):
            if not math.isfinite(_base_or_nan(bench.subject)):
                continue
            measured = _measure_columns(bench, group)
            try:
                reported = bench.subject.gradients(mode)
            except EngineError:
                continue
            runs = _run_gates(bench, mode, reported)
            return _aligned(bench, group, measured, slots, reported, runs)
    return None


def _aligned(
    bench: _Bench,
    group: Group,
    measured: _MeasuredGroup,
    slots: Sequence[Slot],
    reported: Gradients,
    runs: _Runs,
) -> Point:
    """The jittered point with the columns of the given one."""
    known = bench.truths
    columns = next(
        (
            truth.columns
            for truth in known.values()
            if [c.plan.path for c in truth.columns if not c.stopped] == [a.path for a in group.accesses]
        ),
        measured.columns,
    )
    effects = {column.name: effect for column, effect in zip(measured.columns, measured.effects, strict=True)}
    silent = _nothing_measured(len(group.probes))
    aligned = _MeasuredGroup(
        group, measured.truth, columns, [effects.get(column.name, silent) for column in columns]
    )
    return _point_of(bench, group, aligned, slots, reported, runs)


def _nothing_measured(size: int) -> Measured:
    zeros, no = np.zeros(size), np.zeros(size, bool)
    return Measured(zeros, zeros, zeros, no, no)


def _base_or_nan(subject: Subject) -> float:
    try:
        return subject.base()
    except (AliascheckError, ArithmeticError, np.linalg.LinAlgError):
        return math.nan


def _jitters(block: MemoryBlock, seed: int) -> Iterator[NDArray[np.float64]]:
    """Points nearby: moved by a quarter of themselves and of the memory's scale, then by less, then in
    proportion only."""
    rng = np.random.default_rng(seed + 1)
    relative, absolute = rng.uniform(-1, 1, block.size), rng.uniform(-1, 1, block.size)
    start, scale = block.read(), block.scale
    for size in JITTERS:
        yield start * (1 + 0.25 * size * relative) + 0.25 * size * scale * absolute
    yield start * (1 + 0.25 * relative)


@contextmanager
def _memory_at(bench: _Bench, block: MemoryBlock, values: NDArray[np.float64]) -> Iterator[None]:
    """The memory at other values for a while; the subject's base moves with it, and comes back."""
    before = block.read()
    try:
        block.write(values)
        yield
    finally:
        block.write(before)
        bench.subject.base()


def _access_evidence(bench: _Bench, group: Group, column: _Column) -> Access:
    return Access(
        name=column.name,
        place=format_path(column.plan.place),
        owner=owner_of(column.plan.place, group.slots),
        sharers=max(1, group.sharers(column.plan)),
        captured=_is_captured(bench.subject.bindings, column.plan.place),
        stopped=column.stopped,
    )


def _is_captured(bindings: Mapping[str, Any], place: Path) -> bool:
    """Whether a place lies inside a closure."""
    return any(
        hasattr(lookup(bindings, place[:length]), "call_rule") for length in range(1, len(place))
    )


def _seen_by(group: Group, slot: Slot, measured: _MeasuredGroup) -> tuple[bool, bool]:
    """Whether a kink, or something undecided, is at a slot's cells."""
    kink = undecided = False
    for one in (measured.truth.total, *measured.effects):
        kink = kink or bool(np.any(one.kinks & slot.shows))
        undecided = undecided or bool(np.any(one.undecided & slot.shows))
    return kink, undecided


def _slot_outcome(
    bench: _Bench,
    plan: SlotPlan,
    group: Group,
    measured: _MeasuredGroup,
    reported: Gradients,
    word: str,
) -> SlotOutcome:
    tangent = _tangent(plan, reported)
    if not group.probes.exact:
        return SlotOutcome(plan, tangent, None, None, _worst(measured, group, plan), word)
    cells = group.cells.of(plan.array)
    owner = group.slots.index(plan)
    path = np.zeros(plan.array.shape)
    for column, effect in zip(measured.columns, measured.effects, strict=True):
        if owner_of(column.plan.place, group.slots) == owner:
            path = path + _in_shape_of(plan, cells, group, column, effect, measured.truth)
    total = measured.truth.total.values[cells]
    return SlotOutcome(plan, tangent, path, total, _worst(measured, group, plan), word)


def _in_shape_of(
    plan: SlotPlan,
    cells: NDArray[np.intp],
    group: Group,
    column: _Column,
    effect: Measured,
    truth: Truth,
) -> NDArray[np.float64]:
    """A path derivative at a slot's elements; where the slot shows a cell repeatedly, by element."""
    dense_path = None if column.stopped else truth.paths[column.plan.path]
    same_view = cells.shape == column.plan.array.shape and np.array_equal(
        cells, group.cells.of(column.plan.array)
    )
    if dense_path is not None and same_view:
        return dense_path.values
    return effect.values[cells]


def _worst(measured: _MeasuredGroup, group: Group, plan: SlotPlan) -> float:
    """The largest error bound at a slot's cells, of path and total."""
    shows = group.probes.shown_by(group.cells.of(plan.array))
    worst = [one.bounds[shows].max(initial=0.0) for one in (measured.truth.total, *measured.effects)]
    return float(max(worst, default=0.0))

