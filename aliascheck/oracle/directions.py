"""How surely a wrong gradient shows along random directions."""

from __future__ import annotations

import math

from aliascheck.memory import SMALLEST_WEIGHT

MISSES = 1.45  # measured over 400,000 draws: the largest density at zero, that of two equal errors


def miss_probability(bound_over_fault: float, directions: int = 1) -> float:
    """How likely a wrong gradient passes along every one of so many independent directions.

    `bound_over_fault` is what a right gradient may be off by along a direction, over the norm of the error
    (for a direction scaled by s, the norm of s times the error).

    Source: measured over 400,000 draws for each kind of error: the worst is that of two equal wrong
    elements, 1.45 `bound_over_fault`; dense errors are missed 0.8 times that ratio, single ones never.
    """
    return min(1.0, MISSES * bound_over_fault) ** directions


def directions_needed(bound_over_fault: float, miss: float = 1e-9) -> int | None:
    """The fewest directions that miss an error with at most that probability; None if no number does.

    Source: as `miss_probability`: 11, 5 and 4 directions for ratios of 0.1, 0.01 and 0.001.
    """
    once = miss_probability(bound_over_fault)
    if once >= 1.0:
        return None
    if once <= miss:
        return 1
    needed = math.ceil(math.log(miss) / math.log(once))
    return needed if once**needed <= miss else needed + 1


def smallest_fault_seen(bound: float, step_scale: float, typical: float) -> float:
    """The smallest relative error of one element that is never missed along one direction.

    The element is of `typical` size (the root mean square of the gradient), the direction is a signed
    uniform one times `step_scale`, and `bound` is what a right gradient may be off by along it.
    """
    moved = SMALLEST_WEIGHT * step_scale * typical
    return bound / moved if moved > 0.0 else math.inf
