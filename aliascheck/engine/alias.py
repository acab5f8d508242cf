"""Aliases: primitives whose result is a wrapper over their operand's own memory.

@alias
def transpose(x):
    return (), lambda memory: memory.T, lambda d_out: d_out.T
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from aliascheck.engine.foreign import Foreign
from aliascheck.engine.primitive import (
    METERS,
    NO_SETTINGS,
    REGISTRY,
    Primitive,
    charge,
    number_or_array,
    path_of,
)
from aliascheck.engine.tape import Node, Sweep
from aliascheck.engine.tracer import Local, Tracer, kind_of, primal
from aliascheck.errors import EngineError
from aliascheck.memory import (
    NOTHING,
    Array,
    Field,
    Fields,
    Scattered,
    Wrapper,
    dense,
    is_array,
    pull_through,
    settled,
)


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
        if type(d_out) is Scattered:
            d_out = d_out.dense()
        parent = self.back(d_out) if self.back is not None else pull_through(self.wrapper, d_out)
        if sweep.gates:
            parent = sweep.gated(self.access, parent)
        sweep.add(self.index, parent)


class Unwrapped(Node):
    """A wrapper undone: what it hands back is shown as the wrapper showed its parent."""

    __slots__ = ("access", "index", "wrapper")

    def __init__(self, index: int, access: Any, wrapper: Wrapper) -> None:
        self.index = index
        self.access = access
        self.wrapper = wrapper

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        if isinstance(d_out, Fields):
            sweep.add(self.index, Fields({"parent": d_out}))
        else:
            shown = self.wrapper.show(np.array(settled(d_out), order="C"))
            sweep.add_gated(self.index, self.access, shown)


class Alias(Primitive):
    """A primitive whose result is a wrapper over its operand's own memory."""

    def __init__(
        self, forward: Callable[..., Any], name: str, *, undoes: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init__(forward, name, **options)
        self.undoes = tuple(undoes)

    def _applied_plainly(self) -> Callable[..., Any]:
        return self.applied_at_length()

    def apply(
        self, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Any:
        (operand,) = operands
        tape: Any = None
        access: Any = None
        value = operand
        if type(operand) is Tracer:
            tape, access, value = operand._tape, operand._access, operand._value
        if not is_array(value):
            if isinstance(value, Foreign):
                return self._shown_by_its_engine(value, static, settings)
            value = np.asarray(number_or_array(self.name, value), dtype=float)
        shown = dense(value)
        seen = tape.look(access, value) if type(access) is tuple else shown
        if isinstance(value, Wrapper) and self._is_undoing(value, static, settings):
            out = _undone(value, seen)
            if tape is None:
                return out
            entry: Node = Unwrapped(operand._index, path_of(access), value)
            return Tracer(out, tape, tape.record(entry))
        arguments, show, back = self.forward(seen, *static, **settings)
        wrapper = Wrapper(self.name, arguments, value, show)
        if METERS:  # what it repeats counts as if it were there: the first primitive that reads it may copy
            charge(self.name, max(wrapper.array.size - seen.size, 0))
        if seen is not shown:
            wrapper.array = show(seen)
        if tape is None:
            return wrapper
        entry = Aliased(operand._index, path_of(access), wrapper, back)
        reached = None if access is None else Local({_PARENT: access})
        return Tracer(wrapper, tape, tape.record(entry), reached)

    def _shown_by_its_engine(self, value: Foreign, static: Sequence[Any], settings: Mapping[str, Any]) -> Any:
        if value.open_ is not None and self._is_undoing(value, static, settings):
            return value.open_()
        arguments, _, _ = self.forward(np.zeros(value.shape), *static, **settings)
        return value.vocabulary.wrap(self.name, arguments, value)

    def _is_undoing(
        self, value: Wrapper | Foreign, static: Sequence[Any], settings: Mapping[str, Any]
    ) -> bool:
        """Whether a wrapper is of a kind that this one takes off again."""
        plain = all(setting is None for setting in (*static, *settings.values()))
        return plain and value.kind in self.undoes and not value.arguments


_PARENT = Field("parent")


def _undone(wrapper: Wrapper, seen: Array) -> Any:
    """What a wrapper shows, without it: its parent, or what a private copy shows of that."""
    parent = dense(wrapper.parent)
    if seen is wrapper.array and np.may_share_memory(seen, parent):
        return wrapper.parent
    out = np.empty(parent.shape)
    wrapper.show(out)[...] = seen
    return out


class Unwrapping(Alias):
    """The primitive that takes any wrapper off that shows all of its parent."""

    def apply(
        self, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Any:
        value = primal(operands[0])
        if isinstance(value, Foreign):
            return value.get_field("parent")
        if not isinstance(value, Wrapper):
            raise EngineError(f"{kind_of(value)} has no parent", hint="only wrappers such as adjoint(x) have")
        if value.array.size != dense(value.parent).size or value.kind in ("view", "broadcast_to"):
            raise EngineError(
                f"{value.kind}(...) does not show all of its parent", hint="read its field: w.parent"
            )
        return super().apply(operands, static, settings)

    def _is_undoing(
        self, value: Wrapper | Foreign, static: Sequence[Any], settings: Mapping[str, Any]
    ) -> bool:
        return True


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
