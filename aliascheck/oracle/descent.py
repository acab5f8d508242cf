"""Halving the step until the slope is as exact as the noise lets it be."""

from __future__ import annotations

import math

from aliascheck.oracle.line import UNIT, Line, Pair
from aliascheck.oracle.tableau import EVEN_GAINS, ODD_GAINS, Tableau

SMALLEST_STEP = 2.0**-40
MOST_ROWS = 24
PATIENCE = 6


class Descent:
    """One series of halved steps: the tables of the slope and of its jump at the point.

    It is `flat` when the loss was exactly equal at all points.
    """

    __slots__ = ("corner", "flat", "pairs", "slope")

    def __init__(self) -> None:
        self.slope = Tableau(ODD_GAINS)
        self.corner = Tableau(EVEN_GAINS)
        self.pairs: list[Pair] = []
        self.flat = True

    @property
    def last(self) -> Pair:
        """The pair of the smallest step."""
        return self.pairs[-1]

    def add(self, pair: Pair) -> None:
        """Take in the next pair."""
        relative = pair.rounding / pair.step
        self.slope.add(pair.step, pair.slope, 2.0 * relative)
        self.corner.add(pair.step, pair.bend, 4.0 * relative)
        self.flat = self.flat and pair.flat
        self.pairs.append(pair)

    @property
    def found(self) -> bool:
        return self.slope.bound < math.inf

    @property
    def settled(self) -> bool:
        """Whether smaller steps are not worth their evaluations."""
        slope, corner = self.slope, self.corner
        if slope.rows < 3:
            return False
        if slope.at_noise and (corner.at_noise or corner.bound <= slope.bound or slope.stale >= 2):
            return True
        return slope.stale >= (2 if slope.converged else PATIENCE)

    def reaches(self, accuracy: float) -> bool:
        """Whether some entry of the table of slopes is as good as an `accuracy` above 0."""
        return accuracy > 0.0 and self.slope.early_bound <= accuracy

    def tolerance(self, pair: Pair) -> float:
        """How far the slope of a `pair` below the steps used may be from the slope found."""
        slope = self.slope
        rounding = 2.0 * (pair.rounding + UNIT * abs(slope.value)) / pair.step
        truncation = 2.0 * abs(slope.measured - slope.value) * (pair.step / slope.step) ** 2
        return slope.bound + rounding + truncation


def descend(line: Line, step: float, accuracy: float = 0.0) -> Descent:
    """The descent from `step`, restarted below any step at which the loss is undefined.

    It ends early where it reaches an `accuracy` above 0.
    """
    descent = Descent()
    for _ in range(MOST_ROWS):
        pair = line.pair(step)
        if pair.finite:
            descent.add(pair)
            if descent.settled or descent.reaches(accuracy):
                break
            step /= 2.0
        else:
            descent = Descent()
            step /= 8.0
            if step < SMALLEST_STEP:
                break
    return descent
