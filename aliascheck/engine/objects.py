"""Objects of a user's own classes: which are followed, what they hold, and what reading an attribute credits.

An object is accounted for as a struct whose fields are its attributes. It is never changed: the traced
function meets a copy whose attributes are traced values, and the class's methods run on that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from types import (
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from aliascheck.engine.tape import Ledger, Node, Sweep
from aliascheck.memory import NOTHING, Fields, Record, accumulate, children, dense, is_array

LIBRARIES = frozenset(["numpy", "aliascheck", *sys.stdlib_module_names])
ATOMS = frozenset([int, float, bool, str, bytes, complex, type(None), type(Ellipsis), range, slice])

_HEAP_TYPE = 1 << 9
_MOST = 100_000  # values looked through in search of arrays


def is_library(module: Any) -> bool:
    """Whether a module, by its name, is one that no array of a user's is read by name in."""
    return (module or "").partition(".")[0] in LIBRARIES


def is_named_tuple(value: Any) -> bool:
    """Whether `value` is a tuple whose places have names."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def remade(value: Any, parts: Iterable[Any]) -> Any:
    """A tuple of other parts, of the class of `value` where its places have names."""
    return type(value)._make(parts) if is_named_tuple(value) else tuple(parts)


def is_float(value: Any) -> bool:
    """Whether an array holds floating-point numbers."""
    return bool(dense(value).dtype.kind == "f")


_followed_kinds: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def is_object(value: Any) -> bool:
    """Whether `value` is of a class that is followed: a plain one, that no library defines."""
    kind = type(value)
    found = _followed_kinds.get(kind)
    if found is None:
        found = _followed_kinds[kind] = kind is SimpleNamespace or _is_followed(kind)
    return found


def _is_followed(kind: type) -> bool:
    """Whether nothing but Python's attributes is in an object: it can be built without its class's help."""
    if not kind.__flags__ & _HEAP_TYPE or is_library(kind.__module__) or hasattr(kind, "__del__"):
        return False
    if issubclass(kind, type | Record | Enum | BaseException):
        return False
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return not any(isinstance(part, GetSetDescriptorType) for part in _storage(kind))


def _storage(kind: type) -> Iterator[Any]:
    """The descriptors of an object's own memory, but for those that every class has."""
    for base in kind.__mro__:
        for name, part in vars(base).items():
            if isinstance(part, MemberDescriptorType | GetSetDescriptorType) and name not in (
                "__dict__",
                "__weakref__",
                "__class__",
            ):
                yield part


def blank(kind: type) -> Any:
    """A new object of a followed class, without attributes."""
    return SimpleNamespace() if kind is SimpleNamespace else object.__new__(kind)


