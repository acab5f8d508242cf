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

from aliascheck.memory import replace
from aliascheck.oracle.descent import Descent, descend
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.guards import NEAR, Finding, Guard, hidden_quanta, stand_guard
from aliascheck.oracle.kinks import find_corner, value_jumps
from aliascheck.oracle.line import SMALLEST, Line, Pair

FIRST_STEP = 2.0**-3
DEEP_STEP = 1.9e-7
SMALLEST_RESTART = 2.0**-36
RESTARTS = 3
UNDECLARED = 16.0


def derivative(
    phi: Callable[[float], float],
    loss: float,
    noise: float = 0.0,
    first_step: float = FIRST_STEP,
    accuracy: float = 0.0,
) -> Estimate:
    """The derivative of `phi` at 0, where its value is `loss` and its noise at most `noise`.

    `phi` gives nan where the loss is undefined. A `phi` that is equal at every point looked at has the
    value 0 and a bound of a few units of noise or rounding over the step: what a change lost in them could
    amount to.

    With an `accuracy` above 0 the loss is only screened: the first value whose bound is that small is taken,
    after four evaluations or a few more, and nobody looks closer. A kink at the point goes unseen, and some
    bounds do not hold: of smooth losses about one in 200 at an accuracy of a hundredth of the derivative, one
    in 2000 at a millionth. So what is screened may guide a search, and never be its result.
    """
    if not math.isfinite(loss):
        return undetermined(Status.NONFINITE, math.nan, 0, f"the loss itself is {loss}")
    line = Line(phi, loss, noise)
    estimate = differentiate(line, first_step, accuracy / line.unit)
    return estimate if line.unit == 1.0 else in_full(estimate, line.unit)


def in_full(estimate: Estimate, unit: float) -> Estimate:
    """The estimate of a loss that was counted in multiples of `unit`."""
    full = estimate.scaled(unit)
    if math.isfinite(estimate.value) and not math.isfinite(full.value):
        return undetermined(Status.NONFINITE, math.nan, estimate.evaluations, "the derivative overflows")
    return replace(full, bound=full.bound + SMALLEST)


def differentiate(line: Line, step: float, accuracy: float = 0.0) -> Estimate:
    """The derivative along `line`: descend, stand guard, and descend again below structure."""
    deep = DEEP_STEP
    for _ in range(1 + RESTARTS):
        descent = descend(line, step, accuracy)
        if descent.reaches(accuracy):
            return screened(line, descent)
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
        step, deep = 2.0 * pair.step, min(deep, NEAR * pair.step)
    note = f"the slope is another one below step {pair.step:.1e}"
    return undetermined(Status.SINGULAR, descent.slope.value, line.evaluations, note)


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
        note = f"the loss has noise of {noise * line.unit:.1e}"
    elif status is Status.OK and descent.flat:
        note = "the loss is constant here"
    half = abs(corner.rise) / 2.0
    left, right = slope.value - half, slope.value + half
    return Estimate(slope.value, bound, status, left, right, line.evaluations, note)


def screened(line: Line, descent: Descent) -> Estimate:
    """The estimate of a descent that ended early."""
    value, bound = descent.slope.early_value, descent.slope.early_bound
    return Estimate(value, bound, Status.OK, value, value, line.evaluations, "screened")


def jumping(line: Line, descent: Descent, pair: Pair) -> Estimate:
    note = f"the loss jumps by {abs(pair.change) * line.unit:.3g}"
    return undetermined(Status.JUMP, descent.slope.value, line.evaluations, note)


def undetermined(status: Status, value: float, evaluations: int, note: str) -> Estimate:
    """An estimate that only says why there is no derivative."""
    return Estimate(value, math.inf, status, value, value, evaluations, note)
