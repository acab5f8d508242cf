"""Where a primitive's rule is tested: random operands that keep away from kinks and poles."""

from __future__ import annotations

import numpy as np

from aliascheck.memory import Array, Data


class Reals(Data, frozen=True):
    """Numbers between `low` and `high`, of two decimals, of any shape or of the `shape` given.

    With `distinct`, no two are equal or nearly so; with `dominant`, a matrix gets a dominant diagonal.
    With `signed`, about half of them are negated; with `between`, each lies halfway between two numbers of
    two decimals, and so is no kink; with `whole`, they are whole numbers.
    """

    low: float = -3.0
    high: float = 3.0
    shape: tuple[int, ...] | None = None
    distinct: bool = False
    dominant: bool = False
    symmetric: bool = False
    signed: bool = False
    between: bool = False
    whole: bool = False

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...] = (3,)) -> Array:
        """A random array of `shape`, or of the domain's own shape where it has one."""
        shape = self.shape if self.shape is not None else shape
        values = rng.uniform(self.low, self.high, shape).round(2)
        if self.distinct:
            size = max(int(np.prod(shape)), 1)
            spread = np.linspace(self.low, self.high, 2 * size + 2)[1:-1:2]
            values = rng.permutation(spread).reshape(shape)
        if self.whole:
            values = rng.integers(int(self.low), int(self.high), shape, endpoint=True).astype(float)
        if self.between:
            values = values + 0.005
        if self.signed:
            values = values * rng.choice((-1.0, 1.0), shape)
        if self.symmetric:
            values = values + np.swapaxes(values, -1, -2)
        if self.dominant:
            values = values + 10.0 * np.eye(shape[-1])
        return np.asarray(values)


def reals(low: float = -3.0, high: float = 3.0, *shape: int, distinct: bool = False) -> Reals:
    """Numbers between `low` and `high`."""
    return Reals(low, high, shape or None, distinct=distinct)


def square(extent: int, *, symmetric: bool = False) -> Reals:
    """Well-conditioned square matrices."""
    return Reals(-1.0, 1.0, (extent, extent), dominant=True, symmetric=symmetric)
