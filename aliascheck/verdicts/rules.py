"""The rows of the decision table: what each finding demands of the evidence.

A rule looks at one bench (a group, who owns what under the contract, which slots are in question) and
yields hits. Rules run in the order of the table, and a pair that one of them settled is left alone by
those after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from aliascheck.memory import Data
from aliascheck.verdicts.attribution import WRONG, Attribution
from aliascheck.verdicts.evidence import Evidence, Mask, Spot
from aliascheck.verdicts.where import find_fault


class Hit(Data, frozen=True):
    """A condition that holds at a slot (None: at the group), about some accesses."""

    slot: int | None
    accesses: tuple[int, ...] = ()
    other: int | None = None
    share: float | None = None
    where: str | None = None
    spot: Spot | None = None
    cause: str | None = None
    counts: int = 1
    unlisted: bool = False


@dataclass
class Bench:
    """One group on trial under one contract.

    `owners[a]` is the slot that owns access a, `asked` the slots in question; `confined` limits losses to
    what the owner shows (contract `owner`).
    """

    evidence: Evidence
    attribution: Attribution
    owners: tuple[int | None, ...]
    asked: tuple[int, ...]
    confined: bool = False
    settled: set[tuple[int, int]] = field(default_factory=set)
    reported: set[int] = field(default_factory=set)

    @cached_property
    def judged(self) -> list[int]:
        """The slots in question whose gradients can be compared."""
        return [i for i in self.asked if self.evidence.slots[i].problem is None]

    @property
    def accesses(self) -> list[int]:
        """The accesses that can be judged: not those of an owner without a comparable gradient."""
        slots = self.evidence.slots
        return [a for a, owner in enumerate(self.owners) if owner is None or slots[owner].problem is None]

    def shows(self, slot: int) -> Mask:
        return self.evidence.slots[slot].shows

    def live(self, access: int) -> Mask:
        """Where the access has a derivative, on the cells that the contract makes somebody's duty."""
        live: Mask = self.attribution.live[access] & self.scope
        owner = self.owners[access]
        return live & self.shows(owner) if self.confined and owner is not None else live

    @cached_property
    def scope(self) -> Mask:
        """The probes that the slots in question show."""
        return np.asarray(np.logical_or.reduce([self.shows(i) for i in self.asked]), bool)

    def count(self, access: int) -> np.ndarray:
        """How often the contribution of an access stands at each probe, over the slots in question."""
        counts = np.zeros(self.scope.shape, int)
        for i in self.judged:
            counts += self.attribution.pairs[i, access].counts
        return counts

    def holders_in_order(self, access: int) -> list[int]:
        """The judged slots, the access's owner first."""
        owner = self.owners[access]
        first = [i for i in self.judged if i == owner]
        return [*first, *(i for i in self.judged if i != owner)]

    @cached_property
    def everyone(self) -> list[int]:
        """All slots of the group whose gradients can be compared, in question or not."""
        return [i for i, slot in enumerate(self.evidence.slots) if slot.problem is None]

    def holds(self, slot: int, access: int) -> bool:
        """Whether anything of the access is in the slot."""
        return self.attribution.entry(slot, access) not in (0, None)

    def row_is_empty(self, slot: int) -> bool:
        return not any(self.holds(slot, a) for a in range(len(self.owners)))


Rule = Callable[[Bench], Iterator[Hit]]


def has_another_shape(bench: Bench) -> Iterator[Hit]:
    """The gradient's shape is not the slot's."""
    yield from _problems(bench, "shape")


def is_not_finite(bench: Bench) -> Iterator[Hit]:
    """Not-a-number or infinity, the loss being finite."""
    yield from _problems(bench, "nonfinite")


def _problems(bench: Bench, problem: str) -> Iterator[Hit]:
    for i in bench.asked:
        slot = bench.evidence.slots[i]
        if slot.problem == problem:
            yield Hit(i, where=slot.problem_text)


def is_structural(bench: Bench) -> Iterator[Hit]:
    """A structural value where the slot is an array."""
    for i in bench.asked:
        if bench.evidence.slots[i].structural:
            yield Hit(i)


def holds_what_nothing_explains(bench: Bench) -> Iterator[Hit]:
    """An entry of the matrix is `w`, or something is held of memory that the loss does not read."""
    attribution = bench.attribution
    for i in bench.judged:
        if i in attribution.unread:
            yield Hit(i, where="the loss does not read it")
        for a in range(len(bench.owners)):
            pair = attribution.pairs[i, a]
            if pair.entry == WRONG:
                bench.settled.add((i, a))
                spot = bench.evidence.located.get((i, a)) or find_fault(
                    bench.evidence.slots[i],
                    attribution.held[i, a],
                    attribution.effects[a],
                    attribution.bounds[a] + bench.evidence.slack,
                    pair.scaled,
                )
                yield Hit(i, (a,), where=_text(spot), spot=spot)


def _text(spot: Spot | None) -> str | None:
    return None if spot is None else spot.text


def owns_a_path_but_got_nothing(bench: Bench) -> Iterator[Hit]:
    """The row is all zero, and an access that the slot owns has a derivative at its cells."""
    for i, owned in _with_nothing_of(bench):
        if not _are_stopped(bench, owned):
            bench.reported.add(i)
            elsewhere = {j for a in owned for j in bench.everyone if bench.holds(j, a)}
            yield Hit(i, owned, other=min(elsewhere, default=None))


def all_that_it_owns_is_stopped(bench: Bench) -> Iterator[Hit]:
    """The row is all zero, and every access that the slot owns has its derivative through stops alone."""
    for i, owned in _with_nothing_of(bench):
        if _are_stopped(bench, owned):
            bench.reported.add(i)
            yield Hit(i, owned, cause="stopped")


