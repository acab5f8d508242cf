"""Looks far below the steps of a descent: is the slope still the same, and if not, why?"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from aliascheck.oracle.descent import Descent
from aliascheck.oracle.line import Line, Pair

# Not powers of two: the noise was measured on a grid of those, and the rounding of x + t u can repeat itself
# along such a grid so that it looks smooth there.
NEAR = 1.0 / 83.0
FAR = 1.0 / 5309.0
BISECTIONS = 20
GRADUAL = 1.0 / 64.0  # of the change over a step: quanta that fit into it are larger
CLOSER = (1.0 / 131.0, 1.0 / 16411.0, 1.0 / 1048583.0)


class Finding(Enum):
    """What a guard makes of the loss near the point."""

    AGREES = auto()
    NOISE = auto()
    QUANTA = auto()
    STRUCTURE = auto()
    JUMP = auto()


class Guard(NamedTuple):
    """One look far below the steps of a descent, and the size of the noise it met."""

    pair: Pair
    finding: Finding
    noise: float = 0.0


def stand_guard(line: Line, descent: Descent, deep: float) -> list[Guard]:
    """The guards below `descent`, up to the first that tells of structure or of a jump."""
    guards = []
    step = descent.slope.step
    for depth in (NEAR * step, min(deep, FAR * step)):
        guard = inspect(line, descent, depth)
        guards.append(guard)
        if guard.finding in (Finding.STRUCTURE, Finding.JUMP):
            break
    return guards


def inspect(line: Line, descent: Descent, step: float) -> Guard:
    """Compare the slope found with the two-point slope at `step`, and explain a difference."""
    pair = line.pair(step)
    if not pair.finite:
        return Guard(pair, Finding.STRUCTURE)
    value = descent.slope.value
    gap = abs(pair.slope - value)
    tolerance = descent.tolerance(pair)
    if gap <= tolerance:
        return Guard(pair, Finding.AGREES)
    if pair.change == 0.0:
        return explain_flatness(line, descent, pair)
    half = line.pair(step / 2.0)
    if not half.finite:
        return Guard(pair, Finding.STRUCTURE)
    jump = abs(pair.change)
    if abs(half.change) > 0.75 * jump and jump > max(8.0 * abs(value), 64.0 * tolerance) * step:
        return Guard(pair, Finding.JUMP if stays(line, pair) else Finding.STRUCTURE)
    others = [half, line.pair(step / 3.0), line.pair(step / 11.0)]
    if not all(other.finite for other in others) or repeats(pair, others, gap):
        return Guard(pair, Finding.STRUCTURE)
    return Guard(pair, Finding.NOISE, max(abs(met.slope - value) * met.step for met in (pair, *others)))


def stays(line: Line, pair: Pair) -> bool:
    """Whether a jump is as high from much closer by: equal slopes of either sign look like one from afar."""
    return all(abs(line.pair(pair.step * closeness).change) > 0.75 * abs(pair.change) for closeness in CLOSER)


def repeats(pair: Pair, others: list[Pair], gap: float) -> bool:
    """Whether the slope of `pair` is met again at unrelated smaller steps, as that of noise is not."""
    return all(abs(other.slope - pair.slope) <= 0.25 * gap for other in others)


def explain_flatness(line: Line, descent: Descent, pair: Pair) -> Guard:
    """Why the loss does not change over `pair` although a slope was found: quanta, or a flat zone.

    A loss that is flat over a step comes in quanta of at least what its slope makes of that step. Where it
    changes by less, or smoothly, it is not quantised: the zone around the point is flat, as beside the
    kink of a dead unit.
    """
    value = descent.slope.value
    flat, wider = widen(line, pair)
    quantum = abs(value) * flat.step
    if 0.0 < abs(wider.change) < quantum or moves_smoothly(line, flat.step, wider.step):
        return Guard(flat, Finding.STRUCTURE)
    return Guard(pair, Finding.QUANTA, max(quantum, abs(wider.slope - value) * wider.step))


def hidden_quanta(line: Line, flat: Pair) -> float:
    """The size of the quanta of a loss that is flat at the point, if they are what makes it so."""
    flat, wider = widen(line, flat)
    if not wider.finite or wider.flat or moves_smoothly(line, flat.step, wider.step):
        return 0.0
    return max(abs(wider.change), abs(wider.bend) * wider.step)


def widen(line: Line, pair: Pair) -> tuple[Pair, Pair]:
    """The widest pair found flat, and the next wider, where the loss changes if it does so at all."""
    wider = line.pair(8.0 * pair.step)
    while wider.flat and wider.step < 1.0:
        pair, wider = wider, line.pair(8.0 * wider.step)
    return pair, wider


def moves_smoothly(line: Line, flat: float, step: float) -> bool:
    """Whether the loss, which is constant up to `flat`, changes without a jump on its way to `step`.

    It does where it changes in proportion to the way at either end, as quanta do not; or where the constant
    zone ends in a bend: between two plateaus, say, as beside a clamp or a median.
    """
    for end in (step, -step):
        near, nearer = line.change(end, step / 64.0), line.change(end, step / 512.0)
        if 0.0 < nearer < 0.5 * near:
            return True
    return any(leaves_gradually(line, flat, step, side) for side in (1.0, -1.0))


def leaves_gradually(line: Line, flat: float, step: float, side: float) -> bool:
    """Whether values just beyond the end of a constant zone are close to that in it; quanta are not."""
    least = whole = line.rise(side * step)
    still, moved = flat, step
    for _ in range(BISECTIONS if whole > 0.0 else 0):
        middle = (still + moved) / 2.0
        rise = line.rise(side * middle)
        if rise == 0.0:
            still = middle
        else:
            moved, least = middle, min(least, rise)
        if least < GRADUAL * whole:
            return True
    return False
