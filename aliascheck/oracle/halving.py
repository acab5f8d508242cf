"""Wrong elements, found by halving what reads wrong: one of a region, or every one."""

from __future__ import annotations

from aliascheck.oracle.blocks import Block, Cell
from aliascheck.oracle.coding import narrow
from aliascheck.oracle.readings import CLEAR, Node, screening
from aliascheck.oracle.rectangles import take
from aliascheck.oracle.solidity import GRAIN
from aliascheck.oracle.survey import Survey


def descend(survey: Survey, stack: list[Node]) -> Cell | None:
    """A wrong element within the last node, which gives way on the `stack` to those passed by.

    Where halving comes to an end before an element, its region stays on the stack.
    """
    node = stack.pop()
    while not node.region.is_element:
        parts = divide(survey, node)
        if not parts:
            stack.append(node)
            return None
        *passed, node = sorted(parts, key=lambda part: abs(part.reading.value))
        stack += passed
    if not survey.is_wrong(node.region):
        stack.append(node)
        return None
    return node.region.rows[0], node.region.columns[0]


def scatter(survey: Survey, nodes: list[Node], most: int) -> list[Block]:
    """Find every wrong element within `nodes`.

    Gives the regions that read wrong without an element in them that does, and those not looked into when
    there were too many.
    """
    stuck: list[Block] = []
    level = nodes
    while level:
        below: list[Node] = []
        for number, node in enumerate(level):
            if node.region.is_element and survey.is_wrong(node.region):
                survey.add(node.region)
                continue
            parts = [] if node.region.is_element else divide(survey, node)
            below += parts
            stuck += [] if parts else [node.region]
            active = [*level[number + 1 :], *below]
            if len(active) + len(stuck) + len(survey.pieces) > most:
                return crowded(survey, active, stuck)
        level = below
    return stuck


def crowded(survey: Survey, active: list[Node], stuck: list[Block]) -> list[Block]:
    """Of too many regions, those that are left: none, if a rectangle accounts for many of them."""
    left = [*(node.region for node in active), *stuck]
    if active:
        first = descend(survey, [max(active, key=lambda node: abs(node.reading.value))])
        if first is not None and not take(survey, first).is_element:
            return []
    return left


def divide(survey: Survey, node: Node) -> list[Node]:
    """The parts of a node that read wrong: one or both halves, or less where a code tells more."""
    if node.lone and node.region.size > GRAIN:
        narrowed = narrow(survey, node)
        if narrowed.region != node.region:
            return [narrowed]
    return halve(survey, node, screening(node.reading)) or halve(survey, node, 0.0)


def halve(survey: Survey, node: Node, accuracy: float) -> list[Node]:
    """The wrong halves of a node: one is measured, the other is the rest unless that is unclear."""
    first, second = node.region.halves()
    one = survey.read(first, accuracy)
    other = node.reading.less(one)
    unclear = abs(other.value) <= CLEAR * other.bound
    if accuracy == 0.0 or (unclear and (other.wrong or not one.wrong)):
        other = survey.read(second, accuracy)
    lone = one.wrong != other.wrong
    return [Node(half, reading, lone) for half, reading in ((first, one), (second, other)) if reading.wrong]
