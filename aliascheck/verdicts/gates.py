"""Whether gates told the truth: four checks on an engine that must be linear in its contributions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Data

ROUNDING = 1e-12  # relative to the sum of magnitudes: far above the rounding of a sum, far below a fault


class GateRuns(Data, frozen=True, eq=False):
    """What an engine reported with gates.

    Shapes: for S slots, A accesses, m probes: `ungated`, `generic`, `silent` (S, m); `single` (A, S, m),
    with one gate open in each; `factors` (A,) are the gates of the generic run. `transparent` tells that
    gates at 1 left every entry bit-identical; `rounding` is what engines in coarse numbers may be off by.
    """

    ungated: NDArray[np.float64]
    single: NDArray[np.float64]
    generic: NDArray[np.float64]
    silent: NDArray[np.float64]
    factors: NDArray[np.float64]
    transparent: bool
    rounding: float = ROUNDING


def check_gates(runs: GateRuns) -> tuple[str, ...]:
    """The checks that fail, in words; none for an engine whose gates can be trusted.

    What remains with all gates closed is the contribution of readers that no gate reaches: it is
    subtracted, and passes when everything else does.
    """
    rest = runs.silent
    held = runs.single - rest
    magnitude = np.abs(held).sum(axis=0) + np.abs(rest) + np.abs(runs.ungated)
    bound = runs.rounding * magnitude.max(initial=0.0)
    failed = []
    if not runs.transparent:
        failed.append("gates at 1 change the result")
    if _differ(held.sum(axis=0) + rest, runs.ungated, bound):
        failed.append("the contributions do not add up to the gradient")
    weighted = np.tensordot(runs.factors, held, 1) + rest if len(held) else rest
    if _differ(weighted, runs.generic, bound * max(1.0, np.abs(runs.factors).max(initial=0.0))):
        failed.append("the gradient is not linear in its contributions")
    if failed and np.abs(rest).max(initial=0.0) > bound:
        failed.append("something remains with all gates closed")
    return tuple(failed)


def _differ(left: NDArray[np.float64], right: NDArray[np.float64], bound: float) -> bool:
    return bool(np.any(~(np.abs(left - right) <= bound)))
