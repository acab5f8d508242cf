"""What was looked at in a group, and what could have been missed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aliascheck.audit.groups import Group
from aliascheck.audit.slots import Holding
from aliascheck.audit.truths import MeasuredGroup
from aliascheck.memory import Data
from aliascheck.oracle import smallest_fault_seen

MEAN_SQUARE_WEIGHT = 13.0 / 12.0


class Coverage(Data, frozen=True):
    """How a group was looked at: cell by cell, or along random directions of all its cells.

    `finer` counts the rows and other regions that were looked at by themselves as well, `jointly` tells
    that the directions led through other groups at the same time. `smallest_fault` is the smallest error
    of a single element, relative to the root mean square of the gradient's elements, that would have been
    seen wherever it is; None where there is nothing to be relative to.
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
    """By the widest bound in which a fault of one element could hide along any direction.

    That of a complex step is narrower, and does not count: what only that sees is not called a fault.
    """
    group = holding.group
    if group.probes.exact:
        return None
    accept = np.max([one.accept for one in measured.everything()], axis=0)
    squares = 0.0
    for number, probe in enumerate(group.probes.items):
        terms = float(np.square(holding.norms[:, number]).sum())
        squares = max(squares, terms / (MEAN_SQUARE_WEIGHT * len(probe.weights)))
    if not squares > 0.0:
        return None
    return smallest_fault_seen(float(accept.max()), 1.0, math.sqrt(squares))


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
        worst = max(coverage.smallest_fault or 0.0 for _, coverage in together)
        some = _parameters(len(together))
        like = Coverage(False, cells, together[0][1].directions, smallest_fault=worst or None)
        notes.append(
            f"{some} that share no memory: {_cells(cells)} measured together {_directions(like, seed)}"
        )
    return notes


def _cells(count: int) -> str:
    return f"{count:,} cells"


def _parameters(count: int) -> str:
    return "one parameter" if count == 1 else f"{count} parameters"


def _directions(coverage: Coverage, seed: int) -> str:
    finer = f" and {coverage.finer} parts of them" if coverage.finer else ""
    text = f"along {coverage.directions} random directions{finer} (seed {seed}), not one by one"
    if coverage.smallest_fault is None:
        return text
    return f"{text}; an element off by {coverage.smallest_fault:.1g} of a typical one would have been seen"
