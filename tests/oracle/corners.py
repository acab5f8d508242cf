"""Random losses with a kink at a known distance from the point, and their slopes on either side of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.stencil import derivative

DISTANCES = (0.0, *(10.0**-k for k in range(1, 13)))
AGAIN = 1e-9  # relative: how exactly the slopes on either side are known to the test


@dataclass(frozen=True)
class Corner:
    """A function with a kink at 0, and its derivative left and right of it."""

    name: str
    value: Callable[[float], float]
    left: Callable[[float], float]
    right: Callable[[float], float]


CORNERS = (
    Corner("relu", lambda t: max(t, 0.0), lambda t: 0.0, lambda t: 1.0),
    Corner("abs", abs, lambda t: -1.0, lambda t: 1.0),
    Corner("leaky", lambda t: t if t > 0.0 else 0.01 * t, lambda t: 0.01, lambda t: 1.0),
    Corner(
        "tie",
        lambda t: max(2.0 * t + math.sin(t), t * t - 0.5 * t),
        lambda t: 2.0 * t - 0.5,
        lambda t: 2.0 + math.cos(t),
    ),
)


@dataclass(frozen=True)
class Kinked:
    """A loss and its slopes at the point, the smaller first; they are equal unless the kink is there."""

    phi: Callable[[float], float]
    low: float
    high: float


def draw_kinked(distance: float, rng: Generator) -> Kinked:
    """A smooth loss and a kink of weight 1e-4 to 10, at up to a third of a `distance` and at any scale."""
    a, b, c, w = rng.standard_normal(4)
    corner = CORNERS[int(rng.integers(len(CORNERS)))]
    scale = 10.0 ** rng.uniform(-8, 8)
    share = float(rng.choice([-1.0, 1.0])) * 10.0 ** rng.uniform(-4, 1)
    at = distance * float(rng.choice([-1.0, 1.0])) * rng.uniform(0.3, 1.0)
    slope = w * math.cos(a) + c + 0.3 * a

    def phi(t: float) -> float:
        smooth = math.sin(w * t + a) + b * t * t + c * t + math.exp(0.3 * t * a)
        return float(scale * (smooth + share * corner.value(t - at)))

    sides = [corner.left(-at)] if at > 0.0 else [corner.right(-at)]
    if at == 0.0:
        sides = [corner.left(0.0), corner.right(0.0)]
    slopes = [float(scale * (slope + share * side)) for side in sides]
    return Kinked(phi, min(slopes), max(slopes))


@dataclass(frozen=True)
class Seen:
    """What the oracle says of a kink, and whether its interval admits the slopes."""

    kinked: Kinked
    estimate: Estimate

    @property
    def admits(self) -> bool:
        """Whether the slopes are within the bound."""
        slack = AGAIN * max(abs(self.kinked.low), abs(self.kinked.high))
        return self.estimate.low - slack <= self.kinked.low and self.kinked.high <= self.estimate.high + slack

    @property
    def is_kink(self) -> bool:
        return self.estimate.status is Status.KINK

    @property
    def wrong_and_confident(self) -> bool:
        """Whether a wrong derivative is called right."""
        return self.estimate.status.bounded and not self.admits


def see_kinks(distance: float, count: int, seed: int) -> Iterator[Seen]:
    """The oracle's word on `count` kinks at a `distance`."""
    rng = np.random.default_rng((seed, DISTANCES.index(distance)))
    for _ in range(count):
        kinked = draw_kinked(distance, rng)
        loss = kinked.phi(0.0)
        yield Seen(kinked, derivative(kinked.phi, loss, noise_level(kinked.phi, loss)))
