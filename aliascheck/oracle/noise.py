"""How much of a loss is noise: its rounding, seen from its values alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from aliascheck.oracle.line import UNIT, unit_of

DIGITS = 53
# Neither equal steps nor a power of two: the rounding of a nearly linear loss repeats itself along equal
# steps and is not seen, and quanta are told from the bits of the values. Differences of the third order and
# beyond still remove what is smooth.
PLACES = tuple(k + k * k / 8.1 for k in (-3, -2, -1, 0, 1, 2, 3))
POINTS = len(PLACES)
SPACING = math.e * 2.0**-27
RESPACING = 2.0**6
TRIES = 3
FAR = (-8.0, -1.0, 1.0, 8.0)
ALIKE = 4.0
SIGMAS = 4.0


class Noise(NamedTuple):
    """Four standard deviations of the noise in a loss, and the evaluations spent to learn it."""

    level: float
    evaluations: int


class Order(NamedTuple):
    """One order of differences: the noise that would explain it, and whether its signs alternate."""

    sigma: float
    alternates: bool


def noise_level(phi: Callable[[float], float], loss: float) -> float:
    """Four standard deviations of the noise of `phi` near 0, where its value is `loss`."""
    return measure_noise(phi, loss).level


def measure_noise(phi: Callable[[float], float], loss: float) -> Noise:
    """The noise of `phi` near 0, where its value is `loss`: ECnoise with a spacing that adapts.

    Differences of high order remove what is smooth and leave the noise, magnified by a known factor.
    Flat samples ask for wider spacing, samples without an accepted order for a narrower one. Values that
    are all multiples of some power of two have at least that much noise, whatever their differences. The
    original's rejection of samples that range over more than a tenth of their size is left out: it
    would reject every loss near zero.

    A loss that is constant to the last bit shows no rounding here. It is given that of its largest values
    at some distance: a saturated loss (the cross entropy of a confident classifier) is exactly 0 although
    it was computed from terms that are not.

    Source: J. J. More', S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
    """
    unit = unit_of(loss)
    if unit != 1.0:
        level, evaluations = measure_noise(lambda t: phi(t) / unit, loss / unit)
        return Noise(level * unit, evaluations)
    spacing = SPACING
    fallback = math.inf
    for attempt in range(1, TRIES + 1):
        values = [phi(place * spacing) if place else loss for place in PLACES]
        if not all(map(math.isfinite, values)):
            spacing /= RESPACING
        elif is_flat(values):
            spacing *= RESPACING
        else:
            orders = difference_orders(values)
            sigma = accepted(orders)
            if sigma is not None:
                return Noise(max(SIGMAS * sigma, quantum(values)), attempt * (POINTS - 1))
            fallback = min(fallback, max(SIGMAS * orders[-2].sigma, quantum(values)))
            spacing /= RESPACING
    if math.isfinite(fallback):
        return Noise(fallback, TRIES * (POINTS - 1))
    far = [abs(value) for value in map(phi, FAR) if math.isfinite(value)]
    return Noise(UNIT * max(far, default=0.0), TRIES * (POINTS - 1) + len(FAR))


def is_flat(values: list[float]) -> bool:
    """Whether most neighbours are equal, so that the spacing is too narrow to stir the rounding."""
    return 2 * sum(a == b for a, b in pairwise(values)) > len(values)


def quantum(values: list[float]) -> float:
    """The largest power of two of which all `values` are multiples.

    A loss that was computed from larger terms, or in a narrower type, keeps their last place: 1 + x - 1 comes
    in multiples of 2^-53.
    """
    return min((lowest_bit(value) for value in values if value), default=0.0)


def lowest_bit(value: float) -> float:
    """The largest power of two that divides a number other than 0."""
    mantissa, exponent = math.frexp(value)
    whole = int(math.ldexp(mantissa, DIGITS))
    return math.ldexp(whole & -whole, exponent - DIGITS)


def difference_orders(values: list[float]) -> list[Order]:
    """The orders of differences of equally spaced `values`, first to last."""
    orders = []
    variance_ratio = 1.0
    differences = values
    for order in range(1, len(values)):
        differences = [b - a for a, b in pairwise(differences)]
        variance_ratio *= order / (4 * order - 2)
        sigma = math.sqrt(variance_ratio / len(differences)) * math.hypot(*differences)
        orders.append(Order(sigma, min(differences) < 0.0 < max(differences)))
    return orders


def accepted(orders: list[Order]) -> float | None:
    """The sigma of the first order that alternates and agrees with the next two."""
    for first, second, third in zip(orders, orders[1:], orders[2:], strict=False):
        trio = (first.sigma, second.sigma, third.sigma)
        if first.alternates and max(trio) <= ALIKE * min(trio):
            return first.sigma
    return None
