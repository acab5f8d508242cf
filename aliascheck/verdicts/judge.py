"""From evidence to findings and verdict words: the decision table, walked from top to bottom."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.memory import Data, replace
from aliascheck.verdicts.attribution import Attribution, attribute
from aliascheck.verdicts.catalogue import AC202, AC202_NOISE, AC204, DECISIONS, FAULT_WORDS, Row
from aliascheck.verdicts.evidence import STOPPED, Evidence, Slot, Spot
from aliascheck.verdicts.rules import Bench, Hit


class Finding(Data, frozen=True):
    """One finding at a slot (None: about the whole audit), with what it means here and what to do."""

    code: str
    name: str
    severity: str
    slot: str | None
    message: str
    remedy: str
    accesses: tuple[str, ...] = ()
    cause: str | None = None
    share: float | None = None
    where: str | None = None
    spot: Spot | None = None

    @property
    def label(self) -> str:
        """As a case file writes it: `AC103:x`, or the code alone."""
        return self.code if self.slot is None else f"{self.code}:{self.slot}"


class Judgement(Data, frozen=True):
    """What is found in one alias group: the matrix, a verdict word for each slot, the findings."""

    attribution: Attribution
    words: tuple[str, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def finding(row: Row, *, places: tuple[str, ...] = (), **facts: Any) -> Finding:
    """A finding of `row` about the whole audit, its sentences filled with `facts`; it is about `places`."""
    return Finding(
        row.code,
        row.name,
        row.severity,
        None,
        row.says.format(**facts),
        row.do.format(**facts),
        accesses=places,
        where=facts.get("where"),
    )


def judge(evidence: Evidence, contract: str = "sum") -> Judgement:
    """Judge one alias group under a contract: `sum`, `each`, `owner` or `owner:SLOT`.

    Raises: KeyError where the contract names a slot that is not in the group; see `names_owner`.
    """
    attribution = attribute(evidence)
    if attribution.law_broken:
        return _lawless(evidence, attribution)
    benches = _benches(evidence, attribution, contract)
    collected: dict[tuple[str, int | None], tuple[Row, list[Hit], Bench]] = {}
    for bench in benches:
        for row in DECISIONS:
            assert row.when is not None
            for hit in row.when(bench):
                collected.setdefault((row.code, hit.slot), (row, [], bench))[1].append(hit)
    order = {row.code: position for position, row in enumerate(DECISIONS)}
    findings = [
        _finding(row, hits, bench)
        for (code, slot), (row, hits, bench) in sorted(
            collected.items(), key=lambda item: (order[item[0][0]], -1 if item[0][1] is None else item[0][1])
        )
    ]
    words = tuple(
        _word(
            attribution,
            {code for code, slot in collected if slot == i},
            *_duties(evidence, attribution, i, contract, benches[0].owners),
            i,
            _share_of_unlisted(evidence, attribution, i),
        )
        for i in range(len(evidence.slots))
    )
    return Judgement(attribution, words, _without_slots(findings), _notes(evidence, attribution))


def _without_slots(findings: list[Finding]) -> tuple[Finding, ...]:
    """Findings, those that noise hides a derivative as one about the whole."""
    noise = [found for found in findings if found.code == AC202.code]
    if not noise:
        return tuple(findings)
    where = ", ".join(str(found.slot) for found in noise)
    whole = replace(noise[0], slot=None, where=where, message=AC202_NOISE.says.format(where=where))
    return (whole, *(found for found in findings if found.code != AC202.code))


def _lawless(evidence: Evidence, attribution: Attribution) -> Judgement:
    names = ", ".join(access.name for access in evidence.accesses) or "its accesses"
    gap = f"{np.abs(attribution.unlisted).max(initial=0.0):.3g}"
    broken = finding(AC204, accesses=names, gap=gap)
    return Judgement(attribution, ("undecided",) * len(evidence.slots), (broken,), evidence.notes)


def _benches(evidence: Evidence, attribution: Attribution, contract: str) -> list[Bench]:
    owners = tuple(access.owner for access in evidence.accesses)
    everyone = tuple(range(len(evidence.slots)))
    if contract == "sum":
        return [Bench(evidence, attribution, owners, everyone)]
    if contract == "each":
        return [
            Bench(evidence, attribution, tuple(owner if owner == i else None for owner in owners), (i,))
            for i in everyone
        ]
    owner = _single_owner(evidence, attribution, contract)
    return [Bench(evidence, attribution, (owner,) * len(owners), everyone, confined=True)]


def _single_owner(evidence: Evidence, attribution: Attribution, contract: str) -> int:
    name = contract.partition(":")[2]
    names = [slot.name for slot in evidence.slots]
    if name in names:
        return names.index(name)

    def held(slot: int) -> int:
        return sum(attribution.entry(slot, a) not in (0, None) for a in range(len(evidence.accesses)))

    candidates = [i for i, slot in enumerate(evidence.slots) if slot.problem is None] or [0]
    return max(candidates, key=lambda i: (held(i), -i))


def _duties(
    evidence: Evidence, attribution: Attribution, slot: int, contract: str, owners: tuple[int | None, ...]
) -> tuple[list[int], list[int]]:
    """The accesses that touch a slot's cells, and those of them that the contract demands in it."""
    shows = evidence.slots[slot].shows
    touching = [a for a in range(len(owners)) if np.any(attribution.live[a] & shows)]
    if contract == "each":
        return touching, touching
    return touching, [a for a in touching if owners[a] == slot]


