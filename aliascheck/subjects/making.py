"""Somebody's code that makes a model: the global random numbers that it draws begin at a seed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from aliascheck.subjects.evaluation import seeded

Made = TypeVar("Made")


def made_anew(make: Callable[[], Made], seed: int, *, torch: bool) -> Made:
    """What `make` gives. The next random numbers are those that came next before it.

    They are those of Python and NumPy, and of torch where it is imported or `torch` asks for it.
    """
    if torch or sys.modules.get("torch") is not None:
        from aliascheck.subjects.torch.streams import made_anew as made_by_torch

        return made_by_torch(make, seed)
    with seeded(seed):
        return make()
