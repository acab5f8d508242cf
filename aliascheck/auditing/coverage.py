"""What was looked at in a group, and what could have been missed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.groups import Group
from aliascheck.auditing.slots import Holding
from aliascheck.auditing.truths import MeasuredGroup
from aliascheck.memory import Data, Region
from aliascheck.oracle import smallest_fault_seen

MEAN_SQUARE_WEIGHT = 13.0 / 12.0


class Coverage(Data, frozen=True):
    """How a group was looked at: cell by cell, or along random directions of all its cells.

    `finer` counts the rows and other regions that were looked at by themselves as well, `jointly` tells
    that the directions led through other groups at the same time. `smallest_fault` is the smallest error
    of a single element, relative to the root mean square of the elements of its slot's gradient, that would
    have been seen wherever it is; None where there is nothing to be relative to.
    """

    exact: bool
    cells: int
    directions: int
    finer: int = 0
    jointly: bool = False
    smallest_fault: float | None = None


def coverage_of(holding: Holding, measured: MeasuredGroup) -> Coverage:
    """How a group was looked at."""
    group = holding.group
    counts = [
        sum(probe.region is region for probe in group.probes.items)
        for region in dict.fromkeys(probe.region for probe in group.probes.items)
    ]
    directions = max(counts, default=0)
    return Coverage(
        exact=group.probes.exact,
        cells=len(group.cells),
        directions=directions,
        finer=sum(bool(name) for name in {probe.region.name for probe in group.probes.items}),
        jointly=measured.jointly,
        smallest_fault=_smallest_fault(holding, measured),
    )


def _smallest_fault(holding: Holding, measured: MeasuredGroup) -> float | None:
    """By the widest bound in which a fault of one element of a slot could hide.

    That of a complex step is narrower, and does not count: what only that sees is not called a fault.
    """
    group = holding.group
    if group.probes.exact:
        return None
    accept = np.max([one.accept for one in measured.everything()], axis=0) + holding.rounding
    hidden = _hidden(group, accept)
    faults = []
    for number, plan in enumerate(group.slots):
        typical = _typical(holding, number)
        if typical > 0.0:
            widest = float(hidden[group.cells.shown_by(plan.array)].max())
            faults.append(smallest_fault_seen(widest, 1.0, typical))
    return max(faults, default=None)


def _hidden(group: Group, accept: NDArray[np.float64]) -> NDArray[np.float64]:
    """In what bound a fault of each cell could hide: the narrowest of those regions that it is in.

    Shapes: `accept` (probes,), the result (cells,).
    """
    widest: dict[Region, float] = {}
    for probe, bound in zip(group.probes.items, accept.tolist(), strict=True):
        widest[probe.region] = max(bound, widest.get(probe.region, 0.0))
    hidden = np.full(len(group.cells), np.inf)
    for region, bound in widest.items():
        inside = slice(None) if region.cells is None else region.cells
        hidden[inside] = np.minimum(hidden[inside], bound)
    return hidden


def _typical(holding: Holding, number: int) -> float:
    """The root mean square of the elements of a slot's gradient, as far as its terms along probes tell."""
    group, slot = holding.group, holding.slots[number]
    moved = sum(
        len(probe.weights) for probe, shown in zip(group.probes.items, slot.shows, strict=True) if shown
    )
    array = group.slots[number].array
    repeated = array.size / max(1, int(np.count_nonzero(group.cells.shown_by(array))))
    norm = math.hypot(*holding.norms[number].tolist())
    return norm / math.sqrt(MEAN_SQUARE_WEIGHT * repeated * moved) if moved else 0.0


def describe_coverage(groups: Sequence[tuple[Group, Coverage]], seed: int) -> list[str]:
    """What was not looked at cell by cell, in words; groups that were measured together in one sentence."""
    alone = [(group, coverage) for group, coverage in groups if not (coverage.exact or coverage.jointly)]
    together = [(group, coverage) for group, coverage in groups if coverage.jointly]
    notes = []
    for group, coverage in alone:
        names = ", ".join(slot.name for slot in group.slots)
        notes.append(f"{names}: {_cells(coverage.cells)} measured {_directions(coverage, seed)}")
    if together:
        cells = sum(coverage.cells for _, coverage in together)
        known = [coverage.smallest_fault for _, coverage in together if coverage.smallest_fault is not None]
        like = Coverage(False, cells, together[0][1].directions, smallest_fault=max(known, default=None))
        some = _many(len(together), "parameter")
        share = "shares" if len(together) == 1 else "share"
        how = f"measured together {_directions(like, seed)}"
        notes.append(f"{some} that {share} no memory: {_cells(cells)} {how}")
    silent = [slot.name for group, coverage in groups if _is_blind(coverage) for slot in group.slots]
    if silent:
        got = "got nothing" if len(silent) == 1 else "got nothing, each"
        notes.append(f"{', '.join(silent)} {got}: only a derivative beyond its bound would have been seen")
    return notes


def _is_blind(coverage: Coverage) -> bool:
    return not coverage.exact and coverage.smallest_fault is None


def _cells(count: int) -> str:
    return f"{count:,} cells"


def _many(count: int, noun: str) -> str:
    return f"one {noun}" if count == 1 else f"{count} {noun}s"


def _directions(coverage: Coverage, seed: int) -> str:
    finer = f" and within {_many(coverage.finer, 'part')} of it" if coverage.finer else ""
    directions = _many(coverage.directions, "random direction")
    text = f"along {directions}{finer} (seed {seed}), not one by one"
    if coverage.smallest_fault is None or not math.isfinite(coverage.smallest_fault):
        return text
    return f"{text}; an element off by {coverage.smallest_fault:.1g} of a typical one would have been seen"
