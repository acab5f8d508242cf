"""The complex step is exact where it may be used, and is found out where it may not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aliascheck.oracle.complex_step import accepts, complex_slope, witnessed
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.stencil import derivative
from tests.oracle.battery import Sample, draw_samples

X = 0.3
WEIGHTS = np.array([[0.7, -1.2], [0.4, 2.0]])


def complex_phi(sample: Sample) -> Callable[[complex], complex]:
    return lambda t: complex(sample.loss(sample.point + t * sample.direction))


def measure(phi: Callable[[Any], Any]) -> Estimate:
    """The finite difference of the same loss on real numbers."""

    def real(t: float) -> float:
        return float(np.real(phi(t)))

    return derivative(real, real(0.0), noise_level(real, real(0.0)))


def test_complex_step_is_exact_and_accepted_over_all_families() -> None:
    errors = []
    for sample in draw_samples(800, seed=61):
        slope, truth = complex_slope(complex_phi(sample)), float(sample.truth())
        estimate = derivative(sample.phi, sample.phi(0.0), noise_level(sample.phi, sample.phi(0.0)))
        errors.append(abs(slope - truth) / abs(truth))
        assert accepts(estimate, slope) or estimate.status is not Status.OK
    assert np.median(errors) < 1e-15
    assert np.percentile(errors, 99) < 1e-13


SILENTLY_WRONG: dict[str, Callable[[Any], Any]] = {
    "abs": lambda t: np.abs(X + t),
    "norm": lambda t: np.linalg.norm(np.array([X + t, 2.0])),
    "vdot": lambda t: np.vdot(np.array([X + t, 1.0]), np.array([X + t, 1.0])),
    "conjugate": lambda t: (X + t) * np.conj(X + t),
    "transpose": lambda t: np.trace((WEIGHTS * (1 + t)) @ (WEIGHTS * (1 + t)).conj().T),
    "real part": lambda t: 2.0 * np.real(X + t),
    "sign": lambda t: np.sign(X + t) * (X + t),
}


@pytest.mark.parametrize("name", SILENTLY_WRONG)
def test_function_that_is_silently_wrong_is_rejected(name: str) -> None:
    phi = SILENTLY_WRONG[name]
    assert not accepts(measure(phi), complex_slope(phi))


ANALYTIC: dict[str, tuple[Callable[[Any], Any], float]] = {
    "maximum": (lambda t: np.maximum(X + t, 0.0), 1.0),
    "where": (lambda t: np.where(np.real(X + t) > 0.0, X + t, 0.0)[()], 1.0),
    "log1p": (lambda t: np.log1p(X + t), 1.0 / (1.0 + X)),
    "expm1": (lambda t: np.expm1(X + t), math.exp(X)),
    "power": (lambda t: (X + t) ** 2.5, 2.5 * X**1.5),
    "tanh": (lambda t: np.tanh(X + t), 1.0 - math.tanh(X) ** 2),
}


@pytest.mark.parametrize("name", ANALYTIC)
def test_analytic_function_is_accepted(name: str) -> None:
    phi, truth = ANALYTIC[name]
    slope = complex_slope(phi)
    assert slope == pytest.approx(truth, rel=1e-14)
    assert accepts(measure(phi), slope)


@pytest.mark.parametrize(
    "phi",
    [
        lambda t: np.logaddexp(X + t, 0.0),
        lambda t: np.arctan2(X + t, 1.0),
        lambda t: math.exp(t),
        lambda t: 1.0 / (t - t),
        lambda t: t * math.inf,
    ],
)
def test_what_takes_no_complex_numbers_is_no_witness(phi: Callable[[Any], Any]) -> None:
    slope = complex_slope(phi)
    assert math.isnan(slope)
    assert not accepts(Estimate(1.0, math.inf, Status.OK, 1.0, 1.0, 10), slope)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_only_a_smooth_loss_has_a_witness(status: Status) -> None:
    assert not accepts(Estimate(1.0, 0.5, status, 1.0, 1.0, 10), 1.0)


def test_accepted_witness_lowers_the_bound_of_later_directions() -> None:
    gains = []
    for sample in draw_samples(800, seed=62):
        rng = np.random.default_rng(sample.seed)
        later = replace(sample, direction=rng.permutation(sample.direction))
        loss = sample.phi(0.0)
        noise = noise_level(sample.phi, loss)
        first = derivative(sample.phi, loss, noise)
        if not accepts(first, complex_slope(complex_phi(sample))):
            continue
        terms = sum(abs(complex_slope(complex_phi(part))) for part in parts(later))
        estimate = witnessed(complex_slope(complex_phi(later)), terms, first)
        assert (estimate.status, estimate.evaluations) == (Status.OK, 1)
        assert estimate.low <= later.truth() <= estimate.high, (sample.family, sample.seed, estimate)
        gains.append(derivative(later.phi, loss, noise).bound / estimate.bound)
    assert len(gains) > 780
    assert np.median(gains) > 20.0


def parts(sample: Sample) -> list[Sample]:
    """The sample along each coordinate by itself."""
    return [replace(sample, direction=part) for part in np.diag(sample.direction)]
