"""The tape: what was computed, in recording order, and the one walk back over it.

A node knows how to hand its cotangent on to the nodes it read from. Nothing is stored on values, so a
tape can be walked back any number of times: with other gates, with other watched objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from aliascheck.memory import NOTHING, Path, accumulate, dense, identity, is_plain


class Node:
    """One step of a computation."""

    __slots__ = ()

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        """Hand the cotangent of this node on to what it read from."""
        raise NotImplementedError


class Tape:
    """The steps of one evaluation, and how values were reached in it.

    `accesses` maps each access (the path at which a primitive consumed an array) to the value there.
    With `substitutes`, an access reads a private array in place of its memory. A tape that does not
    record only follows accesses.
    """

    __slots__ = ("accesses", "nodes", "recording", "substitutes")

    def __init__(self, *, recording: bool = True, substitutes: Mapping[Path, Any] | None = None) -> None:
        self.nodes: list[Node] = []
        self.recording = recording
        self.substitutes = substitutes or {}
        self.accesses: dict[Path, Any] = {}

    def record(self, node: Node) -> int:
        """The number of `node` on the tape."""
        if not self.recording:
            return -1
        self.nodes.append(node)
        return len(self.nodes) - 1

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
        self.watched: dict[Any, Any] = dict.fromkeys(watched or (), NOTHING)
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


class Sweep:
    """One walk back: cotangents of nodes, gates on accesses, and where results are collected."""

    __slots__ = ("arguments", "cotangents", "gates", "ledger")

    def __init__(self, size: int, ledger: Ledger, gates: Mapping[Path, float] | None) -> None:
        self.cotangents: list[Any] = [NOTHING] * size
        self.arguments: dict[Any, Any] = {}
        self.ledger = ledger
        self.gates = gates or {}

    def add(self, index: int, tangent: Any) -> None:
        """Add to the cotangent of node `index`; constants (index -1) need none."""
        if index < 0 or tangent is NOTHING:
            return
        present = self.cotangents[index]
        self.cotangents[index] = tangent if present is NOTHING else accumulate(present, tangent)

    def add_gated(self, index: int, access: Any, tangent: Any) -> None:
        """Add what an edge from `access` hands back, times the access's gate.

        A closed gate gives zeros by selection, never `nothing` and never `0 * inf`.
        """
        if self.gates and access is not None and tangent is not NOTHING:
            gate = self.gates.get(access)
            if gate is not None:
                tangent = np.zeros_like(tangent) if gate == 0 else gate * tangent
        self.add(index, tangent)


def walk_back(
    tape: Tape, out: int, seed: Any, ledger: Ledger, gates: Mapping[Path, float] | None = None
) -> dict[Any, Any]:
    """Pull the cotangent `seed` of node `out` back over the tape.

    Fills `ledger` and returns the cotangents of the tape's arguments, by their keys.
    """
    sweep = Sweep(len(tape.nodes), ledger, gates)
    sweep.add(out, seed)
    cotangents = sweep.cotangents
    for index in range(out, -1, -1):
        d_out = cotangents[index]
        if d_out is not NOTHING:
            cotangents[index] = NOTHING
            tape.nodes[index].pull(d_out, sweep)
    return sweep.arguments
