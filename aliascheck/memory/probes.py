"""Probes: the coordinates in which vectors over the cells of a group are measured and compared.

A small group is probed cell by cell. A large one is probed along random directions, each within an
*atom*: cells that the same views show, so that a view sees a direction whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory.cells import Cells
from aliascheck.memory.data import Data

MOST_CELLS = 256  # probed one by one
DIRECTIONS = 4  # within each atom of a larger group


class Probe(Data, frozen=True, eq=False):
    """A direction in memory: the cells that it moves, and how far. Shapes: both (k,)."""

    cells: Cells
    weights: NDArray[np.float64]


class Probes(Data, frozen=True, eq=False):
    """The probes of one group of `size` cells; `exact` where each is a single cell, in order."""

    size: int
    exact: bool
    items: tuple[Probe, ...]

    def __len__(self) -> int:
        return len(self.items)

    def project(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """A vector over cells in these coordinates. Shapes: (size,) to (number of probes,)."""
        if self.exact:
            return vector
        return np.array([probe.weights @ vector[probe.cells] for probe in self.items])

    def shown_by(self, cells: Cells) -> NDArray[np.bool_]:
        """Which probes move cells that a view shows."""
        shown = np.zeros(self.size, bool)
        shown[cells.ravel()] = True
        return np.array([bool(shown[probe.cells[0]]) for probe in self.items], bool)


def choose_probes(size: int, views: Sequence[Cells], seed: int) -> Probes:
    """Cell by cell up to 256 cells, else four signed random directions in each atom of `views`."""
    if size <= MOST_CELLS:
        one = np.ones(1)
        return Probes(size, True, tuple(Probe(np.array([cell]), one) for cell in range(size)))
    rng = np.random.default_rng(seed)
    items = []
    for atom in _atoms(size, views):
        for _ in range(DIRECTIONS):
            signs = rng.choice((-1.0, 1.0), len(atom))
            items.append(Probe(atom, signs * rng.uniform(0.5, 1.5, len(atom))))
    return Probes(size, False, tuple(items))


def _atoms(size: int, views: Sequence[Cells]) -> list[Cells]:
    """The cells parted by which views show them."""
    signature = np.zeros(size, np.int64)
    for view in views:
        shown = np.zeros(size, np.int64)
        shown[view.ravel()] = 1
        _, signature = np.unique(2 * signature + shown, return_inverse=True)
    return [np.flatnonzero(signature == name) for name in range(int(signature.max()) + 1)]
