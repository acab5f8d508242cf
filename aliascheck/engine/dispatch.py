"""NumPy's functions on traced values: each is a primitive of the registry.

A function means what it means in NumPy: its arguments are read by NumPy's signature, those that are
NumPy's defaults are left out, and what the primitive does not take is refused by name.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from aliascheck.engine.parts import is_written_out, read_item
from aliascheck.engine.primitive import METERS, REGISTRY, Primitive
from aliascheck.engine.tracer import Tracer, primal
from aliascheck.errors import EngineError, did_you_mean
from aliascheck.memory import Scattered, dense

_NUMPY_NAMES = {  # where NumPy's name is not the primitive's
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "around": "round",
    "concat": "concatenate",
    "conjugate": "positive",
    "matrix_transpose": "swapaxes",
    "real": "positive",
    "remainder": "mod",
}
_NUMPY_SETTINGS = {  # where NumPy's name of a setting is not the primitive's
    "clip": {"a_min": "low", "min": "low", "a_max": "high", "max": "high"},
}
_WITHOUT_EFFECT: dict[str, tuple[str, ...]] = {
    "sort": ("kind", "stable"),
    "nan_to_num": ("copy",),
    "copy": ("order",),
}
_COUNTS = ("shape", "reps", "repeats", "pad_width", "shift", "kth", "axis", "axes", "indices_or_sections")
_CONSTANT_FUNCTIONS = frozenset(  # of shapes, or without a derivative: evaluated on the values
    (
        *("shape", "ndim", "size", "zeros_like", "ones_like", "empty_like", "result_type"),
        *("isnan", "isinf", "isfinite", "isclose", "allclose", "array_equal", "signbit", "any", "all"),
        *("isscalar", "iscomplexobj", "isrealobj", "count_nonzero", "nonzero", "argwhere", "flatnonzero"),
        *("may_share_memory", "shares_memory", "digitize", "isneginf", "isposinf"),
    )
)


def mutation(what: str, instead: str) -> EngineError:
    """The refusal of an operation that writes to a traced array."""
    return EngineError(f"{what}: a traced array cannot be written to", hint=instead)


REBUILD = "build a new one, for example with where(...), concatenate(...) or x + scatter(...)"


def reversed_axes(x: Any, axes: Any = None) -> Any:
    """NumPy's transpose: a vector is its own."""
    if axes is not None:
        return REGISTRY["transpose"](x, axes)
    if is_computed(x):
        value = x._value
        return x if value.ndim < 2 else viewed(x, value.T, _turned)
    return x if raw(x).ndim < 2 else REGISTRY["transpose"].plain(x)


def _turned(d_out: Any) -> Any:
    return d_out.T


def reshaped(x: Any, shape: Any, order: str = "C") -> Any:
    """NumPy's reshape: of the same memory where that can be, of a copy elsewhere."""
    if order != "C":
        raise _not_taken("reshape", "order")
    value = raw(x)
    if not isinstance(value, np.ndarray):
        return REGISTRY["reshape"](x, shape)
    seen = value.reshape(shape)
    if is_computed(x):
        own = value.shape
        return viewed(x, seen, lambda d_out: d_out.reshape(own))
    if not value.flags.c_contiguous and seen.size and not np.may_share_memory(seen, value):
        x = REGISTRY["copy"].plain(x)
    return REGISTRY["reshape"].apply((x,), seen.shape)


def item(x: Any, key: Any) -> Any:
    """NumPy's x[key], and the part of a container."""
    if not is_computed(x) or not is_written_out(key):
        return read_item(x, key)
    shape = x._value.shape
    return viewed(x, x._value[key], partial(Scattered, shape, key))


def is_computed(x: Any) -> bool:
    """Whether a value is an array that was computed: nobody asks for the parent of a view of it."""
    return type(x) is Tracer and x._access is None and type(x._value) is np.ndarray and not METERS


