"""Records and containers on the tape: reading their fields, indices and keys, and building them.

Reading a part is where implicit mode looks at identities: a watched part takes its cotangent, and only
what is not watched goes on to its holder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from aliascheck.engine.foreign import Foreign, is_operand
from aliascheck.engine.objects import is_object
from aliascheck.engine.tape import Node, Sweep, Tape
from aliascheck.engine.tracer import Local, Tracer, kind_of, mixed_tapes, primal
from aliascheck.errors import EngineError, did_you_mean
from aliascheck.memory import (
    NOTHING,
    Element,
    Field,
    Fields,
    Key,
    MutableStruct,
    Record,
    Struct,
    Wrapper,
    child,
    children,
    dense,
    is_array,
    pick,
    pull_through,
    settled,
)


class GlobalRead(Node):
    """The reading of a global name: credits the name's entry, then the object if it is watched."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        sweep.ledger.credit_global(self.name, d_out)
        sweep.ledger.claim(self.value, d_out)


def read_global(tape: Tape, name: str, value: Any) -> Tracer:
    """A traced reading of a global name; each textual occurrence is one."""
    return Tracer(value, tape, tape.record(GlobalRead(name, value)), (name,))


class Argument(Node):
    """An argument of explicit mode: its cotangent is a result."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        sweep.arguments[self.key] = settled(d_out)


class Rebuilt(Node):
    """A binding rebuilt around arguments that stand for places below it."""

    __slots__ = ("parts", "value")

    def __init__(self, value: Any, parts: Mapping[tuple[Any, ...], int]) -> None:
        self.value = value
        self.parts = parts

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        for steps, index in self.parts.items():
            sweep.add(index, _part_of(self.value, steps, d_out))


def _part_of(value: Any, steps: tuple[Any, ...], tangent: Any) -> Any:
    """The tangent of what lies below `steps`, through wrappers that were read as arrays."""
    for step in steps:
        if tangent is NOTHING:
            return NOTHING
        if isinstance(value, Wrapper) and not isinstance(tangent, Fields):
            tangent = pull_through(value, settled(tangent))
        else:
            tangent = pick(tangent, (step,))
        value = child(value, step)
    return tangent


class PartRead(Node):
    """The reading of a field, index or key: a watched part takes its cotangent, else its holder does."""

    __slots__ = ("credits", "holder", "holder_index", "part", "step")

    def __init__(self, holder: Any, holder_index: int, step: Any, part: Any, *, credits: bool = True) -> None:
        self.holder = holder
        self.holder_index = holder_index
        self.step = step
        self.part = part
        self.credits = credits

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        rest = sweep.ledger.claim(self.part, d_out) if self.credits else d_out
        if rest is not NOTHING:
            sweep.add(self.holder_index, _structural(self.holder, self.step, rest))


def _structural(holder: Any, step: Any, tangent: Any) -> Any:
    if isinstance(holder, Record):
        return Fields({name: tangent if name == step else NOTHING for name in holder.field_names})
    if isinstance(holder, dict):
        return {str(step): tangent}
    kind = list if isinstance(holder, list) else tuple
    return kind(tangent if position == step else NOTHING for position in range(len(holder)))


class Construction(Node):
    """A record or container built from traced parts: hands each part its tangent."""

    __slots__ = ("parts",)

    def __init__(self, parts: Mapping[Any, int]) -> None:
        self.parts = parts

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        for step, index in self.parts.items():
            sweep.add(index, pick(d_out, (step,)))


def extend(access: Any, step: Any) -> Any:
    """The access of a part, from that of its holder."""
    if isinstance(access, tuple):
        return (*access, step)
    return access.get(step) if isinstance(access, Local) else None


def extend_whole(access: Any, position: int) -> Any:
    """The access of an element of a container that a primitive consumes whole."""
    return (*access, Element(position)) if isinstance(access, tuple) else extend(access, position)


def is_constant(value: Any) -> bool:
    """Whether nothing is ever differentiated by `value`: an absent one, a switch, a text, whole numbers."""
    if is_array(value):
        return bool(dense(value).dtype.kind != "f")
    return value is None or isinstance(value, bool | str)


def is_named_number(value: Tracer) -> bool:
    """Whether a traced value is a number as it is read from a name: a constant that a name stands for."""
    entry = value._tape.entries[value._index] if value._index >= 0 else None
    return isinstance(entry, GlobalRead) or not value._tape.recording


def read_part(holder: Any, step: Any, *, credits: bool = True) -> Any:
    """The part of a record or container that `step` leads to; traced where the holder is."""
    if not isinstance(holder, Tracer):
        return child(holder, step)
    part = child(holder._value, step)
    if is_constant(part):
        return part
    index = -1
    if holder._tape.recording:
        index = holder._tape.record(PartRead(holder._value, holder._index, step, part, credits=credits))
    return Tracer(part, holder._tape, index, extend(holder._access, step))


def read_field(holder: Any, name: str) -> Any:
    """The field `name` of a record or named tuple; traced where the holder is.

    Raises: EngineError where there is no such field, with a hint at what would work.
    """
    value = primal(holder)
    if isinstance(value, Record) and name in value.field_names:
        return read_part(holder, Field(name))
    if isinstance(value, tuple) and name in getattr(value, "_fields", ()):
        return read_part(holder, value._fields.index(name))  # type: ignore[attr-defined]
    raise _no_field(value, name)


class NoFieldError(EngineError, AttributeError):
    """A field that a traced value has not: what `hasattr` asks for."""


def _no_field(value: Any, name: str) -> EngineError:
    instead = {"T": "use transpose(x)", "H": "use adjoint(x)", "shape": "shapes cannot be read"}
    if is_array(value) and name in instead:
        return NoFieldError(f"an array has no field '{name}'", hint=instead[name])
    if isinstance(value, Record):
        kind = value.name if isinstance(value, Struct) else type(value).__name__.lower()
        if isinstance(value, Wrapper):
            kind = f"{value.kind}(...)"
        hint = did_you_mean(name, value.field_names)
        return NoFieldError(
            f"{kind} has no field '{name}'", hint=hint or f"fields: {', '.join(value.field_names) or 'none'}"
        )
    if is_array(value):
        return NoFieldError(f"an array has no field '{name}'", hint=f"write {name}(x) if that is a function")
    if is_object(value):
        return NoFieldError(
            f"an object of the class {type(value).__name__} in a struct is not followed: .{name}",
            hint="make it a Struct, dict or tuple, or what holds it a dataclass or plain object",
        )
    return NoFieldError(f"{kind_of(value)} has no field '{name}'")


ARRAY_INDEX: list[Callable[[Any, Any], Any]] = []  # filled by the rules of indexing


def read_item(holder: Any, key: Any) -> Any:
    """An element of a container, or an indexed or sliced array; traced where the holder is.

    Tuples and dicts credit a watched element that is read from them, lists do not.
    """
    value = primal(holder)
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise EngineError("a dict is indexed by a key in quotes")
        if key not in value:
            hint = did_you_mean(key, value) or f"keys: {', '.join(map(repr, value))}"
            raise EngineError(f"the dict has no key '{key}'", hint=hint)
        return read_part(holder, Key(key))
    if isinstance(value, tuple | list):
        return _read_position(holder, value, int(key) if isinstance(key, Foreign) else primal(key))
    if isinstance(value, Struct | str) or not (is_operand(value) or hasattr(value, "dtype")):
        raise EngineError(f"{kind_of(value)} cannot be indexed")
    return ARRAY_INDEX[0](holder, key)


_WHOLE_OR_NONE = frozenset((int, type(None)))


def is_written_out(key: Any) -> bool:
    """Whether an index is made of Python's whole numbers and slices of such, as most are."""
    if type(key) is slice:
        return _WHOLE_OR_NONE.issuperset((type(key.start), type(key.stop), type(key.step)))
    if type(key) is tuple:
        return all(map(is_written_out, key))
    return type(key) is int or key is None or key is Ellipsis


