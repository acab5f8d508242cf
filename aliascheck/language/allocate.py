"""Functions that make memory. Sizes are checked, and charged, before anything is allocated."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aliascheck.engine import REGISTRY, Foreign, Tracer, charge, is_foreign, make_list, primal, read_item
from aliascheck.errors import EngineError
from aliascheck.language.limits import LIMITS, too_large
from aliascheck.memory import Array, dense, is_array

LARGEST_WHOLE = 2**53
MAX_DIMENSIONS = 32
FOLLOWED = (Tracer, Foreign)  # numbers that are differentiated by, or may be


class Allocation:
    """A function of the vocabulary that makes memory."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = function.__name__.rstrip("_")
        self.function = function
        self.signature = inspect.signature(function)
        self.summary = (function.__doc__ or "").strip().partition("\n")[0]

    def __repr__(self) -> str:
        return self.name

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return self.function(*args, **settings)


ALLOCATIONS: dict[str, Allocation] = {}


def _allocation(function: Callable[..., Any]) -> Allocation:
    declared = Allocation(function)
    ALLOCATIONS[declared.name] = declared
    return declared


def whole_number(value: Any, what: str) -> int:
    """`value` as an integer. Raises EngineError where it is none."""
    number = dense(primal(value))
    if isinstance(number, Foreign):
        number = np.asarray(number)
    if isinstance(number, np.ndarray) and number.ndim == 0:
        number = number[()]
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | float | np.integer | np.floating):
        raise EngineError(f"{what} must be a whole number")
    exact = float(number)
    if not exact.is_integer():
        raise EngineError(f"{what} must be a whole number, not {exact:g}")
    if abs(exact) > LARGEST_WHOLE:
        raise EngineError(f"{what} is over 2**53")
    return int(exact)


def _number(value: Any, name: str, what: str) -> Any:
    """A number, raw or traced. Raises EngineError where `value` is none."""
    raw = dense(primal(value))
    if isinstance(raw, Foreign) and not raw.shape:
        return raw
    if isinstance(raw, np.ndarray) and raw.ndim == 0:
        return value if isinstance(value, Tracer) else float(raw)
    if isinstance(raw, np.ndarray) or not isinstance(raw, int | float | np.number | np.bool_):
        raise EngineError(f"{name}: {what} must be a number")
    return value if isinstance(value, Tracer) else float(raw)


def _shape(name: str, parts: Sequence[Any]) -> tuple[int, ...]:
    """The shape that `2, 3` or `(2, 3)` name, counted against the limits."""
    if not parts:
        raise EngineError(f"{name} needs a shape", hint=f"write {name}(2, 3), or {name}(()) for 0-d memory")
    alone = primal(parts[0]) if len(parts) == 1 else None
    if isinstance(alone, tuple | list):
        parts = alone
    shape = tuple(whole_number(part, f"{name}: an extent") for part in parts)
    if any(extent < 0 for extent in shape):
        raise EngineError(f"{name}: an extent is negative")
    if len(shape) > MAX_DIMENSIONS:
        raise EngineError(f"{name}: {len(shape)} dimensions, and an array may have {MAX_DIMENSIONS}")
    _check_size(name, math.prod(max(extent, 1) for extent in shape))
    charge(name, math.prod(shape))
    return shape


def _claim(name: str, elements: int) -> None:
    """Count memory that is about to be allocated."""
    _check_size(name, elements)
    charge(name, elements)


def _check_size(name: str, elements: int) -> None:
    if elements > LIMITS.array_elements:
        raise too_large(name, elements)


def _dtype(name: str, dtype: Any) -> Any:
    known = {"float": np.float64, "int": np.int64}
    if not isinstance(dtype, str) or dtype not in known:
        raise EngineError(f'{name}: dtype is "float" or "int"')
    return known[dtype]


