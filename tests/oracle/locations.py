"""The cells that a location names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aliascheck.oracle.conclusion import Location


def cells_of(location: Location, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Shapes: `shape`."""
    cells = np.zeros(shape, bool)
    cells[list(location.rows)] = True
    cells[:, list(location.columns)] = True
    for cell in location.elements:
        cells[cell] = True
    for block in location.blocks:
        cells[block.slices] = True
    return cells
