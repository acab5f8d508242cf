"""What an audit knows of its subject before any gradient is taken: slots, groups, a loss that repeats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from aliascheck.auditing.groups import (
    AccessPlan,
    Effort,
    Group,
    SlotPlan,
    plan_accesses,
    plan_groups,
    plan_slots,
)
from aliascheck.auditing.precision import in_double
from aliascheck.auditing.settings import Settings
from aliascheck.auditing.undoing import changes_undone
from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import Array, CellMap, Path, dense, format_path, lookup
from aliascheck.oracle import measure_noise
from aliascheck.subjects.subject import Gradients, Subject
from aliascheck.verdicts.catalogue import AC202, AC203, AC302
from aliascheck.verdicts.judge import Finding, finding


@dataclass(eq=False)
class Bench:
    """A subject on trial.

    `loss` is that at the given point, `here` that at the memory as it is. `ended` is what makes going on
    pointless: the loss mutates or does not repeat.
    """

    subject: Subject
    settings: Settings
    slots: dict[str, list[SlotPlan]]
    accesses: list[AccessPlan]
    groups: dict[str, list[Group]]
    loss: float
    here: float
    noise: float = 0.0
    evaluations: int = 0
    ended: Finding | None = None
    untied: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What the engine reports. Raises: EngineError for whatever it raises on its way."""
        try:
            reported = self.subject.gradients(mode, gates)
        except (EngineError, MemoryError):
            raise
        except Exception as error:
            raise EngineError(f"{type(error).__name__}: {error}") from error
        missing = [format_path(path) for path in self.subject.members if path not in reported.members]
        if missing:
            raise EngineError(
                f"it reports nothing at all of {', '.join(missing)}, not even that there is none"
            )
        return reported

    def remark(self, text: str) -> None:
        """Note something that readers of the report should know, once."""
        if text not in self.remarks:
            self.remarks.append(text)


def set_up(subject: Subject, modes: Sequence[str], settings: Settings) -> Bench:
    """Plan the slots and groups of a subject, and see whether its loss can be measured at all.

    Raises: AliascheckError where the loss is no finite number, where there is no slot, and where the
        contract names none.
    """
    subject, remarks = in_double(subject)
    places = subject.places()
    with changes_undone(subject) as changed:
        accesses = plan_accesses(subject.accesses(), places)
        losses = [subject.base(), subject.loss(), subject.loss()]
    if not changed:
        _check_finite(losses[0])
    slots = {mode: plan_slots(subject.bindings, subject.members, mode in subject.merges) for mode in modes}
    _check_slots(slots, settings.contract)
    groups = _plan_groups(slots, accesses, places, settings.effort)
    untied = _untied(subject, settings)
    loss = losses[0]
    bench = Bench(subject, settings, slots, accesses, groups, loss, loss, evaluations=3, untied=untied)
    bench.remarks += [*remarks, *subject.remarks()]
    if changed:
        bench.ended = finding(AC203, places=tuple(changed), where=", ".join(changed))
    elif len({np.float64(loss).tobytes() for loss in losses}) > 1:
        bench.ended = finding(AC202, where=", ".join(f"{loss:.17g}" for loss in losses))
    else:
        _measure_noise(bench, modes)
    return bench


def _check_finite(loss: float) -> None:
    if not math.isfinite(loss):
        hint = "it must be a finite number to be differentiated"
        raise AliascheckError(f"the loss is {loss}", hint=hint)


def _check_slots(slots: Mapping[str, Sequence[SlotPlan]], contract: str) -> None:
    if not all(slots.values()):
        hint = "put an array of floats in the set"
        raise AliascheckError("nothing to audit: no parameter requires a gradient", hint=hint)
    name = contract.partition(":")[2]
    for plans in slots.values():
        if name and not any(name in plan.names for plan in plans):
            hint = f"slots: {', '.join(plan.name for plan in plans)}"
            raise AliascheckError(f"contract: '{name}' is no slot of the set", hint=hint)


def _plan_groups(
    slots: dict[str, list[SlotPlan]],
    accesses: list[AccessPlan],
    places: Sequence[tuple[Path, Array]],
    effort: Effort,
) -> dict[str, list[Group]]:
    """The groups of each mode; modes with the same slots share theirs."""
    planned: dict[tuple[object, ...], list[Group]] = {}
    groups: dict[str, list[Group]] = {}
    for mode, plans in slots.items():
        key = tuple((plan.paths, plan.sources) for plan in plans)
        if key not in planned:
            planned[key] = plan_groups(plans, accesses, places, effort)
        groups[mode] = planned[key]
    return groups


def _measure_noise(bench: Bench, modes: Sequence[str]) -> None:
    blocks = [group.block for group in bench.groups[modes[0]] if group.block.size]
    if blocks:
        bench.noise, used = measure_noise(bench.subject.loss, blocks, bench.loss)
        bench.evaluations += used


def _untied(subject: Subject, settings: Settings) -> list[Finding]:
    """Declared ties that memory does not bear out."""
    apart = []
    for tie in settings.ties:
        arrays = [dense(lookup(subject.bindings, path)) for path in tie]
        first = CellMap([arrays[0]])
        apart_from_first = [not first.touches(array) for array in arrays]
        loose = [format_path(path) for path, is_apart in zip(tie, apart_from_first, strict=True) if is_apart]
        if loose:
            shares = "shares" if len(loose) == 1 else "share"
            where = f"{', '.join(loose)} {shares} no memory with {format_path(tie[0])}"
            apart.append(finding(AC302, places=(format_path(tie[0]), *loose), where=where))
    return apart
