"""Aliases: primitives whose result is a wrapper over their operand's own memory.

@alias
def transpose(x):
    return (), lambda memory: memory.T, lambda d_out: d_out.T
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from aliascheck.engine.primitive import (
    NO_SETTINGS,
    REGISTRY,
    Primitive,
    charge,
    look,
    number_or_array,
    path_of,
    tape_of,
)
from aliascheck.engine.tape import Node, Sweep
from aliascheck.engine.tracer import Local, Tracer, primal
from aliascheck.memory import NOTHING, Field, Fields, Wrapper, dense, is_array, pull_through, settled


class Aliased(Node):
    """A wrapper that the traced function built: natural and structural cotangents go to its parent."""

    __slots__ = ("access", "back", "index", "wrapper")

    def __init__(self, index: int, access: Any, wrapper: Wrapper, back: Callable[[Any], Any] | None) -> None:
        self.index = index
        self.access = access
        self.wrapper = wrapper
        self.back = back

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        if isinstance(d_out, Fields):
            sweep.add(self.index, d_out.get("parent", NOTHING))
            return
        d_out = settled(d_out)
        parent = self.back(d_out) if self.back is not None else pull_through(self.wrapper, d_out)
        sweep.add_gated(self.index, self.access, parent)


class Unwrapped(Node):
    """A wrapper undone by its own kind (`adjoint(adjoint(x))` is `x`): cotangents are wrapped again."""

    __slots__ = ("access", "index", "shape")

    def __init__(self, index: int, access: Any, shape: tuple[int, ...]) -> None:
        self.index = index
        self.access = access
        self.shape = shape

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        if isinstance(d_out, Fields):
            sweep.add(self.index, Fields({"parent": d_out}))
        else:
            d_out = np.asarray(settled(d_out))
            sweep.add_gated(self.index, self.access, d_out.T.reshape(self.shape))


class Alias(Primitive):
    """A primitive whose result is a wrapper over its operand's own memory."""

    def __init__(
        self, forward: Callable[..., Any], name: str, *, undoes: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init__(forward, name, **options)
        self.undoes = tuple(undoes)

    def _applied_plainly(self) -> Callable[..., Any]:
        return lambda operand: self.apply((operand,))

    def apply(
        self, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Any:
        (operand,) = operands
        value = primal(operand)
        if not is_array(value):
            value = np.asarray(number_or_array(self.name, value), dtype=float)
        tape = tape_of(operands)
        access = operand._access if tape is not None else None
        seen = look(tape, access, value)
        plain = all(setting is None for setting in (*static, *settings.values()))
        if plain and isinstance(value, Wrapper) and value.kind in self.undoes and not value.arguments:
            parent = dense(value.parent)
            shows_parent = seen is value.array and np.may_share_memory(seen, parent)
            out = value.parent if shows_parent else seen.T.reshape(parent.shape)
            if tape is None:
                return out
            node: Node = Unwrapped(operand._index, path_of(access), seen.shape)
            return Tracer(out, tape, tape.record(node))
        arguments, show, back = self.forward(seen, *static, **settings)
        wrapper = Wrapper(self.name, arguments, value, show)
        # What it repeats counts as if it were there: the first primitive that reads it may copy.
        charge(self.name, max(wrapper.array.size - seen.size, 0))
        if seen is not dense(value):
            wrapper.array = show(seen)
        if tape is None:
            return wrapper
        node = Aliased(operand._index, path_of(access), wrapper, back)
        return Tracer(wrapper, tape, tape.record(node), Local({Field("parent"): access}))


@overload
def alias(function: Callable[..., Any], *, name: str | None = None, **options: Any) -> Alias: ...


@overload
def alias(*, name: str | None = None, **options: Any) -> Callable[[Callable[..., Any]], Alias]: ...


def alias(function: Callable[..., Any] | None = None, *, name: str | None = None, **options: Any) -> Any:
    """Declare an alias: `forward(x, ...)` returns hashable arguments, the map that shows `x`'s memory
    differently, and its transpose for cotangents (or None: found from the memory itself)."""

    def declare(forward: Callable[..., Any]) -> Alias:
        declared = Alias(forward, name or forward.__name__.rstrip("_"), **options)
        REGISTRY[declared.name] = declared
        return declared

    return declare if function is None else declare(function)
