"""New arrays whose elements are moved round, or stand there several times."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals
from aliascheck.engine.primitive import primitive
from aliascheck.errors import EngineError
from aliascheck.memory import Scattered, scatter

MATRIX = reals(-3, 3, 3, 4)


@primitive(domain=MATRIX, examples=({}, {"shift": 5, "axis": -1}, {"shift": (1, -2), "axis": (0, 1)}))
def roll(x: Any, shift: Any = 1, axis: Any = None) -> Any:
    """Elements moved round along one axis or several"""
    back = tuple(-step for step in shift) if isinstance(shift, tuple) else -shift
    return np.roll(x, shift, axis), lambda d_out: np.roll(d_out, back, axis)


def _tiled(x: Any, reps: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of x, and how often it stands along each axis, as long as one another."""
    reps = reps if isinstance(reps, tuple) else (reps,)
    ndim = max(len(reps), np.ndim(x))
    return (1,) * (ndim - np.ndim(x)) + np.shape(x), (1,) * (ndim - len(reps)) + reps


@primitive(
    domain=MATRIX,
    size=lambda x, reps=2: np.size(x) * math.prod(_tiled(x, reps)[1]),
    examples=({}, {"reps": 3}, {"reps": (2, 1)}, {"reps": (2, 1, 3)}, {"reps": ()}),
)
def tile(x: Any, reps: Any = 2) -> Any:
    """x several times in a row along its last axis, or along each"""
    shape, times = _tiled(x, reps)
    apart = [extent for pair in zip(times, shape, strict=True) for extent in pair]
    repeated = tuple(range(0, len(apart), 2))
    return (
        np.tile(x, reps),
        lambda d_out: np.sum(np.reshape(d_out, apart), axis=repeated).reshape(np.shape(x)),
    )


@primitive(
    domain=MATRIX,
    size=lambda x, repeats=2, axis=None: np.size(x) * int(np.max(repeats, initial=0)),
    examples=({}, {"repeats": 3, "axis": -1}, {"repeats": (2, 0, 1), "axis": 0}, {"repeats": (1,)}),
)
def repeat(x: Any, repeats: Any = 2, axis: int | None = None) -> Any:
    """Each element several times, or as often as is said for each"""
    out = np.repeat(x, repeats, axis)
    shape = (np.size(x),) if axis is None or not np.ndim(x) else np.shape(x)
    along = 0 if axis is None else axis % len(shape)

    def pull(d_out: Any) -> Any:
        if isinstance(repeats, int):
            apart = (*shape[: along + 1], repeats, *shape[along + 1 :])
            return np.reshape(d_out, apart).sum(axis=along + 1).reshape(np.shape(x))
        sources = np.repeat(np.arange(shape[along]), repeats)
        d_x = Scattered(shape, (*(slice(None),) * along, sources), d_out)
        return d_x if shape == np.shape(x) else d_x.dense().reshape(np.shape(x))

    return out, pull


PADDINGS = ("edge", "reflect", "symmetric", "wrap")


def _widths(x: Any, pad_width: Any) -> list[tuple[int, int]]:
    """How much goes before and after each axis."""
    try:
        widths = np.broadcast_to(np.asarray(pad_width, dtype=object), (np.ndim(x), 2))
    except ValueError:
        raise EngineError(f"pad: {pad_width} is no width for {np.ndim(x)} axes") from None
    if any(not isinstance(width, int) or width < 0 for width in widths.flat):
        raise EngineError("pad: widths are whole numbers from 0 on")
    return [(before, after) for before, after in widths.tolist()]


def _padded_size(x: Any, pad_width: Any = 1, *settings: Any, **named: Any) -> int:
    return math.prod(
        extent + sum(width) for extent, width in zip(np.shape(x), _widths(x, pad_width), strict=True)
    )


@primitive(
    domain=MATRIX,
    size=_padded_size,
    examples=(
        *({"pad_width": width} for width in (0, 2, (1, 0), ((1, 2), (0, 3)))),
        *({"pad_width": ((1, 2), (3, 1)), "mode": mode} for mode in PADDINGS),
        *({"pad_width": 7, "mode": mode} for mode in PADDINGS),
        {"constant_values": 1.5},
    ),
)
def pad(x: Any, pad_width: Any = 1, mode: Any = "constant", constant_values: Any = 0.0) -> Any:
    """x with a margin: of a constant, of the `edge`, or as `reflect`, `symmetric` and `wrap` go on"""
    widths = _widths(x, pad_width)
    if not widths:
        return np.array(x, float), lambda d_out: d_out
    if mode == "constant":
        inside = tuple(slice(width[0], width[0] + n) for width, n in zip(widths, np.shape(x), strict=True))
        return np.pad(x, widths, constant_values=constant_values), lambda d_out: d_out[inside]
    if mode not in PADDINGS:
        raise EngineError(f"pad has no mode {mode!r}", hint=f"modes: constant, {', '.join(PADDINGS)}")
    shape, size = np.shape(x), np.size(x)
    sources = np.pad(np.arange(size).reshape(shape), widths, mode)
    return np.ravel(x)[sources], lambda d_out: scatter(sources, size, d_out).reshape(shape)
