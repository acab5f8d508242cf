"""What an engine reported for the slots of a group: which kind of value, and how much along each probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.groups import Group, SlotPlan
from aliascheck.memory import (
    NOTHING,
    Data,
    Fields,
    accumulate,
    dense,
    describe,
    format_path,
    overlaps_itself,
    pick,
    unwrap,
)
from aliascheck.oracle import ROUNDING
from aliascheck.subjects.subject import Gradients
from aliascheck.verdicts.evidence import Slot

Held = NDArray[np.float64]


class Holding(Data, frozen=True, eq=False):
    """A group's slots with what they got, scattered into memory.

    Shapes: `values` and `norms` (slots, probes); `norms` is what the rounding of the values is relative to.
    """

    group: Group
    slots: tuple[Slot, ...]
    values: Held
    norms: Held

    @property
    def rounding(self) -> NDArray[np.float64]:
        """What a right engine's rounding may add along each probe; that of float64 cells is in the truth."""
        relative = self.group.rounding - (ROUNDING if self.group.probes.exact else 0.0)
        terms = np.abs(self.values) if self.group.probes.exact else self.norms
        return np.asarray(relative * np.nan_to_num(terms).sum(axis=0))


def holding_of(group: Group, reported: Gradients) -> Holding:
    """What was reported for the slots of a group."""
    group = group.reported_with(max((_spacing(plan, reported) for plan in group.slots), default=0.0))
    slots = tuple(_slot(group, plan, reported) for plan in group.slots)
    return Holding(group, slots, *hold(group, slots, reported))


def holding_nearby(given: Holding, reported: Gradients) -> Holding:
    """What was reported at another point, for the slots that could be compared at the given one."""
    return Holding(given.group, given.slots, *hold(given.group, given.slots, reported))


def hold(group: Group, slots: Sequence[Slot], gradients: Gradients) -> tuple[Held, Held]:
    """What gradients give each slot along each probe; zero where it is nothing, or cannot be compared."""
    size = len(group.probes)
    values, norms = np.zeros((len(slots), size)), np.zeros((len(slots), size))
    for number, (slot, plan) in enumerate(zip(slots, group.slots, strict=True)):
        value, tangent = unwrap(plan.value, tangent_of(plan, gradients))
        comparable = slot.problem is None and plan.array.size and tangent is not NOTHING
        if comparable and np.shape(tangent) == dense(value).shape:
            values[number], norms[number] = group.probes.project(group.cells, dense(value), tangent)
    return values, norms


def _spacing(plan: SlotPlan, reported: Gradients) -> float:
    """The spacing at 1 of the numbers that a slot got; 0 where they are no coarser than float64."""
    _, tangent = unwrap(plan.value, tangent_of(plan, reported))
    kind = getattr(tangent, "dtype", None)
    coarse = kind is not None and kind.kind == "f" and kind.itemsize < 8
    return float(np.finfo(kind).eps) if coarse else 0.0


def tangent_of(plan: SlotPlan, reported: Gradients) -> Any:
    """What was reported for a slot: the sum over the members that it is a part of."""
    tangent: Any = NOTHING
    for member, steps in plan.sources:
        tangent = accumulate(tangent, pick(reported.members[member], steps))
    return tangent


def _slot(group: Group, plan: SlotPlan, reported: Gradients) -> Slot:
    """What kind of value a slot got, and which probes it shows."""
    tangent = tangent_of(plan, reported)
    problem, text = _problem(plan, tangent)
    by_element = group.probes.exact and not overlaps_itself(group.cells.of(plan.array))
    return Slot(
        name=plan.name,
        shows=group.probes.marked(group.cells.shown_by(plan.array)),
        structural=isinstance(tangent, Fields | tuple | list | dict),
        absent=tangent is NOTHING,
        problem=problem,
        problem_text=text,
        cells=group.cells.of(plan.array) if by_element else None,
        shape=plan.array.shape,
        doubts={format_path(path): remedy for path, remedy in reported.doubts.items()},
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
    finite = np.isfinite(flat)
    if finite.all():
        return None, ""
    bad = np.argwhere(~finite)
    first = "[" + ", ".join(map(str, bad[0].tolist())) + "]" if np.ndim(inner) else "its only element"
    more = f" and at {len(bad) - 1} more" if len(bad) > 1 else ""
    return "nonfinite", f"the gradient is {flat[tuple(bad[0])]} at {first}{more}, and the loss is finite"
