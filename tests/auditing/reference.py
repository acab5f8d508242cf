"""A second implementation of programs, for truth: plain NumPy in 80-bit complex numbers.

A program's text is evaluated by Python itself among NumPy functions, and differentiated by complex
step. It shares no code with the engine, the language or the oracle: aliasing is NumPy's own. Step 1e-30
leaves nothing of the truncation, and no difference is taken, so what is lost is the rounding of 64 bits.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from aliascheck.memory import Element, Field
from tests.programs import Text

STEP = 1e-30


class Shown(np.ndarray):
    """An array that knows what it is a view of, as wrappers do."""

    parent: Any
    kind: str

    def __array_finalize__(self, source: Any) -> None:
        self.parent, self.kind = None, ""

    def __getitem__(self, key: Any) -> Any:
        return shown_as("", super().__getitem__(key), self)


def shown_as(kind: str, memory: Any, parent: Any) -> Any:
    """`memory` as a wrapper of `parent`; numbers as they are."""
    if not isinstance(memory, np.ndarray):
        return memory
    made = memory.view(Shown)
    made.parent, made.kind = parent, kind
    return made


class Whole(tuple[Any, ...]):
    """A container whose elements are others when it is consumed whole than when they are read one by one."""

    consumed: list[Any]


class Holder:
    """A struct."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


def new_array(value: Any) -> Any:
    return np.array(value, np.clongdouble).view(Shown)


def flipped(x: Any, axes: Any = None) -> Any:
    if axes is not None:
        return shown_as("", np.transpose(x, axes), x)
    if getattr(x, "kind", "") == "flipped":
        inner = np.asanyarray(x.parent).view(Shown) if type(x.parent) is np.ndarray else x.parent
        return shown_as(inner.kind, np.asarray(x).T.reshape(inner.shape), inner.parent)
    memory = np.asarray(x)
    return shown_as("flipped", memory[None, :] if memory.ndim == 1 else memory.T, x)


def window(x: Any, shape: Any, strides: Any, offset: int) -> Any:
    """Elements counted in memory from the first one on."""
    memory = np.asarray(x)
    starts = np.asarray(as_strided(memory, (1,), (memory.itemsize,)))
    steps = [stride * memory.itemsize for stride in strides]
    return shown_as(
        "", as_strided(as_strided(starts, (offset + 1,), (memory.itemsize,))[offset:], shape, steps), x
    )


def showing(function: Callable[..., Any]) -> Callable[..., Any]:
    def alias(x: Any, *args: Any) -> Any:
        return shown_as("", function(np.asarray(x), *args), x)

    return alias


FUNCTIONS: dict[str, Any] = {
    "array": new_array,
    "copy": new_array,
    "adjoint": flipped,
    "transpose": flipped,
    "permutedims": showing(np.transpose),
    "reshape": showing(lambda x, shape: x.reshape(shape)),
    "ravel": showing(lambda x: x.reshape(-1)),
    "diagonal": showing(lambda x: as_strided(x, (min(x.shape),), (sum(x.strides),))),
    "flip": showing(lambda x, axis: np.flip(x, axis)),
    "expand_dims": showing(np.expand_dims),
    "broadcast_to": showing(np.broadcast_to),
    "view": window,
    "A": Holder,
    "B": Holder,
    "mutable": lambda struct: struct,
    "sum": np.sum,
    "mean": np.mean,
    "tanh": np.tanh,
    "sin": np.sin,
    "exp": np.exp,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "concatenate": lambda parts, axis=0: np.concatenate(list(getattr(parts, "consumed", parts)), axis),
    "stop_gradient": lambda x: np.array(np.real(x), np.clongdouble),
}


class Reference:
    """The exact derivatives of a program at its memory."""

    def __init__(self, text: Text) -> None:
        self.names: dict[str, Any] = {}
        for name, value in text.let.items():
            self.names[name] = self._evaluate(value) if isinstance(value, str) else new_array(value)
        self._loss = text.loss

    def _evaluate(self, text: str, **replaced: Any) -> Any:
        names = {**FUNCTIONS, **self.names, **replaced}
        for name, value in names.items():
            if isinstance(value, types.FunctionType) and value.__code__.co_filename == "<program>":
                names[name] = types.FunctionType(value.__code__, names, closure=value.__closure__)
        return eval(compile(text, "<program>", "eval"), names)

    def total(self, name: str, direction: Any) -> float:
        """The derivative along a direction in the memory that `name` was allocated for."""
        memory = np.asarray(self.names[name])
        before = memory.copy()
        memory += 1j * STEP * np.asarray(direction, np.longdouble)
        try:
            return self._derivative()
        finally:
            memory[...] = before

    def path(self, access: tuple[Any, ...], direction: Any) -> float:
        """The derivative along a direction in a private copy of what one access sees."""
        name, *steps = access
        return self._derivative(**{name: moved(self.names[name], steps, direction)})

    def _derivative(self, **replaced: Any) -> float:
        return float(np.imag(self._evaluate(self._loss, **replaced)) / STEP)


def moved(value: Any, steps: list[Any], direction: Any) -> Any:
    """`value` with a private, moved array in the place that `steps` lead to."""
    if not steps:
        private = np.asarray(np.array(value) + 1j * STEP * np.asarray(direction, np.longdouble))
        return shown_as(value.kind, private, value.parent)
    step, *rest = steps
    if isinstance(step, Field) and isinstance(value, np.ndarray):
        return shown_as(value.kind, value, moved(value.parent, rest, direction))
    if isinstance(value, types.FunctionType):
        position = value.__code__.co_freevars.index(step)
        cells = list(value.__closure__ or ())
        cells[position] = types.CellType(moved(cells[position].cell_contents, rest, direction))
        return types.FunctionType(value.__code__, value.__globals__, closure=tuple(cells))
    if isinstance(step, Field):
        return Holder(**{**vars(value), step: moved(getattr(value, step), rest, direction)})
    if isinstance(value, dict):
        return {**value, str(step): moved(value[str(step)], rest, direction)}
    parts = [moved(part, rest, direction) if n == int(step) else part for n, part in enumerate(value)]
    made = Whole(value if isinstance(step, Element) else parts)
    made.consumed = parts if isinstance(step, Element) else list(value)
    return made
