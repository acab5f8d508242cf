"""Measure localisation: `python -m tests.benchmarks.localisation [trials] [--cells N ...]`.

For faults of the gradient of a tied model it prints how often the place is exact and proved complete, and
the derivatives and loss evaluations that this takes, against real finite differences.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from aliascheck.oracle.conclusion import Kind, Location
from aliascheck.oracle.localisation import localise
from tests.oracle.locations import cells_of
from tests.oracle.tied import FAULTS, Differences, Tied


@dataclass(frozen=True)
class Trial:
    location: Location
    exact: bool
    evaluations: int
    seconds: float


def run_trial(fault: str, cells: int, seed: int) -> Trial:
    rows = math.isqrt(cells)
    model = Tied(rows, cells // rows, seed)
    gradient = model.gradient()
    wrong = FAULTS[fault](gradient, np.random.default_rng((seed, 1)))
    residual = Differences(model, gradient)
    before, start = model.evaluations, time.perf_counter()
    location = localise(residual, gradient.shape, model.scale, seed)
    seconds = time.perf_counter() - start
    if wrong.all():
        exact = location.kind is Kind.DENSE
    else:
        exact = location.complete and np.array_equal(cells_of(location, wrong.shape), wrong)
    return Trial(location, exact, model.evaluations - before, seconds)


def describe(fault: str, cells: int, trials: list[Trial]) -> str:
    derivatives = np.median([trial.location.derivatives for trial in trials])
    evaluations = np.median([trial.evaluations for trial in trials])
    most = max(trial.evaluations for trial in trials)
    seconds = np.median([trial.seconds for trial in trials])
    kinds = Counter(trial.location.kind.value for trial in trials)
    exact = f"{sum(trial.exact for trial in trials)}/{len(trials)}"
    said = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    return (
        f"{cells:8}  {fault:18}{exact:>9}{derivatives:12.0f}{evaluations:8.0f}{most:8}{seconds:9.3f}  {said}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", type=int, nargs="?", default=50)
    parser.add_argument("--cells", type=int, nargs="+", default=[1_000, 100_000])
    options = parser.parse_args()
    print(f"{'cells':>8}  {'fault':18}{'exact':>9}{'derivatives':>12}{'evals':>8}{'most':>8}{'seconds':>9}")
    for cells in options.cells:
        for fault in FAULTS:
            trials = [run_trial(fault, cells, seed) for seed in range(options.trials)]
            print(describe(fault, cells, trials), flush=True)


if __name__ == "__main__":
    main()
