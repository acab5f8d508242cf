"""Screening: a derivative good enough to guide a search, for a third of the evaluations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aliascheck.oracle.estimate import Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.stencil import derivative
from tests.oracle.battery import draw_samples

UNIT = 2.0**-53


@pytest.mark.parametrize(("relative", "broken", "evaluations"), [(1e-2, 12, 6), (1e-4, 5, 8), (1e-6, 3, 10)])
def test_screening_is_cheap_and_its_bounds_mostly_hold(
    relative: float, broken: int, evaluations: int
) -> None:
    outside, spent = 0, []
    for sample in draw_samples(1600, seed=31):
        loss, truth = sample.phi(0.0), sample.truth()
        noise = noise_level(sample.phi, loss)
        estimate = derivative(sample.phi, loss, noise, accuracy=relative * abs(float(truth)))
        outside += not estimate.low <= truth <= estimate.high
        spent.append(estimate.evaluations)
        if estimate.note == "screened":
            assert estimate.bound <= relative * abs(float(truth))
    assert outside <= broken
    assert np.median(spent) <= evaluations


def test_four_evaluations_do_for_a_cubic() -> None:
    estimate = derivative(lambda t: 1.0 + t * (2.0 + t * (3.0 - t)), 1.0, UNIT, accuracy=0.1)
    assert (estimate.evaluations, estimate.note, estimate.status) == (4, "screened", Status.OK)
    assert estimate.value == pytest.approx(2.0, abs=1e-13)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e12, 1e300])
def test_accuracy_is_in_units_of_the_loss(scale: float) -> None:
    estimate = derivative(lambda t: scale * math.exp(t), scale, 0.0, accuracy=1e-4 * scale)
    assert estimate.evaluations <= 6
    assert abs(estimate.value - scale) <= estimate.bound <= 1e-4 * scale


def test_accuracy_out_of_reach_is_no_screening() -> None:
    def phi(t: float) -> float:
        return math.exp(math.sin(3.0 * t + 0.2))

    assert derivative(phi, phi(0.0), UNIT, accuracy=1e-17) == derivative(phi, phi(0.0), UNIT)


def test_loss_of_nothing_is_not_screened_unasked() -> None:
    assert derivative(lambda t: 0.0, 0.0, first_step=8.0).note == "the loss is constant here"


def test_kink_at_the_point_goes_unseen() -> None:
    estimate = derivative(lambda t: max(t, 0.0), 0.0, UNIT, accuracy=1e-3)
    assert (estimate.value, estimate.status) == (0.5, Status.OK)
