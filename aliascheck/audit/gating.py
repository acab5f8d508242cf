"""An engine's gradients under gates: what each access contributed, and whether gates can be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.audit.bench import Bench
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Data, Path
from aliascheck.subjects.subject import Gradients

GOLDEN = 0.6180339887498949


class GatedGradients(Data, frozen=True, eq=False):
    """Gradients with one gate open, with generic gates, with all closed.

    `transparent` tells that gates at 1 left every entry bit-identical; `failed` why nothing here is to be
    trusted, if so.
    """

    single: dict[Path, Gradients]
    generic: Gradients
    silent: Gradients
    factors: dict[Path, float]
    transparent: bool
    failed: tuple[str, ...] = ()


def run_gates(bench: Bench, mode: str, reported: Gradients) -> GatedGradients:
    """One gradient for each access, and three for the checks."""
    gradients = bench.subject.gradients
    paths = [access.path for access in bench.accesses]
    factors = {path: 0.5 + spread(number) for number, path in enumerate(paths, start=1)}
    closed = dict.fromkeys(paths, 0.0)
    try:
        opened = gradients(mode, dict.fromkeys(paths, 1.0))
        return GatedGradients(
            single={path: gradients(mode, {**closed, path: 1.0}) for path in paths},
            generic=gradients(mode, factors),
            silent=gradients(mode, closed),
            factors=factors,
            transparent=is_identical(opened.members, reported.members)
            and is_identical(opened.globals, reported.globals),
        )
    except EngineError as error:
        failed = (f"the engine fails with gates: {error.message}",)
        return GatedGradients(dict.fromkeys(paths, reported), reported, reported, factors, False, failed)


def spread(number: int) -> float:
    """A number between 0 and 1 that stands in no simple relation to those of other `number`s.

    Source: the multiples of the golden ratio, modulo 1 (Weyl).
    """
    return number * GOLDEN % 1.0


def is_identical(left: Any, right: Any) -> bool:
    """Whether two gradients are the same bit by bit."""
    if isinstance(left, dict | tuple | list):
        if type(left) is not type(right) or len(left) != len(right):
            return False
        if isinstance(left, dict):
            return all(key in right and is_identical(part, right[key]) for key, part in left.items())
        return all(is_identical(a, b) for a, b in zip(left, right, strict=True))
    if left is NOTHING or right is NOTHING:
        return left is right
    return np.asarray(left).tobytes() == np.asarray(right).tobytes()
