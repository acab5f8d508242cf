"""Measure the finite-difference oracle: `python -m tests.benchmarks.oracle [functions] [seed]`.

Over random functions of the sixteen families it prints how often the derivative lies outside the bound,
the relative error, the evaluations, and the time that a derivative costs beside those evaluations.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import measure_noise
from aliascheck.oracle.stencil import derivative
from tests.oracle.battery import FAMILIES, Sample, draw_samples


@dataclass(frozen=True)
class Outcome:
    sample: Sample
    estimate: Estimate
    truth: np.longdouble
    noise_evaluations: int
    seconds: float

    @property
    def error(self) -> float:
        """The distance of the truth from the value, or from the interval of a kink."""
        if self.estimate.status is Status.KINK:
            return float(max(self.estimate.left - self.truth, self.truth - self.estimate.right, 0.0))
        return float(abs(self.estimate.value - self.truth))

    @property
    def relative_error(self) -> float:
        return self.error / max(abs(float(self.truth)), 1e-300)


class Stopwatch:
    """A loss that measures the time spent in it."""

    def __init__(self, sample: Sample) -> None:
        self._phi = sample.phi
        self.seconds = 0.0

    def __call__(self, t: float) -> float:
        start = time.perf_counter()
        value = self._phi(t)
        self.seconds += time.perf_counter() - start
        return value


def measure(sample: Sample) -> Outcome | None:
    """The outcome for one sample, or None where its loss or its truth overflows."""
    truth, loss = sample.truth(), sample.phi(0.0)
    if not (math.isfinite(truth) and math.isfinite(loss)):
        return None
    noise = measure_noise(sample.phi, loss)
    phi = Stopwatch(sample)
    start = time.perf_counter()
    estimate = derivative(phi, loss, noise.level)
    seconds = time.perf_counter() - start - phi.seconds
    return Outcome(sample, estimate, truth, noise.evaluations, seconds)


def table_row(name: str, outcomes: list[Outcome]) -> str:
    bounded = [outcome for outcome in outcomes if outcome.estimate.status.bounded]
    ratios = np.array([outcome.error / outcome.estimate.bound for outcome in bounded])
    errors = np.array([outcome.relative_error for outcome in bounded])
    claims = np.array([o.estimate.bound / max(abs(float(o.truth)), 1e-300) for o in bounded])
    evaluations = np.array([outcome.estimate.evaluations for outcome in outcomes])
    return (
        f"{name:17s} {len(outcomes):6d} {np.sum(ratios > 1):6d} {ratios.max():9.2g}"
        f" {np.median(errors):9.1e} {np.percentile(errors, 99):9.1e}"
        f" {np.median(claims):9.1e} {np.percentile(claims, 90):9.1e}"
        f" {np.median(evaluations):6.0f} {evaluations.mean():6.1f} {np.percentile(evaluations, 99):5.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="?", type=int, default=20_000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    arguments = parser.parse_args()
    measured = (measure(sample) for sample in draw_samples(arguments.functions, arguments.seed))
    outcomes = [outcome for outcome in measured if outcome is not None]

    print(
        f"{'':17s} {'':6s} {'out of':>6s} {'worst':>9s} {'relative error':^19s} {'bound / value':^19s}"
        " evaluations"
        f"\n{'family':17s} {'number':>6s} {'bound':>6s} {'err/bound':>9s} {'median':>9s} {'p99':>9s}"
        f" {'median':>9s} {'p90':>9s} {'median':>6s} {'mean':>6s} {'p99':>5s}"
    )
    for name in sorted(FAMILIES):
        print(table_row(name, [outcome for outcome in outcomes if outcome.sample.family == name]))
    print(table_row("all", outcomes))
    microseconds = 1e6 * np.array([outcome.seconds for outcome in outcomes])
    print(f"evaluations for the noise, once: {np.mean([o.noise_evaluations for o in outcomes]):.1f}")
    print(f"time beside the evaluations: {np.median(microseconds):.0f} us (median)")
    print("status:", dict(Counter(str(outcome.estimate.status) for outcome in outcomes)))
    for outcome in outcomes:
        if outcome.error > outcome.estimate.bound:
            sample = outcome.sample
            print("out of bound:", sample.family, sample.seed, outcome.estimate, outcome.truth)


if __name__ == "__main__":
    main()
