"""Alias groups of an audit: which slots, accesses and memory belong together, and how they are probed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from aliascheck.memory import (
    DIRECTIONS,
    Array,
    CellMap,
    Data,
    Element,
    Field,
    Path,
    Probes,
    Region,
    Wrapper,
    dense,
    format_path,
    identity,
    innermost,
    is_below,
    leaves,
    lookup,
    random_directions,
    replace,
    single_cells,
)
from aliascheck.oracle import ROUNDING, AccessView, MemoryBlock
from aliascheck.verdicts.gates import ROUNDING as ROUNDING_OF_SUMS


class SlotPlan(Data, frozen=True, eq=False):
    """One slot: the paths of all its names, its value, and which parts of which members make it up."""

    paths: tuple[Path, ...]
    value: Any
    sources: tuple[tuple[Path, Path], ...]

    @property
    def name(self) -> str:
        return format_path(self.paths[0])

    @property
    def names(self) -> list[str]:
        return [format_path(path) for path in self.paths]

    @property
    def array(self) -> Array:
        seen: Array = dense(self.value)
        return seen


class AccessPlan(Data, frozen=True, eq=False):
    """One access: its path, the place it reads, and the array it sees."""

    path: Path
    place: Path
    array: Array
    name: str


DOUBLE = float(np.finfo(np.float64).eps)
SINGLE_ROUNDING = 32.0  # times the spacing of numbers at 1: 64 units of rounding, measured in float32


class Group(Data, frozen=True, eq=False):
    """Slots and accesses connected by shared cells, with their memory.

    `spacing` is that of the engine's numbers at 1, where they are coarser than the memory's.
    """

    slots: tuple[SlotPlan, ...]
    accesses: tuple[AccessPlan, ...]
    places: tuple[tuple[Path, Array], ...]
    cells: CellMap
    block: MemoryBlock
    probes: Probes
    spacing: float = 0.0

    def probed_by(self, probes: Probes) -> Group:
        """The same group in other coordinates."""
        return replace(self, probes=probes)

    def reported_with(self, spacing: float) -> Group:
        """The same group, its gradients in numbers of that spacing."""
        return self if spacing == self.spacing else replace(self, spacing=spacing)

    @property
    def size(self) -> int:
        """What it takes to measure it by cell: its cells, or the elements of a view that repeats them."""
        return max(len(self.cells), *(access.array.size for access in self.accesses), 0)

    @property
    def rounding(self) -> float:
        """Relative: what a right engine's own rounding may add, in the precision that is used."""
        return max(ROUNDING, self._coarse_rounding)

    @property
    def rounding_of_gates(self) -> float:
        """Relative: what rounding may add to a sum of contributions, in the precision that is used."""
        return max(ROUNDING_OF_SUMS, self._coarse_rounding)

    @property
    def _coarse_rounding(self) -> float:
        """Zero for memory in float64."""
        coarsest = max(self.spacing, *(float(np.finfo(array.dtype).eps) for array in self.block.arrays), 0.0)
        return SINGLE_ROUNDING * float(coarsest) if coarsest > DOUBLE else 0.0

    @property
    def layout(self) -> tuple[object, ...]:
        """What two groups share when one measurement serves both: how accesses, and probes, lie in memory."""
        accesses = [(access.path, self.cells.layout(access.array)) for access in self.accesses]
        slots = [] if self.probes.exact else [self.cells.layout(slot.array) for slot in self.slots]
        return (len(self.cells), self.probes.key, *accesses, *slots)

    def views(self) -> list[AccessView]:
        """The accesses as the oracle takes them."""
        return [AccessView(access.path, access.array) for access in self.accesses]

    def sharers(self, access: AccessPlan) -> int:
        """How many places share cells with an access."""
        own = CellMap([access.array])
        return sum(own.touches(array) for _, array in self.places)


def plan_slots(bindings: Mapping[str, Any], members: Sequence[Path], merging: bool) -> list[SlotPlan]:
    """The slots of a parameter set: one for each array or unopened wrapper at or below a member.

    A leaf that two members name is one slot. Where `merging`, members that are the same object are, too.
    """
    drafts: list[_Draft] = []
    for member in members:
        holder = lookup(bindings, member)
        object_key = identity(holder) if merging else member
        for leaf, value in leaves(holder, member):
            if dense(value).dtype.kind != "f":
                continue
            source = (object_key, leaf[len(member) :])
            same = [draft for draft in drafts if leaf in draft.paths or source in draft.sources]
            draft = same[0] if same else _Draft([], value, {})
            if not same:
                drafts.append(draft)
            if leaf not in draft.paths:
                draft.paths.append(leaf)
            draft.sources.setdefault(source, (member, leaf[len(member) :]))
    return [SlotPlan(tuple(draft.paths), draft.value, tuple(draft.sources.values())) for draft in drafts]


@dataclass(eq=False)
class _Draft:
    """A slot being put together; `sources` by object and steps, so that one object counts once."""

    paths: list[Path]
    value: Any
    sources: dict[tuple[Any, Path], tuple[Path, Path]]


def plan_accesses(accesses: Mapping[Path, Any], places: Sequence[tuple[Path, Array]]) -> list[AccessPlan]:
    """Every access of a float array, in the order of the places that they read."""
    position = {path: number for number, (path, _) in enumerate(places)}
    plans = []
    for path, value in accesses.items():
        if dense(value).dtype.kind == "f":
            place = _innermost_path(_by_itself(path), value)
            plans.append(AccessPlan(path, place, dense(value), _name(path, accesses)))
    last = len(position)
    return sorted(plans, key=lambda plan: (position.get(plan.place, last), len(plan.path)))


