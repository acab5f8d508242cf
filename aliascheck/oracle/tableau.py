"""Extrapolation to step zero, with the noise that it magnifies."""

from __future__ import annotations

import math

# With a ratio of 2 an error term h^p is removed by new + (new - old) / (2^p - 1).
ODD_GAINS = (3.0, 15.0, 63.0, 255.0)
EVEN_GAINS = (1.0, 7.0, 31.0, 127.0)
ALL_GAINS = (1.0, 3.0, 7.0, 15.0)


class Tableau:
    """Extrapolation to step zero of what was measured at h, h/2, h/4, ...: its best entry so far.

    Beside each entry stands its `noise`, by the same recursion with every sign positive. An entry's
    `change` is its distance from the farther of the two that it was made of; `bound` is 3 `change` + 2
    `noise`. Entries of fewer than two extrapolations are not trusted: theirs can be small by accident. Only
    the `early` ones are the best of all that were extrapolated at least once.
    """

    __slots__ = (
        "_gains",
        "_noises",
        "_values",
        "bound",
        "change",
        "early_bound",
        "early_value",
        "measured",
        "noise",
        "rows",
        "stale",
        "step",
        "value",
    )

    def __init__(self, gains: tuple[float, ...]) -> None:
        self._gains = gains
        self._values: list[float] = []
        self._noises: list[float] = []
        self.rows = 0
        self.stale = 0
        self.value = self.early_value = math.nan
        self.bound = self.early_bound = self.change = self.noise = math.inf
        self.step = self.measured = math.nan

    def add(self, step: float, value: float, noise: float) -> None:
        """Extend the table by the row of a measurement at half the last step."""
        measured = value
        values, noises = [value], [noise]
        self.stale += 1
        for gain, old_value, old_noise in zip(self._gains, self._values, self._noises, strict=False):
            value += (value - old_value) / gain
            noise += (noise + old_noise) / gain
            values.append(value)
            noises.append(noise)
            change = abs(value - old_value)
            bound = 3.0 * change + 2.0 * noise
            if bound < self.early_bound:
                self.early_value, self.early_bound = value, bound
            if bound < self.bound and len(values) > 2:
                self.value, self.bound, self.step = value, bound, step
                self.change, self.noise, self.measured = change, noise, measured
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
