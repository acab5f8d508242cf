"""The place of a lone fault, told at once by directions that are weighted by place."""

from __future__ import annotations

import math

import numpy as np

from aliascheck.oracle.blocks import Block
from aliascheck.oracle.readings import CLEAR, Node, screening
from aliascheck.oracle.survey import Survey


def narrow(survey: Survey, node: Node) -> Node:
    """The part of a node where codes place a lone fault, if it accounts for all of the residual."""
    value, bound = node.reading
    if abs(value) <= CLEAR * bound:
        return node
    rows = decode(survey, node, axis=0)
    if rows is None and node.lone:
        return node
    columns = decode(survey, node, axis=1)
    region = Block(rows or node.region.rows, columns or node.region.columns)
    if 4 * region.size > node.region.size:
        return node
    reading = survey.read(region, screening(node.reading))
    explains = reading.wrong and not node.reading.less(reading).wrong
    return Node(region, reading, True) if explains else node


def decode(survey: Survey, node: Node, axis: int) -> tuple[int, int] | None:
    """The rows (axis 0) or columns where a fault in one of them would lie; None if there is no such line.

    Each line is weighted by its place, so that the residual of a lone fault is its place times what it was.
    """
    start, stop = node.region.columns if axis else node.region.rows
    count, (value, bound) = stop - start, node.reading
    if count == 1:
        return start, stop
    code = (np.arange(count) + 0.5) / count
    weights = survey.weights(node.region) * (code if axis else code[:, None])
    coded = survey.read_along(node.region, weights, max(bound / 8.0, abs(value) / (32.0 * count)))
    ratio = coded.value / value
    place = ratio * count - 0.5
    doubt = count * ((coded.bound + abs(ratio) * bound) / (abs(value) - bound) + 1e-9)
    if not math.isfinite(doubt):
        return None
    low, high = max(0, math.ceil(place - doubt)), min(count - 1, math.floor(place + doubt))
    return (start + low, start + high + 1) if low <= high else None
