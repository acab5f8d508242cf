"""Right gradients of random tied models raise no alarm, and little is left undecided."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from aliascheck.oracle.confirmation import Verdict
from tests.oracle.claims import KINDS, judge_models
from tests.oracle.tied_models import SLOTS, draw_model


def test_right_gradients_raise_no_alarm() -> None:
    judged = list(judge_models(500, seed=51))
    verdicts = Counter(one.verdict for one in judged)
    assert len(judged) == 500 * len(KINDS)
    assert sum(one.mixed for one in judged) / len(judged) > 0.1
    assert verdicts[Verdict.FAILS] == 0
    assert verdicts[Verdict.SUSPECT] < 0.01 * len(judged)


@pytest.mark.parametrize("slot", SLOTS)
def test_gradients_by_hand_are_those_of_the_loss(slot: int) -> None:
    rng = np.random.default_rng(slot)
    for _ in range(20):
        model = draw_model(rng)
        if model.mixed or model.activation.name == "relu":
            continue
        step = model.unit * rng.standard_normal(model.gradients()[slot].shape)
        phi, h = model.along_slot(slot, step), 1e-5
        slope = (phi(h) - phi(-h)) / (2.0 * h)
        terms = step * model.gradients()[slot]
        assert slope == pytest.approx(terms.sum(), abs=1e-5 * (np.linalg.norm(terms) + abs(phi(0.0))))
