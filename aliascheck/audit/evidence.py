"""Evidence on one group: what was reported, brought into memory and into the probes of the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.audit.bench import Bench
from aliascheck.audit.gating import GatedGradients
from aliascheck.audit.groups import AccessPlan, Group, SlotPlan, owner_of
from aliascheck.audit.truths import Column, MeasuredGroup
from aliascheck.memory import (
    NOTHING,
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
from aliascheck.subjects.subject import Gradients
from aliascheck.verdicts.evidence import Access, Evidence, Point, Slot
from aliascheck.verdicts.gates import GateRuns, check_gates


def tangent_of(plan: SlotPlan, reported: Gradients) -> Any:
    """What was reported for a slot: the sum over the members that it is a part of."""
    tangent: Any = NOTHING
    for member, steps in plan.sources:
        tangent = accumulate(tangent, pick(reported.members[member], steps))
    return tangent


def slot_evidence(group: Group, plan: SlotPlan, reported: Gradients) -> Slot:
    """What kind of value a slot got, and which probes it shows."""
    tangent = tangent_of(plan, reported)
    problem, text = _problem(plan, tangent)
    cells = group.cells.of(plan.array)
    by_element = group.probes.exact and not overlaps_itself(cells)
    return Slot(
        name=plan.name,
        shows=group.probes.shown_by(cells),
        structural=isinstance(tangent, Fields | tuple | list | dict),
        absent=tangent is NOTHING,
        problem=problem,
        problem_text=text,
        cells=cells if by_element else None,
        shape=plan.array.shape,
    )


def _problem(plan: SlotPlan, tangent: Any) -> tuple[str | None, str]:
    value, inner = unwrap(plan.value, tangent)
    if inner is NOTHING:
        return None, ""
    if isinstance(inner, dict | tuple | list):
        return "shape", f"it got {describe(inner)}, and is an array of shape {plan.array.shape}"
    if np.shape(inner) != dense(value).shape:
        return "shape", f"the gradient has shape {np.shape(inner)}, and the array {dense(value).shape}"
    flat = np.atleast_1d(inner)
    bad = np.argwhere(~np.isfinite(flat))
    if not len(bad):
        return None, ""
    first = "[" + ", ".join(map(str, bad[0].tolist())) + "]" if np.ndim(inner) else "its only element"
    more = f" and at {len(bad) - 1} more" if len(bad) > 1 else ""
    return "nonfinite", f"the gradient is {flat[tuple(bad[0])]} at {first}{more}, and the loss is finite"


def _in_probes(group: Group, plan: SlotPlan, gradients: Gradients) -> NDArray[np.float64]:
    """What was reported for a slot, scattered into memory; zero where it is nothing."""
    value, tangent = unwrap(plan.value, tangent_of(plan, gradients))
    size = len(group.cells)
    if tangent is NOTHING or not plan.array.size or np.shape(tangent) != dense(value).shape:
        return group.probes.project(np.zeros(size))
    return group.probes.project(scatter(group.cells.of(dense(value)), size, tangent))


def _stack(group: Group, slots: Sequence[Slot], gradients: Gradients) -> NDArray[np.float64]:
    rows = [
        np.zeros(len(group.probes)) if slot.problem else _in_probes(group, plan, gradients)
        for slot, plan in zip(slots, group.slots, strict=True)
    ]
    return np.array(rows).reshape(len(rows), len(group.probes))


def intruders(bench: Bench, group: Group, slots: Sequence[Slot], gated: GatedGradients) -> list[AccessPlan]:
    """Accesses of other memory whose contributions stand in slots of this group."""
    own = {access.path for access in group.accesses}
    rest = _stack(group, slots, gated.silent)
    return [
        access
        for access in bench.accesses
        if access.path not in own and np.any(_stack(group, slots, gated.single[access.path]) != rest)
    ]


def failed_checks(
    group: Group, slots: Sequence[Slot], reported: Gradients, gated: GatedGradients
) -> tuple[str, ...]:
    """Why the gates of a group are not to be trusted; nothing where they are."""
    if gated.failed:
        return gated.failed
    paths = list(gated.single)
    single = [_stack(group, slots, gated.single[path]) for path in paths]
    return check_gates(
        GateRuns(
            ungated=_stack(group, slots, reported),
            single=np.array(single).reshape(len(paths), len(slots), len(group.probes)),
            generic=_stack(group, slots, gated.generic),
            silent=_stack(group, slots, gated.silent),
            factors=np.array([gated.factors[path] for path in paths]),
            transparent=gated.transparent,
        )
    )


def point_of(
    group: Group, measured: MeasuredGroup, slots: Sequence[Slot], reported: Gradients, gated: GatedGradients
) -> Point:
    """Measurements and contributions at one point, in the columns of `measured`."""
    rest = _stack(group, slots, gated.silent)
    held = [
        np.zeros_like(rest) if column.stopped else _stack(group, slots, gated.single[column.plan.path]) - rest
        for column in measured.columns
    ]
    columns, size = len(measured.columns), len(group.probes)
    return Point(
        held=np.array(held).reshape(columns, len(slots), size).transpose(1, 0, 2),
        gradient=_stack(group, slots, reported),
        rest=rest,
        effects=np.array([effect.values for effect in measured.effects]).reshape(columns, size),
        bounds=np.array([effect.accept for effect in measured.effects]).reshape(columns, size),
        total=measured.truth.total.values,
        total_bound=measured.truth.total.accept,
    )


def assemble(
    bench: Bench,
    group: Group,
    measured: MeasuredGroup,
    slots: tuple[Slot, ...],
    given: Point,
    jittered: Point | None,
    failed: tuple[str, ...],
) -> Evidence:
    """Everything that verdicts on a group rest on."""
    settings = bench.settings
    largest = float(np.abs(measured.truth.total.values).max(initial=0.0))
    return Evidence(
        slots=slots,
        accesses=tuple(_access(bench.subject.bindings, group, column) for column in measured.columns),
        given=given,
        jittered=jittered,
        gates_failed=failed,
        kinks=tuple(any(np.any(one.kinks & slot.shows) for one in measured.everything()) for slot in slots),
        undecided=tuple(_is_undecided(measured, slot, given.gradient[i]) for i, slot in enumerate(slots)),
        slack=settings.atol + settings.rtol * largest,
        notes=_coverage(group, settings.seed),
    )


UNRESOLVED = 1e-3  # of the largest derivative: a bound beyond this tells too little


def _is_undecided(measured: MeasuredGroup, slot: Slot, gradient: NDArray[np.float64]) -> bool:
    """Whether the finite difference at a slot's cells is missing, or too blurred to judge by.

    A derivative of zero has a bound as well: it is in doubt where something was reported that the bound
    could hide.
    """
    shows = slot.shows
    everything = measured.everything()
    if any(np.any(one.undecided & shows) for one in everything):
        return True
    blur = max(2 * one.bounds[shows].max(initial=0.0) for one in everything)
    reported = np.abs(gradient[shows]).max(initial=0.0)
    largest = max(reported, *(np.abs(one.values[shows]).max(initial=0.0) for one in everything))
    return bool(blur > UNRESOLVED * largest and reported > UNRESOLVED * blur)


def _coverage(group: Group, seed: int) -> tuple[str, ...]:
    """How a group too large for its cells to be measured one by one was looked at."""
    if group.probes.exact:
        return ()
    names = ", ".join(slot.name for slot in group.slots)
    return (
        f"{names}: {len(group.cells)} cells, measured along {len(group.probes)} random directions "
        f"(seed {seed}), not one by one",
    )


def _access(bindings: Mapping[str, Any], group: Group, column: Column) -> Access:
    place = column.plan.place
    return Access(
        name=column.name,
        place=format_path(place),
        owner=owner_of(place, group.slots),
        sharers=max(1, group.sharers(column.plan)),
        captured=_is_captured(bindings, place),
        stopped=column.stopped,
    )


def _is_captured(bindings: Mapping[str, Any], place: Path) -> bool:
    """Whether a place lies inside a closure."""
    return any(hasattr(lookup(bindings, place[:end]), "call_rule") for end in range(1, len(place)))
