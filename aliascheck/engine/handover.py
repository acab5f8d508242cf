"""What goes in and out of a pullback: cotangents shaped as the value, results that are the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from aliascheck.engine.real import NUMBERS
from aliascheck.engine.tracer import kind_of
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Fields, Struct, children, dense, is_array


def as_cotangent(value: Any, seed: Any) -> Any:
    """`seed` as floating-point numbers of the shape of `value`, part by part."""
    if type(seed) is float and type(value) in NUMBERS:
        return np.float64(seed)
    if seed is NOTHING:
        return NOTHING
    if isinstance(value, tuple | list):
        if not isinstance(seed, tuple | list) or len(seed) != len(value):
            raise _not_shaped(f"it is {kind_of(value)} of {len(value)}")
        kind = list if isinstance(value, list) else tuple
        return kind(as_cotangent(one, part) for one, part in zip(value, seed, strict=True))
    if isinstance(value, dict | Struct):
        parts = {str(step): part for step, part in children(value)}
        if not isinstance(seed, dict) or not seed.keys() <= parts.keys():
            raise _not_shaped(f"it has {', '.join(parts)}")
        made = {key: as_cotangent(parts[key], part) for key, part in seed.items()}
        return made if isinstance(value, dict) else Fields(made)
    if not is_array(value) and not isinstance(value, int | float | np.number):
        return seed
    given = np.asarray(seed)
    if given.dtype.kind not in "biuf":
        raise _not_shaped("it is of real numbers")
    if given.shape != np.shape(dense(value)):
        raise _not_shaped(f"the cotangent has shape {given.shape}, and the value {np.shape(dense(value))}")
    return np.asarray(seed, float) if given.ndim else np.float64(seed)


def _not_shaped(what: str) -> EngineError:
    return EngineError(
        f"a cotangent is not shaped as the value: {what}",
        hint="a pullback takes what is shaped as the function's value",
    )


def identities(seed: Any) -> Iterator[int]:
    """The identities of all arrays of a seed."""
    if isinstance(seed, tuple | list | dict):
        for part in seed.values() if isinstance(seed, dict) else seed:
            yield from identities(part)
    else:
        yield id(seed)


def owned(tangent: Any, taken: set[int]) -> Any:
    """`tangent` in arrays that nothing else holds: results may be written to."""
    if not isinstance(tangent, np.ndarray):
        if isinstance(tangent, dict):
            return type(tangent)({key: owned(part, taken) for key, part in tangent.items()})
        if isinstance(tangent, tuple | list):
            return type(tangent)(owned(part, taken) for part in tangent)
        return tangent
    if tangent.base is not None or not tangent.flags.writeable or id(tangent) in taken:
        return np.array(tangent)
    taken.add(id(tangent))
    return tangent


def each_part(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with its parts changed, in the tuples, lists and dicts that it was given in."""
    if isinstance(value, tuple):
        parts = [each_part(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [each_part(part, change) for part in value]
    if isinstance(value, dict):
        return {key: each_part(part, change) for key, part in value.items()}
    return change(value)


def copied(value: Any) -> Any:
    """A value in arrays of its own: pullbacks hold those that were computed."""
    return each_part(value, lambda part: np.array(part) if isinstance(part, np.ndarray) else part)
