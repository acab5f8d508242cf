"""Random draws of a traced loss in float64, made as its loss in float32 makes them.

From one key jax draws other numbers for wider types, and the loss is another one. A draw is an equation:
of random bits, or of whole numbers from a range. The engine is handed in, and not imported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MANTISSA = 23  # bits of float32 that a uniform number is made of
UNUSED = (1 << 32 - MANTISSA) - 1

Draw = Callable[[Sequence[Any]], list[Any]]


def narrow_draw(jax: Any, equation: Any) -> Draw | None:
    """What makes the draw of an equation in 32 bits, of its operands; None where it makes no wider one."""
    name, params = equation.primitive.name, equation.params
    if name == "random_bits" and params["bit_width"] == 64:
        return lambda values: [_bits(jax, equation, *values)]
    if name in ("jit", "pjit") and params.get("name") == "_randint" and _is_wide_range(equation):
        return lambda values: [_whole_numbers(jax, equation, *values)]
    return None


def _bits(jax: Any, equation: Any, key: Any) -> Any:
    """64 bits of which a uniform number in float64 is the one that float32 has of 32 bits."""
    numpy = jax.numpy
    bits = equation.primitive.bind(key, **{**equation.params, "bit_width": 32})
    used = bits & numpy.uint32(2**32 - 1 - UNUSED)
    return used.astype(numpy.uint64) << numpy.uint64(32)


def _is_wide_range(equation: Any) -> bool:
    """Whether whole numbers of 64 bits are drawn from one range by one key."""
    ranges = [atom.aval for atom in equation.invars]
    (result,) = (atom.aval for atom in equation.outvars)
    return len(ranges) == 3 and not ranges[0].shape and np.dtype(result.dtype).itemsize == 8


def _whole_numbers(jax: Any, equation: Any, key: Any, low: Any, high: Any) -> Any:
    (result,) = (atom.aval for atom in equation.outvars)
    kind = jax.numpy.dtype("int32" if result.dtype.kind == "i" else "uint32")
    limits = [jax.numpy.asarray(limit).astype(kind) for limit in (low, high)]
    drawn = jax.random.randint(key, result.shape, *limits, kind)
    return drawn.astype(result.dtype)
