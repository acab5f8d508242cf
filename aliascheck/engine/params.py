"""What implicit mode watches, and what it found: ordered, and keyed by identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, identity


class Params:
    """An ordered set of objects to be watched by identity. Adding one that is there changes nothing."""

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members: dict[Any, Any] = {}
        for member in members:
            self.push(member)

    def push(self, member: Any) -> None:
        """Add an object at the end, unless it is there."""
        self._members.setdefault(identity(member), member)

    def delete(self, member: Any) -> None:
        """Remove an object, if it is there."""
        self._members.pop(identity(member), None)

    def union(self, other: Iterable[Any]) -> Params:
        """The objects of both, in order."""
        return Params([*self, *other])

    def intersect(self, other: Iterable[Any]) -> Params:
        """The objects that are also in `other`, in order."""
        others = Params(other)
        return Params(member for member in self if member in others)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: Any) -> bool:
        return identity(member) in self._members

    def __getitem__(self, position: Any) -> Any:
        return list(self)[position]


class Grads:
    """What implicit mode found: an entry for each member, `nothing` included, and for each global name.

    `grads[x]` is the entry of the watched object x, `grads["Main.x"]` that of the global name x.
    """

    def __init__(self, params: Params, watched: dict[Any, Any], global_entries: dict[str, Any]) -> None:
        self.params = params
        self._watched = watched
        self.globals = {f"Main.{name}": tangent for name, tangent in global_entries.items()}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.globals[key]
        if key not in self.params:
            raise EngineError("the object is not in the set that was watched")
        return self._watched.get(identity(key), NOTHING)

    def __contains__(self, key: Any) -> bool:
        return key in self.params

    def __iter__(self) -> Iterator[Any]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def values(self) -> list[Any]:
        """The entries of the members, in their order."""
        return [self[member] for member in self.params]

    def __repr__(self) -> str:
        entries = [f"{member!r}: {self[member]!r}" for member in self.params]
        entries += [f"{name}: {tangent!r}" for name, tangent in self.globals.items()]
        return "Grads(" + ", ".join(entries) + ")"
