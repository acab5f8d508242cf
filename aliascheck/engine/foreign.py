"""Arrays of other engines as values of a program, and what primitives make of them.

A program that is given such arrays is interpreted by their engine: a primitive hands its name, operands and
settings on to the vocabulary that they bring along, and its own rule is not used. Nothing is recorded here:
how derivatives are taken, is that engine's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import Array, Data, Record, Wrapper, dense, is_array


class LacksPrimitiveError(AliascheckError):
    """An engine has nothing that does what a primitive does: no error of the program."""


class ForeignMetError(Exception):
    """A primitive met an operand that belongs to another engine."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary.engine)
        self.vocabulary = vocabulary


class Foreign(Record):
    """An array of another engine. One that a wrapper stands for has a field `parent`, as wrappers do.

    `kind` and `arguments` are the wrapper's; `open_` gives its parent.
    """

    __slots__ = ("arguments", "array", "kind", "open_", "vocabulary")

    def __init__(
        self,
        array: Any,
        vocabulary: Vocabulary,
        kind: str | None = None,
        arguments: tuple[Any, ...] = (),
        open_: Callable[[], Any] | None = None,
    ) -> None:
        self.array = array
        self.vocabulary = vocabulary
        self.kind = kind
        self.arguments = arguments
        self.open_ = open_

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(np.shape(self.array))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def field_names(self) -> tuple[str, ...]:
        return ("parent",) if self.open_ is not None else ()

    @property
    def type_tag(self) -> Any:
        return (self.kind, self.arguments)

    def get_field(self, name: str) -> Any:
        if name != "parent" or self.open_ is None:
            raise KeyError(name)
        return self.open_()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.vocabulary.numbers(self.array), dtype=dtype)

    def __float__(self) -> float:
        return float(np.asarray(self))

    def __int__(self) -> int:
        return int(np.asarray(self))

    def __repr__(self) -> str:
        return f"Foreign({self.array!r})"


def is_foreign(value: Any) -> bool:
    """Whether a value is an array of another engine, or a list or tuple that holds one."""
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, Foreign):
            return True
        if isinstance(one, tuple | list) and id(one) not in seen:  # lists that share lists are many paths
            seen.add(id(one))
            waiting.extend(one)
    return False


class Vocabulary(Data, frozen=True, eq=False):
    """An engine's functions by the names of the primitives, and how its arrays are made and read.

    `array` makes an array of floats of a number or NumPy array, `real` one of floats of any other, `whole`
    what indexes one of numbers that are whole, `numbers` a NumPy array.
    """

    engine: str
    functions: Mapping[str, Callable[..., Any]]
    array: Callable[[Any], Any]
    real: Callable[[Any], Any]
    whole: Callable[[Any], Any]
    numbers: Callable[[Any], Any]

    def function(self, name: str) -> Callable[..., Any]:
        """What does as a primitive does. Raises LacksPrimitiveError where there is no such function."""
        found = self.functions.get(name)
        if found is None:
            raise self.lacks(name)
        return found

    def lacks(self, name: str) -> LacksPrimitiveError:
        """The error of a primitive that the engine has not."""
        return LacksPrimitiveError(f"{self.engine} has no primitive '{name}'")

    def apply(
        self, name: str, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = {}
    ) -> Any:
        """The result of a primitive."""
        function = self.function(name)
        arrays = [self._seen(operand) for operand in operands]
        named = {key: self._setting(value) for key, value in settings.items()}
        try:
            return self._shown(function(*arrays, *map(self._setting, static), **named))
        except RuntimeError as error:
            raise EngineError(f"{name}: {str(error).partition(chr(10))[0]}") from error

    def _seen(self, operand: Any) -> Any:
        if isinstance(operand, tuple | list):
            return [self._seen(part) for part in operand]
        if isinstance(operand, Foreign):
            return self.real(operand.array)
        return self.array(dense(operand))

    def _setting(self, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(self._setting(part) for part in value)
        return self.whole(value.array) if isinstance(value, Foreign) else value

    def _shown(self, out: Any) -> Any:
        return tuple(map(self._shown, out)) if isinstance(out, tuple | list) else Foreign(out, self)

    def wrap(self, kind: str, arguments: tuple[Any, ...], parent: Any) -> Foreign:
        """What a wrapper of a kind shows of its parent."""
        shown = self.function(kind)(self._seen(parent), *arguments)
        return Foreign(shown, self, kind, arguments, lambda: parent)

    def held(self, array: Any, stands_for: Any) -> Foreign:
        """An array that the engine holds in the place of a NumPy array, or of a wrapper."""
        if not isinstance(stands_for, Wrapper):
            return Foreign(array, self)
        wrapper = stands_for
        return Foreign(array, self, wrapper.kind, wrapper.arguments, lambda: self._opened(array, wrapper))

    def _opened(self, array: Any, wrapper: Wrapper) -> Foreign:
        """The parent of a wrapper, seen from what the wrapper shows."""
        parent = dense(wrapper.parent)
        turned = wrapper.kind in TURNED and not wrapper.arguments
        if turned and parent.ndim == 2:
            array = self.function("adjoint")(array)
        elif not turned and wrapper.kind not in RESHAPED:
            order = order_of(wrapper)
            if order is None:
                raise self.lacks(f"parent of {wrapper.kind}(...)")
            array = self.function("getindex")(self.function("reshape")(array, (parent.size,)), key=order)
        return self.held(self.function("reshape")(array, parent.shape), wrapper.parent)


TURNED = ("adjoint", "transpose")
RESHAPED = ("reshape", "ravel", "squeeze", "expand_dims")


def order_of(wrapper: Wrapper) -> Array | None:
    """Where each element of its parent is in what a wrapper shows; None where it shows not each once."""
    size = dense(wrapper.parent).size
    shown = np.ravel(wrapper.show(np.arange(size).reshape(dense(wrapper.parent).shape)))
    if shown.size != size or np.unique(shown).size != size:
        return None
    return np.argsort(shown)


def is_operand(value: Any) -> bool:
    """Whether a value is an array, of whatever engine."""
    return is_array(value) or isinstance(value, Foreign)