def _stretched(memory: Array, offset: Any, factor: Any) -> Any:
    """`offset + factor * memory`; traced, and then differentiable, where one of the numbers is."""
    if isinstance(offset, FOLLOWED) or isinstance(factor, FOLLOWED):
        return REGISTRY["add"](REGISTRY["multiply"](memory, factor), offset)
    if offset != 0.0 or factor != 1.0:
        np.multiply(memory, factor, out=memory)
        np.add(memory, offset, out=memory)
    return memory


@_allocation
def zeros(*shape: Any) -> Any:
    """New memory holding 0: zeros(2, 3)"""
    return np.zeros(_shape("zeros", shape))


@_allocation
def ones(*shape: Any) -> Any:
    """New memory holding 1: ones(2, 3)"""
    return np.ones(_shape("ones", shape))


@_allocation
def full(*shape: Any, value: Any = None) -> Any:
    """New memory holding one number: full(2, 3, 1.5) or full((2, 3), value=1.5)"""
    extents: Sequence[Any] = shape
    if value is None:
        if len(shape) < 2:
            raise EngineError("full needs a shape and a value", hint="write full(2, 3, 1.5)")
        *extents, value = shape
    value = _number(value, "full", "the value")
    known = _shape("full", extents)
    if isinstance(value, FOLLOWED):
        return REGISTRY["add"](np.zeros(known), value)
    return np.full(known, value)


@_allocation
def eye(rows: Any, columns: Any = None) -> Any:
    """New memory holding an identity matrix: eye(3), eye(2, 3)"""
    height, width = _shape("eye", (rows, rows if columns is None else columns))
    return np.eye(height, width)


@_allocation
def arange(start: Any, stop: Any = None, step: Any = 1, *, dtype: Any = "int") -> Any:
    """New memory holding whole numbers in steps: arange(3), arange(2, 10, 2), arange(3, dtype="float")"""
    kind = _dtype("arange", dtype)
    if stop is None:
        start, stop = 0, start
    try:
        first, last, stride = (whole_number(number, "arange: an argument") for number in (start, stop, step))
    except EngineError as error:
        raise EngineError(error.message, hint="use linspace(start, stop, num) for fractions") from None
    if stride == 0:
        raise EngineError("arange: the step is 0")
    _claim("arange", len(range(first, last, stride)))
    return np.arange(first, last, stride, dtype=kind)


@_allocation
def linspace(start: Any, stop: Any, num: Any = 50) -> Any:
    """New memory holding evenly spaced numbers, both ends included: linspace(0, 1, 5)"""
    start, stop = _number(start, "linspace", "the start"), _number(stop, "linspace", "the stop")
    count = whole_number(num, "linspace: num")
    if count < 0:
        raise EngineError("linspace: num is negative")
    _claim("linspace", count)
    if isinstance(start, FOLLOWED) or isinstance(stop, FOLLOWED):
        return _stretched(np.linspace(0.0, 1.0, count), start, REGISTRY["subtract"](stop, start))
    return np.linspace(start, stop, count)


def _generator(name: str, seed: Any) -> np.random.Generator:
    number = whole_number(seed, f"{name}: the seed")
    if number < 0:
        raise EngineError(f"{name}: the seed is negative")
    return np.random.Generator(np.random.PCG64(number))


@_allocation
def uniform(*shape: Any, seed: Any = 0, low: Any = 0.0, high: Any = 1.0) -> Any:
    """New memory holding random numbers in [low, high), the same for the same seed: uniform(2, 5, seed=1)"""
    low, high = _number(low, "uniform", "low"), _number(high, "uniform", "high")
    random = _generator("uniform", seed).random(_shape("uniform", shape))
    if isinstance(low, FOLLOWED) or isinstance(high, FOLLOWED):
        return _stretched(random, low, REGISTRY["subtract"](high, low))
    return _stretched(random, low, high - low)


