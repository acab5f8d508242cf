"""The fault table: faults planted in the bundled engine on purpose, and what audits make of them.

    python -m tests.benchmarks.faults [--trials 50] [--large-trials 5] [--seed 0] [--quick]

Each trial draws a tied autoencoder and every fault of the self-test anew, from `seed` plus the number of the
trial. 1e3 and 1e5 cells get all trials; 1e6 cells get fewer, and are not asked for the element that is off by
1e-6, which lies at the floor of finite differences there. `named` counts trials with the right codes at the
right slots and no others, `placed` those whose place is told exactly. Bars: all of them, in every line.
Exits 1 at a miss, and prints each with its seed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from aliascheck.auditing import Settings, audit
from aliascheck.selftest import Fault, FaultyEngine, _draw

SIZES = ((40, 25), (400, 250))
LARGE = (1250, 800)
NOT_ASKED_OF_LARGE = "element off by 1e-06 rms"


@dataclass(frozen=True)
class Trial:
    """One audit of one wrong engine, beside what had to be found."""

    fault: Fault
    seed: int
    labels: tuple[str, ...]
    place: str | None
    evaluations: int
    seconds: float

    @property
    def is_detected(self) -> bool:
        return bool(self.labels) == bool(self.fault.labels)

    @property
    def is_named(self) -> bool:
        return sorted(self.labels) == sorted(self.fault.labels)

    @property
    def is_placed(self) -> bool:
        return self.fault.place in (None, self.place)

    @property
    def is_missed(self) -> bool:
        return not (self.is_detected and self.is_named and self.is_placed)


def run_trial(bindings: dict[str, Any], fault: Fault, seed: int) -> Trial:
    started = time.perf_counter()
    (outcome,) = audit(FaultyEngine(bindings, fault.spoil), ["explicit"], Settings(seed=seed))
    seconds = time.perf_counter() - started
    labels = tuple(finding.label for finding in outcome.findings)
    place = outcome.findings[0].where if outcome.findings else None
    return Trial(fault, seed, labels, place, outcome.evaluations, seconds)


def run_trials(size: tuple[int, int], seeds: range, skipped: str = "") -> dict[str, list[Trial]]:
    """The trials of each fault at one size. One model is in memory at a time."""
    trials: dict[str, list[Trial]] = {}
    for seed in seeds:
        bindings, faults = _draw(*size, seed)
        for fault in faults:
            if fault.name != skipped:
                trials.setdefault(fault.name, []).append(run_trial(bindings, fault, seed))
    return trials


HEADER = (
    f"{'cells':>9}  {'fault':26}{'trials':>7}{'detected':>10}{'named':>7}{'placed':>8}"
    f"{'evaluations':>13}{'most':>7}{'seconds':>9}"
)


def table_row(cells: int, name: str, trials: list[Trial]) -> str:
    detected, named, placed = (
        sum(flags)
        for flags in zip(*((one.is_detected, one.is_named, one.is_placed) for one in trials), strict=True)
    )
    evaluations = [one.evaluations for one in trials]
    seconds = statistics.median(one.seconds for one in trials)
    missed = "  MISSED" if any(one.is_missed for one in trials) else ""
    return (
        f"{cells:9,}  {name:26}{len(trials):7}{detected:10}{named:7}"
        f"{'-' if trials[0].fault.place is None else placed:>8}"
        f"{statistics.mean(evaluations):13.0f}{max(evaluations):7}{seconds:9.3f}{missed}"
    )


def describe_misses(cells: int, trials: dict[str, list[Trial]]) -> Iterator[str]:
    for name, runs in trials.items():
        for one in runs:
            if one.is_missed:
                found = f"found {', '.join(one.labels) or 'nothing'} at {one.place}"
                wanted = f"wanted {', '.join(one.fault.labels) or 'nothing'} at {one.fault.place}"
                yield f"missed: {cells:,} cells, {name}, seed {one.seed}: {found}; {wanted}"


def main() -> int:
    """Print the table and every miss; 1 where there is one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=50, help="of each fault at 1e3 and 1e5 cells")
    parser.add_argument("--large-trials", type=int, default=5, help="of each fault at 1e6 cells; may be 0")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial")
    parser.add_argument("--quick", action="store_true", help="1e3 cells only")
    options = parser.parse_args()
    plans = [(size, options.trials, "") for size in (SIZES[:1] if options.quick else SIZES)]
    if not options.quick:
        plans.append((LARGE, options.large_trials, NOT_ASKED_OF_LARGE))
    missed: list[str] = []
    print(HEADER)
    for size, count, skipped in plans:
        cells = size[0] * size[1]
        trials = run_trials(size, range(options.seed, options.seed + count), skipped)
        for name, runs in trials.items():
            print(table_row(cells, name, runs), flush=True)
        missed += describe_misses(cells, trials)
    print(*missed, sep="\n", end="\n" if missed else "")
    print(f"misses: {len(missed)} (bar 0); seeds from {options.seed}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
