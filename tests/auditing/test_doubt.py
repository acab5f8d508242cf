"""What disagrees a little is looked at again: weak kinks are no faults, and faint faults are."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import transpose
from tests.auditing.spoilt import at, labels, mapped, run, spoilt, times

SHAPE = (24, 20)
INFO = {"AC201", "AC206"}


def kinked(seed, faults=None):
    """A tied model that bends a little near the point: along one direction, or at many elements."""
    rng = np.random.default_rng(seed)
    a, d = rng.normal(size=SHAPE), rng.normal(size=SHAPE)
    d /= np.linalg.norm(d)
    tiny, near = float(10.0 ** rng.uniform(-9, -3)), float(10.0 ** rng.uniform(-7, -3) * rng.choice([-1, 1]))
    at_kink = float(np.vdot(d, a)) + near
    bend = (
        f"{tiny!r} * relu(sum(d * a) - {at_kink!r})",
        f"{tiny!r} * sum(relu(d * a - {at_kink / a.size!r}))",
    )
    bindings = {"a": a, "b": transpose(a), "d": d, "c": rng.normal(size=(24, 3))}
    loss = f"mean(tanh(a)) + mean((b @ c) ** 2) + {bend[seed % 2]}"
    return spoilt(bindings, loss, ["a", "b"], faults)


def test_a_weak_kink_nearby_is_never_an_error():
    """Each gradient here is right; about a third meet the kink."""
    met = 0
    for seed in range(60):
        outcome = run(kinked(seed))
        codes = {finding.code for finding in outcome.findings}
        assert codes <= INFO, (seed, labels(outcome))
        met += "AC201" in codes
    assert met > 10


FAULTS = {
    "element": (mapped("b", at((3, 4), 1.5)), "AC105:b"),
    "faint element": (mapped("b", at((3, 4), 1 + 1e-5)), "AC105:b"),
    "row": (mapped("b", at(3, -1.0)), "AC105:b"),
    "missing row": (mapped("b", at(3, 0.0)), "AC103:b"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_weak_kink_is_no_error_of_the_slots_beside_a_wrong_one(fault):
    """The places of faults are regions of their own, along which the kink may lie elsewhere."""
    faults, expected = FAULTS[fault]
    for seed in (*range(6), 1137):
        outcome = run(kinked(seed, faults))
        errors = [finding.label for finding in outcome.findings if finding.code not in INFO]
        assert errors == [expected], seed


@pytest.mark.parametrize("size", [3, 400])
@pytest.mark.parametrize("weight", [1e-3, 1.0])
def test_at_a_kink_what_lies_between_the_one_sided_derivatives_is_right(weight, size):
    rng = np.random.default_rng(size)
    a, d = rng.normal(size=size), rng.normal(size=size)
    a -= d * np.vdot(a, d) / np.vdot(d, d)
    bindings = {"a": a, "d": d}
    loss = f"mean(tanh(a)) + {weight} * relu(sum(d * a))"
    outcome = run(spoilt(bindings, loss, ["a"]))
    assert labels(outcome) == ["AC201:a"]
    assert outcome.slots[0].word == "kink"
    left = spoilt(bindings, "mean(tanh(a))", ["a"]).gradients("explicit").members["a",]
    for share, expected in ((0.0, []), (0.3, []), (1.0, []), (-0.5, ["AC105:a"]), (1.6, ["AC105:a"])):
        found = labels(run(spoilt(bindings, loss, ["a"], holding("a", left + share * weight * d))))
        assert [label for label in found if label != "AC201:a"] == expected, share


def holding(name, gradient):
    """The fault that hands out a gradient at the given point, as far as the gates are open."""
    known = []

    def fault(right):
        known.append(right[name])
        share = np.vdot(known[0], right[name]) / np.vdot(known[0], known[0])
        is_here = np.allclose(right[name], share * known[0], rtol=1e-9, atol=0.0)
        return gradient * share if is_here else right[name]

    return {name: fault}


@pytest.mark.parametrize("size", [3, 400])
@pytest.mark.parametrize("loss", ["100000000.0 + 1e-7 * sum(tanh(a))", "sum(tanh(a)) + 1e13 - 1e13"])
def test_what_the_loss_does_not_resolve_is_undecided(loss, size):
    bindings = {"a": np.random.default_rng(0).normal(size=size)}
    for faults in ({}, mapped("a", times(1.0001)), mapped("a", at(2, 1 + 1e-3))):
        outcome = run(spoilt(bindings, loss, ["a"], faults))
        assert (labels(outcome), outcome.slots[0].word) in (
            (["AC206:a"], "undecided"),
            (["AC202"], "noisy"),
        )


@pytest.mark.parametrize("relative", [1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize(
    ("size", "fault"),
    [
        (3, lambda off: at(1, 1 + off)),
        (40, lambda off: at(17, 1 - off)),
        (40, lambda off: times(1 + off)),
        (400, lambda off: times(1 + off)),
    ],
)
def test_a_faint_fault_is_an_error(size, fault, relative):
    bindings = {"a": np.random.default_rng(size).normal(size=size)}
    loss = "sum(a * a * a) + sum(tanh(a))"
    assert labels(run(spoilt(bindings, loss, ["a"], mapped("a", fault(relative))))) == ["AC105:a"]
