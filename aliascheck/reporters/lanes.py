"""Which cells a lane of the memory picture reads, as stretches without a hole."""

from __future__ import annotations

from aliascheck.report import Lane

Stretch = tuple[int, int]  # first cell, last cell + 1


def stretches(lane: Lane) -> list[Stretch]:
    """The stretches of a lane, in order."""
    if lane.runs:
        return sorted((run[0], run[1]) for run in lane.runs if len(run) == 2)
    found: list[Stretch] = []
    for cell in sorted(set(lane.cells)):
        if found and found[-1][1] == cell:
            found[-1] = (found[-1][0], cell + 1)
        else:
            found.append((cell, cell + 1))
    return found


def common(one: list[Stretch], other: list[Stretch]) -> list[Stretch]:
    """The stretches that lie in both, each of which is in order."""
    found: list[Stretch] = []
    here = there = 0
    while here < len(one) and there < len(other):
        start = max(one[here][0], other[there][0])
        end = min(one[here][1], other[there][1])
        if start < end:
            found.append((start, end))
        if one[here][1] < other[there][1]:
            here += 1
        else:
            there += 1
    return found


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
