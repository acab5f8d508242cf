"""Audits of right gradients: none may raise an error. `python -m tests.benchmarks.alarms [audits] [seed]`.

Random tied models, audited in full by the bundled engine: tanh, relu and softplus; scales of loss, memory
and data over many decades; zeros in memory; pre-activations exactly at the kink of relu; magnitudes spread
over six decades inside one slot. Prints, for each kind, how many audits found what. Exits 1 at a false
alarm, or where more than one audit in a hundred is undecided.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.engine import transpose
from aliascheck.language import parse
from aliascheck.memory import Array
from aliascheck.subjects.program import Program

ACTIVATIONS = ("tanh", "relu", "softplus")
SMALL_SHARE = 0.1  # of models that are measured cell by cell


@dataclass(frozen=True)
class Model:
    """A tied model, and what is awkward about it."""

    kind: str
    bindings: dict[str, Any]
    loss: str

    def audit(self, seed: int) -> Outcome:
        program = Program(self.bindings, parse(self.loss).evaluate, [("w",), ("wt",)])
        return audit(program, ["explicit"], Settings(seed=seed))[0]


def draw(seed: int) -> Model:
    """The model of a seed."""
    rng = np.random.default_rng(seed)
    small = rng.random() < SMALL_SHARE
    rows, columns = (rng.integers(2, 8, 2) if small else rng.integers(33, 40, 2)).tolist()
    activation = str(rng.choice(ACTIVATIONS))
    memory_scale, loss_scale, data_scale = 10.0 ** rng.uniform((-6, -12, -3), (6, 12, 3))
    w = rng.normal(size=(rows, columns)) * memory_scale
    x = rng.normal(size=(int(rng.integers(1, 6)), rows)) * data_scale
    gain = 10.0 ** rng.uniform(-1, 0.6) / (memory_scale * np.sqrt(rows) * data_scale)
    kind = activation + _spoil(rng, w, x)
    y = rng.normal(size=x.shape) * data_scale
    bindings = {"x": x, "y": y, "w": w, "wt": transpose(w)}
    for name, value in (("gain", gain), ("back", gain * data_scale), ("scale", loss_scale)):
        bindings[name] = float(value)
    hidden = f"{activation}(gain * (x @ w))"
    return Model(kind, bindings, f"scale * mean((back * ({hidden} @ wt) - y) ** 2)")


def _spoil(rng: np.random.Generator, w: Array, x: Array) -> str:
    """Make memory or data awkward, one time in three."""
    what = rng.random()
    if what < 0.12:
        w[rng.random(w.shape) < 0.3] = 0.0
        return ", zeros"
    if what < 0.17:
        x[0] = 0.0
        return ", data at the kink"
    if what < 0.22:
        w[:, 0] = 0.0
        return ", memory at the kink"
    if what < 0.34:
        w *= 10.0 ** rng.uniform(-3, 3, w.shape)
        return ", six decades"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("audits", nargs="?", type=int, default=40_000)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    alarms, evaluations, started = [], 0, time.perf_counter()
    for seed in range(arguments.seed, arguments.seed + arguments.audits):
        model = draw(seed)
        outcome = model.audit(seed)
        codes = {finding.code for finding in outcome.findings}
        errors = {finding.code for finding in outcome.findings if finding.severity == "error"}
        count = counts.setdefault(model.kind, Counter())
        count["audits"] += 1
        count.update(codes)
        evaluations += outcome.evaluations
        if errors:
            alarms.append((seed, model.kind, sorted(errors)))
            print("false alarm:", *alarms[-1], flush=True)
    codes = sorted({code for count in counts.values() for code in count} - {"audits"})
    print(f"{'kind':26}{'audits':>8}" + "".join(f"{code:>8}" for code in codes))
    total: Counter[str] = Counter()
    for kind, count in sorted(counts.items()):
        total.update(count)
        print(f"{kind:26}{count['audits']:8}" + "".join(f"{count[code]:8}" for code in codes))
    print(f"{'all':26}{total['audits']:8}" + "".join(f"{total[code]:8}" for code in codes))
    undecided = (total["AC206"] + total["AC202"]) / total["audits"]
    seconds = time.perf_counter() - started
    print(f"false alarms: {len(alarms)} (bar 0); undecided: {undecided:.2%} (bar 1 %)")
    each = evaluations / total["audits"]
    print(f"evaluations an audit: {each:.0f}; {seconds:.0f} s; seeds from {arguments.seed}")
    return int(bool(alarms) or undecided > 0.01)


if __name__ == "__main__":
    sys.exit(main())
