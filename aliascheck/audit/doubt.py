"""A closer look at small disagreements, before they are called faults.

A weak kink a little way off, or a bound that tells nothing, is no fault of an engine. Whoever disagrees
with a finite difference has it measured again from closer by; what is very faint has to be met again at a
point nearby as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from aliascheck.audit.bench import Bench
from aliascheck.audit.sighting import Sighting
from aliascheck.audit.truths import MeasuredGroup, asking
from aliascheck.memory import Data, replace
from aliascheck.oracle import FAINT, ROUNDING, AccessView, Confirmation, Measured, Oracle, Verdict, confirm
from aliascheck.verdicts.attribution import WRONG, Attribution

MOST = 8  # probes of one disagreement that are looked at again
MODEST = 1e-3  # relative: what disagrees by more is no matter of a kink nearby


class Doubt(Data, frozen=True):
    """Where a measured derivative (column None: the total) is contradicted, and by what."""

    column: int | None
    probe: int
    claimed: float
    rounding: float

    def of(self, measured: MeasuredGroup) -> Measured:
        """The measurement that is in doubt."""
        return measured.truth.total if self.column is None else measured.effects[self.column]


def reconsider(
    bench: Bench, sighting: Sighting, attribution: Attribution, is_met_again: Callable[[int, int], bool]
) -> MeasuredGroup | None:
    """What was measured of a group, less sure where a closer look sides with who contradicts it.

    None where everything stands. `is_met_again(slot, access)` tells whether a pair is wrong at a point
    nearby as well.
    """
    measured = sighting.measured
    for doubts, pair in _disputes(sighting, attribution):
        with asking(bench) as oracle:
            answers = [(doubt, _look_again(oracle, sighting, doubt)) for doubt in doubts]
        verdicts = {answer.verdict for _, answer in answers}
        if pair is None:
            if Verdict.FAILS in verdicts:
                continue
        elif Verdict.FAILS in verdicts and not all(_is_faint(doubt, measured) for doubt in doubts):
            continue
        elif verdicts & {Verdict.FAILS, Verdict.SUSPECT}:
            if _is_seen_twice(sighting, answers) or is_met_again(*pair):
                continue
            answers = [(doubt, _as_suspect(answer)) for doubt, answer in answers]
        for doubt, answer in answers:
            measured = _less_sure(measured, doubt, answer)
    return None if measured is sighting.measured else measured


def _disputes(
    sighting: Sighting, attribution: Attribution
) -> Iterator[tuple[list[Doubt], tuple[int, int] | None]]:
    """The modest disagreements: of what slots hold with paths, and of the paths' sum with the total."""
    columns = sighting.measured.columns
    for (i, a), pair in attribution.pairs.items():
        if pair.entry == WRONG and a not in attribution.moved and not columns[a].is_apart:
            effect, held = attribution.effects[a], attribution.held[i, a]
            off = np.abs(held - effect) > attribution.bounds[a]
            if _is_modest(held[off], effect[off]):
                worst = _worst(off, np.abs(held - effect) / np.maximum(attribution.bounds[a], 1e-300))
                rounding = sighting.holding.rounding
                yield [Doubt(a, p, float(held[p]), float(rounding[p])) for p in worst], (i, a)
    if attribution.unlisted.any():
        yield from _law_disputes(sighting, attribution)


def _law_disputes(
    sighting: Sighting, attribution: Attribution
) -> Iterator[tuple[list[Doubt], tuple[int, int] | None]]:
    """Each of the total and the paths, contradicted by what the others amount to."""
    measured = sighting.measured
    total, effects = measured.truth.total, measured.effects
    off = attribution.unlisted != 0
    paths = sum((effect.values for effect in effects), np.zeros_like(total.values))
    if not _is_modest(total.values[off], paths[off]):
        return
    slack = sum((effect.accept for effect in effects), total.accept)
    worst = _worst(off, np.abs(total.values - paths) / np.maximum(slack, 1e-300))
    yield [Doubt(None, p, float(paths[p]), float(slack[p])) for p in worst], None
    for a, effect in enumerate(effects):
        rest = total.values - (paths - effect.values)
        if not measured.columns[a].is_apart:
            yield [Doubt(a, p, float(rest[p]), float(slack[p])) for p in worst], None


def _is_modest(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.all(np.abs(one - other) <= MODEST * np.maximum(np.abs(one), np.abs(other))))


def _worst(off: np.ndarray, how_far: np.ndarray) -> list[int]:
    probes = np.flatnonzero(off)
    return [int(p) for p in probes[np.argsort(-how_far[probes])][:MOST]]


def _look_again(oracle: Oracle, sighting: Sighting, doubt: Doubt) -> Confirmation:
    group = sighting.group
    probe, scale = group.probes.items[doubt.probe], group.block.scale
    direction = probe.direction(group.block.size)
    if doubt.column is None:
        line = oracle.moving_memory([(group.block, direction, scale)])
    else:
        plan = sighting.measured.columns[doubt.column].plan
        access = AccessView(plan.path, plan.array)
        line = oracle.moving_access(access, group.cells.show(direction, plan.array), scale)
    with line as phi:
        return confirm(
            phi,
            oracle.base,
            oracle.noise,
            oracle.slope(phi),
            doubt.claimed * scale,
            (doubt.rounding + ROUNDING * abs(doubt.claimed)) * scale,
        )


def _is_faint(doubt: Doubt, measured: MeasuredGroup) -> bool:
    apart = abs(doubt.claimed - doubt.of(measured).values[doubt.probe])
    return bool(apart <= FAINT * abs(doubt.claimed))


def _is_seen_twice(sighting: Sighting, answers: Sequence[tuple[Doubt, Confirmation]]) -> bool:
    """Whether several random directions show the same fault, and no kink explains one of them.

    A weak kink lies at another distance along each, and seldom where it deceives at all.
    """
    unexplained = all(answer.verdict in (Verdict.FAILS, Verdict.SUSPECT) for _, answer in answers)
    return not sighting.group.probes.exact and len(answers) > 1 and unexplained


def _as_suspect(answer: Confirmation) -> Confirmation:
    """A failure that was not met again nearby is none; what was explained stays explained."""
    return replace(answer, verdict=Verdict.SUSPECT) if answer.verdict is Verdict.FAILS else answer


def _less_sure(measured: MeasuredGroup, doubt: Doubt, answer: Confirmation) -> MeasuredGroup:
    """What was measured, admitting what contradicts it at one probe: a kink nearby, or not decided."""
    old = doubt.of(measured)
    accept, kinks, undecided = old.accept.copy(), old.kinks.copy(), old.undecided.copy()
    if answer.verdict in (Verdict.NEAR_KINK, Verdict.AGREES):
        apart = abs(doubt.claimed - old.values[doubt.probe])
        accept[doubt.probe] = max(accept[doubt.probe], apart * (1 + 1e-9))
        kinks[doubt.probe] = True
    elif answer.verdict is Verdict.SUSPECT:
        accept[doubt.probe], undecided[doubt.probe] = np.inf, True
    else:
        return measured
    new = replace(old, accept=accept, kinks=kinks, undecided=undecided)
    if doubt.column is None:
        return replace(measured, truth=replace(measured.truth, total=new))
    effects = tuple(new if a == doubt.column else effect for a, effect in enumerate(measured.effects))
    return replace(measured, effects=effects)
