"""A loss along one direction: its values at either side of the point, and how exact they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

UNIT = 2.0**-53
SMALLEST = 2.0**-1074
WIELDY = 500
# A coordinate is rounded by at most UNIT of itself, and the coordinates not all the same way.
PLACE_SHARE = 0.25


def unit_of(loss: float) -> float:
    """The power of two in which to count a `loss` so that squares neither overflow nor vanish; mostly 1."""
    exponent = math.frexp(loss)[1]
    return math.ldexp(1.0, exponent - max(-WIELDY, min(exponent, WIELDY)))


class Pair(NamedTuple):
    """The loss at +step and -step, as its odd part and its even part.

    Its `rounding` is the noise of the loss, at least that of its values and at least what the rounding of the
    point where it is evaluated makes of the steeper of its two one-sided slopes.
    """

    step: float
    change: float
    slope: float
    bend: float
    rounding: float
    finite: bool

    @property
    def flat(self) -> bool:
        """Whether all three values are equal."""
        return self.change == self.bend == 0.0


class Line:
    """A loss along one direction: what is known of it, and how often it was asked.

    Units: losses, noise and slopes are in multiples of `unit`.
    """

    __slots__ = (
        "_loss",
        "_noise",
        "_phi",
        "evaluations",
        "rounding",
        "undefined_left",
        "undefined_right",
        "unit",
    )

    def __init__(self, phi: Callable[[float], float], loss: float, noise: float) -> None:
        self.unit = unit_of(loss)
        self._phi = phi
        self._loss = loss / self.unit
        self.rounding = max(UNIT * abs(loss), SMALLEST) / self.unit
        self._noise = max(noise / self.unit, self.rounding)
        self.evaluations = 0
        self.undefined_left = False
        self.undefined_right = False

    def value(self, t: float) -> float:
        """The loss at `t`."""
        self.evaluations += 1
        return self._phi(t) / self.unit

    def pair(self, step: float) -> Pair:
        """The two values at distance `step`, combined."""
        above, below, here = self.value(step), self.value(-step), self._loss
        change = above - below
        slope = change / (2.0 * step)
        bend = ((above - here) + (below - here)) / step
        finite = math.isfinite(slope) and math.isfinite(bend)
        if not finite:
            self.undefined_left |= not math.isfinite(below)
            self.undefined_right |= not math.isfinite(above)
        steepest = abs(slope) + abs(bend) / 2.0
        of_values = UNIT * max(abs(above), abs(below))
        rounding = max(self._noise, of_values, PLACE_SHARE * UNIT * steepest)
        return Pair(step, change, slope, bend, rounding, finite)

    def change(self, place: float, way: float) -> float:
        """The size of the change of the loss over a `way` to either side of `place`."""
        return abs(self.value(place + way) - self.value(place - way))

    def rise(self, t: float) -> float:
        """The size of the change of the loss from here to `t`."""
        return abs(self.value(t) - self._loss)

    def missing(self) -> str:
        """What was not finite, in words."""
        sides = [("left", self.undefined_left), ("right", self.undefined_right)]
        names = " and ".join(side for side, undefined in sides if undefined)
        return f"no finite values next to the point on the {names}" if names else "the derivative overflows"
