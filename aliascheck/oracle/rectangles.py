"""The rectangle that is wrong around a wrong element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aliascheck.memory import replace
from aliascheck.oracle.blocks import Block, Cell, element
from aliascheck.oracle.solidity import find_flaw, is_grain
from aliascheck.oracle.survey import Survey


def take(survey: Survey, cell: Cell) -> Block:
    """Grow a wrong element, and mask what it grew to."""
    grown = grow(survey, *cell)
    survey.grains += not grown.is_element and is_grain(survey, grown)
    survey.add(grown)
    return grown


def grow(survey: Survey, row: int, column: int) -> Block:
    """The rectangle around a wrong element that is wrong throughout, as far as it was tried.

    It reaches as far as the element's row and column do. Where an element of it is right, it is cut short
    of that.
    """
    start = element(row, column)
    if stands_alone(survey, row, column):
        return start
    region = Block(
        span(survey.whole.rows, row, lambda place: survey.is_wrong_at(place, column)),
        span(survey.whole.columns, column, lambda place: survey.is_wrong_at(row, place)),
    )
    while region != start:
        flaw = find_flaw(survey, region)
        if flaw is None:
            return trim(survey, region)
        region = start if flaw == (row, column) else cut(survey, region, (row, column), flaw)
    return start


def stands_alone(survey: Survey, row: int, column: int) -> bool:
    """Whether no neighbour of an element is wrong that was not found yet."""
    (_, bottom), (_, right) = survey.whole.rows, survey.whole.columns
    ring = Block((max(0, row - 1), min(bottom, row + 2)), (max(0, column - 1), min(right, column + 2)))
    weights = survey.weights(ring).copy()
    weights[row - ring.rows[0], column - ring.columns[0]] = 0.0
    return not survey.read_along(ring, weights, 0.0).wrong


def cut(survey: Survey, region: Block, kept: Cell, flaw: Cell) -> Block:
    """The larger of what is left of a region when it ends between a wrong element and a right one.

    The end may be across rows or across columns. It is sought along the line of the right element, from
    where that crosses the wrong element's; if neither crossing is wrong, on the wrong element's own row.
    """
    (row, column), (low, far) = kept, flaw
    cuts = []
    if low != row and (far == column or survey.is_wrong_at(row, far)):
        rows = stop_short(region.rows, row, low, lambda place: survey.is_wrong_at(place, far))
        cuts.append(replace(region, rows=rows))
    if far != column and (low == row or survey.is_wrong_at(low, column)):
        columns = stop_short(region.columns, column, far, lambda place: survey.is_wrong_at(low, place))
        cuts.append(replace(region, columns=columns))
    if cuts:
        return max(cuts, key=lambda left: left.size)
    return cut(survey, region, kept, (row, far))


def trim(survey: Survey, region: Block) -> Block:
    """A region without the outer lines that were found before."""
    new = ~survey.found[region.slices]
    rows, columns = np.flatnonzero(new.any(axis=1)), np.flatnonzero(new.any(axis=0))
    (top, left) = region.rows[0], region.columns[0]
    return Block(
        (top + int(rows[0]), top + int(rows[-1]) + 1), (left + int(columns[0]), left + int(columns[-1]) + 1)
    )


def span(limits: tuple[int, int], place: int, holds: Callable[[int], bool]) -> tuple[int, int]:
    """How far to either side of a place `holds` goes on to hold."""
    before = reach(lambda steps: holds(place - steps), place - limits[0])
    after = reach(lambda steps: holds(place + steps), limits[1] - 1 - place)
    return place - before, place + 1 + after


def stop_short(
    interval: tuple[int, int], place: int, flaw: int, holds: Callable[[int], bool]
) -> tuple[int, int]:
    """An interval that ends where `holds` does on the way from a place to a flaw."""
    way = 1 if flaw > place else -1
    steps = reach(lambda steps: holds(place + way * steps), abs(flaw - place) - 1)
    return (interval[0], place + 1 + steps) if flaw > place else (place - steps, interval[1])


def reach(holds: Callable[[int], bool], most: int) -> int:
    """How far from 0 `holds` goes on to hold, `most` at most: by steps that grow, then by halving.

    A stretch where it does not hold is stepped over only if it is shorter than half of the way there.
    """
    near, far = 0, min(1, most)
    while near < far and holds(far):
        near, far = far, min(far + max(1, far // 2), most)
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (middle, far) if holds(middle) else (near, middle)
    return near
