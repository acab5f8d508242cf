"""A kink at some elements of a large parameter does not hide the faults of the others."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.auditing import Outcome, audit
from aliascheck.language import parse
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Gradients

LOSS = "sum(relu(x) * (1 + x))"
X = np.random.default_rng(0).normal(size=(20, 50))
AT_KINK = np.random.default_rng(1).permutation(X.size)[:5]
X.flat[AT_KINK] = 0.0
ELSEWHERE = next(k for k in range(X.size) if X.flat[k] > 0.5)


class Faulty(Program):
    """An engine that multiplies its gradient by some factors."""

    factors: np.ndarray

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        return Gradients({path: tangent * self.factors for path, tangent in right.members.items()})


def run(place: object = (), factor: float = 1.0) -> Outcome:
    program = Faulty({"x": X.copy()}, parse(LOSS).evaluate, [("x",)])
    program.factors = np.ones(X.shape)
    if place == "all":
        program.factors *= factor
    elif place != ():
        program.factors.flat[place] = factor
    (outcome,) = audit(program, ["explicit"])
    return outcome


def test_a_right_engine_at_a_kink_is_told_of_the_kink_alone():
    outcome = run()
    assert [found.label for found in outcome.findings] == ["AC201:x"]
    assert outcome.slots[0].word == "kink"


@pytest.mark.parametrize(("place", "factor"), [(ELSEWHERE, 2.0), (ELSEWHERE, -1.0), ("all", 1.01)])
def test_a_fault_elsewhere_is_found(place, factor):
    outcome = run(place, factor)
    assert [found.label for found in outcome.findings] == ["AC105:x", "AC201:x"]
    assert outcome.slots[0].word == "wrong"


def test_the_memory_is_as_it_was():
    program = Faulty({"x": X.copy()}, parse(LOSS).evaluate, [("x",)])
    program.factors = np.full(X.shape, 1.5)
    audit(program, ["explicit"])
    assert program.bindings["x"].tobytes() == X.tobytes()
