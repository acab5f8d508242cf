"""Start-up of the installed command against the bare import of what it needs.

Whole processes, medians over interleaved rounds; exits 1 where a ratio is over its bar. Modules are compiled
in the first round at the latest, as an installation does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Race:
    name: str
    command: tuple[str, ...]
    baseline: str
    bar: float


RACES = (
    Race("aliascheck --version", ("--version",), "import click", 1.5),
    Race(
        "aliascheck run cases/zygote-991",
        ("run", "cases/zygote-991"),
        "import numpy, rich.table, click, msgspec",
        3.0,
    ),
)


def seconds(command: list[str]) -> float:
    """How long a whole process takes."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run_race(race: Race, script: str, rounds: int) -> tuple[float, float]:
    """The median seconds of the command and of its baseline; the first round warms the file cache."""
    ours, theirs = [], []
    for _ in range(rounds + 1):
        ours.append(seconds([script, *race.command]))
        theirs.append(seconds([sys.executable, "-c", race.baseline]))
    return statistics.median(ours[1:]), statistics.median(theirs[1:])


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    script = str(Path(sys.executable).with_name("aliascheck"))
    missed = 0
    print(f"{'command':34}{'ms':>7}  {'baseline':44}{'ms':>7}{'ratio':>7}{'bar':>6}")
    for race in RACES:
        ours, theirs = run_race(race, script, rounds)
        ratio = ours / theirs
        missed += ratio > race.bar
        times = f"{race.name:34}{ours * 1e3:7.0f}  {race.baseline:44}{theirs * 1e3:7.0f}"
        print(f"{times}{ratio:7.2f}{race.bar:6.1f}{'  MISSED' if ratio > race.bar else ''}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
