"""Leaves of trees that are declared to be one parameter although each has memory of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from aliascheck.errors import AliascheckError
from aliascheck.memory import Array, CellMap, Path, format_path
from aliascheck.subjects.trees import Name, chosen, prefixes, text_of

Leaves = dict[Path, Path]  # of a place: the way to each from there, and its path


def tied(ties: Iterable[Iterable[Name]], arrays: Mapping[Path, Array]) -> dict[Path, Path]:
    """For each leaf that is declared tied to others, the first of them; memory that is shared ties by itself.

    Places that hold several leaves are tied leaf by leaf.

    Raises: AliascheckError where tied places hold other leaves, and where tied leaves share nothing and hold
    different numbers.
    """
    first_of: dict[Path, Path] = {}
    for tie in ties:
        first, *others = tie
        for other in others:
            for one, path in _paired(first, other, arrays):
                _tie(one, path, arrays, first_of)
    return first_of


def _paired(one: Name, other: Name, arrays: Mapping[Path, Array]) -> Iterator[tuple[Path, Path]]:
    """The leaves of two places, each with its counterpart."""
    here, there = _leaves_at(one, arrays), _leaves_at(other, arrays)
    for name, held, facing in ((other, there, here), (one, here, there)):
        lacked = next((path for below, path in facing.items() if below not in held), None)
        if lacked is not None:
            raise AliascheckError(
                f"{text_of(other)} and {text_of(one)} are declared tied, and hold different leaves: "
                f"{text_of(name)} has none for {format_path(lacked)}",
                hint="tie places that are made alike, or name the leaves that are one",
            )
    yield from ((path, there[below]) for below, path in here.items())


def _leaves_at(name: Name, arrays: Mapping[Path, Array]) -> Leaves:
    text = text_of(name)
    return {path[1 + prefixes(path).index(text) :]: path for path in chosen([name], list(arrays))}


def _tie(one: Path, other: Path, arrays: Mapping[Path, Array], first_of: dict[Path, Path]) -> None:
    """Let two leaves be one, and with them all that are one with either."""
    if CellMap([arrays[one]]).touches(arrays[other]):
        return  # whatever the order in which they show it
    if not np.array_equal(arrays[other], arrays[one], equal_nan=True):
        what = "numbers" if arrays[other].shape == arrays[one].shape else "shapes"
        names = f"{format_path(other)} and {format_path(one)}"
        raise AliascheckError(f"{names} are declared tied, and hold different {what}")
    first, joined = first_of.get(one, one), first_of.get(other, other)
    if first != joined:
        first_of.update(dict.fromkeys([path for path, kept in first_of.items() if kept == joined], first))
        first_of[joined] = first