def attributes(value: Any) -> dict[str, Any]:
    """What an object holds: its attributes, and those arrays and their holders that its classes keep."""
    held = {slot.__name__: getattr(value, slot.__name__) for slot in _slots(value)}
    held.update(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        if base is object or is_library(base.__module__):
            continue
        for name, part in vars(base).items():
            if name not in held and not name.startswith("__") and _is_shared_data(part):
                held[name] = part
    return held


def _slots(value: Any) -> list[MemberDescriptorType]:
    return [
        slot
        for slot in _storage(type(value))
        if isinstance(slot, MemberDescriptorType) and hasattr(value, slot.__name__)
    ]


def _is_shared_data(part: Any) -> bool:
    if type(part) in ATOMS or hasattr(part, "__get__"):
        return False
    return (is_array(part) or isinstance(part, list | tuple | dict) or is_object(part)) and reaches(part)


def set_attribute(made: Any, name: str, value: Any) -> None:
    """Give a blank object an attribute, past what its class does on that."""
    space = getattr(made, "__dict__", None)
    if space is None or any(slot.__name__ == name for slot in _storage(type(made))):
        object.__setattr__(made, name, value)
    else:
        space[name] = value


def class_functions(kind: type) -> Iterator[tuple[type, str, Any]]:
    """The methods, properties and other functions of a user's classes, with who defines them."""
    for base in kind.__mro__:
        if base is not object and not is_library(base.__module__):
            for name, part in vars(base).items():
                if isinstance(part, FunctionType | staticmethod | classmethod | property):
                    yield base, name, part


def names_in(code: CodeType) -> Iterator[str]:
    """The names of globals and attributes that code reads, that of inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def read_by_name(function: FunctionType) -> Iterator[Any]:
    """The values of the names that a function can read: globals, variables it captured, defaults.

    Of a module, those of its names that the function mentions.
    """
    names = dict.fromkeys(names_in(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            if not is_library(value.__name__):
                yield from (vars(value)[other] for other in names if other in vars(value))
        elif value is not None:
            yield value
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not bound yet
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()


def reaches(value: Any, *, numbers: bool = False) -> bool:
    """Whether an array of floats is in `value`, or read by name in a function that is.

    With `numbers`, a float will do, and functions are not looked into.
    """
    pending, seen = [value], set[int]()
    while pending and len(seen) < _MOST:
        one = pending.pop()
        if type(one) in ATOMS or isinstance(one, np.generic):
            if numbers and isinstance(one, float | np.floating):
                return True
        elif is_array(one):
            if is_float(one):
                return True
        elif id(one) not in seen:
            seen.add(id(one))
            pending.extend(_held(one, functions=not numbers))
    return False


def _held(one: Any, *, functions: bool) -> Iterator[Any]:
    if isinstance(one, Record | list | tuple | dict):
        yield from (part for _, part in children(one))
    elif isinstance(one, FunctionType):
        if functions and not is_library(one.__module__):
            yield from read_by_name(one)
    elif isinstance(one, partial):
        yield from (one.func, *one.args, *one.keywords.values())
    elif isinstance(one, MethodType):
        yield from (one.__self__, one.__func__)
    elif isinstance(one, staticmethod | classmethod):
        yield one.__func__
    elif isinstance(one, property):
        yield from (one.fget, one.fset, one.fdel)
    elif is_object(one):
        yield from attributes(one).values()
        if functions:
            yield from (part for _, _, part in class_functions(type(one)))


def is_opened(value: Any) -> bool:
    """Whether a container holds what Python itself must find in it: an object, a function, a named tuple."""
    pending, seen = [value], set[int]()
    while pending:
        one = pending.pop()
        if type(one) in ATOMS or is_array(one):
            continue
        if isinstance(one, list | tuple | dict):
            if is_named_tuple(one):
                return True
            if id(one) not in seen:
                seen.add(id(one))
                pending.extend(one.values() if isinstance(one, dict) else one)
        elif isinstance(one, FunctionType | partial | MethodType) or is_object(one):
            return True
    return False


def claim(ledger: Ledger, value: Any, tangent: Any) -> Any:
    """As a ledger claims, where an object of a user's class is watched as a mutable struct is."""
    if not is_object(value):
        return ledger.claim(value, tangent)
    if id(value) not in ledger.watched:
        return tangent
    ledger.watched[id(value)] = accumulate(ledger.watched[id(value)], tangent)
    return NOTHING


class PlaceRead(Node):
    """The reading of an attribute or element: a watched part takes its cotangent, else its holder does."""

    __slots__ = ("holder_index", "part", "structural")

    def __init__(self, part: Any, holder_index: int, structural: Callable[[Any], Any]) -> None:
        self.part = part
        self.holder_index = holder_index
        self.structural = structural

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        rest = claim(sweep.ledger, self.part, d_out)
        if rest is not NOTHING:
            sweep.add(self.holder_index, self.structural(rest))


def place_reads(
    holder: Any, parts: dict[Any, Any], index: int
) -> Iterator[tuple[Any, Any, Callable[..., Node]]]:
    """Each part of an object or container with its step, and the node that reading it is."""
    names = tuple(parts)

    def structural(step: Any, tangent: Any) -> Any:
        if isinstance(holder, dict):
            return {step: tangent}
        if isinstance(holder, tuple | list):
            spread = (tangent if name == step else NOTHING for name in names)
            return list(spread) if isinstance(holder, list) else tuple(spread)
        return Fields({name: tangent if name == step else NOTHING for name in names})

    for step, part in parts.items():
        yield step, part, partial(PlaceRead, holder_index=index, structural=partial(structural, step))


def mirrored(value: Any, tangent: Any) -> Any:
    """A tangent in which those of named tuples are named tuples of that class."""
    if type(tangent) is np.ndarray or tangent is NOTHING or is_array(value):
        return tangent
    if isinstance(value, tuple | list) and isinstance(tangent, tuple | list) and len(value) == len(tangent):
        parts = [mirrored(one, part) for one, part in zip(value, tangent, strict=True)]
        return remade(value, parts) if is_named_tuple(value) else type(tangent)(parts)
    if isinstance(tangent, dict):
        if isinstance(value, dict):
            held = value
        elif isinstance(value, Record):
            held = {str(step): part for step, part in children(value)}
        else:
            held = attributes(value)
        in_order = [*(key for key in held if key in tangent), *(key for key in tangent if key not in held)]
        return type(tangent)({key: mirrored(held.get(key), tangent[key]) for key in in_order})
    return tangent
