"""The random numbers of Python and NumPy, which a loss may draw."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def draws_kept() -> Iterator[None]:
    """Whatever the body draws, the next random numbers are those that came next before it."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
