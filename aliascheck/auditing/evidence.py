"""Evidence on one group: what was reported, brought into memory and into the probes of the group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.gating import Gated
from aliascheck.auditing.groups import AccessPlan, Group, owner_of
from aliascheck.auditing.slots import Holding
from aliascheck.auditing.truths import Column, MeasuredGroup
from aliascheck.memory import Path, format_path, lookup
from aliascheck.verdicts.evidence import Access, Evidence, Point, Slot, Spot


def intruders(bench: Bench, holding: Holding, gated: Gated) -> list[AccessPlan]:
    """Accesses of other memory whose contributions stand in slots of a group."""
    own = {access.path for access in holding.group.accesses}
    return [
        access
        for access in bench.accesses
        if access.path not in own and np.any(gated.single[access.path] != gated.silent)
    ]


def point_of(measured: MeasuredGroup, holding: Holding, gated: Gated) -> Point:
    """Measurements and contributions at one point, in the columns of `measured`."""
    rest = gated.silent
    held = [
        np.zeros_like(rest) if column.stopped else gated.single[column.plan.path] - rest
        for column in measured.columns
    ]
    columns, size = len(measured.columns), len(holding.group.probes)
    rounding = holding.rounding
    return Point(
        held=np.array(held).reshape(columns, len(holding.slots), size).transpose(1, 0, 2),
        gradient=holding.values,
        rest=rest,
        effects=np.array([effect.values for effect in measured.effects]).reshape(columns, size),
        bounds=np.array([effect.accept + rounding for effect in measured.effects]).reshape(columns, size),
        total=measured.truth.total.values,
        total_bound=measured.truth.total.accept + rounding,
    )


def assemble(
    bench: Bench,
    holding: Holding,
    measured: MeasuredGroup,
    given: Point,
    jittered: Point | None,
    failed: tuple[str, ...],
    located: Mapping[tuple[int, int], Spot],
) -> Evidence:
    """Everything that verdicts on a group rest on."""
    settings, group, slots = bench.settings, holding.group, holding.slots
    largest = float(np.abs(measured.truth.total.values).max(initial=0.0))
    is_rounded = bool(bench.subject.narrow())
    return Evidence(
        slots=slots,
        accesses=tuple(_access(bench.subject.bindings, group, column) for column in measured.columns),
        given=given,
        jittered=jittered,
        gates_failed=failed,
        kinks=tuple(any(np.any(one.kinks & slot.shows) for one in measured.everything()) for slot in slots),
        undecided=tuple(
            _is_undecided(measured, slot, given.gradient[i], is_rounded=is_rounded)
            or (is_rounded and _hides_an_element(measured, holding, i))
            for i, slot in enumerate(slots)
        ),
        noisy=tuple(any(np.any(one.noisy & slot.shows) for one in measured.everything()) for slot in slots),
        slack=settings.atol + settings.rtol * largest,
        located=dict(located),
    )


UNRESOLVED = 1e-3  # of the largest derivative: a bound beyond this tells too little
VISIBLE = 1e-2  # of one element: a fault of this size must not pass unseen


def _is_undecided(
    measured: MeasuredGroup, slot: Slot, gradient: NDArray[np.float64], *, is_rounded: bool
) -> bool:
    """Whether the finite difference at a slot's cells is missing, or too blurred to judge by.

    A derivative of zero has a bound as well: it is in doubt where something was reported that the bound
    could hide, or where nothing was, and a loss that is rounded coarsely moved all the same.
    """
    shows = slot.shows
    everything = measured.everything()
    if any(np.any(one.undecided & shows) for one in everything):
        return True
    blur = max(2 * one.bounds[shows].max(initial=0.0) for one in everything)
    reported = np.abs(gradient[shows]).max(initial=0.0)
    largest = max(reported, *(np.abs(one.values[shows]).max(initial=0.0) for one in everything))
    if is_rounded and reported == 0.0:
        return bool(UNRESOLVED * blur < largest <= blur)
    return bool(blur > UNRESOLVED * largest and reported > UNRESOLVED * blur)


def _hides_an_element(measured: MeasuredGroup, holding: Holding, number: int) -> bool:
    """Whether bounds of a loss that was rounded coarsely would hide a fault in one element of a slot.

    Elements are counted that are not small beside the largest; of a direction through many, the typical one.
    """
    shows = holding.slots[number].shows
    if holding.group.probes.exact:
        elements = np.abs(holding.values[number])[shows]
    else:
        elements = holding.norms[number][shows] / np.sqrt(max(1, holding.group.slots[number].array.size))
    blur = np.max([2 * one.bounds[shows] for one in measured.everything()], axis=0)
    counted = elements > UNRESOLVED * elements.max(initial=0.0)
    return bool(np.any(counted & (blur > VISIBLE * elements)))


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
