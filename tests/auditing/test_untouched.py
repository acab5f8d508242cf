"""Memory is the same after an audit of large groups, bit by bit, whatever the loss does on the way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from aliascheck.engine import transpose
from aliascheck.memory import NOTHING
from tests.auditing.spoilt import Spoilt, at, mapped, run, spoilt


class Stumbling(Spoilt):
    """A program whose loss fails at one evaluation, of whatever kind."""

    at = -1
    error: type[BaseException] = ZeroDivisionError
    count = 0

    def _step(self):
        self.count += 1
        if self.count == self.at:
            raise self.error("stumbled")

    def loss(self, **options):
        self._step()
        return super().loss(**options)

    def loss_reading(self, access, private, **options):
        self._step()
        return super().loss_reading(access, private, **options)

    def complex_loss_reading(self, access, private):
        self._step()
        return super().complex_loss_reading(access, private)

    def base(self):
        self._step()
        return super().base()


def bindings():
    """Large groups of every kind: alone, tied, in parts, repeated, zero."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=(20, 16)) * 10.0 ** rng.uniform(-2, 1, size=(20, 16))
    w[0, 0], w[1, 1] = -0.0, 5e-324
    return {
        "x": rng.normal(size=(5, 20)),
        "u": rng.normal(size=(20, 16)),
        "v": np.zeros((20, 16)),
        "w": w,
        "wt": transpose(w),
        "h": w[::2],
        "s": as_strided(rng.normal(size=300), (281, 20), (8, 8)),
    }


LOSS = (
    "mean((x @ u) ** 2) + mean((x @ v) ** 2 @ transpose(x @ u)) + mean(tanh(w)) + mean(tanh(wt) * wt)"
    " + mean(h * h) + mean(sin(s))"
)
MEMBERS = ("u", "v", "w", "wt", "h", "s")
FAULTS = {
    "right": {},
    "places": {**mapped("w", at(3, -1.0)), **mapped("s", at((7, 3), 2.0))},
    "nearby": {"v": lambda right: NOTHING},
}


def bits(values):
    return {name: np.asarray(getattr(value, "array", value)).tobytes() for name, value in values.items()}


@pytest.mark.parametrize("mode", ["explicit", "implicit"])
@pytest.mark.parametrize("fault", FAULTS)
def test_after_an_audit(fault, mode):
    model = bindings()
    before = bits(model)
    outcome = run(spoilt(model, LOSS, MEMBERS, FAULTS[fault]), mode)
    assert bits(model) == before
    assert bool(outcome.findings) == bool(FAULTS[fault])


@pytest.mark.parametrize(
    ("fault", "error"),
    [("places", ZeroDivisionError), ("places", KeyboardInterrupt), ("nearby", RuntimeError)],
)
def test_after_a_loss_that_fails_at_some_evaluation(fault, error):
    """Arithmetic that fails is a value that is not finite; any other error ends the audit."""
    model = bindings()
    before = bits(model)
    whole = spoilt(model, LOSS, MEMBERS, FAULTS[fault], Stumbling)
    run(whole)
    rng = np.random.default_rng(1)
    for at_step in {4, *rng.integers(5, whole.count, size=4).tolist()}:
        subject = spoilt(model, LOSS, MEMBERS, FAULTS[fault], Stumbling)
        subject.at, subject.error = at_step, error
        try:
            run(subject)
        except (ZeroDivisionError, RuntimeError, KeyboardInterrupt):
            assert error is not ZeroDivisionError, at_step
        assert bits(model) == before, at_step
