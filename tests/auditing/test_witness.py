"""A complex step makes audits cheaper and changes no finding."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import transpose
from aliascheck.memory import NOTHING
from tests.auditing.spoilt import Spoilt, at, labels, mapped, run, spoilt, times
from tests.auditing.witnesses import Blind, Lying

DRAW = np.random.default_rng(0).normal
SHAPE = (24, 20)


def tied(loss, faults=None, kind=Spoilt):
    """A matrix, its transpose and its upper half: `a`, `b`, `h`."""
    a = np.random.default_rng(1).normal(size=SHAPE) / 2
    bindings = {"a": a, "b": transpose(a), "h": a[:12], "c": np.random.default_rng(2).normal(size=(24, 3))}
    return spoilt(bindings, loss, ["a", "b", "h"], faults, kind)


def told(outcome):
    """Everything that a report says of slots."""
    found = [(one.label, one.where, one.accesses, one.cause) for one in outcome.findings]
    return found, [slot.word for slot in outcome.slots]


ANALYTIC = "mean(tanh(a) ** 2) + mean((b @ c) ** 2) + mean(exp(h))"
FAULTS = {
    "right": {},
    "a block missing": mapped("a", at(np.s_[2:6, 2:6], 0.0)),
    "a block missing in a part": mapped("h", at(np.s_[2:6, 2:6], 0.0)),
    "a row's sign": mapped("b", at(3, -1.0)),
    "an element": mapped("a", at((20, 3), 1.01)),
    "scaled": mapped("h", times(1 + 1e-6)),
    "twice": mapped("h", times(2.0)),
    "dropped": {"h": lambda right: NOTHING},
    "moved": {"a": lambda right: right["a"] + right["b"].T, "b": lambda right: 0.0 * right["b"]},
    "a part copied": {"a": lambda right: right["a"] + at(3, 0.0)(right["b"].T)},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_finding_rests_on_complex_steps(fault):
    """Nothing changes where there are none, nor where they are believed and then lie."""
    seeing, blind, lying = (run(tied(ANALYTIC, FAULTS[fault], kind)) for kind in (Spoilt, Blind, Lying))
    assert told(seeing) == told(blind) == told(lying)
    if fault == "right":
        assert labels(seeing) == []
        assert seeing.evaluations < 0.5 * blind.evaluations < lying.evaluations


ADAPTER = "mean(tanh(x @ w + (x @ a) @ b)) + mean((x @ at2) ** 2 @ b)"


@pytest.mark.parametrize("fault", ["right", "a row's sign", "dropped"])
def test_no_finding_rests_on_complex_steps_nearby(fault):
    """The derivatives of `a` and its other name are zero where `b` is."""
    rng = np.random.default_rng(3)
    a = rng.normal(size=(30, 12)) / 5
    bindings = {"x": rng.normal(size=(5, 30)), "w": rng.normal(size=(30, 30)) / 5, "a": a, "at2": a[:, :]}
    bindings["b"] = np.zeros((12, 30))
    faults = {
        "right": {},
        "a row's sign": mapped("at2", at(3, -1.0)),
        "dropped": {"a": lambda right: 0.0 * right["a"]},
    }
    seeing, blind, lying = (
        run(spoilt(bindings, ADAPTER, ["a", "at2", "b"], faults[fault], kind))
        for kind in (Spoilt, Blind, Lying)
    )
    assert told(seeing) == told(blind) == told(lying)
    assert labels(seeing) == {"right": [], "a row's sign": ["AC105:at2"], "dropped": ["AC101:a"]}[fault]


# Not analytic, or made of what takes no complex numbers.
LOSSES = [
    "mean(abs(a)) + mean(abs(b) ** 1.5) + sum(h)",
    "norm(a) + norm(b @ c) + mean(h * h)",
    "mean(maximum(a, 0.1)) + mean(minimum(b, 0.2) * b) + mean(relu(h) * h)",
    "sum(max(a, axis=0)) + mean(min(b, axis=0)) + mean(tanh(h))",
    "mean(sort(a) * a) + mean(sign(b) * b * b) + mean(h)",
    "mean(logaddexp(a, 0.3)) + mean(arctan2(b, 1.0)) + mean(h * h)",
    "mean(where(a > 0.0, a, 0.1 * a * a)) + mean(floor(b) * b) + mean(exp(h))",
    "mean(softmax(a) * a) + logsumexp(b @ c) + mean(gelu(h))",
    "mean(clip(a, -0.5, 0.5) * a) + std(b) + var(h)",
]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_that_are_not_analytic_are_judged_as_without_a_witness(loss):
    for fault in ({}, mapped("b", at(7, 1.5)), mapped("a", times(1.001))):
        seeing, blind = run(tied(loss, fault)), run(tied(loss, fault, Blind))
        assert told(seeing) == told(blind)
        assert bool(fault) == any(one.severity == "error" for one in seeing.findings)
