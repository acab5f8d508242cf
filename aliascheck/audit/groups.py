"""Alias groups of an audit: which slots, accesses and memory belong together, and how they are probed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aliascheck.memory import (
    Array,
    CellMap,
    Data,
    Element,
    Field,
    Path,
    Probes,
    Wrapper,
    alias_groups,
    choose_probes,
    dense,
    format_path,
    identity,
    innermost,
    is_below,
    leaves,
    lookup,
)
from aliascheck.oracle import AccessView, MemoryBlock


class SlotPlan(Data, frozen=True, eq=False):
    """One slot: the paths of all its names, its value, and which parts of which members make it up."""

    paths: tuple[Path, ...]
    value: Any
    sources: tuple[tuple[Path, Path], ...]

    @property
    def name(self) -> str:
        return format_path(self.paths[0])

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


class Group(Data, frozen=True, eq=False):
    """Slots and accesses connected by shared cells, with their memory."""

    slots: tuple[SlotPlan, ...]
    accesses: tuple[AccessPlan, ...]
    places: tuple[tuple[Path, Array], ...]
    cells: CellMap
    block: MemoryBlock
    probes: Probes

    @property
    def layout(self) -> tuple[object, ...]:
        """What two groups share when one measurement serves both: how accesses, and probes, lie in memory."""
        accesses = [(access.path, self.cells.of(access.array).tobytes()) for access in self.accesses]
        slots = [] if self.probes.exact else [self.cells.of(slot.array).tobytes() for slot in self.slots]
        return (len(self.cells), *accesses, *slots)

    def views(self) -> list[AccessView]:
        """The accesses as the oracle takes them."""
        return [AccessView(a.path, a.array, self.cells.of(a.array)) for a in self.accesses]

    def sharers(self, access: AccessPlan) -> int:
        """How many places share cells with an access."""
        own = CellMap([access.array])
        return sum(own.touches(array) for _, array in self.places)


def plan_slots(bindings: Mapping[str, Any], members: Sequence[Path], mode: str) -> list[SlotPlan]:
    """The slots of a parameter set: one for each array or unopened wrapper at or below a member.

    A leaf that two members name is one slot. In implicit mode members that are the same object are, too;
    explicit mode never merges different places.
    """
    drafts: list[_Draft] = []
    for member in members:
        holder = lookup(bindings, member)
        object_key = identity(holder) if mode == "implicit" else member
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


def plan_groups(
    slots: Sequence[SlotPlan],
    accesses: Sequence[AccessPlan],
    places: Sequence[tuple[Path, Array]],
    seed: int,
) -> list[Group]:
    """The alias groups that hold at least one slot, found from memory itself."""
    owned = [innermost(slot.value) for slot in slots]
    arrays = [
        *(slot.array for slot in slots),
        *(access.array for access in accesses),
        *(array for _, array in places),
        *owned,
    ]
    everything = CellMap(arrays)
    groups = alias_groups([everything.of(array) for array in arrays])
    return [
        _group(members, slots, accesses, places, owned, seed)
        for members in groups
        if any(number < len(slots) for number in members)
    ]


def _group(
    members: list[int],
    slots: Sequence[SlotPlan],
    accesses: Sequence[AccessPlan],
    places: Sequence[tuple[Path, Array]],
    owned: Sequence[Array],
    seed: int,
) -> Group:
    ends = np.cumsum([len(slots), len(accesses), len(places), len(owned)]).tolist()
    own_slots = tuple(slots[n] for n in members if n < ends[0])
    own_accesses = [accesses[n - ends[0]] for n in members if ends[0] <= n < ends[1]]
    own_places = tuple(places[n - ends[1]] for n in members if ends[1] <= n < ends[2])
    inner = [owned[n - ends[2]] for n in members if n >= ends[2]]
    memory = [*(array for _, array in own_places), *inner]
    cells = CellMap([*memory, *(slot.array for slot in own_slots)])
    shown = CellMap(slot.array for slot in own_slots)
    touching = tuple(access for access in own_accesses if shown.touches(access.array))
    views = [cells.of(plan.array) for plan in (*own_slots, *touching)]
    block = MemoryBlock(memory, [cells.of(array) for array in memory], len(cells))
    return Group(own_slots, touching, own_places, cells, block, choose_probes(len(cells), views, seed))


def owner_of(place: Path, slots: Sequence[SlotPlan]) -> int | None:
    """The slot whose name is the longest prefix of a place; None where there is none."""
    owners = [
        (len(path), number)
        for number, slot in enumerate(slots)
        for path in slot.paths
        if is_below(place, path)
    ]
    return max(owners, key=lambda owner: owner[0])[1] if owners else None