def _with_nothing_of(bench: Bench) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The slots whose row is all zero, with what they own that has a derivative at their cells."""
    for i in bench.judged:
        owned = tuple(
            a for a in bench.accesses if bench.owners[a] == i and np.any(bench.live(a) & bench.shows(i))
        )
        if owned and bench.row_is_empty(i):
            yield i, owned


def _are_stopped(bench: Bench, owned: tuple[int, ...]) -> bool:
    return all(bench.evidence.accesses[a].stopped for a in owned)


def a_contribution_is_lost(bench: Bench) -> Iterator[Hit]:
    """Cells at which the contribution of an access stands in no slot; each lost cell is named once."""
    for a in bench.accesses:
        lost = bench.live(a) & (bench.count(a) == 0)
        for i in bench.holders_in_order(a):
            here = lost & bench.shows(i)
            if not here.any():
                continue
            lost &= ~bench.shows(i)
            if i not in bench.reported:
                elsewhere = next((j for j in bench.everyone if j != i and bench.holds(j, a)), None)
                share, cause = _share(bench, a, i, here), _cause(bench, a, i, elsewhere)
                spot = bench.evidence.located.get((i, a))
                yield Hit(i, (a,), elsewhere, share, where=_text(spot), spot=spot, cause=cause)


def an_unlisted_reader_is_lost(bench: Bench) -> Iterator[Hit]:
    """The total derivative exceeds all paths, and just that is missing from what was reported."""
    lost = np.where(bench.scope & bench.attribution.lacks_unlisted, bench.attribution.unlisted != 0, False)
    for i in bench.judged:
        if np.any(lost & bench.shows(i)):
            lost &= ~bench.shows(i)
            yield Hit(i, cause="unlisted", unlisted=True)


def _share(bench: Bench, access: int, slot: int, lost: Mask) -> float:
    magnitude = np.abs(bench.attribution.effects)
    whole = magnitude[:, bench.shows(slot)].sum()
    return float(magnitude[access, lost].sum() / whole) if whole else 1.0


def _cause(bench: Bench, access: int, slot: int, elsewhere: int | None) -> str:
    if elsewhere is not None:
        return "held elsewhere"
    if bench.holds(slot, access):
        return "dropped"
    if bench.evidence.accesses[access].stopped:
        return "stopped"
    if bench.evidence.accesses[access].owner is not None:
        return "not credited"
    return "captured alias" if bench.evidence.accesses[access].captured else "alias not in the set"


def holds_a_contribution_several_times(bench: Bench) -> Iterator[Hit]:
    """An entry of the matrix is 2 or more."""
    for i in bench.judged:
        for a in range(len(bench.owners)):
            entry = bench.attribution.entry(i, a)
            if isinstance(entry, int) and entry >= 2 and (i, a) not in bench.settled:
                bench.settled.add((i, a))
                yield Hit(i, (a,), counts=entry)


def holds_a_copy(bench: Bench) -> Iterator[Hit]:
    """A contribution counted more than once over the set: every holder but the owner."""
    for a in bench.accesses:
        twice = bench.live(a) & (bench.count(a) > 1)
        holders = [i for i in bench.holders_in_order(a) if bench.holds(i, a)]
        for i in holders[1:]:
            if (i, a) not in bench.settled and np.any(twice & bench.shows(i)):
                bench.settled.add((i, a))
                yield Hit(i, (a,), other=holders[0])


def holds_what_belongs_elsewhere(bench: Bench) -> Iterator[Hit]:
    """A contribution whose owner does not have it."""
    for i in bench.judged:
        for a in bench.accesses:
            owner = bench.owners[a]
            if owner is None or owner == i or (i, a) in bench.settled:
                continue
            if bench.holds(i, a) and not bench.holds(owner, a):
                bench.settled.add((i, a))
                yield Hit(i, (a,), other=owner, share=_share(bench, a, i, bench.live(a) & bench.shows(i)))


def fits_several_attributions(bench: Bench) -> Iterator[Hit]:
    """Numbers alone are explained by several attributions, and gates could not tell."""
    for i in bench.judged:
        if i in bench.attribution.ambiguous:
            yield Hit(i, where=_alternatives(bench, i))


def _alternatives(bench: Bench, slot: int) -> str:
    names = [access.name for access in bench.evidence.accesses]
    texts = []
    for counts in bench.attribution.ambiguous[slot][:4]:
        terms = [f"{k} x {name}" if k > 1 else name for k, name in zip(counts, names, strict=True) if k]
        texts.append(" + ".join(terms) or "nothing")
    return "; or ".join(texts)


def noise_hides_it(bench: Bench) -> Iterator[Hit]:
    """The finite difference is not sharp enough to judge by, because the loss is noisy."""
    for i in bench.judged:
        if _flag(bench.evidence.undecided, i) and _flag(bench.evidence.noisy, i):
            yield Hit(i, where=bench.evidence.slots[i].name)


def the_oracle_cannot_resolve_it(bench: Bench) -> Iterator[Hit]:
    """The finite difference is not sharp enough to judge by."""
    for i in bench.judged:
        if _flag(bench.evidence.undecided, i) and not _flag(bench.evidence.noisy, i):
            yield Hit(i)


def _flag(flags: tuple[bool, ...], slot: int) -> bool:
    return bool(flags) and flags[slot]


def has_a_kink(bench: Bench) -> Iterator[Hit]:
    """The loss has a kink at the slot's cells."""
    for i in bench.asked:
        if _flag(bench.evidence.kinks, i):
            yield Hit(i)
