"""Correct gradients of random tied models, judged direction by direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from aliascheck.oracle.confirmation import FAINT, Verdict, confirm
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.stencil import derivative
from tests.oracle.tied_models import SLOTS, Array, TiedModel, draw_direction, draw_model

ROUNDING = 256 * 2.0**-53
KINDS = ("conservation", "total", "path")


@dataclass(frozen=True)
class Claim:
    """That the derivative of `phi` is the sum of `terms`."""

    phi: Callable[[float], float]
    terms: Array

    @property
    def value(self) -> float:
        return math.fsum(self.terms.ravel())

    @property
    def size(self) -> float:
        return float(np.linalg.norm(self.terms))


@dataclass(frozen=True)
class Judged:
    """What became of a claim that is right: of what kind, and how far off it seemed in units of its terms."""

    kind: str
    mixed: bool
    verdict: Verdict
    distance: float
    evaluations: int


def claim_of(kind: str, model: TiedModel, slot: int, rng: Generator) -> Claim:
    """Along a direction of all memory, of one slot as memory, or of one slot alone."""
    gradients = model.gradients()
    if kind == "conservation":
        step = draw_direction(rng, model.memory.shape, model.unit)
        shown = model.views(step)
        return Claim(model.along(step), np.concatenate([(shown[k] * gradients[k]).ravel() for k in SLOTS]))
    step = draw_direction(rng, gradients[slot].shape, model.unit)
    if kind == "path":
        return Claim(model.along_slot(slot, step), step * gradients[slot])
    total = sum(model.scatter(k, gradients[k]) for k in SLOTS)
    return Claim(model.along(model.scatter(slot, step)), step * model.views(total)[slot])


def judge_claim(kind: str, model: TiedModel, slot: int, rng: Generator) -> Judged:
    """The verdict on one claim; the noise is measured along all memory, as an audit does it once."""
    everywhere = model.along(draw_direction(rng, model.memory.shape, model.unit))
    claim = claim_of(kind, model, slot, rng)
    loss = claim.phi(0.0)
    noise = noise_level(everywhere, loss)
    estimate = derivative(claim.phi, loss, noise)
    found = confirm(claim.phi, loss, noise, estimate, claim.value, ROUNDING * claim.size)
    distance = abs(claim.value - estimate.value) / claim.size if claim.size else 0.0
    evaluations = estimate.evaluations + found.evaluations
    return Judged(kind, model.mixed, found.verdict, distance, evaluations)


def judge_model(model: TiedModel, rng: Generator) -> Iterator[Judged]:
    """The verdicts on its right gradients; a faint failure is repeated where the memory is moved a little."""
    slot = int(rng.integers(len(SLOTS)))
    for kind in KINDS:
        judged = judge_claim(kind, model, slot, rng)
        if judged.verdict is Verdict.FAILS and judged.distance <= FAINT:
            again = judge_claim(kind, model.jittered(rng), slot, rng)
            if again.verdict is not Verdict.FAILS:
                judged = replace(judged, verdict=Verdict.SUSPECT)
        yield judged


def judge_models(count: int, seed: int) -> Iterator[Judged]:
    """Three verdicts on each of `count` models."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield from judge_model(draw_model(rng), rng)
