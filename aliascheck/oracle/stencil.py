"""The derivative of a function of one variable at 0, from its values, with a bound on the error.

Central differences at steps h, h/2, h/4, ... are extrapolated to step zero (Ridders). The rounding of the
loss is carried through the extrapolation beside the values, so each entry of the table knows both how far
it is from converged and how much noise it has magnified; the descent ends where the first falls below the
second. The even half of the same evaluations is extrapolated to the jump of the slope at 0. Then two
guards look far below the steps used: a slope that differs there is either structure, and the descent
restarts below it, or noise that nobody declared, and the bound grows by what is learnt.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Software 4 (1982).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from aliascheck.oracle.estimate import Estimate, Status

UNIT = 2.0**-53
SMALLEST = 2.0**-1074
FIRST_STEP = 2.0**-3
SMALLEST_STEP = 2.0**-40
DEEP_STEP = 2.0**-22
SMALLEST_RESTART = 2.0**-36
RESTARTS = 3
MOST_ROWS = 24
PATIENCE = 6
UNDECLARED = 16.0
# Over a step 0.37 times as long the even part of a cusp |t|^p falls to 0.37^p of itself; that of noise stays.
NOISE_SHRINKS = 0.8

# With a ratio of 2 an error term h^p is removed by new + (new - old) / (2^p - 1).
ODD_GAINS = (3.0, 15.0, 63.0, 255.0)
EVEN_GAINS = (1.0, 7.0, 31.0, 127.0)


def derivative(
    phi: Callable[[float], float], loss: float, noise: float = 0.0, first_step: float = FIRST_STEP
) -> Estimate:
    """The derivative of `phi` at 0, where its value is `loss` and its noise at most `noise`.

    `phi` gives nan where the loss is undefined. A `phi` that is equal at every point looked at has the
    value 0 and a bound of a few units of noise or rounding over the step: what a change lost in them could
    amount to.
    """
    if not math.isfinite(loss):
        return undetermined(Status.NONFINITE, math.nan, 0, f"the loss itself is {loss}")
    return differentiate(Line(phi, loss, noise), first_step)


class Pair(NamedTuple):
    """The loss at +step and -step, as its odd part and its even part."""

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
    """A loss along one direction: what is known of it, and how often it was asked."""

    __slots__ = (
        "_loss",
        "_noise",
        "_phi",
        "evaluations",
        "rounding",
        "undefined_left",
        "undefined_right",
    )

    def __init__(self, phi: Callable[[float], float], loss: float, noise: float) -> None:
        self._phi = phi
        self._loss = loss
        self.rounding = max(UNIT * abs(loss), SMALLEST)
        self._noise = max(noise, self.rounding)
        self.evaluations = 0
        self.undefined_left = False
        self.undefined_right = False

    def pair(self, step: float) -> Pair:
        """The two values at distance `step`, combined."""
        above, below, here = self._phi(step), self._phi(-step), self._loss
        self.evaluations += 2
        change = above - below
        slope = change / (2.0 * step)
        bend = ((above - here) + (below - here)) / step
        finite = math.isfinite(slope) and math.isfinite(bend)
        if not finite:
            self.undefined_left |= not math.isfinite(below)
            self.undefined_right |= not math.isfinite(above)
        rounding = max(self._noise, UNIT * abs(above), UNIT * abs(below))
        return Pair(step, change, slope, bend, rounding, finite)

    def change(self, place: float, way: float) -> float:
        """The size of the change of the loss over a `way` to either side of `place`."""
        self.evaluations += 2
        return abs(self._phi(place + way) - self._phi(place - way))

    def missing(self) -> str:
        """What was not finite, in words."""
        sides = [("left", self.undefined_left), ("right", self.undefined_right)]
        names = " and ".join(side for side, undefined in sides if undefined)
        return f"no finite values next to the point on the {names}" if names else "the derivative overflows"


class Tableau:
    """Extrapolation to step zero of what was measured at h, h/2, h/4, ...: its best entry so far.

    Beside each entry stands its `noise`, by the same recursion with every sign positive. An entry's
    `change` is its distance from the farther of the two that it was made of; `bound` is 3 `change` + 2
    `noise`. Entries of fewer than two extrapolations are not trusted: theirs can be small by accident.
    """

    __slots__ = ("_gains", "_noises", "_values", "bound", "change", "noise", "rows", "stale", "step", "value")

    def __init__(self, gains: tuple[float, ...]) -> None:
        self._gains = gains
        self._values: list[float] = []
        self._noises: list[float] = []
        self.rows = 0
        self.stale = 0
        self.value = math.nan
        self.bound = self.change = self.noise = math.inf
        self.step = math.nan

    def add(self, step: float, value: float, noise: float) -> None:
        """Extend the table by the row of a measurement at half the last step."""
        values, noises = [value], [noise]
        self.stale += 1
        for gain, old_value, old_noise in zip(self._gains, self._values, self._noises, strict=False):
            value += (value - old_value) / gain
            noise += (noise + old_noise) / gain
            values.append(value)
            noises.append(noise)
            change = abs(value - old_value)
            bound = 3.0 * change + 2.0 * noise
            if bound < self.bound and len(values) > 2:
                self.value, self.bound, self.step = value, bound, step
                self.change, self.noise = change, noise
                self.stale = 0
        self._values, self._noises = values, noises
        self.rows += 1

    @property
    def at_noise(self) -> bool:
        """Whether what is left to converge is below the noise."""
        return self.change <= self.noise

    @property
    def converged(self) -> bool:
        return self.bound <= 1e-6 * abs(self.value) or self.bound <= 4.0 * self.noise


class Descent:
    """One series of halved steps: the tables of the slope and of its jump at the point.

    It is `flat` when the loss was exactly equal at all points.
    """

    __slots__ = ("corner", "flat", "last", "slope")

    last: Pair

    def __init__(self) -> None:
        self.slope = Tableau(ODD_GAINS)
        self.corner = Tableau(EVEN_GAINS)
        self.flat = True

    def add(self, pair: Pair) -> None:
        """Take in the next pair."""
        relative = pair.rounding / pair.step
        self.slope.add(pair.step, pair.slope, 2.0 * relative)
        self.corner.add(pair.step, pair.bend, 4.0 * relative)
        self.flat = self.flat and pair.flat
        self.last = pair

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

    def tolerance(self, pair: Pair) -> float:
        """How far the slope of a `pair` below the steps used may be from the slope found."""
        slope = self.slope
        rounding = 2.0 * (pair.rounding + UNIT * abs(slope.value)) / pair.step
        truncation = 2.0 * abs(self.last.slope - slope.value) * (pair.step / self.last.step) ** 2
        return slope.bound + rounding + truncation


def descend(line: Line, step: float) -> Descent:
    """The descent from `step`, restarted below any step at which the loss is undefined."""
    descent = Descent()
    for _ in range(MOST_ROWS):
        pair = line.pair(step)
        if pair.finite:
            descent.add(pair)
            if descent.settled:
                break
            step /= 2.0
        else:
            descent = Descent()
            step /= 8.0
            if step < SMALLEST_STEP:
                break
    return descent


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
    for depth in (step * 2.0**-6, min(deep, step * 2.0**-12)):
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
        return Guard(pair, Finding.JUMP)
    if abs(pair.slope - half.slope) <= 0.25 * gap and repeats(line, pair, gap):
        return Guard(pair, Finding.STRUCTURE)
    return Guard(pair, Finding.NOISE, max(gap * step, abs(half.slope - value) * half.step))


def repeats(line: Line, pair: Pair, gap: float) -> bool:
    """Whether the slope of `pair` is met again at unrelated smaller steps, as that of noise is not."""
    slopes = (line.pair(pair.step / part).slope for part in (3.0, 11.0))
    return all(abs(slope - pair.slope) <= 0.3 * gap for slope in slopes)


def explain_flatness(line: Line, descent: Descent, pair: Pair) -> Guard:
    """Why the loss does not change over `pair` although a slope was found: quanta, or a flat zone.

    A loss that is flat over a step comes in quanta of at least what its slope makes of that step. Where it
    changes by less, or smoothly, it is not quantised: the zone around the point is flat, as beside the
    kink of a dead unit.
    """
    value = descent.slope.value
    flat, wider = widen(line, pair)
    quantum = abs(value) * flat.step
    if 0.0 < abs(wider.change) < quantum or moves_smoothly(line, wider.step):
        return Guard(flat, Finding.STRUCTURE)
    return Guard(pair, Finding.QUANTA, max(quantum, abs(wider.slope - value) * wider.step))


def hidden_quanta(line: Line, flat: Pair) -> float:
    """The size of the quanta of a loss that is flat at the point, if they are what makes it so."""
    _, wider = widen(line, flat)
    if not wider.finite or wider.flat or moves_smoothly(line, wider.step):
        return 0.0
    return max(abs(wider.change), abs(wider.bend) * wider.step)


def widen(line: Line, pair: Pair) -> tuple[Pair, Pair]:
    """The widest pair found flat, and the next wider, where the loss changes if it does so at all."""
    wider = line.pair(8.0 * pair.step)
    while wider.flat and wider.step < 1.0:
        pair, wider = wider, line.pair(8.0 * wider.step)
    return pair, wider


def moves_smoothly(line: Line, step: float) -> bool:
    """Whether the loss at either end of `step` changes in proportion to the way, as quanta do not."""
    for end in (step, -step):
        near, nearer = line.change(end, step / 64.0), line.change(end, step / 512.0)
        if 0.0 < nearer < 0.5 * near:
            return True
    return False


def differentiate(line: Line, step: float) -> Estimate:
    """The derivative along `line`: descend, stand guard, and descend again below structure."""
    deep = DEEP_STEP
    for _ in range(1 + RESTARTS):
        descent = descend(line, step)
        if not descent.found:
            return undetermined(Status.NONFINITE, math.nan, line.evaluations, line.missing())
        guards = stand_guard(line, descent, deep)
        pair, finding, _noise = guards[-1]
        if finding is Finding.JUMP:
            return jumping(line, descent, pair)
        if finding is not Finding.STRUCTURE:
            return conclude(line, descent, guards)
        if pair.step <= SMALLEST_RESTART:
            break
        step, deep = 2.0 * pair.step, min(deep, pair.step * 2.0**-6)
    note = f"the slope is another one below step {pair.step:.1e}"
    return undetermined(Status.SINGULAR, descent.slope.value, line.evaluations, note)


class Corner(NamedTuple):
    """What the even part says of the point: a `rise` of the slope there +- `blur`, and noise it met."""

    status: Status
    rise: float = 0.0
    blur: float = 0.0
    noise: float = 0.0


def conclude(line: Line, descent: Descent, guards: list[Guard]) -> Estimate:
    """The estimate of a descent that its guards let pass: smooth, or one of the ways of not being so."""
    slope, deep = descent.slope, guards[-1].pair
    quanta = hidden_quanta(line, descent.last) if descent.last.flat else 0.0
    noise = max(quanta, *(guard.noise for guard in guards))
    bound = slope.bound + 4.0 * noise / slope.step
    corner = find_corner(line, descent, deep, bound, noise)
    noise += corner.noise
    bound += corner.blur / 2.0 + 4.0 * corner.noise / slope.step
    doubtful = bound > 1e-6 * abs(slope.value) or noise > 0.0 or corner.status is Status.SINGULAR
    if doubtful and value_jumps(line, descent, deep):
        return jumping(line, descent, deep)
    if corner.status is Status.SINGULAR:
        return undetermined(corner.status, slope.value, line.evaluations, "the one-sided slopes diverge")
    status, note = corner.status, ""
    if status is Status.OK and noise > UNDECLARED * descent.last.rounding:
        quantised = quanta > 0.0 or any(guard.finding is Finding.QUANTA for guard in guards)
        status = Status.QUANTISED if quantised else Status.NOISY
        note = f"the loss has noise of {noise:.1e}"
    elif status is Status.OK and descent.flat:
        note = "the loss is constant here"
    half = abs(corner.rise) / 2.0
    left, right = slope.value - half, slope.value + half
    return Estimate(slope.value, bound, status, left, right, line.evaluations, note)


def find_corner(line: Line, descent: Descent, deep: Pair, bound: float, noise: float) -> Corner:
    """Whether the slope jumps at the point, by the table or else by the deepest pair of all."""
    corner = descent.corner
    if abs(corner.value) > max(1.5 * corner.bound, 4.0 * bound):
        return Corner(Status.KINK, corner.value, corner.bound)
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


def value_jumps(line: Line, descent: Descent, deep: Pair) -> bool:
    """Whether the difference of the two sides stays the same however close they come."""
    jump = deep.change
    if not abs(jump) > max(64.0 * line.rounding, 16.0 * abs(descent.slope.value) * deep.step):
        return False
    closer = (line.pair(deep.step * closeness).change for closeness in (2.0**-5, 2.0**-11, 2.0**-16))
    return all(abs(change - jump) <= 0.05 * abs(jump) for change in closer)


def jumping(line: Line, descent: Descent, pair: Pair) -> Estimate:
    note = f"the loss jumps by {abs(pair.change):.3g}"
    return undetermined(Status.JUMP, descent.slope.value, line.evaluations, note)


def undetermined(status: Status, value: float, evaluations: int, note: str) -> Estimate:
    """An estimate that only says why there is no derivative."""
    return Estimate(value, math.inf, status, value, value, evaluations, note)
