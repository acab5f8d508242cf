"""Arrays of NumPy that are no places, and that a loss may count in: after an evaluation they are put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from aliascheck.memory import Array, is_identical
from aliascheck.subjects.held import held_by


class Counters:
    """The arrays that some values hold and a loss could change, apart from the memory that an audit moves.

    Most are data, which no loss changes: only what has been changed is looked at after every evaluation.
    """

    def __init__(self, values: Iterable[Any], apart_from: Sequence[Array] = ()) -> None:
        self._still = [
            (array, array.copy())
            for array in held_by(values, _is_writable)
            if not any(np.may_share_memory(array, moved) for moved in apart_from)
        ]
        self._changing: list[tuple[Array, Array]] = []

    @contextmanager
    def kept(self, *, all_of_them: bool) -> Iterator[None]:
        """Let the arrays hold at the end what they held before the audit: those that change, or all."""
        try:
            yield
        finally:
            if all_of_them:
                changed = [not is_identical(array, held) for array, held in self._still]
                pairs = list(zip(self._still, changed, strict=True))
                self._changing += [pair for pair, has_changed in pairs if has_changed]
                self._still = [pair for pair, has_changed in pairs if not has_changed]
            for array, held in self._changing:
                array[...] = held


def _is_writable(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.flags.writeable and value.size > 0
