"""The trial of each group: evidence at the given point, and at one nearby where that does not tell."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.doubt import reconsider
from aliascheck.auditing.evidence import assemble
from aliascheck.auditing.groups import Group
from aliascheck.auditing.search import Place, Search
from aliascheck.auditing.sighting import GIVEN, Sighting, look, look_nearby
from aliascheck.auditing.slots import holding_of
from aliascheck.auditing.truths import MeasuredGroup, Measurements
from aliascheck.memory import Region, replace
from aliascheck.subjects.subject import Gradients
from aliascheck.verdicts.attribution import WRONG, attribute
from aliascheck.verdicts.evidence import Evidence
from aliascheck.verdicts.judge import Judgement, judge


def hold_trials(bench: Bench, measurements: Measurements, mode: str, reported: Gradients) -> list[Trial]:
    """Judge every group of a mode."""
    holdings = [holding_of(group, reported) for group in bench.groups[mode]]
    given = look(bench, measurements, mode, reported, holdings, GIVEN)
    silent = [sighting.holding for sighting in given if not sighting.is_telling]
    nearby = look_nearby(bench, measurements, mode, silent) if silent else {}
    trials = []
    for sighting in given:
        trial = Trial(bench, measurements, mode, reported, sighting, nearby.get(sighting.group))
        trial.look_closer()
        trial.find_places()
        trial.look_past_kinks()
        trials.append(trial)
    return trials


@dataclass(eq=False)
class Trial:
    """One group on trial: what is seen of it, the places of its faults as far as found, and the judgement."""

    bench: Bench
    measurements: Measurements
    mode: str
    reported: Gradients
    given: Sighting
    nearby: Sighting | None
    places: dict[tuple[int, int], Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.judgement = self._judge()

    @property
    def group(self) -> Group:
        return self.given.group

    @property
    def measured(self) -> MeasuredGroup:
        """The truth at the given point, with columns for what stops remove at the other."""
        own = self.given.measured
        return own if self.nearby is None else own.with_stops_of(self.nearby.measured)

    def _judge(self) -> Judgement:
        return judge(self._evidence(), _contract_in(self.group, self.bench.settings.contract))

    def _evidence(self) -> Evidence:
        measured = self.measured
        return assemble(
            self.bench,
            self.given.holding,
            measured,
            self.given.in_columns_of(measured),
            None if self.nearby is None else self.nearby.in_columns_of(measured),
            self.given.failed,
            {pair: place.spot for pair, place in self.places.items()},
        )

    def look_closer(self) -> None:
        """Have disagreements confirmed, and judge again where they are not."""
        if any(found.severity == "error" for found in self.judgement.findings):
            self._measure_differences()
        self._confirm()

    def _confirm(self) -> None:
        """Have small disagreements looked at again, until what is left stands."""
        for _ in range(ROUNDS):
            attribution = self.judgement.attribution
            measured = reconsider(self.bench, self.given, attribution, self._is_met_nearby)
            if measured is None:
                return
            self.given = replace(self.given, measured=measured)
            self.judgement = self._judge()

    def _measure_differences(self) -> None:
        """Have differences in the place of complex steps: those are never the evidence of a fault."""
        if self.given.measured.truth.witnessed:
            differences = self.measurements.at(GIVEN, self.group, witnessed=False)
            foreign = [column.plan for column in self.given.measured.columns if column.foreign]
            self.given = replace(self.given, measured=differences.with_foreign(foreign))
        if self.nearby is not None and self.nearby.measured.truth.witnessed:
            self.nearby = self._look_nearby()
        self.judgement = self._judge()

    def _look_nearby(self) -> Sighting | None:
        """The group at a point nearby, by differences."""
        holding = self.given.holding
        seen = look_nearby(self.bench, self.measurements, self.mode, [holding], witnessed=False)
        return seen.get(self.group)

    def look_past_kinks(self) -> None:
        """Judge a large group that has a kink at two points nearby as well, where it has none.

        Between one-sided derivatives of many elements together there is room for the faults of others. What
        both points show is a fault.
        """
        kinked = any(np.any(one.kinks) for one in self.measured.everything())
        if self.group.probes.exact or not kinked or _errors(self.judgement):
            return
        elsewhere = [self._judgement_nearby(number) for number in NEARBY]
        if any(judgement is None for judgement in elsewhere):
            return
        labels = set.intersection(*(_errors(judgement) for judgement in elsewhere if judgement is not None))
        first = elsewhere[0]
        if labels and first is not None:
            seen = tuple(
                replace(found, message=f"{found.message}; seen at a jittered point, away from the kink here")
                for found in first.findings
                if found.label in labels
            )
            self.judgement = replace(first, findings=(*seen, *self.judgement.findings))

    def _judgement_nearby(self, number: int) -> Judgement | None:
        """What is found at a point nearby; None where that cannot be had."""
        holdings = [self.given.holding]
        seen = look_nearby(self.bench, self.measurements, self.mode, holdings, witnessed=False, number=number)
        nearby = seen.get(self.group)
        if nearby is None:
            return None
        measured = nearby.measured.with_columns(self.measured.columns)
        there = nearby.in_columns_of(measured)
        evidence = assemble(self.bench, nearby.holding, measured, there, None, nearby.failed, {})
        return judge(evidence, _contract_in(self.group, self.bench.settings.contract))

    def _is_met_nearby(self, slot: int, access: int) -> bool:
        """Whether a pair is wrong at a point nearby as well; a point that cannot be had does not tell."""
        nearby = self._look_nearby() if self.nearby is None else self.nearby
        if nearby is None:
            return True
        there = replace(self._evidence(), given=nearby.in_columns_of(self.measured), jittered=None)
        return attribute(there).entry(slot, access) == WRONG

    def find_places(self) -> None:
        """Search a large group for the places of what is wrong, and judge those by themselves."""
        attribution = self.judgement.attribution
        wrong = [
            pair
            for pair, held in attribution.pairs.items()
            if held.entry == WRONG and held.scaled is None and pair[1] not in attribution.moved
        ]
        if self.group.probes.exact or not wrong:
            return
        seed = self.bench.settings.seed
        for slot, access in wrong:
            if not self.measured.columns[access].is_apart:
                whole = attribution.by_numbers
                search = Search(self.bench, self.mode, self.given, slot, access, whole=whole)
                place = search.run(seed)
                if place.spot.text:
                    self.places[slot, access] = place
        regions = [region for place in self.places.values() for region in place.regions]
        if regions:
            self._look_at_regions(regions)
        self.judgement = self._judge()
        self._confirm()

    def _look_at_regions(self, regions: list[Region]) -> None:
        """See the group again, with some of its cells by themselves."""
        finer = self.group.probed_by(self.group.probes.refined(regions))
        holding = holding_of(finer, self.reported)
        (self.given,) = look(
            self.bench, self.measurements, self.mode, self.reported, [holding], GIVEN, witnessed=False
        )
        if self.nearby is not None:
            self.nearby = self._look_nearby()


NEARBY = (1, 2)  # points: what is seen at one only may be a kink of its own
ROUNDS = 3  # of looking closer: what is less sure in one column may show in another


def _errors(judgement: Judgement) -> set[str]:
    return {found.label for found in judgement.findings if found.severity == "error"}


def _contract_in(group: Group, contract: str) -> str:
    """The contract in one group: a named owner is meant where it is a slot of the group, by any name."""
    name = contract.partition(":")[2]
    meant = next((slot.name for slot in group.slots if name in slot.names), None)
    return contract if not name else "sum" if meant is None else f"owner:{meant}"
