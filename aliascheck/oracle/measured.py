"""Many derivatives as arrays, with what may separate a right gradient from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Cells, Data, scatter
from aliascheck.oracle.estimate import Estimate, Status

ROUNDING = 256 * 2.0**-53  # relative: what a right engine's own rounding may add


class Measured(Data, frozen=True, eq=False):
    """Derivatives with what may separate a right gradient from them.

    Shapes: all alike. `bounds` is the error bound of each; `accept` (twice that, plus rounding; at a kink
    half the jump as well) is what a right value may be off by, infinite where `undecided`: where the loss
    has no derivative that a bound could be given for. `noisy` marks where the loss has noise beyond its
    rounding, or comes in quanta.
    """

    values: NDArray[np.float64]
    bounds: NDArray[np.float64]
    accept: NDArray[np.float64]
    kinks: NDArray[np.bool_]
    undecided: NDArray[np.bool_]
    noisy: NDArray[np.bool_]


def collect(estimates: Sequence[Estimate], shape: tuple[int, ...] | None = None) -> Measured:
    """Estimates as one record of arrays. Shapes: `shape`, or one dimension."""
    shape = (len(estimates),) if shape is None else shape
    low = np.array([estimate.low for estimate in estimates], float).reshape(shape)
    high = np.array([estimate.high for estimate in estimates], float).reshape(shape)
    bounds = np.array([estimate.bound for estimate in estimates], float).reshape(shape)
    kinks = np.array([estimate.status is Status.KINK for estimate in estimates], bool).reshape(shape)
    noise = (Status.NOISY, Status.QUANTISED)
    noisy = np.array([estimate.status in noise for estimate in estimates], bool).reshape(shape)
    known = np.array([_is_known(estimate) for estimate in estimates], bool).reshape(shape)
    with np.errstate(invalid="ignore"):
        values = np.where(known, (low + high) / 2, 0.0)
        half = np.where(known, (high - low) / 2, np.inf)
    accept = half + np.where(known, bounds, 0.0) + ROUNDING * np.abs(values)
    return Measured(values, bounds, accept, kinks, ~known, noisy)


def _is_known(estimate: Estimate) -> bool:
    """Whether an engine can be held to it: a loss in quanta has another slope from afar than here."""
    return estimate.status.bounded and estimate.status is not Status.QUANTISED


def in_memory(dense: Measured, cells: Cells, size: int) -> Measured:
    """The contribution of an access to its cells: the sum over the elements that show each."""

    def added(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(scatter(cells, size, values), float)

    def any_of(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return added(flags.astype(float)) > 0

    return Measured(
        added(dense.values),
        added(dense.bounds),
        added(dense.accept),
        any_of(dense.kinks),
        any_of(dense.undecided),
        any_of(dense.noisy),
    )
