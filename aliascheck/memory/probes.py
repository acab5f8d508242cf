"""Probes: the coordinates in which vectors over the cells of a group are measured and compared.

A small group is probed cell by cell. A large one is probed along a few random directions of all its
cells, each cut into *regions*: an *atom* is the region of cells that the same views show, so that a view
sees a probe whole or not at all. Where something was found amiss, regions are cut finer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory.cells import CellMap, Cells
from aliascheck.memory.data import Data, replace
from aliascheck.memory.tangents import scatter
from aliascheck.memory.values import Array

DIRECTIONS = 3  # of a large group: a fault 1,450 times the bound is missed once in 1e9 audits

Mask = NDArray[np.bool_]


class Region(Data, frozen=True, eq=False):
    """Cells that are moved together. `cells` is None where they are all of the group's.

    `name` says which they are, in the terms of the slot that they were looked at in ("row 3").
    """

    cells: Cells | None = None
    name: str = ""

    def mask(self, size: int) -> Mask:
        """Which of `size` cells are in the region."""
        shown = np.zeros(size, bool)
        shown[slice(None) if self.cells is None else self.cells] = True
        return shown

    @property
    def key(self) -> bytes:
        """What tells it from regions of other cells."""
        cells = b"" if self.cells is None else np.ascontiguousarray(self.cells, np.int64).tobytes()
        return blake2b(cells, digest_size=16).digest()

    @property
    def first(self) -> int:
        """One of its cells."""
        return 0 if self.cells is None else int(self.cells[0])


class Probe(Data, frozen=True, eq=False):
    """A direction in memory: the cells that it moves, and how far.

    Shapes: `weights` as the region's cells.
    """

    region: Region
    weights: NDArray[np.floating]

    def direction(self, size: int) -> NDArray[np.floating]:
        """How far each cell of the group moves. Shapes: (size,)."""
        if self.region.cells is None:
            return self.weights
        moved = np.zeros(size, self.weights.dtype)
        moved[self.region.cells] = self.weights
        return moved


class Probes(Data, frozen=True, eq=False):
    """The probes of one group of `size` cells; `exact` where each is a single cell, in order.

    Probes along the same direction stand in the same order within each region. Probes of the same `key`
    over the same cells and regions are equal.
    """

    size: int
    exact: bool
    items: tuple[Probe, ...]
    key: tuple[object, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def marked(self, shown: Mask) -> Mask:
        """Which probes move cells that are shown. Shapes: (size,) to (number of probes,)."""
        return np.array([bool(shown[probe.region.first]) for probe in self.items], bool)

    def project(self, cells: CellMap, array: Array, tangent: Array) -> tuple[Array, Array]:
        """A tangent of a view, scattered into memory, in these coordinates; and how much was added up.

        The second result is the Euclidean norm of the terms along each direction: what rounding is
        relative to. Cells by themselves have none. Shapes: `tangent` as `array`, the results
        (number of probes,).
        """
        if self.exact:
            return scatter(cells.of(array), self.size, tangent), np.zeros(self.size)
        pairs = [inner(tangent, cells.show(probe.direction(self.size), array)) for probe in self.items]
        return np.array([value for value, _ in pairs]), np.array([norm for _, norm in pairs])

    def refined(self, regions: Sequence[Region]) -> Probes:
        """The same directions, with some regions by themselves, and what is left of the old ones.

        Where regions overlap, what they share is by itself as well.
        """
        parted = []
        for atom in dict.fromkeys(probe.region for probe in self.items):
            directions = [probe.direction(self.size) for probe in self.items if probe.region is atom]
            for mask, name in _parts(atom.mask(self.size), regions):
                parted += _restricted(directions, mask, name or ("the rest" if regions else atom.name))
        return replace(self, items=tuple(parted), key=(*self.key, *(region.key for region in regions)))


def _parts(whole: Mask, regions: Sequence[Region]) -> list[tuple[Mask, str]]:
    """Cells parted by regions, which may overlap; those in none come last, without a name."""
    parts: list[tuple[Mask, str]] = []
    rest = whole.copy()
    for region in regions:
        inside = region.mask(len(whole)) & whole
        halves = [(mask & side, name) for mask, name in parts for side in (inside, ~inside)]
        parts = [*halves, (inside & rest, region.name)]
        rest &= ~inside
    return [*((mask, name) for mask, name in parts if mask.any()), (rest, "")]


def inner(left: Array, right: Array) -> tuple[float, float]:
    """The sum of products of two arrays of one shape, and the Euclidean norm of the products.

    Summed pairwise within blocks of rows, so that ten million terms lose no more than a few thousand do. The
    norm neither overflows nor underflows where the products do not.
    """
    total, norm = 0.0, 0.0
    for block in _blocks(left.shape):
        terms = np.asarray(left[block] * right[block], float)
        total += float(np.add.reduce(terms, axis=None))
        squares = float(np.vdot(terms, terms))
        if TINIEST_SQUARES < squares < math.inf:
            norm = math.hypot(norm, math.sqrt(squares))
        else:
            norm = math.hypot(norm, *terms.ravel().tolist())
    return total, norm


TINIEST_SQUARES = 1e-290
BLOCK = 1 << 16


def _blocks(shape: tuple[int, ...]) -> Iterable[slice | tuple[()]]:
    """Slices of leading axes that hold about 65,536 elements each."""
    if not shape:
        return [()]
    rows = max(1, BLOCK // max(1, int(np.prod(shape[1:], dtype=np.int64))))
    return [slice(start, start + rows) for start in range(0, shape[0], rows)]


def single_cells(size: int) -> Probes:
    """The probes of a group that is measured cell by cell."""
    one = np.ones(1)
    return Probes(size, True, tuple(Probe(Region(np.array([cell])), one) for cell in range(size)))


def random_directions(
    cells: CellMap,
    views: Sequence[Array],
    seed: tuple[int, ...],
    count: int = DIRECTIONS,
    finer: Sequence[Region] = (),
) -> Probes:
    """Signed random directions within each atom of `views`, and one within each of the `finer` regions.

    Weights are of either sign and of size 0.5 to 1.5, in single precision, which holds them exactly.
    """
    size = len(cells)
    directions = [signed_uniform(size, (*seed, number)) for number in range(count)]
    items: list[Probe] = []
    for atom in atoms(cells, views):
        items += _restricted(directions, atom, "")
        for region in finer:
            items += _restricted(directions[:1], region.mask(size) & atom, region.name)
    return Probes(size, False, tuple(items), (*seed, count, len(finer)))


SMALLEST_WEIGHT = 0.5


def signed_uniform(
    shape: int | tuple[int, ...], seed: int | Sequence[int], dtype: type[np.floating] = np.float32
) -> NDArray[np.floating]:
    """A direction whose entries have either sign and sizes spread evenly over 0.5 to 1.5.

    No entry is small, so one wrong element is never missed; no two are equal, so that equal errors of
    opposite sign do not cancel, as half of them would between signs alone.

    Shapes: `shape`. Equal seeds give equal directions.
    """
    entries = np.random.default_rng(seed).random(shape, dtype)
    entries *= dtype(2.0)
    entries -= dtype(1.0)
    entries += np.copysign(dtype(SMALLEST_WEIGHT), entries)
    return entries


def _restricted(directions: Sequence[NDArray[np.floating]], mask: Mask, name: str) -> list[Probe]:
    if not mask.any():
        return []
    if mask.all():
        return [Probe(region, weights) for region in [Region(None, name)] for weights in directions]
    region = Region(np.flatnonzero(mask), name)
    if mask.sum() == 1:
        return [Probe(region, np.ones(1))]
    return [Probe(region, weights[mask]) for weights in directions]


def atoms(cells: CellMap, views: Sequence[Array]) -> list[Mask]:
    """The cells parted by which views show them, in the order of their first cells."""
    parts = [np.ones(len(cells), bool)] if len(cells) else []
    for view in views:
        shown = cells.shown_by(view)
        parts = [part for whole in parts for part in _split(whole, shown)]
    return sorted(parts, key=lambda part: int(np.argmax(part)))


def _split(whole: Mask, shown: Mask) -> list[Mask]:
    inside = whole & shown
    if not inside.any():
        return [whole]
    outside = whole & ~shown
    return [inside, outside] if outside.any() else [inside]
