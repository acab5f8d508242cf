"""The tape: what was computed, in recording order, and the one walk back over it.

An entry knows how to hand its cotangent on to the entries it read from. Nothing is stored on values, so a
tape can be walked back any number of times: with other gates, with other watched objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from aliascheck.memory import NOTHING, Path, Scattered, accumulate, dense, identity, is_plain, settled

# From a primitive's result to one traced operand: the pullback, the operand's entry, and its access.
Edge = tuple[Callable[[Any], Any], int, Path | None]


class Node:
    """A step that is no primitive's: reading a name or a part, building a value."""

    __slots__ = ()

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        """Hand the cotangent of this node on to what it read from."""
        raise NotImplementedError


class Unrecorded(list[Any]):
    """The entries of a tape that does not record: none, so that the number of each is -1."""

    __slots__ = ()

    def append(self, entry: Any) -> None:
        """Leave it out."""


class Tape:
    """The steps of one evaluation, and how values were reached in it.

    An entry is an edge, a list of edges, or a node of another kind. `accesses` maps each access (the path
    at which a primitive consumed an array) to the value there. With `substitutes`, an access reads a
    private array in place of its memory. A tape that does not record only follows accesses.
    """

    __slots__ = ("accesses", "entries", "recording", "substitutes")

    def __init__(self, *, recording: bool = True, substitutes: Mapping[Path, Any] | None = None) -> None:
        self.entries: list[Edge | list[Edge] | Node] = [] if recording else Unrecorded()
        self.recording = recording
        self.substitutes = substitutes or {}
        self.accesses: dict[Path, Any] = {}

    def record(self, entry: Edge | list[Edge] | Node) -> int:
        """The number of `entry` on the tape."""
        self.entries.append(entry)
        return len(self.entries) - 1

    def look(self, access: Any, value: Any) -> Any:
        """The dense array that a primitive sees when it consumes `value` at `access`."""
        if isinstance(access, tuple) and access not in self.accesses:
            self.accesses[access] = value
        if self.substitutes and isinstance(access, tuple) and access in self.substitutes:
            return self.substitutes[access]
        return dense(value)


class Ledger:
    """Which objects are watched by identity, and what each of them, and each global name, received."""

    __slots__ = ("globals", "watched")

    def __init__(self, watched: Iterable[Any] | None = None) -> None:
        self.watched: dict[Any, Any] = dict.fromkeys(watched, NOTHING) if watched else {}
        self.globals: dict[str, Any] = {}

    def credit_global(self, name: str, tangent: Any) -> None:
        """Add to the entry that a global name keeps, watched or not."""
        self.globals[name] = accumulate(self.globals.get(name, NOTHING), tangent)

    def claim(self, value: Any, tangent: Any) -> Any:
        """Credit `value` if it is watched, and return what is to be passed outward: then, NOTHING."""
        if not self.watched or tangent is NOTHING or is_plain(value):
            return tangent
        key = identity(value)
        if key not in self.watched:
            return tangent
        self.watched[key] = accumulate(self.watched[key], tangent)
        return NOTHING

    def settle(self) -> None:
        """Write out what is left to be added up."""
        if self.watched or self.globals:
            for entries in (self.watched, self.globals):
                for key, tangent in entries.items():
                    entries[key] = settled(tangent)


class Sweep:
    """One walk back: cotangents of entries, gates on accesses, and where results are collected."""

    __slots__ = ("arguments", "cotangents", "gates", "ledger")

    def __init__(self, size: int, ledger: Ledger, gates: Mapping[Path, float] | None) -> None:
        self.cotangents: list[Any] = [NOTHING] * size
        self.arguments: dict[Any, Any] = {}
        self.ledger = ledger
        self.gates = gates or {}

    def add(self, index: int, tangent: Any) -> None:
        """Add to the cotangent of entry `index`; constants (index -1) need none."""
        if index < 0 or tangent is NOTHING:
            return
        present = self.cotangents[index]
        self.cotangents[index] = tangent if present is NOTHING else accumulate(present, tangent)

    def add_gated(self, index: int, access: Any, tangent: Any) -> None:
        """Add what an edge from `access` hands back, times the access's gate."""
        self.add(index, self.gated(access, tangent) if self.gates else tangent)

    def gated(self, access: Any, tangent: Any) -> Any:
        """`tangent` times the gate of `access`, if it has one.

        A closed gate gives zeros by selection, never `nothing` and never `0 * inf`.
        """
        gate = self.gates.get(access) if isinstance(access, tuple) else None
        if gate is None or tangent is NOTHING:
            return tangent
        if isinstance(tangent, Scattered):
            return tangent.each(np.zeros_like if gate == 0 else lambda piece: gate * piece)
        return np.zeros_like(tangent) if gate == 0 else gate * tangent


@np.errstate(divide="ignore", over="ignore", invalid="ignore")  # inf and nan stand in the result
def walk_back(
    tape: Tape,
    out: int,
    seed: Any,
    ledger: Ledger,
    gates: Mapping[Path, float] | None = None,
    *,
    release: bool = False,
) -> dict[Any, Any]:
    """Pull the cotangent `seed` of entry `out` back over the tape.

    Fills `ledger` and returns the cotangents of the tape's arguments, by their keys. With `release`, the
    tape lets go of each entry, and so of the arrays that its pullbacks hold, once that is done with.
    """
    entries: list[Any] = tape.entries
    if release:
        del entries[out + 1 :]
    else:
        entries = entries[: out + 1]
    sweep = Sweep(out + 1, ledger, gates)
    cotangents = sweep.cotangents
    cotangents[out] = seed
    while entries:
        entry, d_out = entries.pop(), cotangents.pop()
        if d_out is NOTHING:
            continue
        kind = type(entry)
        if kind is not tuple and kind is not list:
            entry.pull(d_out, sweep)
            continue
        if type(d_out) is Scattered:
            d_out = d_out.dense()
        for rule, parent, access in (entry,) if kind is tuple else entry:
            tangent = rule(d_out)
            if gates and access is not None:
                tangent = sweep.gated(access, tangent)
            present = cotangents[parent]
            cotangents[parent] = tangent if present is NOTHING else _sum(present, tangent, d_out)
    ledger.settle()
    return sweep.arguments


def _sum(present: Any, tangent: Any, d_out: Any) -> Any:
    """The sum of two cotangents, the second fresh from a rule that was given `d_out`.

    A rule keeps nothing of what it returns, so an array that is neither a view nor `d_out` itself is the
    engine's to write to.
    """
    if (
        type(tangent) is np.ndarray
        and tangent.base is None
        and tangent is not d_out
        and type(present) is np.ndarray
        and present.shape == tangent.shape
        and present.dtype == tangent.dtype
    ):
        return np.add(present, tangent, tangent)
    return accumulate(present, tangent)
