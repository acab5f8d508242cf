"""Arrays of NumPy that are read-only, and memory of theirs that an audit can move all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError
from aliascheck.memory import Array, Cast, Path, format_path
from aliascheck.subjects.held import held_by


def writable(arrays: Mapping[Path, Array], captured: Iterable[Any]) -> dict[Path, Array]:
    """For each array that is read-only, one that can be written, aliased with the others as it is.

    It is a view of the same memory where that can be written, as below `np.broadcast_to`; a private copy
    where nothing else shows the memory.

    Raises: AliascheckError where something else shows what would be copied.
    """
    locked = {path: array for path, array in arrays.items() if not array.flags.writeable}
    if not locked:
        return {}
    views = {path: _view(array) for path, array in locked.items()}
    alone = {path: locked[path] for path, view in views.items() if view is None}
    others = [array for path, array in arrays.items() if path not in alone]
    _check_private(alone, [*others, *held_by(captured, lambda value: isinstance(value, np.ndarray))])
    casts = {
        kind: Cast([array for array in alone.values() if array.dtype == kind], kind)
        for kind in {array.dtype for array in alone.values()}
    }
    copies = {path: casts[array.dtype].array(array) for path, array in alone.items()}
    return {path: copies[path] if view is None else view for path, view in views.items()}


def _view(array: Array) -> Array | None:
    """What an array shows, through the nearest array below it that can be written; None without one."""
    base = array.base
    while isinstance(base, np.ndarray) and not (base.flags.writeable and base.flags.forc):
        base = base.base
    if not isinstance(base, np.ndarray) or base.dtype != array.dtype:
        return None
    first = (array.ctypes.data - base.ctypes.data) // base.itemsize
    return np.lib.stride_tricks.as_strided(base.ravel("K")[first:], array.shape, array.strides)


def _check_private(alone: Mapping[Path, Array], held: Sequence[Array]) -> None:
    for path, array in alone.items():
        if any(np.may_share_memory(array, other) for other in held):
            raise AliascheckError(
                "the array is read-only, and its memory, which something else shows, cannot be moved",
                where=format_path(path),
                hint="pass a view of memory that can be written, or a copy",
            )