def _share_of_unlisted(evidence: Evidence, attribution: Attribution, slot: int) -> str | None:
    """How much of what unlisted readers contribute to its cells a slot holds; None where there are none.

    None as well where it is missing everywhere, which is a finding of its own.
    """
    shows = evidence.slots[slot].shows
    unlisted = attribution.unlisted * shows
    if attribution.lacks_unlisted or evidence.slots[slot].problem is not None or not unlisted.any():
        return None
    point = evidence.given
    rest = (point.gradient[slot] - attribution.held[slot].sum(axis=0)) * shows
    bound = point.total_bound + point.bounds.sum(axis=0) + evidence.slack
    if np.all(np.abs(rest - unlisted) <= bound):
        return ALL
    return NONE if np.all(np.abs(rest) <= bound) else SOME


NONE, SOME, ALL = "none", "some", "all"


def _word(
    attribution: Attribution,
    codes: set[str],
    touching: list[int],
    owned: list[int],
    slot: int,
    unlisted: str | None,
) -> str:
    words = {row.word for row in DECISIONS if row.code in codes}
    for word in FAULT_WORDS:
        if word in words:
            return word
        if word == "partial" and any(attribution.entry(slot, a) in (0, None) for a in owned):
            return word
    entries = [attribution.entry(slot, a) for a in touching]
    is_read = bool(touching) or unlisted is not None
    if is_read and unlisted in (None, ALL) and all(entry == 1 for entry in entries):
        return "total"
    if unlisted in (None, NONE) and all(entry in (0, None) for entry in entries):
        return "unused"
    return "split"


