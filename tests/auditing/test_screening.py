"""Untied large slots are looked at together, and a fault in any of them is named at that slot alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from aliascheck.engine import transpose
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING
from tests.auditing.spoilt import Spoilt, at, labels, mapped, run, spoilt, times

SHAPE = (20, 16)
TERMS = (
    "mean((x @ {w} - 0.5) ** 2)",
    "0.5 * mean(tanh(x @ {w} + 0.1))",
    "0.1 * mean(exp(0.3 * x @ {w}))",
    "sum({w} * {w}) / 200.0",
)


def model(count, seed=0):
    """Some matrices that share nothing, each read by a term of its own."""
    rng = np.random.default_rng(seed)
    names = [f"w{number}" for number in range(count)]
    bindings = {"x": rng.normal(size=(7, SHAPE[0]))}
    bindings.update({name: rng.normal(size=SHAPE) / 4 for name in names})
    terms = [TERMS[number % len(TERMS)].format(w=name) for number, name in enumerate(names)]
    return bindings, " + ".join(terms), names


def test_cost_does_not_grow_with_the_number_of_slots():
    costs = {}
    for count in (1, 3, 10, 30):
        outcome = run(spoilt(*model(count)))
        assert labels(outcome) == []
        assert {slot.word for slot in outcome.slots} == {"total"}
        assert all(group.coverage.jointly for group in outcome.groups)
        costs[count] = outcome.evaluations
    assert max(costs.values()) <= 1.2 * costs[3], costs


# What a slot holds, and the codes for it.
FAULTS = {
    "nothing": (lambda own, other: NOTHING, ["AC101"]),
    "zeros": (lambda own, other: 0.0 * own, ["AC101"]),
    "scaled": (lambda own, other: 1.001 * own, ["AC105"]),
    "twice": (lambda own, other: 2.0 * own, ["AC105"]),
    "negative": (lambda own, other: -own, ["AC105"]),
    "one element": (lambda own, other: at((3, 7), 1.5)(own), ["AC105"]),
    "a row missing": (lambda own, other: at(11, 0.0)(own), ["AC103"]),
    "permuted": (lambda own, other: own[::-1], ["AC105"]),
    "another slot's": (lambda own, other: other, ["AC103", "AC105"]),
    "another slot's as well": (lambda own, other: own + other, ["AC105"]),
}


def wrong(name, other, fault):
    """The fault of one slot."""
    change = FAULTS[fault][0]
    return {name: lambda right: change(right[name], right[other])}


PLACES = list(zip(FAULTS, itertools.cycle([(3, 0), (5, 4), (9, 6), (30, 17)]), strict=False))


@pytest.mark.parametrize(("fault", "place"), PLACES)
def test_a_fault_in_any_slot_is_named_at_that_slot(fault, place):
    count, number = place
    name, other = f"w{number}", f"w{(number + 1) % count}"
    outcome = run(spoilt(*model(count), wrong(name, other, fault)))
    assert labels(outcome) == [f"{code}:{name}" for code in FAULTS[fault][1]]
    words = {slot.plan.name: slot.word for slot in outcome.slots}
    assert [slot for slot, word in words.items() if word not in ("total", "unused")] == [name]
    assert sum(not group.coverage.jointly for group in outcome.groups) == 1


@pytest.mark.parametrize(("one", "other"), list(itertools.pairwise(list(FAULTS)[::2])))
def test_two_faults_are_named_at_both_slots(one, other):
    faults = {**wrong("w1", "w3", one), **wrong("w6", "w3", other)}
    outcome = run(spoilt(*model(7), faults))
    expected = [f"{code}:w1" for code in FAULTS[one][1]] + [f"{code}:w6" for code in FAULTS[other][1]]
    assert labels(outcome) == sorted(expected)


@pytest.mark.parametrize("count", [2, 9])
def test_slots_that_hold_each_others_gradients_are_both_wrong(count):
    last = f"w{count - 1}"
    outcome = run(spoilt(*model(count), {"w0": lambda right: right[last], last: lambda right: right["w0"]}))
    assert {finding.slot for finding in outcome.findings} == {"w0", last}
    assert [slot.plan.name for slot in outcome.slots if slot.word == "wrong"] == ["w0", last]


def test_faults_that_cancel_along_one_direction_do_not_along_another():
    bindings, loss, names = model(6)
    subject = spoilt(bindings, loss, names)
    right = subject.gradients("explicit").members
    first, second = (
        group.group.block.scale * np.vdot(group.group.probes.items[0].weights, right[name,])
        for name, group in zip(("w0", "w1"), run(subject).groups[:2], strict=True)
    )
    subject.faults = {**mapped("w0", times(1 + 0.1 * second)), **mapped("w1", times(1 - 0.1 * first))}
    assert labels(run(subject)) == ["AC105:w0", "AC105:w1"]


@pytest.mark.parametrize("number", range(4))
def test_a_faint_fault_is_not_lost_in_the_sum(number):
    name = f"w{number}"
    outcome = run(spoilt(*model(8), mapped(name, times(1 + 3e-7))))
    assert labels(outcome) == [f"AC105:{name}"]


def test_slots_of_other_sizes_are_not_disturbed_by_a_fault():
    """Some hold so little beside the loss that the sum says nothing of them: they are looked at alone."""
    rng = np.random.default_rng(0)
    names = [f"w{number}" for number in range(30)]
    bindings = {"x": rng.normal(size=(5, SHAPE[0]))}
    for name in names:
        bindings[name] = rng.normal(size=SHAPE) / 4 * 10.0 ** rng.uniform(-2, 2)
    terms = [
        f"{number + 1}.0 * sum(tanh(x @ {name} + {number / 10}))"
        if number % 2
        else f"mean((x @ {name} - 0.5) ** 2)"
        for number, name in enumerate(names)
    ]
    for name, expected in (("w0", ["AC105:w0"]), ("w15", ["AC105:w15"])):
        outcome = run(spoilt(bindings, " + ".join(terms), names, mapped(name, times(1.001))))
        assert labels(outcome) == expected


class Ungated(Spoilt):
    """An engine that takes no gates, so that contributions cannot be told apart."""

    def gradients(self, mode, gates=None):
        if gates is not None:
            raise EngineError("no gates here")
        return super().gradients(mode)


@pytest.mark.parametrize("fault", ["right", "swapped", "scaled"])
def test_without_gates_the_numbers_tell(fault):
    """All slots are alike: directions that were, too, would not see a swap."""
    rng = np.random.default_rng(2)
    names = ["w0", "w1", "w2"]
    bindings = {"x": rng.normal(size=(5, 20)), **{name: rng.normal(size=SHAPE) for name in names}}
    loss = " + ".join(f"mean((x @ {name}) ** 2)" for name in names)
    faults, expected = {
        "right": ({}, []),
        "swapped": (
            {"w0": lambda right: right["w1"], "w1": lambda right: right["w0"]},
            ["AC105:w0", "AC105:w1"],
        ),
        "scaled": (mapped("w2", times(1.001)), ["AC105:w2"]),
    }[fault]
    outcome = run(spoilt(bindings, loss, names, faults, Ungated))
    assert labels(outcome) == expected


@pytest.mark.parametrize("term", ["0.0 * sum(w5 * w5)", "sum(w4 * w4)"])
def test_a_slot_that_the_loss_does_not_depend_on_is_clean_beside_others(term):
    bindings, loss, names = model(5)
    bindings["w5"] = bindings["w0"].copy()
    subject = spoilt(bindings, f"{loss} + {term}", [*names, "w5"])
    outcome = run(subject)
    assert labels(outcome) == []
    assert outcome.slots[-1].word == "unused"
    subject.faults = {"w5": lambda right: 1e-3 * right["w0"]}
    assert "AC105:w5" in labels(run(subject))


TIED = "mean((tanh(x @ t) @ tt - x) ** 2)"


AMONG_TIED = [
    ({}, []),
    ({"tt": lambda right: NOTHING}, ["AC101:tt"]),
    ({"t": lambda right: right["t"] + right["tt"].T}, ["AC104:t"]),
    (mapped("tt", at((2, 5), -1.0)), ["AC105:tt"]),
]
AMONG_UNTIED = [
    ({}, []),
    ({"w1": lambda right: NOTHING}, ["AC101:w1"]),
    (mapped("w2", times(0.99)), ["AC105:w2"]),
]


@pytest.mark.parametrize(("tied", "untied"), list(zip(AMONG_TIED, AMONG_UNTIED * 2, strict=False)))
def test_a_tied_group_stands_beside_untied_slots(tied, untied):
    bindings, loss, names = model(4)
    bindings["t"] = np.random.default_rng(5).normal(size=SHAPE) / 4
    bindings["tt"] = transpose(bindings["t"])
    faults = {**tied[0], **untied[0]}
    outcome = run(spoilt(bindings, f"{loss} + {TIED}", [*names, "t", "tt"], faults))
    assert labels(outcome) == sorted(tied[1] + untied[1])
    jointly = {name for group in outcome.groups if group.coverage.jointly for name in names_of(group)}
    assert jointly == set(names) - set(untied[0])


def names_of(group):
    return [slot.name for slot in group.group.slots]


# Adapters as they are initialised: B is zero, so A has no derivative at the given point.
LAYERS = 3
ADAPTERS = {
    "right": ({}, []),
    "no gradient of A": ({"A1": lambda right: NOTHING}, ["AC101:A1"]),
    "A scaled": (mapped("A1", times(1.01)), ["AC105:A1"]),
    "an element of A": (mapped("A2", at((3, 2), -1.0)), ["AC105:A2"]),
    "another's gradient at A": ({"A0": lambda right: right["A1"]}, ["AC101:A0"]),
    "no gradient of B": ({"B1": lambda right: NOTHING}, ["AC101:B1"]),
    "no gradient of either": ({n: lambda right: NOTHING for n in ("A2", "B2")}, ["AC101:A2", "AC101:B2"]),
}


@pytest.mark.parametrize("fault", ADAPTERS)
def test_a_fault_that_zero_initialisation_hides_is_found_nearby(fault):
    faults, expected = ADAPTERS[fault]
    rng = np.random.default_rng(1)
    bindings = {"x": rng.normal(size=(6, 40))}
    names, terms = [], []
    for layer in range(LAYERS):
        w, a, b = f"W{layer}", f"A{layer}", f"B{layer}"
        bindings[w], bindings[b] = rng.normal(size=(40, 40)) / 6, np.zeros((8, 40))
        bindings[a] = rng.normal(size=(40, 8)) / 6
        names += [a, b]
        terms.append(f"mean(tanh(x @ {w} + (x @ {a}) @ {b}) ** 2)")
    outcome = run(spoilt(bindings, " + ".join(terms), names, faults))
    assert labels(outcome) == expected
    for finding in outcome.findings:
        assert ("seen at a jittered point" in finding.message) == finding.slot.startswith("A")
    assert outcome.evaluations < (250 if not expected else 1200)
