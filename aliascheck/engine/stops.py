"""What deliberate stops held: finite differences see through a stop unless its value is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local

from aliascheck.memory import Array


class _InForce(local):
    """What is recorded to, or replayed from, in this thread, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Stops] = []


_in_force_here = _InForce()


class Stops:
    """The values that the stops of one evaluation gave, in order."""

    def __init__(self) -> None:
        self.values: list[Array] = []
        self.position = 0
        self.replay = False


@contextmanager
def recorded(stops: Stops) -> Iterator[None]:
    """Note what each stop gives while the body evaluates."""
    stops.values.clear()
    stops.replay = False
    with _in_force(stops):
        yield


@contextmanager
def replayed(stops: Stops) -> Iterator[None]:
    """Let each stop give what it gave when it was recorded."""
    stops.position = 0
    stops.replay = True
    with _in_force(stops):
        yield


@contextmanager
def _in_force(stops: Stops) -> Iterator[None]:
    _in_force_here.stack.append(stops)
    try:
        yield
    finally:
        _in_force_here.stack.pop()


def hold(value: Array) -> Array:
    """The value of a stop: `value`, or what it was when it was recorded."""
    if not _in_force_here.stack:
        return value
    stops = _in_force_here.stack[-1]
    if not stops.replay:
        stops.values.append(value)
        return value
    stops.position += 1
    return stops.values[stops.position - 1]
