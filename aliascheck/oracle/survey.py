"""A matrix under search: it is asked along one random direction, which is zero at what was found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import signed_uniform
from aliascheck.oracle.blocks import Block, Cell, element
from aliascheck.oracle.readings import NOTHING, Reading, Residual


class Survey:
    """A matrix under search: what was found of it, and the direction that it is now asked along."""

    def __init__(self, residual: Residual, shape: tuple[int, int], scale: float, seed: int) -> None:
        self._residual = residual
        self._scale = scale
        self._seed = seed
        self._draws = 0
        self._direction: NDArray[np.float64]
        self._elements: dict[Cell, bool] = {}
        self.whole = Block((0, shape[0]), (0, shape[1]))
        self.found = np.zeros(shape, bool)
        self.pieces: list[Block] = []
        self.derivatives = 0
        self.grains = 0
        self.random = np.random.default_rng((seed, 1))

    def redraw(self) -> None:
        """Take a fresh direction, which is zero at what was found."""
        drawn = signed_uniform(self.found.shape, (self._seed, 0, self._draws), np.float64)
        self._direction = drawn.astype(np.float64, copy=False)
        self._direction *= self._scale
        self._direction[self.found] = 0.0
        self._draws += 1

    def weights(self, region: Block) -> NDArray[np.float64]:
        """The direction within a region."""
        return self._direction[region.slices]

    def read(self, region: Block, accuracy: float = 0.0) -> Reading:
        """The residual of a region along the direction."""
        return self.read_along(region, self.weights(region), accuracy)

    def read_along(self, region: Block, weights: NDArray[np.float64], accuracy: float) -> Reading:
        """The residual of a region along weights of one's own."""
        if not weights.any():
            return NOTHING
        self.derivatives += 1
        return Reading(*self._residual(region, weights, accuracy))

    def read_rest(self, checks: int) -> Reading:
        """The residual of all that was not found; if it passes, the last of so many that did."""
        reading = NOTHING
        for _ in range(checks):
            self.redraw()
            reading = self.read(self.whole)
            if reading.wrong or not reading.decided:
                break
        return reading

    def is_wrong(self, region: Block) -> bool:
        """Whether a region reads wrong at the best accuracy, or something in it was found."""
        return bool(self.found[region.slices].any()) or self.read(region).wrong

    def is_wrong_at(self, row: int, column: int) -> bool:
        """Whether an element is wrong; it is asked for once."""
        if (row, column) not in self._elements:
            self._elements[row, column] = self.is_wrong(element(row, column))
        return self._elements[row, column]

    def sample(self, count: int) -> list[Cell]:
        """Of so many elements at random, those that are wrong."""
        height, width = self.found.shape
        rows, columns = self.random.integers(height, size=count), self.random.integers(width, size=count)
        drawn = zip(rows.tolist(), columns.tolist(), strict=True)
        return [cell for cell in drawn if self.is_wrong_at(*cell)]

    def add(self, region: Block) -> None:
        """Note a region as wrong, and mask it."""
        self.pieces.append(region)
        self.found[region.slices] = True
        self._direction[region.slices] = 0.0
