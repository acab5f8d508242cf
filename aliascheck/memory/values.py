"""What a model is made of: arrays, and the records and containers that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Record:
    """A value with named fields: a wrapper, a struct, a closure with its captures.

    Records are immutable; `replace_field` builds another one around the same remaining fields.
    """

    __slots__ = ()

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        raise NotImplementedError

    @property
    def type_tag(self) -> Any:
        """What distinguishes this record's type from others when identity is asked for."""
        raise NotImplementedError

    def get_field(self, name: str) -> Any:
        """The value of field `name`. Raises KeyError where there is none."""
        raise NotImplementedError

    def replace_field(self, name: str, value: Any) -> Record:
        """The same record with another value at field `name`."""
        raise NotImplementedError


class Wrapper(Record):
    """A value that holds an array in its field `parent` and shows it differently.

    `show` maps the parent's memory to a strided view of it; `arguments` (hashable) are what the
    constructor was given besides, so that wrappers of the same kind, arguments and parent are equal.
    """

    __slots__ = ("arguments", "array", "kind", "parent", "show")

    def __init__(
        self, kind: str, arguments: tuple[Any, ...], parent: Array | Wrapper, show: Callable[[Array], Array]
    ) -> None:
        self.kind = kind
        self.arguments = arguments
        self.parent = parent
        self.show = show
        self.array = show(dense(parent))

    @property
    def field_names(self) -> tuple[str, ...]:
        return ("parent",)

    @property
    def type_tag(self) -> Any:
        return (self.kind, self.arguments)

    def get_field(self, name: str) -> Any:
        if name != "parent":
            raise KeyError(name)
        return self.parent

    def replace_field(self, name: str, value: Any) -> Wrapper:
        if name != "parent":
            raise KeyError(name)
        return Wrapper(self.kind, self.arguments, value, self.show)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.array, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"{self.kind}({self.parent!r})"


class Struct(Record):
    """An immutable record with a name of its own: `A(x=x)`, `Dense(weight=w, bias=b)`."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.name = name
        self.fields = fields

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(self.fields)

    @property
    def type_tag(self) -> Any:
        return self.name

    def get_field(self, name: str) -> Any:
        return self.fields[name]

    def replace_field(self, name: str, value: Any) -> Struct:
        if name not in self.fields:
            raise KeyError(name)
        return type(self)(self.name, {**self.fields, name: value})

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.fields.items())})"


class MutableStruct(Struct):
    """A struct that is identified as an object, not by its fields."""

    __slots__ = ()


_ARRAYS = (np.ndarray, Wrapper)


def is_array(value: Any) -> bool:
    """Whether `value` is an array or a wrapper of one: what a slot can be."""
    return isinstance(value, _ARRAYS)


def dense(value: Any) -> Any:
    """The strided view that an array or wrapper shows; numbers are themselves."""
    return value.array if isinstance(value, Wrapper) else value


def innermost(value: Array | Wrapper) -> Array:
    """The array below all wrappers."""
    while isinstance(value, Wrapper):
        value = value.parent
    return value


def children(value: Any) -> Iterator[tuple[Any, Any]]:
    """The steps into `value` and what each leads to: fields, indices, keys. Arrays have none."""
    if isinstance(value, Record):
        for name in value.field_names:
            yield Field(name), value.get_field(name)
    elif isinstance(value, tuple | list):
        yield from enumerate(value)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield Key(key), part


class Field(str):
    """A step into a record."""

    __slots__ = ()


class Element(int):
    """A step into a container that is consumed whole: not the same as reading that element by itself."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and int(self) == int(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Element, int(self)))


class Key(str):
    """A step into a dict."""

    __slots__ = ()


def child(value: Any, step: Any) -> Any:
    """What `step` leads to from `value`. Raises KeyError or IndexError where it leads nowhere."""
    if isinstance(step, Field):
        if not isinstance(value, Record):
            raise KeyError(step)
        return value.get_field(step)
    if isinstance(step, Key) != isinstance(value, dict) or not isinstance(value, dict | tuple | list):
        raise KeyError(step)
    return value[step]


def replace_child(value: Any, step: Any, new: Any) -> Any:
    """`value` with `new` in the place that `step` leads to."""
    if isinstance(value, Record):
        return value.replace_field(step, new)
    if isinstance(value, dict):
        return {key: new if key == step else part for key, part in value.items()}
    return type(value)(new if index == step else part for index, part in enumerate(value))
