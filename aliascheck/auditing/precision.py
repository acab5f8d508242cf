"""Models below float64: audited in float64 where that gives the same function of the same memory.

What a loss loses by rounding is small against the terms that it adds up, and says nothing against its value:
terms may cancel, as those of normalised advantages do. Their size shows in how far the loss moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

import numpy as np

from aliascheck.auditing.undoing import changes_undone
from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import Array
from aliascheck.subjects.subject import Subject

WIDENED = 1e-2  # relative: how far the loss of a model in float64 may be from that of the model
SHARES = (0.25, 0.01)  # of each number, and of the memory's scale: how far memory is moved; tried in turn
POINTS = (1, 2)
MOST_READINGS = 16  # accesses whose movement is looked at


def in_double(subject: Subject) -> tuple[Subject, list[str]]:
    """The same model in float64 where that can be had, and what is to be said about it."""
    narrow = subject.narrow()
    if not narrow:
        return subject, []
    kinds = " and ".join(sorted(narrow))
    with changes_undone(subject):
        loss = subject.base()
    reason = ""
    try:
        wide = subject.widened()
    except EngineError as error:
        wide, reason = None, f" ({error.message})"
    if wide is not None:
        with changes_undone(wide):
            other = wide.base()
            alike = _is_near(loss, other, max(abs(loss), abs(other)))
        if alike or _moves_alike(subject, wide, loss, other):
            return wide, [f"the model is in {kinds}, and was audited in float64"]
        reason = f" (its loss is {other:.6g} there, and not {loss:.6g})"
    little = "differences of its loss show gross faults only: see the bounds"
    return subject, [f"the model is in {kinds} and could not be audited in float64{reason}; {little}"]


def _is_near(loss: float, other: float, scale: float) -> bool:
    return abs(loss - other) <= WIDENED * scale


def _moves_alike(subject: Subject, wide: Subject, loss: float, other: float) -> bool:
    """Whether two losses are the same at the given point and at points nearby, by what moving memory does."""
    for share in SHARES:
        try:
            pairs = [(loss, other), *(_losses_nearby(subject, wide, share, number) for number in POINTS)]
            if np.isfinite(pairs).all():
                return _are_near(pairs, wide, share)
        except (AliascheckError, ArithmeticError, ValueError, RuntimeError):
            continue
    return False


def _are_near(pairs: list[tuple[float, float]], wide: Subject, share: float) -> bool:
    _, given = pairs[0]
    moved = max(abs(there - given) for _, there in pairs)
    scales = (max(moved, reading) for reading in chain([0.0], _readings(wide, given, share)))
    return any(all(_is_near(one, another, scale) for one, another in pairs) for scale in scales)


def _losses_nearby(subject: Subject, wide: Subject, share: float, number: int) -> tuple[float, float]:
    """Both losses with the memory at one point nearby."""
    rng = np.random.default_rng(number)
    counterparts = dict(wide.places())
    with changes_undone(subject), changes_undone(wide):
        for _, array in subject.places():
            array[...] = _moved(array, share, rng)
        for path, array in subject.places():
            if path in counterparts:
                counterparts[path][...] = array
        return subject.loss(), wide.loss()


def _readings(wide: Subject, loss: float, share: float) -> Iterator[float]:
    """How far each access moves the loss by itself: paths may cancel where all of the memory moves."""
    rng = np.random.default_rng(0)
    for path, array in list(wide.accesses().items())[:MOST_READINGS]:
        with changes_undone(wide):
            moved = abs(wide.loss_reading(path, _moved(array, share, rng)) - loss)
        if math.isfinite(moved):
            yield moved


def _moved(array: Array, share: float, rng: np.random.Generator) -> Array:
    values = array.astype(np.float64)
    scale = float(np.abs(values).max(initial=0.0)) or 1.0
    factors = 1 + share * rng.uniform(-1, 1, array.shape)
    moved: Array = (values * factors + share * scale * rng.uniform(-1, 1, array.shape)).astype(array.dtype)
    return moved
