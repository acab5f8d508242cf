"""Tangents compared as written: kinds and shapes exactly, numbers to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.memory import NOTHING, Fields


def matches(found: Any, expected: Any, tolerance: float = 1e-12) -> bool:
    """Whether a tangent is the expected one. Nested lists stand for arrays, `[...]` of tangents for lists."""
    if found is NOTHING or expected is NOTHING:
        return found is expected
    if isinstance(found, dict):
        return (
            isinstance(expected, dict)
            and isinstance(found, Fields) == isinstance(expected, Fields)
            and found.keys() == expected.keys()
            and all(matches(part, expected[key], tolerance) for key, part in found.items())
        )
    if isinstance(found, tuple | list):
        return (
            type(found) is type(expected)
            and len(found) == len(expected)
            and all(matches(part, other, tolerance) for part, other in zip(found, expected, strict=True))
        )
    if isinstance(expected, dict | tuple):
        return False
    wanted = np.asarray(expected, float)
    return np.shape(found) == wanted.shape and bool(
        np.allclose(found, wanted, rtol=tolerance, atol=tolerance)
    )


def identical(left: Any, right: Any) -> bool:
    """Whether two tangents are equal to the last bit."""
    if left is NOTHING or right is NOTHING:
        return left is right
    if isinstance(left, dict):
        return (
            type(left) is type(right)
            and left.keys() == right.keys()
            and all(identical(part, right[key]) for key, part in left.items())
        )
    if isinstance(left, tuple | list):
        return type(left) is type(right) and len(left) == len(right) and all(map(identical, left, right))
    return np.shape(left) == np.shape(right) and np.asarray(left).tobytes() == np.asarray(right).tobytes()
