"""A right derivative is never failed for a kink nearby, and a wrong one of a smooth loss always is."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aliascheck.oracle.confirmation import Confirmation, Verdict, agree, confirm, resolves
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.stencil import derivative
from tests.oracle.battery import draw_samples

Phi = Callable[[float], float]
ROUNDING = 256 * 2.0**-53
steady = settings(deadline=None, derandomize=True, max_examples=200)
scales = st.floats(-8, 8).map(lambda exponent: 10.0**exponent)
coefficients = st.floats(-2, 2)
signs = st.sampled_from([-1.0, 1.0])


def judge(phi: Phi, reported: float, size: float) -> Confirmation:
    """The verdict on a reported derivative whose terms have this size."""
    loss = phi(0.0)
    noise = noise_level(phi, loss)
    return confirm(phi, loss, noise, derivative(phi, loss, noise), reported, ROUNDING * size)


def never(t: float) -> float:
    raise AssertionError("not to be evaluated")


@steady
@given(
    distance=st.floats(-6, -4),
    side=signs,
    weight=st.floats(-12, 0),
    sign=signs,
    a=coefficients,
    b=coefficients,
    scale=scales,
)
def test_right_derivative_beside_a_weak_kink_is_not_failed(
    *, distance: float, side: float, weight: float, sign: float, a: float, b: float, scale: float
) -> None:
    at, share = side * 10.0**distance, sign * 10.0**weight
    truth = b * math.cos(a) + 0.5 + 0.3 * a + (share if at < 0.0 else 0.0)

    def phi(t: float) -> float:
        smooth = math.sin(b * t + a) + 0.5 * t + math.exp(0.3 * a * t)
        return scale * (smooth + share * max(t - at, 0.0))

    found = judge(phi, scale * truth, scale)
    assert found.verdict is not Verdict.FAILS, found


@pytest.mark.parametrize("relative", [1e-8, 1e-6, 1e-4, 1e-2, 0.5, 1.0, 100.0])
def test_wrong_derivative_of_a_smooth_loss_fails(relative: float) -> None:
    tried = 0
    for number, sample in enumerate(draw_samples(480, seed=41)):
        truth = float(sample.truth())
        wrong = truth * (1.0 + (relative if number % 2 else -relative))
        loss = sample.phi(0.0)
        noise = noise_level(sample.phi, loss)
        estimate = derivative(sample.phi, loss, noise)
        well_above = abs(wrong - truth) > 300.0 * estimate.bound and resolves(estimate, wrong)
        if well_above and estimate.status is not Status.KINK:
            tried += 1
            found = confirm(sample.phi, loss, noise, estimate, wrong, ROUNDING * abs(truth))
            assert found.verdict is Verdict.FAILS, (sample.family, sample.seed, estimate, found)
    assert tried > 240


@steady
@given(a=coefficients, b=coefficients, scale=scales, error=st.floats(-8, 1), sign=signs)
def test_wrong_derivative_fails_at_every_scale(
    *, a: float, b: float, scale: float, error: float, sign: float
) -> None:
    slope = b * math.cos(a) + 0.5
    assume(abs(slope) > 1e-2)
    wrong = scale * slope * (1.0 + sign * 10.0**error)
    found = judge(lambda t: scale * (math.sin(b * t + a) + 0.5 * t), wrong, scale)
    assert found.verdict is Verdict.FAILS


@pytest.mark.parametrize("reported", [0.0, 0.25, 0.5, 1.0])
def test_anything_between_the_slopes_agrees_with_a_kink(reported: float) -> None:
    found = judge(lambda t: max(t, 0.0), reported, 1.0)
    assert (found.verdict, found.evaluations) == (Verdict.AGREES, 0)


@pytest.mark.parametrize("reported", [-1e-3, -1.0, 1.001, 2.0])
def test_what_is_outside_the_slopes_of_a_kink_fails(reported: float) -> None:
    assert judge(lambda t: max(t, 0.0), reported, 1.0).verdict is Verdict.FAILS


def test_agreement_costs_nothing() -> None:
    estimate = Estimate(2.0, 0.5, Status.OK, 2.0, 2.0, 10)
    for reported, rounding in ((1.0, 0.0), (3.0, 0.0), (3.25, 0.25)):
        found = confirm(never, 1.0, 0.0, estimate, reported, rounding)
        assert found == Confirmation(Verdict.AGREES, estimate)


def test_wide_bound_is_suspect_and_costs_nothing() -> None:
    estimate = Estimate(2.0, 0.01, Status.OK, 2.0, 2.0, 10)
    found = confirm(never, 1.0, 0.0, estimate, 2.3, 0.0)
    assert (found.verdict, found.evaluations) == (Verdict.SUSPECT, 0)
    assert found.note == "unresolved: the bound is too wide"


def test_wide_bound_is_no_excuse_for_what_lies_far_beyond_it() -> None:
    estimate = Estimate(2.0, 0.01, Status.OK, 2.0, 2.0, 10)
    found = confirm(lambda t: 1.0 + 2.0 * t, 1.0, 0.0, estimate, 3.0, 0.0)
    assert found.verdict is Verdict.FAILS and found.evaluations > 0


@pytest.mark.parametrize("status", [status for status in Status if not status.bounded])
def test_no_derivative_is_suspect_and_costs_nothing(status: Status) -> None:
    estimate = Estimate(2.0, math.inf, status, 2.0, 2.0, 10, "why")
    found = confirm(never, 1.0, 0.0, estimate, 3.0, 0.0)
    assert (found.verdict, found.note) == (Verdict.SUSPECT, "no derivative to compare with: why")


def test_window_that_agrees_is_near_a_kink_and_is_handed_back() -> None:
    blind = Estimate(1.01, 1e-9, Status.OK, 1.01, 1.01, 10)
    found = confirm(math.exp, 1.0, 2.0**-52, blind, 1.0, 0.0)
    assert found.verdict is Verdict.NEAR_KINK
    assert agree(found.estimate, 1.0, 0.0)
    assert found.evaluations >= found.estimate.evaluations > 0
    assert found.note == "agrees within 4e-03 of the point"


def test_windows_that_see_nothing_are_suspect() -> None:
    blind = Estimate(1.0, 1e-15, Status.OK, 1.0, 1.0, 10)
    found = confirm(lambda t: 1.0 + t, 1.0, 1e-9, blind, 1.0 + 1e-9, 0.0)
    assert (found.verdict, found.note) == (Verdict.SUSPECT, "no closer look resolves it")


def faint_wave(t: float) -> float:
    """A wave that the first descent steps over, as it is hardly above the rounding of the loss."""
    return (1.0 + t) ** 2 + 1e-14 * math.sin(1e4 * t)


def test_right_derivative_of_a_wave_hardly_above_rounding_is_not_failed() -> None:
    loss = faint_wave(0.0)
    noise = noise_level(faint_wave, loss)
    estimate = derivative(faint_wave, loss, noise)
    found = confirm(faint_wave, loss, noise, estimate, 2.0 + 1e-10, ROUNDING)
    assert not agree(estimate, 2.0 + 1e-10, ROUNDING)
    assert found.verdict in {Verdict.SUSPECT, Verdict.NEAR_KINK}


def strong_wave(t: float) -> float:
    """All of the derivative is that of a wave too fast for the first descent and the first window."""
    return 5.5e7 + 1.7e-5 * math.sin(2.7e4 * t)


def test_right_derivative_that_closer_looks_approach_is_not_failed() -> None:
    found = judge(strong_wave, 1.7e-5 * 2.7e4, 1.0)
    assert found.verdict is not Verdict.FAILS


def test_evaluations_are_counted() -> None:
    asked: list[float] = []

    def phi(t: float) -> float:
        asked.append(t)
        return math.sin(t)

    estimate = derivative(phi, 0.0)
    asked.clear()
    assert confirm(phi, 0.0, 0.0, estimate, 1.1, 0.0).evaluations == len(asked) > 0
