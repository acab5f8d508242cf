"""Python's syntax on traced values: operators, fields, items, and the methods of arrays.

Each is a primitive of the registry, or in `parts` where a part is read; NumPy's functions are in `dispatch`.
What would change an array in place is refused where it happens: the tape would not know of it, and other
names of the same memory would.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from aliascheck.engine.dispatch import (
    REBUILD,
    apply_function,
    apply_ufunc,
    in_a_row,
    item,
    mutation,
    reshaped,
    reversed_axes,
)
from aliascheck.engine.parts import call, iterate, read_field
from aliascheck.engine.primitive import REGISTRY
from aliascheck.engine.tracer import Tracer, primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense, is_array

_BINARY = {
    "add": ("add", "+"),
    "sub": ("subtract", "-"),
    "mul": ("multiply", "*"),
    "truediv": ("divide", "/"),
    "pow": ("power", "**"),
    "mod": ("mod", "%"),
    "floordiv": ("floor_divide", "//"),
    "matmul": ("matmul", "@"),
}
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
_ARRAY_PROPERTIES = ("shape", "ndim", "size", "dtype", "itemsize", "nbytes")
_ARRAY_METHODS = (
    *("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "cumprod", "argmax", "argmin"),
    *("reshape", "ravel", "squeeze", "transpose", "swapaxes", "diagonal", "trace", "repeat", "take"),
    *("dot", "clip", "round", "copy", "argsort", "argpartition", "searchsorted", "nonzero", "any", "all"),
    "conj",
)
_IN_PLACE_METHODS = ("fill", "sort", "partition", "put", "resize", "setfield", "byteswap")
_PLAIN_NUMBERS = ("item", "tolist")


def _set_item(self: Tracer, key: Any, value: Any) -> None:
    raise mutation("x[...] = y", REBUILD)


def _delete_item(self: Tracer, key: Any) -> None:
    raise mutation("del x[...]", REBUILD)


def _set_attribute(self: Tracer, name: str, value: Any) -> None:
    raise EngineError(
        f"a field of a traced value cannot be set: .{name} = ...",
        hint="build a new record with the fields that are meant",
    )


def _no_number(what: str) -> Callable[..., Any]:
    def refuse(self: Tracer, *args: Any, **settings: Any) -> Any:
        raise EngineError(
            f"a traced value cannot become a plain number or array: {what} would lose its derivative",
            hint="join traced values with np.stack([...]); use stop_gradient(x) where a constant is meant",
        )

    return refuse


def _forward(name: str) -> Callable[[Any, Any], Any]:
    return REGISTRY[name].plain


def _reflected(name: str) -> Callable[[Any, Any], Any]:
    plain = REGISTRY[name].plain
    return lambda self, other: plain(other, self)


def _in_place(name: str, symbol: str) -> Callable[[Any, Any], Any]:
    """`x += y`: another number for a name where x is a number, a write to memory where it is an array."""
    plain = REGISTRY[name].plain

    def apply(self: Tracer, other: Any) -> Any:
        if is_array(self._value):
            raise mutation(f"x {symbol}= y", f"write x = x {symbol} y")
        return plain(self, other)

    return apply


def _attribute(self: Tracer, name: str) -> Any:
    """A field of a record, or what arrays and dicts have."""
    if name[0] == "_":
        raise AttributeError(name)
    value = self._value
    if isinstance(value, dict) and name in _DICT_VIEWS:
        return partial(_DICT_VIEWS[name], self)
    if is_array(value) or isinstance(value, np.number):
        if name in _ARRAY_PROPERTIES:
            return getattr(dense(value), name)
        if name == "mT":
            return REGISTRY["swapaxes"](self)
        if name in _ARRAY_METHODS:
            return partial(_METHODS.get(name, getattr(np, name)), self)
        if name in _IN_PLACE_METHODS:
            raise mutation(f"x.{name}()", f"use np.{name}(x)" if name in REGISTRY else REBUILD)
        if name in _PLAIN_NUMBERS:
            return partial(_no_number(f"x.{name}()"), self)
        if name == "flatten":
            return lambda order="C": in_a_row(REGISTRY["copy"](self), order)
        if name == "astype":
            return partial(_as_type, self)
    return read_field(self, name)


def _transposed(self: Tracer) -> Any:
    return reversed_axes(self) if is_array(self._value) else read_field(self, "T")


def _reshape_method(x: Any, *shape: Any, order: str = "C") -> Any:
    """x.reshape(2, 3) and x.reshape((2, 3))"""
    return reshaped(x, shape[0] if len(shape) == 1 else shape, order)


def _transpose_method(x: Any, *axes: Any) -> Any:
    """x.transpose(), x.transpose(1, 0) and x.transpose((1, 0))"""
    return reversed_axes(x, (axes[0] if len(axes) == 1 else axes) or None)


_METHODS: dict[str, Callable[..., Any]] = {"reshape": _reshape_method, "transpose": _transpose_method}


def _as_type(x: Tracer, dtype: Any) -> Any:
    if np.dtype(dtype).kind != "f":
        raise EngineError(
            f"astype({np.dtype(dtype)}) has no derivative",
            hint="use stop_gradient(x) where a constant is meant",
        )
    return REGISTRY["copy"](x)


_DICT_VIEWS: dict[str, Callable[..., Any]] = {
    "keys": lambda holder: list(holder._value),
    "values": lambda holder: [holder[key] for key in holder._value],
    "items": lambda holder: [(key, holder[key]) for key in holder._value],
    "get": lambda holder, key, default=None: holder[key] if key in holder._value else default,
}


def _deep_copy(self: Any, memo: dict[int, Any]) -> Any:
    """A copy with memory of its own: lists and dicts become plain ones, of copies, to be written to."""
    value = self._value
    if isinstance(value, dict):
        return {key: copy.deepcopy(self[key], memo) for key in value}
    if isinstance(value, list | tuple):
        return type(value)(copy.deepcopy(part, memo) for part in self)
    if is_array(value):
        return REGISTRY["copy"](self)
    return self


def _iterated(self: Tracer) -> Iterator[Any]:
    return iter(self._value) if isinstance(self._value, dict) else iterate(self)


def install() -> None:
    """Give tracers Python's syntax and NumPy's dispatch."""
    methods: dict[str, Any] = {
        "__getattr__": _attribute,
        "T": property(_transposed),
        "__getitem__": item,
        "__copy__": lambda self: self,
        "__deepcopy__": _deep_copy,
        "__iter__": _iterated,
        "__len__": lambda self: len(dense(self._value)),
        "__contains__": lambda self, item: primal(item) in dense(self._value),
        "__call__": call,
        "__bool__": lambda self: bool(dense(self._value)),
        "__setitem__": _set_item,
        "__delitem__": _delete_item,
        "__setattr__": _set_attribute,
        "__array__": _no_number("np.array(x)"),
        "__index__": _no_number("an index"),
        **{f"__{kind}__": _no_number(f"{kind}(x)") for kind in ("float", "int", "complex")},
        "__round__": lambda self, decimals=0: REGISTRY["round"](self, decimals),
        "__divmod__": lambda self, other: (
            REGISTRY["floor_divide"](self, other),
            REGISTRY["mod"](self, other),
        ),
        "__format__": lambda self, spec: format(primal(self), spec),
        **{f"__{kind}__": _no_number(f"math.{kind}(x)") for kind in ("trunc", "floor", "ceil")},
        "__neg__": REGISTRY["negative"].plain,
        "__pos__": REGISTRY["positive"].plain,
        "__abs__": REGISTRY["abs"].plain,
        "__array_ufunc__": apply_ufunc,
        "__array_function__": apply_function,
        "__hash__": object.__hash__,
    }
    for operator, (name, symbol) in _BINARY.items():
        methods[f"__{operator}__"] = _forward(name)
        methods[f"__r{operator}__"] = _reflected(name)
        methods[f"__i{operator}__"] = _in_place(name, symbol)
    for operator, name in _COMPARISONS.items():
        methods[f"__{operator}__"] = _forward(name)
    for name, method in methods.items():
        setattr(Tracer, name, method)
