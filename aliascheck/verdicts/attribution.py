"""The attribution matrix: whose contribution each slot holds, and how often.

Entries are whole numbers, `PART` (exact at some of the slot's cells, absent at the others), `WRONG`
(explained by no attribution), or None (the access has no derivative at any point that was looked at).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Data
from aliascheck.verdicts.evidence import Evidence, Mask, Point, Vector
from aliascheck.verdicts.regression import Fit, explain_by_numbers, touches

PART = "part"
WRONG = "w"

Entry = int | str | None


class Pair(Data, frozen=True, eq=False):
    """How one slot holds one access.

    `counts` (m,) is how often the contribution stands at each probe; `scaled` the factor of a value that
    is wrong by a factor only.
    """

    entry: Entry
    counts: NDArray[np.int_]
    scaled: float | None = None


class Attribution(Data, frozen=True, eq=False):
    """The matrix of one group, with what it was read from.

    `effects`, `bounds`, `held` are those of the point that each column was taken from; `live` (A, m) marks
    where an access has a derivative; `moved` the accesses that were judged at the jittered point.
    `ambiguous` lists, for slots whose numbers fit several attributions, those attributions. `unread` are the
    slots that hold something although no access shows their cells. `by_numbers` tells that gates could not.
    """

    pairs: dict[tuple[int, int], Pair]
    effects: NDArray[np.float64]
    bounds: NDArray[np.float64]
    held: NDArray[np.float64]
    live: NDArray[np.bool_]
    moved: frozenset[int]
    residual: float
    conserved: bool
    unlisted: Vector
    lacks_unlisted: bool
    law_broken: bool
    ambiguous: dict[int, tuple[tuple[int, ...], ...]]
    unread: frozenset[int] = frozenset()
    by_numbers: bool = False

    def entry(self, slot: int, access: int) -> Entry:
        """C[slot, access]; 0 where the slot left the matrix."""
        pair = self.pairs.get((slot, access))
        return 0 if pair is None else pair.entry


def attribute(evidence: Evidence) -> Attribution:
    """Read the attribution matrix out of the evidence.

    Source: the decision table of the attribution matrix (contributions are compared in memory).
    """
    judged = [i for i, slot in enumerate(evidence.slots) if slot.problem is None]
    effects, bounds, held, moved = _columns(evidence)
    live = np.abs(effects) > bounds
    ambiguous: dict[int, tuple[tuple[int, ...], ...]] = {}
    unlisted, lacks, broken = _unlisted(evidence, judged)
    unexplained: dict[int, int | None] = {}
    by_numbers = bool(evidence.gates_failed) or _rest_is_unexplained(evidence, unlisted)
    if by_numbers:
        held, ambiguous, unexplained = _by_numbers(evidence, judged, effects, moved)
    pairs = {
        (i, a): classify(
            held[i, a],
            effects[a],
            bounds[a] + evidence.slack,
            live[a],
            evidence.slots[i].shows,
            evidence.accesses[a].sharers,
        )
        for i in judged
        for a in range(len(evidence.accesses))
    }
    for i, charged in unexplained.items():
        if charged is not None and pairs[i, charged].entry != WRONG:
            pairs[i, charged] = Pair(WRONG, evidence.slots[i].shows.astype(int))
    unread = frozenset(i for i, charged in unexplained.items() if charged is None)
    _undefine_silent_columns(evidence, pairs, live)
    gap = _gap(evidence, held, effects, judged)
    close = np.all(np.abs(gap) <= _sum_bound(bounds, held, evidence.slack))
    return Attribution(
        pairs=pairs,
        effects=effects,
        bounds=bounds,
        held=held,
        live=live,
        moved=moved,
        residual=float(np.abs(gap if not lacks else np.vstack([gap, unlisted])).max(initial=0.0)),
        conserved=bool(close) and not (lacks or broken or unread) and len(judged) == len(evidence.slots),
        unlisted=unlisted,
        lacks_unlisted=lacks,
        law_broken=broken,
        ambiguous=ambiguous,
        unread=unread,
        by_numbers=by_numbers,
    )


def _columns(evidence: Evidence) -> tuple[Any, Any, Any, frozenset[int]]:
    """Each access's column from the given point, or from the jittered one where it is zero there."""
    given, jittered, covered = evidence.given, evidence.jittered, evidence.covered
    effects, bounds, held = given.effects.copy(), given.bounds.copy(), given.held.copy()
    moved = set()
    for a in range(len(evidence.accesses)):
        silent = not np.any((np.abs(effects[a]) > bounds[a]) & covered)
        unreported = not np.any(np.abs(held[:, a]) > bounds[a] + evidence.slack)
        if silent and unreported and jittered is not None:
            effects[a], bounds[a], held[:, a] = jittered.effects[a], jittered.bounds[a], jittered.held[:, a]
            if np.any((np.abs(effects[a]) > bounds[a]) & covered):
                moved.add(a)
    return effects, bounds, held, frozenset(moved)


