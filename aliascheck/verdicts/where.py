"""Where a value is wrong: which elements, rows or columns, or all of them in one way."""

from __future__ import annotations

import numpy as np

from aliascheck.verdicts.evidence import Mask, Slot, Spot, Vector

MOST_NAMED = 4


def find_fault(slot: Slot, held: Vector, effect: Vector, bound: Vector, scaled: float | None) -> Spot | None:
    """What is wrong with a contribution: scaled, transposed, rows, single elements, or all elements."""
    if scaled is not None:
        return Spot(f"scaled by {scaled:.10g}")
    if slot.cells is None:
        return None
    got, right = held[slot.cells], effect[slot.cells]
    tolerance = bound[slot.cells]
    wrong = ~(np.abs(got - right) <= tolerance)
    if not wrong.any():
        return None
    is_square = wrong.ndim == 2 and wrong.shape[0] == wrong.shape[1] > 1
    if is_square and np.all(np.abs(got - right.T) <= np.maximum(tolerance, tolerance.T)):
        return Spot("transposed")
    matrix = wrong.reshape(wrong.shape[0], -1) if wrong.ndim > 1 else wrong.reshape(1, -1)
    rows, columns = matrix.shape
    rectangles = [(row, row + 1, column, column + 1) for row, column in np.argwhere(matrix).tolist()]
    return Spot(_name_elements(wrong), (rows, columns), tuple(rectangles))


def _name_elements(wrong: Mask) -> str:
    count, size = int(wrong.sum()), wrong.size
    if count == size:
        return "all elements" if size > 1 else "its only element"
    if wrong.ndim == 2:
        for axis, word in ((1, "row"), (0, "column")):
            full = np.flatnonzero(wrong.all(axis=axis))
            if full.size and count == full.size * wrong.shape[axis] and wrong.shape[axis] > 1:
                return _list_of(word, [str(number) for number in full[: MOST_NAMED + 1].tolist()], len(full))
    places = [_index(position) for position in np.argwhere(wrong)[: MOST_NAMED + 1].tolist()]
    return _list_of("element", places, count) + ("" if count <= MOST_NAMED else f" of {size}")


def _index(position: list[int]) -> str:
    return "[" + ", ".join(map(str, position)) + "]"


def _list_of(word: str, names: list[str], count: int) -> str:
    plural = "" if count == 1 else "s"
    if count > MOST_NAMED:
        return f"{count} {word}s"
    return f"{word}{plural} {', '.join(names)}"
