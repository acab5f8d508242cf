"""What implicit mode watches, and what it found: ordered, and keyed by identity."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Array, dense, identity, is_array, is_plain


class Params:
    """An ordered set of objects to be watched by identity. Adding one that is there changes nothing.

    Two sets are equal where they hold equal values in the same order; `same_objects` asks for identity.
    """

    __hash__ = None  # type: ignore[assignment]

    def __new__(cls, members: Iterable[Any] = ()) -> Params:
        return members if type(members) is Params else super().__new__(cls)

    def __init__(self, members: Iterable[Any] = ()) -> None:
        if members is self:
            return
        self._members: dict[Any, Any] = {}
        for member in members:
            self.push(member)

    def push(self, *members: Any) -> Params:
        """Add objects at the end, unless they are there."""
        for member in members:
            self._members.setdefault(identity(member), member)
        return self

    def delete(self, member: Any) -> Params:
        """Remove an object, if it is there."""
        self._members.pop(identity(member), None)
        return self

    def union(self, *others: Iterable[Any]) -> Params:
        """A new set of the objects of all, in order."""
        return Params([*self, *(member for other in others for member in other)])

    def intersect(self, other: Iterable[Any]) -> Params:
        """A new set of the objects that are also in `other`, in order."""
        others = {identity(member) for member in other}
        return Params([member for member in self if identity(member) in others])

    def copy(self) -> Params:
        """A new set of the same objects."""
        return Params(list(self))

    def same_objects(self, other: Iterable[Any]) -> bool:
        """Whether both hold the same objects, in any order."""
        return self._members.keys() == {identity(member) for member in other}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: Any) -> bool:
        return identity(member) in self._members

    def __getitem__(self, position: Any) -> Any:
        return list(self)[position]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Params):
            return NotImplemented
        return len(self) == len(other) and all(map(_equal, self, other))

    def __or__(self, other: Iterable[Any]) -> Params:
        return self.union(other)

    def __and__(self, other: Iterable[Any]) -> Params:
        return self.intersect(other)

    def __repr__(self) -> str:
        return f"Params({list(self)!r})"

    @property
    def size(self) -> int:
        """How many numbers the members hold."""
        return sum(int(np.size(_array(member))) for member in self)

    def copy_to(self, vector: Array) -> Array:
        """Write the numbers of all members, one after the other in row-major order, into `vector`.

        Shapes: (size,). Raises: EngineError where its length is another.
        """
        return _copy_to([_array(member) for member in self], vector)

    def copy_from(self, vector: Any) -> Params:
        """Write a vector, as `copy_to` makes it, into the members' memory."""
        _copy_from([_array(member) for member in self], vector)
        return self


def _equal(left: Any, right: Any) -> bool:
    if is_array(left) and is_array(right):
        return bool(np.array_equal(dense(left), dense(right)))
    return bool(identity(left) == identity(right) or (not is_array(left) and left == right))


def _array(member: Any) -> Any:
    """A member's memory. Raises EngineError where it is none."""
    if not is_array(member):
        raise EngineError("only sets of arrays and wrappers can be copied from and to a vector")
    return dense(member)


def _copy_to(arrays: list[Array], vector: Array) -> Array:
    start = 0
    for array, stop in _spans(arrays, vector):
        vector[start:stop] = array.ravel()
        start = stop
    return vector


def _copy_from(arrays: list[Array], vector: Any) -> None:
    vector = np.asarray(vector, float)
    start = 0
    for array, stop in _spans(arrays, vector):
        array[...] = vector[start:stop].reshape(array.shape)
        start = stop


def _spans(arrays: list[Array], vector: Array) -> list[tuple[Array, int]]:
    """Each array, and where its numbers end in the vector."""
    size = sum(array.size for array in arrays)
    if np.shape(vector) != (size,):
        raise EngineError(f"the vector has shape {np.shape(vector)}, and the set holds {size} numbers")
    ends = np.cumsum([array.size for array in arrays]).tolist()
    return list(zip(arrays, ends, strict=True))


