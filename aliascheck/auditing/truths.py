"""The truths of a group, with a column for each access and for each part that a stop removes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.groups import AccessPlan, Group
from aliascheck.memory import Data, replace
from aliascheck.oracle import Estimate, Measured, Oracle, Truth, measure_truth
from aliascheck.verdicts.evidence import STOPPED


class Column(Data, frozen=True, eq=False):
    """One access in a group, or the part of it that a deliberate stop removes.

    A `foreign` access reads none of the group's memory, and has no business in its slots.
    """

    plan: AccessPlan
    stopped: bool = False
    foreign: bool = False

    @property
    def is_apart(self) -> bool:
        """Whether it stands for something else than what an access reads of the group."""
        return self.stopped or self.foreign

    @property
    def name(self) -> str:
        return self.plan.name + (STOPPED if self.stopped else "")


class MeasuredGroup(Data, frozen=True, eq=False):
    """A group's truth at one point of the memory; `effects` stand in the order of `columns`.

    `jointly` tells that it was measured together with other groups, and not by itself.
    """

    truth: Truth
    columns: tuple[Column, ...]
    effects: tuple[Measured, ...]
    jointly: bool = False

    def everything(self) -> tuple[Measured, ...]:
        """The total and all effects."""
        return (self.truth.total, *self.effects)

    def with_foreign(self, accesses: Sequence[AccessPlan]) -> MeasuredGroup:
        """The same truth with columns, all zero, for accesses that read none of this memory."""
        return self.with_columns((*self.columns, *(Column(plan, foreign=True) for plan in accesses)))

    def with_stops_of(self, other: MeasuredGroup) -> MeasuredGroup:
        """The same truth with columns for what stops remove at another point only."""
        known = {column.name for column in self.columns}
        more = (column for column in other.columns if column.stopped and column.name not in known)
        return self.with_columns((*self.columns, *more))

    def with_columns(self, columns: tuple[Column, ...]) -> MeasuredGroup:
        """The same truth in the columns of another point; zero where a column is not here."""
        known = {column.name: effect for column, effect in zip(self.columns, self.effects, strict=True)}
        size = self.truth.total.values.shape
        zeros, no = np.zeros(size), np.zeros(size, bool)
        silent = Measured(zeros, zeros, zeros, no, no, no)
        effects = tuple(known.get(column.name, silent) for column in columns)
        return replace(self, columns=columns, effects=effects)


Known = dict[tuple[object, ...], MeasuredGroup | Estimate]


class Measurements:
    """Truths of groups, each measured once for all modes.

    A truth is a function of the loss, the layout and the numbers in memory. Where the subject names its
    loss by a `key`, audits that differ in their set only share what is `known`.
    """

    def __init__(self, bench: Bench, known: Known | None = None) -> None:
        self._bench = bench
        self._known: Known = known if known is not None and bench.subject.key is not None else {}

    def at(self, point: bytes, group: Group, *, witnessed: bool = True) -> MeasuredGroup:
        """The truth of a group at the memory as it is now, which `point` names.

        Where not `witnessed`, no complex step stands in for a difference.
        """
        key = (*self._key(point, [group]), "whole", witnessed)
        if key not in self._known:
            self._known[key] = _measure(self._bench, group, witnessed=witnessed)
        known = self._known[key]
        assert isinstance(known, MeasuredGroup)
        columns = tuple(replace(column, plan=_own(group, column)) for column in known.columns)
        return replace(known, columns=columns)

    def along_all(self, point: bytes, groups: Sequence[Group], direction: int) -> list[Estimate]:
        """The derivative along one whole direction of each of several groups, each at its own scale.

        Where stops are to be reported, with stopped values replayed and without.
        """
        return [
            self._along_all(point, groups, direction, through_stops)
            for through_stops in ((False, True) if reports_stops(self._bench) else (False,))
        ]

    def _along_all(
        self, point: bytes, groups: Sequence[Group], direction: int, through_stops: bool
    ) -> Estimate:
        key = (*self._key(point, groups), "along", direction, through_stops)
        if key not in self._known:
            self._known[key] = _measure_along(self._bench, groups, direction, through_stops)
        known = self._known[key]
        assert isinstance(known, Estimate)
        return known

    def _key(self, point: bytes, groups: Sequence[Group]) -> tuple[object, ...]:
        bench = self._bench
        memory = tuple((group.layout, group.block.fingerprint()) for group in groups)
        return (bench.subject.key, bench.settings.stops, bench.noise, point, *memory)


def reports_stops(bench: Bench) -> bool:
    """Whether there are stops, and what they remove is to be told."""
    return bench.settings.stops == "report" and bench.subject.has_stops()


def _own(group: Group, column: Column) -> AccessPlan:
    """A column's access among those of a group that lies like the one it was measured in."""
    return next(access for access in group.accesses if access.path == column.plan.path)


def _measure(bench: Bench, group: Group, *, witnessed: bool) -> MeasuredGroup:
    live = _measure_once(bench, group, through_stops=False, witnessed=witnessed)
    columns = [Column(plan) for plan in group.accesses]
    effects = [live.effects[plan.path] for plan in group.accesses]
    if not reports_stops(bench):
        return MeasuredGroup(live, tuple(columns), tuple(effects))
    whole = _measure_once(bench, group, through_stops=True, witnessed=False)
    for plan in group.accesses:
        stopped = _difference(whole.effects[plan.path], live.effects[plan.path])
        if np.any(np.abs(stopped.values) > stopped.accept):
            columns.append(Column(plan, stopped=True))
            effects.append(stopped)
    return MeasuredGroup(whole, tuple(columns), tuple(effects))


def _measure_along(bench: Bench, groups: Sequence[Group], direction: int, through_stops: bool) -> Estimate:
    moves = [
        (group.block, group.probes.items[direction].direction(group.block.size), group.block.scale)
        for group in groups
    ]
    with asking(bench, through_stops=through_stops) as oracle, oracle.moving_memory(moves) as phi:
        return oracle.slope(phi)


def _measure_once(bench: Bench, group: Group, *, through_stops: bool, witnessed: bool) -> Truth:
    with asking(bench, through_stops=through_stops, witnessed=witnessed) as oracle:
        return measure_truth(oracle, group.block, group.cells, group.probes, group.views())


@contextmanager
def asking(bench: Bench, *, through_stops: bool = False, witnessed: bool = False) -> Iterator[Oracle]:
    """An oracle for the loss of a bench at the memory as it is; what it is asked is counted there."""
    subject = bench.subject
    oracle = Oracle(
        lambda: subject.loss(through_stops=through_stops),
        lambda access, private: subject.loss_reading(access, private, through_stops=through_stops),
        bench.here,
        bench.noise,
        subject.analytic() if witnessed else None,
    )
    try:
        yield oracle
    finally:
        bench.evaluations += oracle.evaluations
        if oracle.raised is not None:
            bench.remark(f"the loss could not be evaluated everywhere nearby ({oracle.raised})")


def _difference(whole: Measured, live: Measured) -> Measured:
    return Measured(
        whole.values - live.values,
        whole.bounds + live.bounds,
        whole.accept + live.accept,
        whole.kinks | live.kinks,
        whole.undecided | live.undecided,
        whole.noisy | live.noisy,
    )
