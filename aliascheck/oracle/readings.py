"""What a residual says of the region that it was measured in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aliascheck.oracle.blocks import Block

COARSE = 2e-5  # of a residual: parts of it are told apart at that accuracy
CLEAR = 8.0  # bounds: a residual of so many is no matter of accuracy

Residual = Callable[[Block, NDArray[np.float64], float], tuple[float, float]]
"""`residual(region, weights, accuracy)`: the reported numbers of a region, summed with `weights`, less the
derivative along them; and how far a right matrix may be off. An `accuracy` over 0 says that this absolute
error is good enough, 0 asks for the best. Shapes: `weights` has the region's.
"""


class Reading(NamedTuple):
    """A residual, and how far it may be from that of a right matrix."""

    value: float
    bound: float

    @property
    def wrong(self) -> bool:
        """Whether no right matrix has this residual."""
        return abs(self.value) > self.bound

    @property
    def decided(self) -> bool:
        """Whether there is a derivative to compare with."""
        return math.isfinite(self.value) and math.isfinite(self.bound)

    def less(self, other: Reading) -> Reading:
        """The reading of what is left when a part with the reading `other` is taken away."""
        return Reading(self.value - other.value, self.bound + other.bound)


NOTHING = Reading(0.0, 0.0)


class Node(NamedTuple):
    """A region that reads wrong; `lone` where its other half did not."""

    region: Block
    reading: Reading
    lone: bool


def screening(reading: Reading) -> float:
    """The accuracy at which parts of what gave this reading are told apart."""
    return max(reading.bound / 8.0, COARSE * abs(reading.value))