def classify(held: Vector, effect: Vector, bound: Vector, live: Mask, shows: Mask, sharers: int) -> Pair:
    """How a slot that holds `held` holds an access whose contribution is `effect`.

    Shapes: all (m,). Outside the slot's own cells a structural value may hold more; what is there must
    be the same multiple, or nothing.
    """
    none = np.zeros(held.shape, int)
    on = live & shows
    if not np.isfinite(held).all():
        return Pair(WRONG, shows.astype(int))
    if not held.any() or (not on.any() and np.all(np.abs(held) <= bound)):
        return Pair(0, none)
    if not on.any():
        within = np.all((np.abs(held - effect) <= bound) | ~shows)  # between one-sided derivatives
        return Pair(1 if within else WRONG, shows.astype(int))
    ratio = _median(held[on] / effect[on])
    fits = np.all((np.abs(held - effect) <= bound) | ~shows)  # at a kink, whatever their ratio
    k = 1 if fits else round(ratio)
    outside = np.all((np.abs(held) <= bound) | (np.abs(held - max(k, 1) * effect) <= bound) | shows)
    if k >= 1 and outside and np.all((np.abs(held - k * effect) <= k * bound) | ~shows):
        if k <= max(1, sharers):
            return Pair(k, k * (shows | (held != 0)).astype(int))
        return Pair(WRONG, shows.astype(int), scaled=float(k))
    once = np.abs(held - effect) <= bound
    never = np.abs(held) <= bound
    if outside and np.all(once | never | ~shows) and np.any(once & on) and np.any(never & on):
        return Pair(PART, (once & live).astype(int))
    constant = np.all((np.abs(held - ratio * effect) <= max(abs(ratio), 1.0) * bound) | ~shows)
    return Pair(WRONG, shows.astype(int), scaled=ratio if constant else None)


def _median(values: Vector) -> float:
    """As `np.median`, which loads NumPy's masked arrays: longer than most audits take."""
    ordered, middle = np.sort(values), values.size // 2
    return float((ordered[middle] + ordered[~middle]) / 2)


def _undefine_silent_columns(
    evidence: Evidence, pairs: dict[tuple[int, int], Pair], live: NDArray[np.bool_]
) -> None:
    """Columns without a derivative at any point are undefined, unless something is held there."""
    for a in range(len(evidence.accesses)):
        if not np.any(live[a] & evidence.covered):
            for key, pair in pairs.items():
                if key[1] == a and pair.entry == 0:
                    pairs[key] = Pair(None, pair.counts)


def _by_numbers(
    evidence: Evidence, judged: list[int], effects: NDArray[np.float64], moved: frozenset[int]
) -> tuple[NDArray[np.float64], dict[int, tuple[tuple[int, ...], ...]], dict[int, int | None]]:
    """Contributions that the numbers alone are explained by, where gates cannot tell.

    A gradient that nothing explains, at one of the points at least, is laid to the charge of an access:
    the last result. It is None for a slot whose cells no access shows.
    """
    held = np.zeros((len(evidence.slots), *effects.shape))
    ambiguous = {}
    unexplained = {}
    for i in judged:
        fit: Fit = explain_by_numbers(evidence, i)
        if fit.counts is None:
            charged = unexplained[i] = _charged(evidence, i)
            if charged is not None:
                nearby = evidence.jittered if charged in moved else None
                held[i, charged] = (nearby or evidence.given).gradient[i]
            continue
        for a, k in enumerate(fit.counts):
            held[i, a] = k * effects[a] * evidence.slots[i].shows
        if len(fit.alternatives) > 1:
            ambiguous[i] = fit.alternatives
    return held, ambiguous, unexplained


def _charged(evidence: Evidence, slot: int) -> int | None:
    """The access that a gradient without explanation is laid to: the slot's own, else one at its cells."""
    accesses = range(len(evidence.accesses))
    owned = [a for a in accesses if evidence.accesses[a].owner == slot]
    return next(iter((*owned, *(a for a in accesses if touches(evidence, slot, a)))), None)


def _gap(
    evidence: Evidence, held: NDArray[np.float64], effects: NDArray[np.float64], judged: list[int]
) -> NDArray[np.float64]:
    """How far the contributions of all slots are from each access's own, on the covered probes."""
    together = held[judged].sum(axis=0) if judged else np.zeros_like(effects)
    return np.asarray((together - effects) * evidence.covered)


def _sum_bound(bounds: NDArray[np.float64], held: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    return np.asarray(bounds * np.maximum(1, np.count_nonzero(held, axis=0)) + slack)


def _rest_is_unexplained(evidence: Evidence, unlisted: Vector) -> bool:
    """Whether something is reported with all gates closed that no unlisted reader accounts for."""
    rest = evidence.given.rest
    if not rest.any():
        return False
    bound = evidence.given.total_bound + evidence.given.bounds.sum(axis=0) + evidence.slack
    return bool(np.any((np.abs(rest.sum(axis=0) - unlisted) > bound) & evidence.covered))


def _unlisted(evidence: Evidence, judged: list[int]) -> tuple[Vector, bool, bool]:
    """What reads the memory and is not listed: U = total - sum of paths, where it exceeds its bound.

    Returns it, whether just that is missing from what was reported, and whether nothing explains it.
    """
    point: Point = evidence.given
    covered = evidence.covered
    paths = point.effects.sum(axis=0)
    bound = point.total_bound + point.bounds.sum(axis=0) + evidence.slack
    rest = np.where(covered & (np.abs(point.total - paths) > bound), point.total - paths, 0.0)
    if not rest.any():
        return rest, False, False
    reported = point.gradient[judged].sum(axis=0)
    lacks = bool(np.all((np.abs(reported - paths) <= bound) | ~covered))
    whole = bool(np.all((np.abs(reported - point.total) <= bound) | ~covered))
    return rest, lacks, not lacks and not whole
