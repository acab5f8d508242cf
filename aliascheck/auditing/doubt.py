"""A closer look at disagreements, before they are called faults.

A weak kink a little way off, or a bound that tells nothing, is no fault of an engine. Whoever disagrees
with a finite difference has it measured again from closer by; what is very faint has to be met again at a
point nearby as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.sighting import Sighting
from aliascheck.auditing.truths import MeasuredGroup, asking
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


class Dispute(Data, frozen=True):
    """A disagreement: its doubts, the worst first, and the pair of slot and access that it is about.

    None is the law that paths add up to the total. A `modest` one may be an effect of a kink nearby; what is
    not may still be one of a term that is hidden in the noise at every step but the longest.
    """

    doubts: list[Doubt]
    pair: tuple[int, int] | None
    modest: bool


def reconsider(
    bench: Bench, sighting: Sighting, attribution: Attribution, is_met_again: Callable[[int, int], bool]
) -> MeasuredGroup | None:
    """What was measured of a group, less sure where a closer look sides with who contradicts it.

    None where everything stands. `is_met_again(slot, access)` tells whether a pair is wrong at a point
    nearby as well.
    """
    measured = sighting.measured
    for dispute in _disputes(sighting, attribution):
        answers = _answers(bench, sighting, dispute)
        if _stands(sighting, dispute, answers, is_met_again):
            continue
        for doubt, answer in zip(dispute.doubts, [*answers, *([None] * len(dispute.doubts))], strict=False):
            measured = _less_sure(measured, doubt, Verdict.SUSPECT if answer is None else answer.verdict)
    return None if measured is sighting.measured else measured


def _answers(bench: Bench, sighting: Sighting, dispute: Dispute) -> list[Confirmation]:
    """What a closer look says of the worst doubts, up to one that is beyond doubt."""
    answers: list[Confirmation] = []
    with asking(bench) as oracle:
        for doubt in dispute.doubts[:MOST]:
            answers.append(_look_again(oracle, sighting, doubt))
            if answers[-1].verdict is Verdict.FAILS and not _is_faint(doubt, sighting.measured):
                break
    return answers


def _stands(
    sighting: Sighting,
    dispute: Dispute,
    answers: Sequence[Confirmation],
    is_met_again: Callable[[int, int], bool],
) -> bool:
    """Whether a disagreement is a fault."""
    verdicts = {answer.verdict for answer in answers}
    if Verdict.FAILS in verdicts and (
        dispute.pair is None or not _is_faint(dispute.doubts[len(answers) - 1], sighting.measured)
    ):
        return True
    if dispute.pair is None or not dispute.modest or not verdicts & {Verdict.FAILS, Verdict.SUSPECT}:
        return False
    return _is_seen_twice(sighting, answers) or is_met_again(*dispute.pair)


def _disputes(sighting: Sighting, attribution: Attribution) -> Iterator[Dispute]:
    """The disagreements: of what slots hold with paths, and of the paths' sum with the total."""
    columns = sighting.measured.columns
    for (i, a), pair in attribution.pairs.items():
        if pair.entry == WRONG and a not in attribution.moved and not columns[a].is_apart:
            effect, held, rounding = attribution.effects[a], attribution.held[i, a], sighting.holding.rounding
            off = np.abs(held - effect) > attribution.bounds[a]
            worst = _worst(off, np.abs(held - effect) / np.maximum(attribution.bounds[a], 1e-300))
            doubts = [Doubt(a, p, float(held[p]), float(rounding[p])) for p in worst]
            yield Dispute(doubts, (i, a), _is_modest(held[off], effect[off]))
    if attribution.unlisted.any():
        yield from _law_disputes(sighting, attribution)


def _law_disputes(sighting: Sighting, attribution: Attribution) -> Iterator[Dispute]:
    """Each of the total and the paths, contradicted by what the others amount to."""
    measured = sighting.measured
    total, effects = measured.truth.total, measured.effects
    off = attribution.unlisted != 0
    paths = sum((effect.values for effect in effects), np.zeros_like(total.values))
    modest = _is_modest(total.values[off], paths[off])
    slack = sum((effect.accept for effect in effects), total.accept)
    worst = _worst(off, np.abs(total.values - paths) / np.maximum(slack, 1e-300))
    yield Dispute([Doubt(None, p, float(paths[p]), float(slack[p])) for p in worst], None, modest)
    for a, effect in enumerate(effects):
        rest = total.values - (paths - effect.values)
        if not measured.columns[a].is_apart:
            yield Dispute([Doubt(a, p, float(rest[p]), float(slack[p])) for p in worst], None, modest)


def _is_modest(one: np.ndarray, other: np.ndarray) -> bool:
    apart = np.abs(one - other)
    return bool(np.all(apart <= MODEST * np.maximum(np.abs(one), np.abs(other))))


def _worst(off: np.ndarray, how_far: np.ndarray) -> list[int]:
    probes = np.flatnonzero(off)
    return [int(p) for p in probes[np.argsort(-how_far[probes])]]


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


def _is_seen_twice(sighting: Sighting, answers: Sequence[Confirmation]) -> bool:
    """Whether several random directions show the same fault, and no kink explains one of them.

    A weak kink lies at another distance along each, and seldom where it deceives at all.
    """
    unexplained = all(
        answer.verdict in (Verdict.FAILS, Verdict.SUSPECT) and answer.steady for answer in answers
    )
    return not sighting.group.probes.exact and len(answers) > 1 and unexplained


def _less_sure(measured: MeasuredGroup, doubt: Doubt, verdict: Verdict) -> MeasuredGroup:
    """What was measured, admitting what contradicts it at one probe: a kink nearby, or not decided."""
    old = doubt.of(measured)
    accept, kinks, undecided = old.accept.copy(), old.kinks.copy(), old.undecided.copy()
    if verdict in (Verdict.NEAR_KINK, Verdict.AGREES):
        apart = abs(doubt.claimed - old.values[doubt.probe])
        accept[doubt.probe] = max(accept[doubt.probe], apart * (1 + 1e-9))
        kinks[doubt.probe] = True
    else:
        accept[doubt.probe], undecided[doubt.probe] = np.inf, True
    new = replace(old, accept=accept, kinks=kinks, undecided=undecided)
    if doubt.column is None:
        return replace(measured, truth=replace(measured.truth, total=new))
    effects = tuple(new if a == doubt.column else effect for a, effect in enumerate(measured.effects))
    return replace(measured, effects=effects)