class Grads:
    """What implicit mode found: an entry for each member, `nothing` included, and for each global name.

    `grads[x]` is the entry of the watched object x, `grads["Main.x"]` that of the global name x. Keys,
    values and iteration (over values) are the members', in the order of their set. Sums, differences and
    multiples combine the entries of sets that hold the same objects; there `nothing` counts as zero.
    """

    __array_ufunc__ = None  # an array leaves `array * grads` to __rmul__

    def __init__(self, params: Params, watched: dict[Any, Any], global_entries: dict[str, Any]) -> None:
        self.params = params
        self._watched = watched
        self.globals = {f"Main.{name}": tangent for name, tangent in global_entries.items()}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.globals[key]
        if key in self.params:
            return self._watched.get(identity(key), NOTHING)
        if is_plain(key):
            raise EngineError("a number is no parameter", hint="only arrays and other objects have entries")
        raise EngineError("the object is not in the set that was watched")

    def __setitem__(self, key: Any, tangent: Any) -> None:
        if key not in self.params:
            raise EngineError("the object is not in the set that was watched")
        self._watched[identity(key)] = tangent

    def __contains__(self, key: Any) -> bool:
        return key in self.params

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())

    def __len__(self) -> int:
        return len(self.params)

    def keys(self) -> Params:
        """The members."""
        return self.params

    def values(self) -> list[Any]:
        """The entries of the members, in their order."""
        return [self[member] for member in self.params]

    def items(self) -> list[tuple[Any, Any]]:
        """The members with their entries."""
        return [(member, self[member]) for member in self.params]

    def copy(self) -> Grads:
        """The same entries of the same set, to be replaced apart from these."""
        made = Grads(self.params, dict(self._watched), {})
        made.globals = dict(self.globals)
        return made

    def merge(self, *others: Grads) -> Grads:
        """Take over the entries of others, and their members into this set, in place."""
        for other in others:
            self.params.push(*other.params)
            self._watched.update({identity(member): tangent for member, tangent in other.items()})
            self.globals.update(other.globals)
        return self

    def map(self, function: Callable[..., Any], *others: Grads) -> Grads:
        """The entries that `function` makes of this one's and the others', whole arrays at a time.

        Raises: EngineError where another one is of a set of other objects.
        """
        for other in others:
            if not self.params.same_objects(other.params):
                raise EngineError(
                    "gradients of different sets cannot be combined", hint="take them by the same objects"
                )
        made = {
            identity(member): _mapped(function, member, [grads[member] for grads in (self, *others)])
            for member in self.params
        }
        return Grads(self.params, made, {})

    def _with(self, other: Any, function: Callable[[Any, Any], Any]) -> Grads:
        if isinstance(other, Grads):
            return self.map(function, other)
        return self.map(lambda own: function(own, other))

    def _within(self, other: Any, function: Callable[[Any, Any], Any]) -> Grads:
        self._watched.update(self._with(other, function)._watched)
        return self

    def __add__(self, other: Any) -> Grads:
        return self._with(other, operator.add)

    def __radd__(self, other: Any) -> Grads:
        return self._with(other, lambda own, left: left + own)

    def __iadd__(self, other: Any) -> Grads:
        return self._within(other, operator.add)

    def __sub__(self, other: Any) -> Grads:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Grads:
        return self._with(other, lambda own, left: left - own)

    def __isub__(self, other: Any) -> Grads:
        return self._within(other, operator.sub)

    def __mul__(self, other: Any) -> Grads:
        return self._with(other, operator.mul)

    def __rmul__(self, other: Any) -> Grads:
        return self._with(other, lambda own, left: left * own)

    def __imul__(self, other: Any) -> Grads:
        return self._within(other, operator.mul)

    def __truediv__(self, other: Any) -> Grads:
        return self._with(other, operator.truediv)

    def __itruediv__(self, other: Any) -> Grads:
        return self._within(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Grads:
        return self._with(other, lambda own, left: left / own)

    def __pow__(self, other: Any) -> Grads:
        return self._with(other, operator.pow)

    def __abs__(self) -> Grads:
        return self.map(abs)

    def __neg__(self) -> Grads:
        return self.map(operator.neg)

    def __pos__(self) -> Grads:
        return self.map(operator.pos)

    def copy_to(self, vector: Array) -> Array:
        """Write all entries, one after the other in row-major order, into `vector`; `nothing` is zeros.

        Shapes: (params.size,). Raises: EngineError where its length is another.
        """
        return _copy_to([_dense_entry(member, self[member]) for member in self.params], vector)

    def copy_from(self, vector: Any) -> Grads:
        """Replace all entries by those of a vector, as `copy_to` makes it."""
        fresh = {member_id: np.zeros(np.shape(dense(member))) for member_id, member in self._identified()}
        _copy_from(list(fresh.values()), vector)
        self._watched.update(fresh)
        return self

    def _identified(self) -> list[tuple[Any, Any]]:
        return [(identity(member), member) for member in self.params]

    def __repr__(self) -> str:
        entries = [f"{member!r}: {self[member]!r}" for member in self.params]
        entries += [f"{name}: {tangent!r}" for name, tangent in self.globals.items()]
        return "Grads(" + ", ".join(entries) + ")"


def _dense_entry(member: Any, tangent: Any) -> Any:
    """An entry as an array. Raises EngineError where it is structural."""
    if tangent is NOTHING:
        return np.zeros(np.shape(_array(member)))
    if isinstance(tangent, dict | tuple | list):
        raise EngineError("a structural gradient is no array", hint="put the arrays themselves in the set")
    return np.asarray(tangent)


def _mapped(function: Callable[..., Any], member: Any, tangents: list[Any]) -> Any:
    """`function` of the tangents of one member: of its arrays, where a tangent is made of parts."""
    if all(tangent is NOTHING for tangent in tangents) and not is_array(member):
        return NOTHING
    if any(isinstance(tangent, dict) for tangent in tangents):
        kind = next(type(tangent) for tangent in tangents if isinstance(tangent, dict))
        keys = dict.fromkeys(key for tangent in tangents if isinstance(tangent, dict) for key in tangent)
        parts = {
            key: [tangent.get(key, NOTHING) if isinstance(tangent, dict) else NOTHING for tangent in tangents]
            for key in keys
        }
        return kind({key: _mapped(function, NOTHING, part) for key, part in parts.items()})
    known = next((np.shape(tangent) for tangent in tangents if tangent is not NOTHING), ())
    shape = np.shape(dense(member)) if is_array(member) else known
    return function(*(np.zeros(shape) if tangent is NOTHING else tangent for tangent in tangents))
