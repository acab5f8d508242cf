"""Which values are one and the same: objects by identity, immutable values by their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.memory.values import MutableStruct, Record

_HOLDERS = (np.ndarray, list, dict, Record)
_PLAIN = (int, float, str, bool, np.number, type(None))


def identity(value: Any) -> Any:
    """A hashable key that two values share exactly when they are the same object.

    Arrays, lists, dicts and mutable structs are themselves; wrappers, structs and tuples are equal when
    their type and all their parts are. The key of an object is valid while the object lives.

    Source: Julia's `===`, by which Zygote's implicit mode keys its cache.
    """
    if isinstance(value, Record) and not isinstance(value, MutableStruct):
        return (
            type(value),
            value.type_tag,
            tuple((name, identity(value.get_field(name))) for name in value.field_names),
        )
    if isinstance(value, tuple):
        return (tuple, tuple(identity(part) for part in value))
    if isinstance(value, _PLAIN):
        return (type(value), value)
    return id(value)


def is_plain(value: Any) -> bool:
    """Whether `value` holds no reference to memory: a number, a string, an immutable value of such.

    Plain values have no identity of their own and are never watched.
    """
    if isinstance(value, tuple):
        return all(is_plain(part) for part in value)
    if isinstance(value, Record) and not isinstance(value, MutableStruct):
        return all(is_plain(value.get_field(name)) for name in value.field_names)
    return not isinstance(value, _HOLDERS)
