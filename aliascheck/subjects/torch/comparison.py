"""Compiled code beside the eager code that it was made of: whose gradients an audit is about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import NOTHING, Array, Data, Path, format_path, replace
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.torch.compiled import has_stances
from aliascheck.subjects.torch.stage import Stage, number_of
from aliascheck.subjects.torch.walking import Walked, Walker

SHARE = 4.0  # of what the eager code loses by rounding: compiled code may lose as much, elsewhere
UNITS = {torch.float64: 2.0**20, torch.float32: 64.0}  # of rounding: sums in other orders, other kernels
FEWEST_UNITS = 16.0
SEEDS = range(1, 5)  # what is drawn differently is not alike four times
LIKENESS = 0.1  # of what random numbers do to the loss
COMPILED = "the loss calls compiled code"


class Ruling(Data, frozen=True):
    """The modes whose gradients are asked of the compiled code, and what is to be said about it."""

    modes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class Distance(Data, frozen=True):
    """How far the gradient of compiled code is from that of eager code, and how far rounding may bring it."""

    norm: float
    apart: float
    allowed: float

    @property
    def is_rounding(self) -> bool:
        return self.apart <= self.allowed


def ruling_on(stage: Stage, walker: Walker, wide: Walker | None = None) -> Ruling:
    """What compiled code gives where the memory is, compared with what the eager code does there.

    With `wide`, which has the eager code over float64 memory, that is audited: compiled code is asked only if
    rounding does not explain what it gives.
    """
    try:
        compiled = walker.walk("implicit", compiled=True)
        eager = walker.walk("implicit", compiled=False)
    except (AliascheckError, EngineError):
        return Ruling(
            frozenset(["implicit"]), (f"{COMPILED}: its gradients were judged in implicit mode only",)
        )
    exact = None if wide is None else wide.walked("implicit")
    distances = _distances(stage, compiled, eager, exact)
    is_rounding = all(one.is_rounding for one in distances.values())
    if not is_rounding and not _are_alike(stage, compiled, eager, exact):
        return Ruling(notes=(_another_loss(compiled.loss, eager.loss),))
    farthest = max(distances, key=lambda path: distances[path].apart)
    gap = distances[farthest].apart / (_whole(distances) or 1.0)
    if wide is None:
        other = (
            f"; the eager code gives another gradient, by {gap:.0e} of its norm at {format_path(farthest)}"
        )
        note = f"{COMPILED}: its gradients were judged{'' if is_rounding else other}"
    elif is_rounding:
        said = f"agrees with that of the eager code to {gap:.0e} of its norm: the eager code was audited"
        return Ruling(notes=(f"{COMPILED}, whose gradient in {_names(stage)} {said}",))
    else:
        said = f"differs from that of the eager code by {gap:.0e} of its norm at {format_path(farthest)}"
        note = f"{COMPILED}, whose gradient in {_names(stage)} {said}: it was judged where it differs"
    return _with_explicit(walker, note)


def corrected(stage: Stage, walker: Walker, exact: Walked, mode: str) -> Gradients:
    """Gradients in float64, but those of compiled code where rounding does not explain that they differ.

    Raises: EngineError where torch cannot differentiate the loss.
    """
    compiled, eager = walker.walk(mode, compiled=True), walker.walk(mode, compiled=False)
    members = dict(exact.gradients.members)
    for path, distance in _distances(stage, compiled, eager, exact).items():
        if not distance.is_rounding:
            given = compiled.gradients.members[path]
            members[path] = given if given is NOTHING else given.astype(np.float64)
    return replace(exact.gradients, members=members)


def _with_explicit(walker: Walker, note: str) -> Ruling:
    if _takes_other_tensors(walker):
        return Ruling(frozenset(["implicit", "explicit"]), (note,))
    refusal = "explicit mode was audited by the eager code: the compiled code takes no other tensors"
    return Ruling(frozenset(["implicit"]), (note, refusal))


def _takes_other_tensors(walker: Walker) -> bool:
    if not has_stances():
        return False
    try:
        given = walker.walk("explicit", compiled=True).gradients.members
    except (AliascheckError, EngineError):
        return False
    return any(one is not NOTHING for one in given.values())


def _kinds(stage: Stage) -> set[Any]:
    return {stage.now(place).dtype for place in stage.by_path.values()}


def _names(stage: Stage) -> str:
    return " and ".join(sorted(str(kind).removeprefix("torch.") for kind in _kinds(stage)))


def _units(stage: Stage) -> float:
    """What rounding may do to a number of the coarsest kind, relative to the norm of a gradient."""
    return max(UNITS.get(kind, FEWEST_UNITS) * float(torch.finfo(kind).eps) for kind in _kinds(stage))


def _distances(stage: Stage, compiled: Walked, eager: Walked, exact: Walked | None) -> dict[Path, Distance]:
    """For each member: rounding may take SHARE times what it took from the eager code, and some units.

    The units are relative to the norm of the member's gradient, or of the whole one where it is not known
    what rounding takes.
    """
    known = {path: _numbers(tangent) for path, tangent in eager.gradients.members.items()}
    wide: Mapping[Path, Any] = {} if exact is None else exact.gradients.members
    whole, units = math.hypot(*map(_norm, known.values())), _units(stage)
    found = {}
    for path, numbers in known.items():
        lost = _norm(_numbers(wide[path]) - numbers) if path in wide else 0.0
        scale = _norm(numbers) if path in wide else whole
        apart = _norm(_numbers(compiled.gradients.members[path]) - numbers)
        found[path] = Distance(_norm(numbers), apart, SHARE * lost + units * scale)
    return found


def _whole(distances: Mapping[Path, Distance]) -> float:
    return math.hypot(*(one.norm for one in distances.values()))


def _numbers(tangent: Any) -> Array:
    """A gradient in float64, that which is none as zero."""
    return np.zeros(()) if tangent is NOTHING else np.asarray(tangent, np.float64)


def _norm(array: Array) -> float:
    return float(np.linalg.norm(array.reshape(-1)))


def _are_alike(stage: Stage, compiled: Walked, eager: Walked, exact: Walked | None) -> bool:
    """Whether compiled code computes the loss of the eager code, from the same random numbers if any."""
    pairs = [(_loss(stage, seed, compiled=True), _loss(stage, seed, compiled=False)) for seed in SEEDS]
    apart = max(abs(one - other) for one, other in pairs)
    if len({other for _, other in pairs}) > 1:
        return apart <= LIKENESS * float(np.std([other for _, other in pairs]))
    lost = 0.0 if exact is None else abs(eager.loss - exact.loss)
    return abs(compiled.loss - eager.loss) <= SHARE * lost + _units(stage) * abs(eager.loss)


def _loss(stage: Stage, seed: int, *, compiled: bool) -> float:
    with stage.seeded(seed):
        return number_of(stage.result({}, torch.enable_grad(), compiled=compiled))


def _another_loss(compiled: float, eager: float) -> str:
    return (
        f"{COMPILED}, which gives {compiled:.9g} where the eager code gives {eager:.9g}: it draws other "
        "random numbers, or is another function; the eager code was audited, the compiled code was not"
    )