def viewed(x: Tracer, view: Any, back: Callable[[Any], Any]) -> Tracer:
    """A view of a computed array, or what is read of it, by a pullback that nothing gates."""
    entries = x._tape.entries
    entries.append((back, x._index, None))
    return Tracer(view, x._tape, len(entries) - 1)


def in_a_row(x: Any, order: str = "C") -> Any:
    return reshaped(x, -1 if np.size(raw(x)) else 0, order)


def _primitive_for(name: str) -> Primitive:
    name = _NUMPY_NAMES.get(name, name)
    if name not in REGISTRY:
        raise EngineError(f"NumPy's {name} has no rule here", hint=did_you_mean(name, REGISTRY))
    return REGISTRY[name]


_UFUNC_DEFAULTS: dict[str, Any] = {
    "where": True,
    "casting": "same_kind",
    "order": "K",
    "dtype": None,
    "subok": True,
    "signature": None,
    "out": None,
}


class _Meant(dict[Any, Primitive | None]):
    """The primitive that a function without settings is, if it is one and means the same."""

    def __missing__(self, function: Any) -> Primitive | None:
        name = function.__name__
        others = name in _CONSTANT_FUNCTIONS or name in _WRITING or name in _MEANINGS
        found = None if others or function is np.linalg.trace else REGISTRY.get(_NUMPY_NAMES.get(name, name))
        self[function] = found
        return found


_MEANT = _Meant()
_LISTS = frozenset((list, tuple))  # of plain numbers: to be made arrays, as NumPy does