def _by_itself(path: Path) -> Path:
    """A path with elements of containers consumed whole as elements read by themselves."""
    return tuple(int(step) if isinstance(step, Element) else step for step in path)


def _name(path: Path, accesses: Mapping[Path, Any]) -> str:
    """An access as people write it; with its container where the element is also read by itself."""
    alone = _by_itself(path)
    if path == alone or alone not in accesses:
        return format_path(alone)
    return f"{format_path(alone)} in {format_path(alone[:-1])}"


def _innermost_path(path: Path, value: Any) -> Path:
    while isinstance(value, Wrapper):
        path, value = (*path, Field("parent")), value.parent
    return path


class Effort(Data, frozen=True):
    """How closely groups are looked at: directions for each large one, and whether row by row as well."""

    seed: int = 0
    directions: int = DIRECTIONS
    thorough: bool = False


ALWAYS_EXACT = 64  # cells: measured one by one in every model,
CHEAPLY_EXACT = 256  # and up to so many where the model is small
SMALL_MODEL = 1024  # cells
MOST_EXACT = 256  # cells that are measured one by one in a large model,
MOST_WORK = 2**20  # and that times the cells of the model: what an evaluation costs grows with its size


def plan_groups(
    slots: Sequence[SlotPlan],
    accesses: Sequence[AccessPlan],
    places: Sequence[tuple[Path, Array]],
    effort: Effort,
) -> list[Group]:
    """The alias groups that hold at least one slot, found from memory itself."""
    owned = [innermost(slot.value) for slot in slots]
    arrays = [
        *(slot.array for slot in slots),
        *(access.array for access in accesses),
        *(array for _, array in places),
        *owned,
    ]
    drafts = [
        _draft(members, slots, accesses, places, owned)
        for members in CellMap(arrays).groups(arrays)
        if any(number < len(slots) for number in members)
    ]
    exact = _measured_by_cell([draft.size for draft in drafts])
    return [
        draft.probed_by(single_cells(len(draft.cells)) if by_cell else _directions(draft, effort))
        for draft, by_cell in zip(drafts, exact, strict=True)
    ]


def _measured_by_cell(sizes: Sequence[int]) -> list[bool]:
    """Which groups are measured cell by cell, so that people see arrays.

    In a large model there may be hundreds of small parameters, and their cells would cost more than all the
    rest: the smallest come first.
    """
    whole = sum(sizes)
    if whole <= SMALL_MODEL:
        return [size <= CHEAPLY_EXACT for size in sizes]
    exact = [False] * len(sizes)
    left = min(MOST_EXACT, MOST_WORK // whole)
    for number in sorted(range(len(sizes)), key=sizes.__getitem__):
        if sizes[number] > min(left, ALWAYS_EXACT):
            break
        exact[number] = True
        left -= sizes[number]
    return exact


def _draft(
    members: list[int],
    slots: Sequence[SlotPlan],
    accesses: Sequence[AccessPlan],
    places: Sequence[tuple[Path, Array]],
    owned: Sequence[Array],
) -> Group:
    """A group without probes yet."""
    ends = np.cumsum([len(slots), len(accesses), len(places), len(owned)]).tolist()
    own_slots = tuple(slots[n] for n in members if n < ends[0])
    own_accesses = [accesses[n - ends[0]] for n in members if ends[0] <= n < ends[1]]
    own_places = tuple(places[n - ends[1]] for n in members if ends[1] <= n < ends[2])
    own_memory = [owned[n - ends[2]] for n in members if n >= ends[2]]
    memory = [*(array for _, array in own_places), *own_memory]
    cells = CellMap([*memory, *(slot.array for slot in own_slots)])
    shown = CellMap(slot.array for slot in own_slots)
    touching = tuple(access for access in own_accesses if shown.touches(access.array))
    return Group(own_slots, touching, own_places, cells, MemoryBlock(memory, cells), single_cells(0))


def _directions(group: Group, effort: Effort) -> Probes:
    """Directions of a group's own: those of one group must not be another's, or a swap would be missed."""
    views = [*(slot.array for slot in group.slots), *(access.array for access in group.accesses)]
    rows = [row for slot in group.slots for row in _rows(group.cells, slot)] if effort.thorough else []
    name = min((format_path(path) for path, _ in group.places), default=group.slots[0].name)
    seed = (effort.seed, crc32(name.encode()))
    return random_directions(group.cells, views, seed, effort.directions, rows)


def _rows(cells: CellMap, slot: SlotPlan) -> list[Region]:
    """The rows of a slot; of a vector, as many blocks as they have elements."""
    shown = cells.of(slot.array)
    if shown.ndim > 1:
        return [Region(np.unique(row), f"row {number}") for number, row in enumerate(shown)]
    parts = np.array_split(shown, max(1, math.isqrt(shown.size)))
    starts = np.cumsum([0, *(part.size for part in parts)]).tolist()
    return [
        Region(np.unique(part), f"elements {start} to {start + part.size - 1}")
        for part, start in zip(parts, starts, strict=False)
    ]


def owner_of(place: Path, slots: Sequence[SlotPlan]) -> int | None:
    """The slot whose name is the longest prefix of a place; None where there is none."""
    owners = [
        (len(path), number)
        for number, slot in enumerate(slots)
        for path in slot.paths
        if is_below(place, path)
    ]
    return max(owners, key=lambda owner: owner[0])[1] if owners else None