@_allocation
def normal(*shape: Any, seed: Any = 0, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """New memory holding random normal numbers, the same for the same seed: normal(2, 5, scale=0.1)"""
    loc, scale = _number(loc, "normal", "loc"), _number(scale, "normal", "scale")
    return _stretched(_generator("normal", seed).standard_normal(_shape("normal", shape)), loc, scale)


@_allocation
def array(value: Any, *, dtype: Any = "float") -> Any:
    """New memory holding the numbers of nested lists, of a number or of an array: array([[1, 2], [3, 4]])"""
    kind = _dtype("array", dtype)
    raw = primal(value)
    if is_foreign(raw):
        return _from_foreign(raw, kind)
    if is_array(raw) or isinstance(raw, int | float | np.number | np.bool_):
        return _array_like(value, dense(raw), kind)
    if not isinstance(raw, tuple | list):
        raise EngineError("array takes numbers in nested lists, a number or an array")
    shape = _nested_shape(raw)
    numbers = _flattened(raw, shape)
    if isinstance(value, Tracer) and kind is np.float64:
        return _stacked(value)
    _claim("array", math.prod(shape))
    return _converted(np.array(numbers, np.float64), kind).reshape(shape)


def _from_foreign(value: Any, kind: Any) -> Any:
    if kind is not np.float64:
        return _converted(np.array(_plain_lists(value), np.float64), kind)
    return REGISTRY["copy"](value) if isinstance(value, Foreign) else _stacked(value)


def _plain_lists(value: Any) -> Any:
    return [_plain_lists(part) for part in value] if isinstance(value, tuple | list) else np.asarray(value)


def _array_like(value: Any, raw: Any, kind: Any) -> Any:
    if isinstance(value, Tracer) and kind is np.float64 and np.asarray(raw).dtype.kind == "f":
        return REGISTRY["copy"](value)
    _claim("array", np.size(raw))
    return _converted(np.array(raw), kind)


def _converted(values: Array, kind: Any) -> Array:
    """`values` as numbers of `kind`. Raises EngineError where that would change one."""
    if kind is np.int64 and values.dtype.kind == "f":
        bad = ~(np.isfinite(values) & (values == np.round(values)) & (np.abs(values) <= LARGEST_WHOLE))
        if bad.any():
            raise EngineError(f'array: {float(values[bad].flat[0]):g} is not whole, and dtype is "int"')
    return values.astype(kind)


def _nested_shape(value: Any) -> tuple[int, ...]:
    """The shape of nested lists by their first elements, counted before they are walked."""
    extents: list[int] = []
    while isinstance(value, tuple | list):
        extents.append(len(value))
        if len(extents) > MAX_DIMENSIONS:
            raise EngineError(f"array: more than {MAX_DIMENSIONS} dimensions")
        value = value[0] if value else 0.0
    _check_size("array", math.prod(extents))
    return tuple(extents)


def _flattened(value: Any, shape: tuple[int, ...]) -> list[float]:
    """The numbers of nested lists of `shape`. Raises EngineError where they are ragged."""
    parts = [value]
    for extent in shape:
        deeper: list[Any] = []
        for part in parts:
            if not isinstance(part, tuple | list) or len(part) != extent:
                raise _ragged()
            deeper += part
        parts = deeper
    return [_element(part) for part in parts]


def _element(value: Any) -> float:
    value = dense(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, tuple | list):
        raise _ragged()
    if not isinstance(value, int | float | np.number | np.bool_):
        raise EngineError("array takes numbers in nested lists", hint="use stack([x, y]) to join arrays")
    return float(value)


def _ragged() -> EngineError:
    return EngineError("array: the lists are ragged", hint="rows of unlike length make no array")


def _stacked(value: Any) -> Any:
    """A traced nested list of numbers, joined by primitives: differentiable."""
    raw = primal(value)
    if not isinstance(raw, tuple | list):
        return value
    return REGISTRY["stack"](make_list(_stacked(read_item(value, position)) for position in range(len(raw))))
