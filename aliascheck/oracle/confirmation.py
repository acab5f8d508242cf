"""Whether a reported derivative is wrong, or only the finite difference blind to what lies near the point.

A difference that stops at the noise can step over a weak kink, or a weak wave, a little way off: its own
bound does not show it, and a correct derivative seems wrong. Windows that begin closer see the loss without
the kink. Where one of them sides with the reported value, the kink and not the value explains the
disagreement. Where the closest sees too little to tell, a wider one is believed only if none of them strays
from the estimate and the distance is more than WEAK: what hides from both is weaker (2.4e-9 at most in 84,000
right gradients).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from aliascheck.memory import Data
from aliascheck.oracle.estimate import Estimate
from aliascheck.oracle.stencil import derivative

WINDOWS = (2.0**-8, 2.0**-11, 2.0**-14)
UNRESOLVED = 1e-3
SHARP = 0.25
FAR_APART = 32.0
WEAK = 5e-9
FAINT = 1e-6


class Verdict(StrEnum):
    """What becomes of a reported derivative."""

    AGREES = "agrees"
    FAILS = "fails"
    NEAR_KINK = "near kink"
    SUSPECT = "suspect"


class Confirmation(Data, frozen=True):
    """A verdict, the estimate that it rests on, and the evaluations spent beyond that.

    `steady` tells that every closer look agrees with the first.

    That estimate is the caller's own, except at NEAR_KINK: there it is that of the window which agrees.
    """

    verdict: Verdict
    estimate: Estimate
    evaluations: int = 0
    note: str = ""
    steady: bool = True


def confirm(
    phi: Callable[[float], float],
    loss: float,
    noise: float,
    estimate: Estimate,
    reported: float,
    rounding: float,
) -> Confirmation:
    """Judge a `reported` derivative by the `estimate` that was measured along the same `phi`.

    `rounding` is what the engine's own arithmetic may add. Nothing is evaluated where the two agree, or where
    the estimate says too little to disagree.

    A failure whose distance is below FAINT of the size of the terms that the derivative sums up is the
    caller's to repeat at a point moved a little: a kink too weak to be seen from here is not there again.
    """
    if agree(estimate, reported, rounding):
        return Confirmation(Verdict.AGREES, estimate)
    if not estimate.status.bounded:
        note = f"no derivative to compare with: {estimate.note}"
        return Confirmation(Verdict.SUSPECT, estimate, note=note, steady=False)
    if not resolves(estimate, reported):
        return Confirmation(Verdict.SUSPECT, estimate, note="unresolved: the bound is too wide", steady=False)
    spent, seen, steady, contradicted = 0, False, True, False
    for window in WINDOWS:
        closer = derivative(phi, loss, noise, window)
        spent += closer.evaluations
        agrees = agree(closer, reported, rounding)
        if agrees and closer.bound <= SHARP * distance(estimate, reported):
            return Confirmation(Verdict.NEAR_KINK, closer, spent, f"agrees within {window:.0e} of the point")
        contradicted = closer.status.bounded and not agrees
        seen = seen or contradicted
        steady = steady and closer.low <= estimate.high and estimate.low <= closer.high
    if contradicted or (seen and steady and distance(estimate, reported) > WEAK * size(estimate, reported)):
        return Confirmation(Verdict.FAILS, estimate, spent, steady=steady)
    return Confirmation(Verdict.SUSPECT, estimate, spent, "no closer look resolves it", steady)


def distance(estimate: Estimate, reported: float) -> float:
    """How far a `reported` derivative is from the estimate, or from the one-sided slopes at a kink."""
    return max(estimate.left - reported, reported - estimate.right, 0.0)


def agree(estimate: Estimate, reported: float, rounding: float) -> bool:
    """Whether the evidence admits the `reported` derivative."""
    return estimate.status.bounded and distance(estimate, reported) <= 2.0 * estimate.bound + rounding


def resolves(estimate: Estimate, reported: float) -> bool:
    """Whether the bound is narrow enough, beside the values or their distance, to call one of them wrong."""
    sharp = estimate.bound <= UNRESOLVED * size(estimate, reported)
    return sharp or FAR_APART * estimate.bound <= distance(estimate, reported)


def size(estimate: Estimate, reported: float) -> float:
    """The largest of the slopes in question."""
    return max(abs(reported), abs(estimate.left), abs(estimate.right))
