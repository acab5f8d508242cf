"""Whether the slope, or the value itself, jumps at the point."""

from __future__ import annotations

from typing import NamedTuple

from aliascheck.oracle.descent import Descent
from aliascheck.oracle.estimate import Status
from aliascheck.oracle.line import Line, Pair
from aliascheck.oracle.tableau import ALL_GAINS, Tableau

# Over a step 0.37 times as long the even part of a cusp |t|^p falls to 0.37^p of itself; that of noise stays.
NOISE_SHRINKS = 0.8


class Corner(NamedTuple):
    """What the even part says of the point: a `rise` of the slope there +- `blur`, and noise it met."""

    status: Status
    rise: float = 0.0
    blur: float = 0.0
    noise: float = 0.0


def find_corner(line: Line, descent: Descent, deep: Pair, bound: float, noise: float) -> Corner:
    """Whether the slope jumps at the point, by the table or else by the deepest pair of all."""
    corner = descent.corner
    if abs(corner.value) > max(1.5 * corner.bound, 4.0 * bound):
        # A kink a little off the point, at c, takes a share of c / step off the jump of the slope.
        off = 4.0 * abs(corner.value - deep.bend) * deep.step / corner.step
        return Corner(Status.KINK, corner.value, corner.bound + off + excess_of_all_powers(descent))
    unseen = max(abs(corner.value), corner.bound)
    blur = (8.0 * descent.last.rounding + 4.0 * noise) / deep.step
    curvature = abs(descent.last.bend) * deep.step / descent.last.step
    if abs(deep.bend) <= max(blur + 4.0 * curvature, 4.0 * bound + 2.0 * unseen):
        return Corner(Status.OK, 0.0, unseen)
    wider, narrower = line.pair(2.7 * deep.step), line.pair(0.37 * deep.step)
    spread = max(abs(wider.bend - deep.bend), abs(narrower.bend - deep.bend))
    if spread <= 0.35 * abs(deep.bend):
        return Corner(Status.KINK, deep.bend, unseen + blur + spread)
    met = abs(deep.bend) * deep.step
    diverges = abs(narrower.bend) > 1.4 * abs(deep.bend) > 1.8 * abs(wider.bend)
    if diverges and abs(narrower.bend) * narrower.step < NOISE_SHRINKS * met:
        return Corner(Status.SINGULAR)
    return Corner(Status.OK, 0.0, unseen, met)


def excess_of_all_powers(descent: Descent) -> float:
    """By how much the tables miss the slope and its jump where the two sides are unrelated functions.

    Their odd and even parts then have every power of the step. Tables that remove every power have wider
    bounds; a difference beyond those is an error of the tables that converged faster.
    """
    slope, corner = Tableau(ALL_GAINS), Tableau(ALL_GAINS)
    for pair in descent.pairs:
        relative = pair.rounding / pair.step
        slope.add(pair.step, pair.slope, 2.0 * relative)
        corner.add(pair.step, pair.bend, 4.0 * relative)
    gaps = (abs(slope.value - descent.slope.value), abs(corner.value - descent.corner.value))
    return 2.0 * sum(gap for gap, table in zip(gaps, (slope, corner), strict=True) if gap > table.bound)


def value_jumps(line: Line, descent: Descent, deep: Pair) -> bool:
    """Whether the difference of the two sides stays the same however close they come."""
    jump = deep.change
    if not abs(jump) > max(64.0 * line.rounding, 16.0 * abs(descent.slope.value) * deep.step):
        return False
    closer = (line.pair(deep.step * closeness).change for closeness in (2.0**-5, 2.0**-11, 2.0**-16))
    return all(abs(change - jump) <= 0.05 * abs(jump) for change in closer)
