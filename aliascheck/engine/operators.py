"""Python's syntax and NumPy's functions on traced values: each is a primitive of the registry.

Reads of parts are in `parts`. What would change an array in place is refused where it happens: the tape
would not know of it, and other names of the same memory would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from aliascheck.engine.parts import call, iterate, read_field, read_item
from aliascheck.engine.primitive import REGISTRY
from aliascheck.engine.tracer import Tracer, primal
from aliascheck.errors import EngineError, did_you_mean
from aliascheck.memory import dense, is_array

_BINARY = {
    "add": ("add", "+"),
    "sub": ("subtract", "-"),
    "mul": ("multiply", "*"),
    "truediv": ("divide", "/"),
    "pow": ("power", "**"),
    "mod": ("mod", "%"),
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
_NUMPY_NAMES = {  # where NumPy's name is not the primitive's
    np.absolute: "abs",
    np.remainder: "mod",
    np.permute_dims if hasattr(np, "permute_dims") else np.transpose: "transpose",
}
_ARRAY_PROPERTIES = ("shape", "ndim", "size", "dtype")
_ARRAY_METHODS = (
    *("sum", "mean", "prod", "max", "min", "var", "std", "ptp", "cumsum", "cumprod", "argmax", "argmin"),
    *("reshape", "ravel", "squeeze", "transpose", "swapaxes", "diagonal", "trace", "repeat", "take"),
    *("dot", "clip", "round", "copy"),
)
_IN_PLACE_METHODS = ("fill", "sort", "partition", "put", "resize", "setfield", "byteswap")
_PLAIN_NUMBERS = ("item", "tolist")
_CONSTANT_FUNCTIONS = (  # of shapes, or without a derivative: evaluated on the values
    *("shape", "ndim", "size", "zeros_like", "ones_like", "empty_like", "full_like", "result_type"),
    *("isnan", "isinf", "isfinite", "isclose", "allclose", "array_equal", "signbit", "any", "all"),
    *("isscalar", "iscomplexobj", "isrealobj", "count_nonzero", "nonzero", "argwhere", "flatnonzero"),
    *("may_share_memory", "shares_memory"),
)


def mutation(what: str, instead: str) -> EngineError:
    """The refusal of an operation that writes to a traced array."""
    return EngineError(f"{what}: a traced array cannot be written to", hint=instead)


_REBUILD = "build a new one, for example with where(...), concatenate(...) or x + scatter(...)"


def _set_item(self: Tracer, key: Any, value: Any) -> None:
    raise mutation("x[...] = y", _REBUILD)


def _delete_item(self: Tracer, key: Any) -> None:
    raise mutation("del x[...]", _REBUILD)


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
    if name.startswith("_"):
        raise AttributeError(name)
    value = self._value
    if isinstance(value, dict) and name in _DICT_VIEWS:
        return partial(_DICT_VIEWS[name], self)
    if is_array(value) or isinstance(value, np.number):
        if name in _ARRAY_PROPERTIES:
            return getattr(dense(value), name)
        if name == "T":
            return _reversed_axes(self)
        if name in _ARRAY_METHODS:
            return partial(REGISTRY[name], self)
        if name in _IN_PLACE_METHODS:
            raise mutation(f"x.{name}()", f"use np.{name}(x)" if name in REGISTRY else _REBUILD)
        if name in _PLAIN_NUMBERS:
            return partial(_no_number(f"x.{name}()"), self)
        if name == "flatten":
            return lambda: REGISTRY["ravel"](REGISTRY["copy"](self))
        if name == "astype":
            return partial(_as_type, self)
    return read_field(self, name)


def _reversed_axes(x: Tracer) -> Any:
    """NumPy's x.T: a vector is its own."""
    ndim = np.ndim(dense(x._value))
    return x if ndim < 2 else REGISTRY["transpose"](x)


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


def _iterated(self: Tracer) -> Iterator[Any]:
    return iter(self._value) if isinstance(self._value, dict) else iterate(self)


def _primitive_for(function: Any) -> Any:
    name = _NUMPY_NAMES.get(function, getattr(function, "__name__", ""))
    if name not in REGISTRY:
        raise EngineError(f"NumPy's {name} has no rule here", hint=did_you_mean(name, REGISTRY))
    return REGISTRY[name]


def _array_ufunc(self: Tracer, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
    name = ufunc.__name__
    if method == "at" or "out" in settings:
        where = f"np.{name}.at" if method == "at" else f"np.{name} with out"
        raise EngineError(
            f"{where}: a traced value cannot be written into an array", hint="write y = y + x for y += x"
        )
    if name in _CONSTANT_FUNCTIONS:
        return getattr(ufunc, method)(*map(_raw, inputs), **settings)
    if method != "__call__" or settings:
        raise EngineError(f"np.{name}.{method} is not traced", hint="call the function plainly")
    return _primitive_for(ufunc)(*inputs)


_WRITING = frozenset(["copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis"])


def _array_function(self: Tracer, function: Any, types: Any, args: Any, settings: Any) -> Any:
    name = function.__name__
    if name in _WRITING or settings.get("out") is not None:
        raise mutation(f"np.{name}", _REBUILD)
    if name in _CONSTANT_FUNCTIONS:
        return function(*map(_raw, args), **{key: _raw(value) for key, value in settings.items()})
    return _primitive_for(function)(*args, **settings)


def _raw(value: Any) -> Any:
    return dense(primal(value))


def install() -> None:
    """Give tracers Python's syntax and NumPy's dispatch."""
    methods: dict[str, Any] = {
        "__getattr__": _attribute,
        "__getitem__": read_item,
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
        "__neg__": REGISTRY["negative"].plain,
        "__pos__": lambda self: self,
        "__abs__": REGISTRY["abs"].plain,
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
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
