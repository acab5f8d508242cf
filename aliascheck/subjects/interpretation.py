"""Programs on other engines: which arrays an engine holds, and the program with those in their places.

An engine knows arrays, and nothing of wrappers. One that a binding holds is an array of its own: over the
same memory where the engine has views, a copy where it has none. Its parent is seen from that array. A
wrapper is made by the engine itself where a member of the set lies below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.engine import Foreign, LacksPrimitiveError, Vocabulary
from aliascheck.memory import (
    Array,
    Field,
    Path,
    Record,
    Wrapper,
    children,
    dense,
    format_path,
    is_array,
    is_below,
    leaves,
    lookup,
)
from aliascheck.subjects.program import Loss

Read = Callable[[Path], Any]


class Interpretation:
    """A program of named values, to be evaluated with the arrays of another engine.

    `held` are the places that the engine holds, with the arrays and wrappers there. Numbers, and arrays of
    integers, stay as they are. `names_read` are those that the loss has read, once it was evaluated.

    Raises: LacksPrimitiveError where a member lies inside another one.
    """

    def __init__(
        self, vocabulary: Vocabulary, bindings: Mapping[str, Any], loss: Loss, members: Sequence[Path]
    ) -> None:
        self._vocabulary = vocabulary
        self._bindings = bindings
        self._loss = loss
        self._below = members
        self.names_read: set[str] = set()
        self.held: dict[Path, Any] = dict(
            found for name, value in bindings.items() for found in self._found(value, (name,))
        )
        self.members = [path for member in members for path in self._at(member)]

    def _found(self, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        """The places at or below a path that an engine holds."""
        if isinstance(value, Wrapper) and self._is_opened(path):
            yield from self._found(value.parent, (*path, Field("parent")))
        elif is_array(value):
            if dense(value).dtype.kind == "f":
                yield path, value
        else:
            for step, part in children(value):
                yield from self._found(part, (*path, step))

    def _is_opened(self, path: Path) -> bool:
        return any(member != path and is_below(member, path) for member in self._below)

    def _at(self, member: Path) -> list[Path]:
        """The held places of a member: its own, or the leaves of a struct or container."""
        found = [path for path, _ in leaves(lookup(self._bindings, member), member) if path in self.held]
        if not found:
            raise LacksPrimitiveError(
                f"{self._vocabulary.engine} holds no '{format_path(member)}': another member lies inside it"
            )
        return found

    def arrays(self) -> dict[Path, Array]:
        """The NumPy array at each held place; one object at two places is one array."""
        return {path: dense(value) for path, value in self.held.items()}

    def result(self, read: Read) -> Any:
        """What the loss gives, as the engine has it, where `read` gives the engine's array at a place."""
        value = self._loss(Interpreted(self, read))
        return value.array if isinstance(value, Foreign) else value

    def names(self) -> Iterable[str]:
        return self._bindings

    def binding(self, name: str, read: Read) -> Any:
        """The value of a name that is read, with the engine's arrays in it."""
        self.names_read.add(name)
        return self._value(self._bindings[name], (name,), read)

    def _value(self, value: Any, path: Path, read: Read) -> Any:
        if path in self.held:
            return self._vocabulary.held(read(path), value)
        if isinstance(value, Wrapper):
            parent = self._value(value.parent, (*path, Field("parent")), read)
            return (
                self._vocabulary.wrap(value.kind, value.arguments, parent)
                if parent is not value.parent
                else value
            )
        if isinstance(value, np.ndarray):
            return value
        parts = {step: self._value(part, (*path, step), read) for step, part in children(value)}
        return _with_parts(value, parts)


def _with_parts(value: Any, parts: Mapping[Any, Any]) -> Any:
    """A record or container with other parts; what has none is itself."""
    if isinstance(value, Record):
        for name, part in parts.items():
            value = value.replace_field(name, part)
        return value
    if isinstance(value, dict):
        return {key: parts[key] for key in value}
    return type(value)(parts.values()) if isinstance(value, tuple | list) else value


class Interpreted:
    """Where the loss of an interpretation reads its names."""

    def __init__(self, interpretation: Interpretation, read: Read) -> None:
        self._interpretation = interpretation
        self._read = read
        self._made: dict[str, Any] = {}

    def read(self, name: str) -> Any:
        """The value of a name, one and the same each time. Raises KeyError where there is none."""
        if name not in self._made:
            self._made[name] = self._interpretation.binding(name, self._read)
        return self._made[name]

    def names(self) -> Iterable[str]:
        """All names."""
        return self._interpretation.names()
