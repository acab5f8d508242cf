"""Measure the finite-difference oracle: `python -m tests.benchmarks.oracle [functions] [seed]`.

Over random functions of the sixteen families it prints how often the derivative lies outside the bound, the
relative error, the evaluations, and the time that a derivative costs beside those evaluations; then what
becomes of kinks by their distance, and the verdicts on right gradients of random tied models. Exits 1 where
a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from aliascheck.oracle.confirmation import Verdict
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import measure_noise
from aliascheck.oracle.stencil import derivative
from tests.oracle.battery import FAMILIES, Sample, draw_samples
from tests.oracle.claims import KINDS, judge_models
from tests.oracle.corners import DISTANCES, see_kinks


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


def battery(functions: int, seed: int) -> list[str]:
    """The table of the sixteen families; the bars that are missed."""
    measured = (measure(sample) for sample in draw_samples(functions, seed))
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
    broken = [outcome for outcome in outcomes if outcome.error > outcome.estimate.bound]
    for outcome in broken:
        sample = outcome.sample
        print("out of bound:", sample.family, sample.seed, outcome.estimate, outcome.truth)
    error = float(np.median([outcome.relative_error for outcome in outcomes]))
    evaluations = float(np.median([outcome.estimate.evaluations for outcome in outcomes]))
    return [
        *missed("bounds broken", len(broken), len(broken) == 0),
        *missed("median relative error", error, error < 1e-12),
        *missed("median evaluations", evaluations, evaluations < 20),
    ]


def kinks(count: int, seed: int) -> list[str]:
    """The table of kinks by their distance, in units of the memory."""
    print(
        f"\n{'kink at':>8s} {'kink':>7s} {'smooth':>7s} {'other':>7s} {'wrong':>6s} evaluations: median, most"
    )
    wrong = 0
    for distance in DISTANCES:
        seen = list(see_kinks(distance, count, seed))
        kink = sum(one.is_kink for one in seen) / count
        other = sum(not one.estimate.status.bounded for one in seen) / count
        here = sum(one.wrong_and_confident for one in seen)
        evaluations = [one.estimate.evaluations for one in seen]
        print(
            f"{distance:8.0e} {kink:7.2%} {1.0 - kink - other:7.2%} {other:7.2%} {here:6d}"
            f" {np.median(evaluations):7.0f} {max(evaluations):7d}"
        )
        wrong += here
    return missed("kinks wrong and confident", wrong, wrong == 0)


def right_gradients(models: int, seed: int) -> list[str]:
    """The table of verdicts on right gradients."""
    judged = list(judge_models(models, seed))
    print(f"\n{'right gradients':16s}" + "".join(f"{verdict:>11s}" for verdict in Verdict))
    for kind in (*KINDS, "mixed"):
        verdicts = Counter(
            one.verdict for one in judged if kind == one.kind or (kind == "mixed" and one.mixed)
        )
        print(f"{kind:16s}" + "".join(f"{verdicts[verdict]:11d}" for verdict in Verdict))
    alarms = sum(one.verdict is Verdict.FAILS for one in judged)
    undecided = sum(one.verdict is Verdict.SUSPECT for one in judged) / len(judged)
    mixed = sum(one.mixed for one in judged) / len(judged)
    evaluations = np.mean([one.evaluations for one in judged])
    print(
        f"{len(judged)} verdicts, {alarms} alarms, {undecided:.2%} undecided,"
        f" {mixed:.0%} of six decades in a slot, {evaluations:.1f} evaluations each"
    )
    return [
        *missed("false alarms", alarms, alarms == 0),
        *missed("undecided", undecided, undecided < 0.01),
    ]


def missed(what: str, value: float, holds: bool) -> list[str]:
    return [] if holds else [f"MISSED {what}: {value:.3g}"]


def main() -> int:
    """Print the tables; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="?", type=int, default=20_000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--kinks", type=int, default=2_000, help="at each distance")
    parser.add_argument("--models", type=int, default=14_000, help="three verdicts each")
    arguments = parser.parse_args()
    failures = [
        *battery(arguments.functions, arguments.seed),
        *kinks(arguments.kinks, arguments.seed),
        *right_gradients(arguments.models, arguments.seed),
    ]
    print("\n".join(failures))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