def _finding(row: Row, hits: list[Hit], bench: Bench) -> Finding:
    evidence = bench.evidence
    hit = hits[0]
    assert hit.slot is not None
    slot = evidence.slots[hit.slot]
    indices = [a for one in hits for a in one.accesses]
    names = tuple(dict.fromkeys(evidence.accesses[a].name for a in indices))
    if any(one.unlisted for one in hits):
        names += ("<unlisted>",)
    shares = [one.share for one in hits if one.share is not None]
    share = min(sum(shares), 1.0) if shares else None
    causes = list(dict.fromkeys(one.cause for one in hits if one.cause is not None))
    wheres = list(dict.fromkeys(one.where for one in hits if one.where is not None))
    facts = {
        "slot": slot.name,
        "accesses": _listed(names) or slot.name,
        "other": "" if hit.other is None else evidence.slots[hit.other].name,
        "absence": "nothing" if slot.absent else "zero",
        "elsewhere": "" if hit.other is None else f"; it is in {evidence.slots[hit.other].name}",
        "share": "" if share is None else f", {_percent(share)} of the derivative at its cells",
        "share_missing": f"{_percent(share or 0.0)} of the derivative",
        "cause": ", ".join(causes),
        "times": "twice" if hit.counts == 2 else f"{hit.counts} times",
        "where": wheres[0] if row.says == "{where}" and wheres else _where(wheres),
        "shape": str(slot.shape),
        "or_else": "" if bench.confined else f", keep only {slot.name} in the set, or use explicit mode",
        "add_or_read": _add_or_read(evidence, indices, slot.name, causes),
    }
    if row.when is not None and row.code == "AC205":
        facts["where"] = wheres[0]
    message = row.says.format(**facts)
    if row.code == "AC104" and hit.counts == 2 and len(evidence.accesses) == 1:
        message += " (or a rule is wrong by exactly 2)"
    elif row.code == "AC104" and hit.counts == 2:
        message += " (or its rule is wrong by exactly 2)"
    if any(a in bench.attribution.moved for a in indices):
        message += "; seen at a jittered point, since the derivative is zero at the given one"
    return Finding(
        row.code,
        row.name,
        row.severity,
        slot.name,
        message,
        _known_remedy(row, slot, names) or row.do.format(**facts),
        names,
        ", ".join(causes) or None,
        share,
        ", ".join(wheres) or None,
        next((one.spot for one in hits if one.spot is not None and one.spot.rectangles), None),
    )


def _known_remedy(row: Row, slot: Slot, accesses: tuple[str, ...]) -> str | None:
    """What to do where it is known why a slot got nothing, or why what it holds of an access is wrong."""
    concerned = {"AC101": (slot.name,), "AC105": accesses}.get(row.code, ())
    return next((slot.doubts[name] for name in concerned if name in slot.doubts), None)


def _percent(share: float) -> str:
    """A share in whole per cent, never rounded to none or to all."""
    if 0.0 < share < 0.005:
        return "less than 1%"
    return "over 99%" if 0.995 <= share < 1.0 - 1e-9 else f"{share:.0%}"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def _where(wheres: list[str]) -> str:
    return f": {', '.join(wheres)}" if wheres else ""


def _add_or_read(evidence: Evidence, accesses: list[int], slot: str, causes: list[str]) -> str:
    places = _listed(tuple(dict.fromkeys(evidence.accesses[a].name for a in accesses)))
    if "stopped" in causes:
        return _let_pass(evidence, accesses)
    if "held elsewhere" in causes:
        return f"add up the gradients of all slots that share this memory before {slot} is updated"
    if "dropped" in causes:
        return (
            "look for what drops it on the way back: an index left out (padding_idx), a mask, a hook; where "
            'that is meant, detach it in the loss, and say stop_gradient = "constant"'
        )
    if "not credited" in causes:
        return f"put the object that the loss reads as {places} in the set, or use explicit mode"
    return f"add {places} to the set, or let the loss read it through {slot}"


def _let_pass(evidence: Evidence, accesses: list[int]) -> str:
    stopped = [
        evidence.accesses[a].name.removesuffix(STOPPED) for a in accesses if evidence.accesses[a].stopped
    ]
    return (
        "let the gradient pass: no stop_gradient, detach, .data, getval or float() between "
        f"{_listed(tuple(dict.fromkeys(stopped)))} and the loss; "
        'where that is meant, say stop_gradient = "constant"'
    )


def _notes(evidence: Evidence, attribution: Attribution) -> tuple[str, ...]:
    notes = list(evidence.notes)
    if evidence.gates_failed:
        notes.append(
            "gates cannot be trusted here (" + "; ".join(evidence.gates_failed) + "): numbers decide"
        )
    if attribution.unlisted.any() and not attribution.lacks_unlisted:
        notes.append("something unlisted reads this memory, and its contribution is included all the same")
    return tuple(notes)
