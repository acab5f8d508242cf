"""One evaluation of somebody's loss: the random numbers that it draws, and what it raises."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError
from aliascheck.subjects.drawing import draws_kept
from aliascheck.subjects.generators import generators_kept


@contextmanager
def seeded(seed: int | None, generators: Sequence[Any] = ()) -> Iterator[None]:
    """Global random numbers from the seed on, for a while: those of Python and of NumPy.

    Generators are back where they were at the end. None: there is nobody to draw any.
    """
    if seed is None:
        yield
        return
    with draws_kept(), generators_kept(generators):
        random.seed(seed)
        np.random.seed(seed)
        yield


@contextmanager
def told() -> Iterator[None]:
    """What the body raises, in the words of an audit.

    Raises: AliascheckError for whatever a loss raises.
    """
    try:
        yield
    except (AliascheckError, MemoryError):
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise AliascheckError(f"the loss cannot be evaluated: {words}") from error