def apply_ufunc(self: Tracer, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
    """What a NumPy ufunc gives for traced values. Raises EngineError where it writes or has no rule."""
    if method == "__call__" and not settings:
        meant = _MEANT[ufunc]
        if meant is not None and len(inputs) == meant.arity:
            plain = meant.plain
            if len(inputs) == 1:
                return plain(self)
            left, right = inputs
            if type(left) not in _LISTS and type(right) not in _LISTS:
                return plain(left, right)
    name = ufunc.__name__
    given = {
        key: value for key, value in settings.items() if not _is_default(value, _UFUNC_DEFAULTS.get(key))
    }
    if method == "at" or "out" in given:
        where = f"np.{name}.at" if method == "at" else f"np.{name} with out"
        raise EngineError(
            f"{where}: a traced value cannot be written into an array", hint="write y = y + x for y += x"
        )
    if len(inputs) > ufunc.nin:
        raise mutation(f"np.{name} with out", REBUILD)
    if name in _CONSTANT_FUNCTIONS:
        return getattr(ufunc, method)(*map(raw, inputs), **settings)
    if method != "__call__":
        raise EngineError(f"np.{name}.{method} is not traced", hint="call the function plainly")
    primitive = _primitive_for(name)
    for key in given:
        raise _not_taken(name, key)
    return primitive(*map(_operand, inputs))


_WRITING = frozenset(["copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis"])


def apply_function(self: Tracer, function: Any, types: Any, args: Any, settings: Any) -> Any:
    """What another NumPy function gives for traced values. Raises EngineError as `apply_ufunc` does."""
    meant = _MEANT[function]
    if meant is not None and len(args) == meant.arity:
        if len(args) == 1 and (meant.container or type(args[0]) is Tracer):
            if not settings:
                plain = meant.plain
                return plain(args[0])
            if not meant.container and _SAME_EVERYWHERE.issuperset(settings):
                return meant.plain(args[0], (), settings)
        elif not settings and _LISTS.isdisjoint(map(type, args)):
            return meant.plain(*args)
    name = function.__name__
    if not settings and name in _MEANINGS:
        return _MEANINGS[name](*args)
    if name in _WRITING or _out_of(function, args, settings) is not None:
        raise mutation(f"np.{name}", REBUILD)
    if name in _CONSTANT_FUNCTIONS or (name == "where" and len(args) == 1):
        return function(*map(raw, args), **{key: raw(value) for key, value in settings.items()})
    meaning = _last_axes if function is np.linalg.trace else _MEANINGS.get(name)
    if meaning is not None:
        return meaning(*args, **_without_defaults(name, settings))
    primitive = _primitive_for(name)
    operands, settings = _as_numpy_reads(function, primitive, args, settings)
    return primitive(*operands, **settings)


_SAME_EVERYWHERE = frozenset(("axis", "keepdims"))  # settings that mean the same in NumPy and here


def _out_of(function: Any, args: Any, settings: Any) -> Any:
    """What a function is asked to write its result into, by name or by position."""
    position = _position_of_out(function) if len(args) > 2 else len(args)
    return args[position] if position < len(args) else settings.get("out")


@cache
def _position_of_out(function: Any) -> int:
    """Where a function takes `out` by position: beyond all arguments if it does not."""
    named = [
        name for name, one in _signature(function).parameters.items() if one.kind == one.POSITIONAL_OR_KEYWORD
    ]
    return named.index("out") if "out" in named else sys.maxsize


def _last_axes(x: Any, offset: int = 0) -> Any:
    """np.linalg's trace, of the matrices that the last axes make."""
    return REGISTRY["trace"](x, offset=offset, axis1=-2, axis2=-1)


def _full_like(x: Any, fill_value: Any, shape: Any = None) -> Any:
    like = np.zeros(np.shape(raw(x)) if shape is None else shape)
    return REGISTRY["add"](like, fill_value)


_MEANINGS: dict[str, Callable[..., Any]] = {  # where the primitive of NumPy's name means something else
    "transpose": reversed_axes,
    "reshape": reshaped,
    "ravel": in_a_row,
    "einsum": lambda *operands, **settings: REGISTRY["einsum"](*operands, **settings),
    "full_like": _full_like,
}


def _without_defaults(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` without those that are None. Raises EngineError for those that are not traced."""
    if not settings:
        return {}
    for key in ("dtype", "casting", "copy", "out"):
        if settings.get(key) is not None:
            raise _not_taken(name, key)
    return {key: value for key, value in settings.items() if value is not None}


@cache
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _as_numpy_reads(
    function: Any, primitive: Primitive, args: Any, settings: Any
) -> tuple[list[Any], dict[str, Any]]:
    """The operands and settings of `primitive`, from the arguments of NumPy's `function`."""
    name = function.__name__
    signature = _signature(function)
    try:
        bound = signature.bind(*args, **settings).arguments
    except TypeError as error:
        raise EngineError(f"np.{name}: {error}") from error
    named: dict[str, Any] = dict(bound.pop("kwargs", {}))
    operands = [bound.pop(key) for key in list(bound)[: primitive.arity]]
    named |= {k: v for k, v in bound.items() if not _is_default(v, signature.parameters[k].default)}
    renamed = {_NUMPY_SETTINGS.get(name, {}).get(key, key): value for key, value in named.items()}
    taken = primitive.signature.parameters
    for key in list(renamed):
        if key in _WITHOUT_EFFECT.get(name, ()):
            del renamed[key]
        elif key not in taken:
            raise _not_taken(name, key)
        elif key in _COUNTS and isinstance(renamed[key], np.ndarray):
            renamed[key] = renamed[key].tolist()
    if not primitive.container:
        operands = [_operand(operand) for operand in operands]
    for key in list(renamed):
        if taken[key].kind is inspect.Parameter.VAR_POSITIONAL:
            operands.append(renamed.pop(key))
    return operands, renamed


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, bool | int | str) and bool(value == default))


def _not_taken(name: str, setting: str) -> EngineError:
    return EngineError(f"np.{name}: its setting '{setting}' is not traced", hint="leave it at its default")


def _operand(value: Any) -> Any:
    """A list of plain numbers as the array that NumPy makes of it."""
    if isinstance(value, list | tuple) and not any(isinstance(part, Tracer) for part in value):
        return np.asarray(value)
    return value


def raw(value: Any) -> Any:
    return dense(primal(value))
