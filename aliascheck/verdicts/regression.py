"""Attribution by numbers alone, where gates cannot tell contributions apart.

Every combination of whole counts that reproduces a slot's gradient at all points looked at is a
candidate. One that holds just the slot's own accesses is preferred, then those of single counts; what
stays ambiguous is said to be so, never guessed.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from aliascheck.memory import Data
from aliascheck.verdicts.evidence import Evidence

MOST_CANDIDATES = 20_000


class Fit(Data, frozen=True):
    """`counts[a]` for each access, or None where nothing fits; all attributions that fit equally well."""

    counts: tuple[int, ...] | None
    alternatives: tuple[tuple[int, ...], ...] = ()


def explain_by_numbers(evidence: Evidence, slot: int) -> Fit:
    """The attributions that explain a slot's gradient at the given and the jittered point."""
    touching = [a for a in range(len(evidence.accesses)) if touches(evidence, slot, a)]
    highest = max((evidence.accesses[a].sharers for a in touching), default=1)
    while (highest + 1) ** len(touching) > MOST_CANDIDATES and highest > 1:
        highest -= 1
    if (highest + 1) ** len(touching) > MOST_CANDIDATES:
        return Fit(None)
    fitting = []
    for counts in product(range(highest + 1), repeat=len(touching)):
        full = [0] * len(evidence.accesses)
        for a, k in zip(touching, counts, strict=True):
            full[a] = k
        if _fits(evidence, slot, tuple(full)):
            fitting.append(tuple(full))
    if not fitting:
        return Fit(None)
    own = tuple(int(access.owner == slot and a in touching) for a, access in enumerate(evidence.accesses))
    if own in fitting:
        return Fit(own, (own,))
    single = [counts for counts in fitting if max(counts, default=0) <= 1]
    best = single or fitting
    return Fit(best[0], tuple(best))


def touches(evidence: Evidence, slot: int, access: int) -> bool:
    """Whether an access has a derivative at the cells of a slot, at one of the points."""
    points = [point for point in (evidence.given, evidence.jittered) if point is not None]
    heard = [np.abs(point.effects[access]) > point.bounds[access] for point in points]
    return bool(np.any(np.logical_or.reduce(heard) & evidence.slots[slot].shows))


def _fits(evidence: Evidence, slot: int, counts: tuple[int, ...]) -> bool:
    shows = evidence.slots[slot].shows
    for point in (evidence.given, evidence.jittered):
        if point is None:
            continue
        expected = np.tensordot(np.asarray(counts, float), point.effects, 1)
        bound = np.tensordot(np.asarray(counts, float), point.bounds, 1) + point.bounds.max(axis=0, initial=0)
        if np.any((np.abs(point.gradient[slot] - expected) > bound + evidence.slack) & shows):
            return False
    return True
