"""Which cells a lane of the memory picture reads, as stretches without a hole."""

from __future__ import annotations

from aliascheck.report import Lane

Stretch = tuple[int, int]  # first cell, last cell + 1


def stretches(lane: Lane) -> list[Stretch]:
    """The stretches of a lane, in order."""
    if lane.runs:
        return [(start, end) for start, end in lane.runs]
    found: list[Stretch] = []
    for cell in sorted(set(lane.cells)):
        if found and found[-1][1] == cell:
            found[-1] = (found[-1][0], cell + 1)
        else:
            found.append((cell, cell + 1))
    return found


def common(one: list[Stretch], other: list[Stretch]) -> list[Stretch]:
    """The stretches that lie in both."""
    cut = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return [(start, end) for start, end in cut if start < end]


def in_words(several: list[Stretch]) -> str:
    """`cell 0`, `cells 0 to 3, 6`; no more than four stretches by name."""
    if not several:
        return "no cell"
    names = [str(start) if end - start == 1 else f"{start} to {end - 1}" for start, end in several]
    if len(names) > 4:
        return (
            f"{sum(end - start for start, end in several)} cells from {several[0][0]} to {several[-1][1] - 1}"
        )
    alone = len(names) == 1 and several[0][1] - several[0][0] == 1
    return ("cell " if alone else "cells ") + ", ".join(names)