def _read_position(holder: Any, value: tuple[Any, ...] | list[Any], key: Any) -> Any:
    if isinstance(key, slice):
        picked = [read_part(holder, position, credits=False) for position in range(*key.indices(len(value)))]
        return make_list(picked) if isinstance(value, list) else make_tuple(picked)
    if not isinstance(key, int | np.integer) or isinstance(key, bool):
        raise EngineError(f"{kind_of(value)} is indexed by a whole number or a slice")
    if not -len(value) <= key < len(value):
        raise EngineError(f"index {key} is outside {kind_of(value)} of length {len(value)}")
    return read_part(holder, int(key) % len(value), credits=isinstance(value, tuple))


def iterate(holder: Any) -> Iterator[Any]:
    """The elements of a container or the first axis of an array; elements that are watched are credited."""
    value = primal(holder)
    if is_operand(value):
        for position in range(np.shape(dense(value))[0]):
            yield read_item(holder, position)
    elif not isinstance(value, tuple | list | dict):
        raise EngineError(f"{kind_of(value)} cannot be iterated")
    else:
        for step, _ in children(value):
            yield read_part(holder, step)


def _construct(value: Any, parts: Mapping[Any, Any]) -> Any:
    """`value` itself, traced where one of the `parts` it was built from is."""
    traced = {step: part for step, part in parts.items() if isinstance(part, Tracer)}
    if not traced:
        return value
    tape = next(iter(traced.values()))._tape
    if any(part._tape is not tape for part in traced.values()):
        raise mixed_tapes()
    node = Construction({step: part._index for step, part in traced.items()})
    access = Local({step: part._access for step, part in traced.items() if part._access is not None})
    return Tracer(value, tape, tape.record(node), access)


def make_tuple(items: Any) -> Any:
    """A tuple of raw or traced values."""
    items = tuple(items)
    return _construct(tuple(primal(item) for item in items), dict(enumerate(items)))


def make_list(items: Any) -> Any:
    """A list of raw or traced values."""
    items = list(items)
    return _construct([primal(item) for item in items], dict(enumerate(items)))


def make_dict(mapping: Mapping[str, Any]) -> Any:
    """A dict of raw or traced values."""
    value = {str(key): primal(part) for key, part in mapping.items()}
    return _construct(value, {Key(key): part for key, part in mapping.items()})


def make_record(build: Callable[[dict[str, Any]], Record], parts: Mapping[str, Any]) -> Any:
    """The record that `build` makes of raw fields, from raw or traced `parts`."""
    value = build({name: primal(part) for name, part in parts.items()})
    return _construct(value, {Field(name): part for name, part in parts.items()})


def make_struct(name: str, fields: Mapping[str, Any], mutable: bool = False) -> Any:
    """A struct of raw or traced fields."""
    kind = MutableStruct if mutable else Struct
    return make_record(lambda parts: kind(name, parts), fields)


CALL_RULES: dict[str, Callable[..., Any]] = {}  # struct name to call rule, filled by the layers


def call(function: Any, *args: Any) -> Any:
    """Call a primitive, a layer, a closure or any other callable on raw or traced values."""
    value = primal(function)
    if isinstance(value, Struct) and value.name in CALL_RULES:
        return CALL_RULES[value.name](function, *args)
    if isinstance(value, Record):
        rule = getattr(value, "call_rule", None)
        if rule is not None:
            return rule(function, *args)
    if callable(value) and not isinstance(value, Record):
        return value(*args)
    raise EngineError(f"{kind_of(value)} cannot be called")
