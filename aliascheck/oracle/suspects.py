"""Elements under suspicion: where a reported gradient holds nothing, something may be missing.

Masks, frozen rows and detached slices leave zeros behind. Where what is wrong is no single place, the zeros
are tried as a whole: what is left without them must be right. Then they are halved, down to lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aliascheck.oracle.blocks import Block, element, hull
from aliascheck.oracle.solidity import is_solid
from aliascheck.oracle.survey import Survey

CHECKS = 2  # directions along which the rest must be right
MOST_ELEMENTS = 64  # that are asked for where suspects are no lines
MOST_ASKED = 128  # residuals: a search that needs more takes all suspects for wrong
SOLID = 8  # lines side by side, tried in some places before each is asked for

Mask = NDArray[np.bool_]


def convict(survey: Survey, suspects: Mask) -> bool:
    """Note suspects as wrong where they explain all that is; whether they do.

    Whole rows are noted, or whole columns, or elements: those that are wrong, or all where there are too
    many to tell.
    """
    if suspects.all():
        return False
    regions = _regions(suspects, suspects & ~survey.found)
    if not regions or not _is_right_without(survey, regions):
        return False
    survey.redraw()
    for region in _wrong_ones(survey, regions):
        survey.add(region)
    return True


def _regions(suspects: Mask, left: Mask) -> list[Block]:
    """Lines of suspects of which something is left; elements where there are no lines, and few of them."""
    height, width = suspects.shape
    for axis in (0, 1) if min(height, width) > 1 else ():
        lines = suspects.all(axis=1 - axis, keepdims=True)
        if lines.any() and not np.any(suspects & ~lines):
            numbers = np.flatnonzero(left.any(axis=1 - axis)).tolist()
            return [
                Block((n, n + 1), (0, width)) if axis == 0 else Block((0, height), (n, n + 1))
                for n in numbers
            ]
    return [element(*cell) for cell in np.argwhere(left).tolist()] if left.sum() <= MOST_ELEMENTS else []


def _is_right_without(survey: Survey, regions: Sequence[Block]) -> bool:
    for _ in range(CHECKS):
        survey.redraw()
        weights = survey.weights(survey.whole).copy()
        for region in regions:
            weights[region.slices] = 0.0
        reading = survey.read_along(survey.whole, weights, 0.0)
        if reading.wrong or not reading.decided:
            return False
    return True


def _wrong_ones(survey: Survey, regions: list[Block]) -> list[Block]:
    """Those of some regions that are wrong, by halving; all of them where that takes too long."""
    last = survey.derivatives + MOST_ASKED
    wrong, left = [], [regions]
    while left:
        some = left.pop()
        if survey.derivatives >= last:
            return regions
        if not _is_wrong_together(survey, some):
            continue
        if len(some) == 1 or _is_one_wrong_block(survey, some):
            wrong += some
        else:
            left += [some[: len(some) // 2], some[len(some) // 2 :]]
    return wrong


def _is_one_wrong_block(survey: Survey, regions: Sequence[Block]) -> bool:
    block = hull(regions)
    is_gapless = block.size == sum(region.size for region in regions)
    return len(regions) >= SOLID and is_gapless and is_solid(survey, block)


def _is_wrong_together(survey: Survey, regions: Sequence[Block]) -> bool:
    weights = np.zeros(survey.whole.shape)
    for region in regions:
        weights[region.slices] = survey.weights(region)
    return survey.read_along(survey.whole, weights, 0.0).wrong
