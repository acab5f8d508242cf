"""Python numbers at leaves of trees: settings of a loss, and no parameters. Who relies on them is told so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from aliascheck.errors import AliascheckError
from aliascheck.memory import Path, format_path

MANY = 3  # names in one remark; as many are tried one by one

Moved = Mapping[Path, float]


def unaudited(numbers: Mapping[Path, float], loss: Callable[[Moved], float]) -> tuple[str, ...]:
    """A remark on the numbers that a loss depends on, as its values with other numbers show; none without.

    More than a few are moved together, and named together.
    """
    if not numbers:
        return ()
    try:
        base = loss({})
    except AliascheckError:
        return ()
    moved = {path: _moved(number) for path, number in numbers.items()}
    tried = [{path: number} for path, number in moved.items()] if len(moved) <= MANY else [moved]
    paths = [path for move in tried if _changes(loss, move, base) for path in move]
    return (_remark(paths),) if paths else ()


def _moved(number: float) -> float:
    return number + 2**-6 * abs(number) + 2**-10


def _changes(loss: Callable[[Moved], float], move: Moved, base: float) -> bool:
    try:
        return not np.array_equal(loss(move), base, equal_nan=True)
    except AliascheckError:
        return True


def _remark(paths: list[Path]) -> str:
    names = [format_path(path) for path in paths]
    if len(names) == 1:
        return f"the Python number at {names[0]} is a setting, and was not audited"
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    listed = ", ".join(names[:MANY]) if more else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Python numbers at {listed}{more} are settings, and were not audited"
