"""What a Python function reads by name: its globals and closure, followed without changing either.

Python does not tell when a name is read. So implicit mode calls a copy of the function whose captured
variables and globals are traced values; the function itself, and what it captured, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from aliascheck.engine.params import Params
from aliascheck.engine.parts import GlobalRead
from aliascheck.engine.tape import Node, Sweep, Tape
from aliascheck.engine.tracer import Tracer
from aliascheck.memory import dense, leaves

LIBRARIES = ("numpy", "aliascheck")


class CapturedRead(Node):
    """The reading of a captured variable: credits the object if it is watched."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        sweep.ledger.claim(self.value, d_out)


def followed(function: Callable[..., Any], tape: Tape) -> Callable[..., Any]:
    """`function` with every array, record and container of arrays that it reads by name traced.

    Plain Python functions that it reads by name are followed in turn; methods of other objects are not.
    """
    return _Follower(tape).function(function)


class _Follower:
    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._copies: dict[int, Callable[..., Any]] = {}

    def function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if not isinstance(function, FunctionType) or _is_library(function):
            return function
        if id(function) in self._copies:
            return self._copies[id(function)]
        names = {name for name in _names(function.__code__) if name in function.__globals__}
        space = dict(function.__globals__)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        copy = FunctionType(function.__code__, space, function.__name__, function.__defaults__, cells or None)
        self._copies[id(function)] = copy
        copy.__defaults__ = self._defaults(function.__defaults__)
        copy.__kwdefaults__ = {
            name: self._followed(value, name, CapturedRead(value))
            for name, value in (function.__kwdefaults__ or {}).items()
        }
        for name in names:
            space[name] = self._followed(space[name], name, GlobalRead(name, space[name]))
        for name, cell, old in zip(
            function.__code__.co_freevars, cells, function.__closure__ or (), strict=True
        ):
            try:
                value = old.cell_contents
            except ValueError:  # not bound yet
                continue
            cell.cell_contents = self._followed(value, name, CapturedRead(value))
        return copy

    def _defaults(self, defaults: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if defaults is None:
            return None
        return tuple(self._followed(value, "default", CapturedRead(value)) for value in defaults)

    def _followed(self, value: Any, name: str, node: Node) -> Any:
        if isinstance(value, FunctionType):
            return self.function(value)
        if isinstance(value, Params):
            value = list(value)
        if not holds_arrays(value):
            return value
        return Tracer(value, self._tape, self._tape.record(node), (name,))


def _is_library(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in LIBRARIES


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def holds_arrays(value: Any) -> bool:
    """Whether a value is, or holds, an array of floats."""
    return any(
        isinstance(dense(array), np.ndarray) and dense(array).dtype.kind == "f"
        for _, array in leaves(value, ("",))
    )
