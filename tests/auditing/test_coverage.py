"""What an audit says of how it looked is true: what it was exact in, and what it would have seen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from aliascheck.auditing import Settings
from aliascheck.auditing.bench import set_up
from aliascheck.engine import transpose
from tests.auditing.spoilt import at, labels, mapped, run, spoilt

DRAW = np.random.default_rng(0).normal
A = DRAW(size=(24, 20))

# Bindings, loss, members.
MODELS = {
    "alone": ({"a": A}, "mean(tanh(a + 0.3) ** 2)", ["a"]),
    "in a large loss": ({"a": A}, "1000.0 + mean(tanh(a + 0.3) ** 2)", ["a"]),
    "of many sizes": ({"a": A * 3.0 ** DRAW(size=A.shape)}, "mean(tanh(a) ** 2)", ["a"]),
    "tied": (
        {"a": A, "b": transpose(A), "c": DRAW(size=(24, 3))},
        "mean(tanh(a)) + mean((b @ c) ** 2)",
        ["a", "b"],
    ),
    "in parts": (
        {"a": A, "h": A[:12], "r": A[3]},
        "mean(tanh(a)) + mean(exp(h)) + mean(r ** 2)",
        ["a", "h", "r"],
    ),
    "repeated": ({"a": as_strided(DRAW(size=300), (4, 300), (0, 8))}, "mean(tanh(a) ** 2)", ["a"]),
    "windows": ({"a": as_strided(DRAW(size=320), (300, 21), (8, 8))}, "mean(tanh(a) ** 2)", ["a"]),
    "together": (
        {"x": DRAW(size=(5, 20)), **{f"w{n}": DRAW(size=(20, 16)) * 4.0**n for n in range(4)}},
        "mean(tanh(x @ w0)) + mean((x @ w1) ** 2) + 0.1 * mean(sin(w2)) + mean(x @ w3)",
        ["w0", "w1", "w2", "w3"],
    ),
}
SEEN = ("AC103", "AC105", "AC206")


@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_fault_that_is_stated_is_seen_wherever_it_is(name):
    """Twice as large, at some places of each slot in turn."""
    bindings, loss, members = MODELS[name]
    subject = spoilt(bindings, loss, members)
    outcome = run(subject)
    assert labels(outcome) == []
    stated = {
        slot.name: group.coverage.smallest_fault for group in outcome.groups for slot in group.group.slots
    }
    right = {member: np.asarray(subject.gradients("explicit").members[member,]) for member in members}
    rng = np.random.default_rng(1)
    for member in itertools.islice(itertools.cycle(members), 24 if name == "windows" else 6):
        gradient = right[member]
        place = tuple(int(rng.integers(extent)) for extent in gradient.shape)
        error = 2 * stated[member] * np.sqrt(np.mean(gradient**2))
        subject.faults = mapped(member, at(place, 1 + error / gradient[place]))
        found = labels(run(subject))
        assert found and all(label in [f"{code}:{member}" for code in SEEN] for label in found), place


def test_the_smallest_fault_is_not_stated_too_large():
    """What is a hundredth of it may hide; what is stated is within sight of that."""
    bindings, loss, members = MODELS["alone"]
    subject = spoilt(bindings, loss, members)
    (group,) = run(subject).groups
    gradient = subject.gradients("explicit").members["a",]
    error = group.coverage.smallest_fault * np.sqrt(np.mean(gradient**2))
    subject.faults = mapped("a", at((3, 4), 1 + 0.01 * error / gradient[3, 4]))
    assert labels(run(subject)) == []


def test_a_fault_too_small_to_be_seen_otherwise_is_found_thoroughly():
    a = DRAW(size=(40, 30))
    subject = spoilt({"a": a}, "mean(tanh(a + 0.3) ** 2)", ["a"])
    quick, thorough = run(subject), run(subject, thorough=True)
    coarse, fine = (outcome.groups[0].coverage for outcome in (quick, thorough))
    assert (coarse.finer, fine.finer) == (0, 40)
    assert fine.smallest_fault < 0.8 * coarse.smallest_fault
    assert f"along 3 random directions and within {fine.finer} parts of it (seed 0)" in thorough.notes[0]
    gradient = subject.gradients("explicit").members["a",]
    error = 0.2 * coarse.smallest_fault * np.sqrt(np.mean(gradient**2))
    hidden = found = 0
    for place in ((0, 3), (7, 29), (22, 11), (30, 5), (39, 0)):
        subject.faults = mapped("a", at(place, 1 + error / gradient[place]))
        hidden += not labels(run(subject))
        found += bool(labels(run(subject, thorough=True)))
    assert hidden == 5 and found >= 2


@pytest.mark.parametrize("probes", [1, 2, 5])
def test_as_many_directions_as_are_asked_for(probes):
    outcomes = [
        run(spoilt(*MODELS[name]), probes=probes) for name in ("alone", "tied", "together", "in parts")
    ]
    for outcome in outcomes:
        assert labels(outcome) == []
        assert {group.coverage.directions for group in outcome.groups} == {probes}
        many = "one random direction" if probes == 1 else f"{probes} random directions"
        assert all(f"along {many}" in note for note in outcome.notes)


def test_coverage_tells_cells_parts_and_company():
    bindings = {
        "x": DRAW(size=(5, 20)),
        "u": DRAW(size=(20, 16)),
        "v": DRAW(size=(20, 16)),
        "bias": DRAW(size=16),
        "t": A,
        "tt": transpose(A),
    }
    loss = "mean((x @ u + bias) ** 2) + mean(tanh(x @ v)) + mean(t) + mean(tt ** 2)"
    outcome = run(spoilt(bindings, loss, ["u", "v", "bias", "t", "tt"]), seed=7)
    told = {group.group.slots[0].name: group.coverage for group in outcome.groups}
    assert [name for name, one in told.items() if one.exact] == ["bias"]
    assert [name for name, one in told.items() if one.jointly] == ["u", "v"]
    assert {name: one.cells for name, one in told.items()} == {"u": 320, "v": 320, "bias": 16, "t": 480}
    assert told["bias"].smallest_fault is None
    apart, together = outcome.notes
    assert apart.startswith("t, tt: 480 cells measured along 3 random directions (seed 7), not one by one")
    assert together.startswith("2 parameters that share no memory: 640 cells measured together")
    spoilt_row = run(spoilt(bindings, loss, ["u", "v", "bias", "t", "tt"], mapped("t", at(3, -1.0))))
    assert {group.group.slots[0].name: group.coverage.finer for group in spoilt_row.groups}["t"] == 1


@pytest.mark.parametrize(
    ("sizes", "exact"),
    [
        ([64], [64]),
        ([256], [256]),
        ([257], []),
        ([256, 256, 256, 256], [256, 256, 256, 256]),
        ([256, 256, 256, 257], []),
        ([256, 256, 256, 256, 1], [1]),
        ([1000, 64], [64]),
        ([1000, 65], []),
        ([1000, 64, 64, 64, 64], [64, 64, 64, 64]),
        ([1000, 64, 64, 64, 64, 1], [1, 64, 64, 64]),
        ([1000] + [10] * 30, [10] * 25),
        ([20000, 64], []),
        ([20000, 30, 30], [30]),
        ([1000000, 1, 1], [1]),
    ],
)
def test_which_groups_are_measured_cell_by_cell(sizes, exact):
    names = [f"p{number}" for number in range(len(sizes))]
    bindings = {name: DRAW(size=size) for name, size in zip(names, sizes, strict=True)}
    subject = spoilt(bindings, " + ".join(f"sum({name} * {name})" for name in names), names)
    groups = set_up(subject, ["explicit"], Settings()).groups["explicit"]
    assert sorted(len(group.cells) for group in groups if group.probes.exact) == sorted(exact)


def test_cells_are_reported_where_they_were_measured_one_by_one():
    bindings = {"small": DRAW(size=(8, 8)), "large": DRAW(size=(40, 30))}
    outcome = run(spoilt(bindings, "sum(small * small) + sum(tanh(large))", ["small", "large"]))
    small, large = outcome.slots
    assert np.allclose(small.total, 2 * bindings["small"]) and np.allclose(small.path, small.total)
    assert large.total is None and large.path is None
