"""Traced values: what a value is, which entry of the tape made it, and by which access it was reached."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from aliascheck.engine.tape import Tape
from aliascheck.errors import EngineError
from aliascheck.memory import Struct, is_array


class Local(dict[Any, Any]):
    """How the parts of a value that was built inside the traced function were reached: step to access."""


class Tracer(msgspec.Struct, gc=False, eq=False):
    """A value that a tape follows.

    `_access` is the path by which the value was read from a binding, a `Local` for a value that the
    traced function built itself, or None for a computed one. What Python and NumPy do with a tracer is
    in `operators`.

    There is one for each step, so it is made of what is made fastest: a struct that the garbage collector
    need not follow, since no cycle leads through it. Its own names begin with an underscore, as no field
    of a user's struct does.
    """

    _value: Any
    _tape: Tape
    _index: int
    _access: Any = None

    def __repr__(self) -> str:
        return f"Tracer({self._value!r})"


def primal(value: Any) -> Any:
    """The value itself, without its tracer."""
    return value._value if type(value) is Tracer else value


def mixed_tapes() -> EngineError:
    """The error of values that two gradients trace, met in one operation."""
    return EngineError(
        "a value that another gradient traces, or has traced, is used in this one",
        hint="gradients of gradients are out of scope; carry plain values over: stop_gradient(x)",
    )


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if is_array(value):
        return "an array"
    if isinstance(value, Struct):
        return f"the struct {value.name}"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    if callable(value) or hasattr(value, "call_rule"):
        return "a function"
    if value is None:
        return "nothing"
    return f"an object of the class {type(value).__name__}"


_KINDS: tuple[tuple[Any, str], ...] = (
    (tuple, "a tuple"),
    (list, "a list"),
    (dict, "a dict"),
    (str, "a string"),
    ((bool, np.bool_), "true or false"),
    ((complex, np.complexfloating), "a complex number"),
    ((int, float, np.number), "a number"),
)
