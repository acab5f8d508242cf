"""Memory in another precision: the same values over new arrays, which alias each other as the old ones do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from aliascheck.memory.values import Array, Record, Wrapper, children


class Cast:
    """Values rebuilt around arrays of another dtype; what does not hold such an array stays as it is.

    Two arrays over one memory become two arrays over one new memory, and one object at two places becomes one
    object at two places. Arrays of which not all lie whole elements apart are not cast: `cast` raises
    ValueError.
    """

    def __init__(self, arrays: Sequence[Array], dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._kept: list[Any] = []  # identities are valid as long as their objects live
        self._made: dict[int, Any] = {}
        self._stretches = _stretches(arrays)
        self._buffers = [
            np.zeros((high - low) // itemsize, self._dtype) for low, high, itemsize in self._stretches
        ]

    def array(self, array: Array) -> Array:
        """The counterpart of an array, its own memory filled in; arrays elsewhere are themselves."""
        if id(array) not in self._made:
            self._keep(array, self._counterpart(array))
        made: Array = self._made[id(array)]
        return made

    def _counterpart(self, array: Array) -> Array:
        if not array.size:
            return array
        start, end = byte_bounds(array)
        for (low, high, itemsize), buffer in zip(self._stretches, self._buffers, strict=True):
            if low <= start and end <= high:
                steps = [array.ctypes.data - low, *array.strides]
                if any(step % itemsize for step in steps):
                    raise ValueError("elements lie fractions of an element apart")
                first, *strides = (step // itemsize for step in steps)
                shown = as_strided(
                    buffer[first:], array.shape, tuple(stride * self._dtype.itemsize for stride in strides)
                )
                shown[...] = array
                return shown
        return array

    def _keep(self, old: Any, new: Any) -> Any:
        """One object has one counterpart: what holds itself was made on the way to its own parts."""
        self._kept.append(old)
        return self._made.setdefault(id(old), new)

    def value(self, value: Any) -> Any:
        """The counterpart of a value."""
        if id(value) in self._made:
            return self._made[id(value)]
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, Wrapper):
            parent = self.value(value.parent)
            return self._keep(value, Wrapper(value.kind, value.arguments, parent, value.show))
        if isinstance(value, Record):
            return self._keep(value, self._record(value))
        if isinstance(value, list):
            parts: list[Any] = self._keep(value, [])
            parts.extend(self.value(part) for part in value)
            return parts
        if isinstance(value, dict):
            table: dict[Any, Any] = self._keep(value, {})
            table.update({key: self.value(part) for key, part in value.items()})
            return table
        if isinstance(value, tuple):
            return self._keep(value, _tuple_like(value, [self.value(part) for part in value]))
        return value

    def _record(self, record: Record) -> Record:
        made = record
        for name, part in children(record):
            other = self.value(part)
            if other is not part:
                made = made.replace_field(name, other)
        return made

    def values(self, bindings: Mapping[str, Any]) -> dict[str, Any]:
        """The counterparts of named values."""
        return {name: self.value(value) for name, value in bindings.items()}


def _stretches(arrays: Sequence[Array]) -> list[tuple[int, int, int]]:
    """The stretches of memory that arrays lie in, from first to last byte, with the size of an element."""
    bounds = sorted((*byte_bounds(array), array.itemsize) for array in arrays if array.size)
    merged: list[tuple[int, int, int]] = []
    for low, high, itemsize in bounds:
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]), itemsize)
        else:
            merged.append((low, high, itemsize))
    return merged


def _tuple_like(value: tuple[Any, ...], parts: list[Any]) -> tuple[Any, ...]:
    """A tuple of other parts, of the kind that `value` is: a named one takes them one by one."""
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
