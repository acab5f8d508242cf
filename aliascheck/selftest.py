"""Proof that the auditor audits: faults planted in an engine on purpose, and what is made of them.

The model is a tied autoencoder, `mean((tanh(x @ w) @ wt - x)**2)` with `wt` the transpose of `w`. The engine
is the bundled one, with a fault between it and the audit: what it reports, with gates and without, goes
through a linear map that drops, moves, repeats or spoils contributions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.engine import transpose
from aliascheck.language import parse
from aliascheck.memory import NOTHING, Array, Data, Path
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Gradients

SIZES = ((40, 25), (125, 80), (200, 100))
TRIALS = 2
BATCH = 8
LOSS = "mean((tanh(x @ w) @ wt - x)**2)"

Spoil = Callable[[Any, Any], tuple[Any, Any]]


class Fault(Data, frozen=True):
    """One wrong engine: what it does to the gradients of `w` and `wt`, and what must be said of it.

    `place` is where it must be found, None where a place has no meaning.
    """

    name: str
    spoil: Spoil
    labels: tuple[str, ...]
    place: str | None = None


class FaultyEngine(Program):
    """A program whose engine has a fault."""

    def __init__(self, bindings: Mapping[str, Any], fault: Spoil) -> None:
        super().__init__(bindings, parse(LOSS).evaluate, [("w",), ("wt",)])
        self._fault = fault

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What the bundled engine reports, spoilt."""
        right = super().gradients(mode, gates)
        w, wt = self._fault(right.members["w",], right.members["wt",])
        return Gradients({("w",): w, ("wt",): wt})


class Line(Data, frozen=True):
    """How one fault fared at one size, over all trials. Units: seconds and evaluations for one audit."""

    fault: str
    labels: tuple[str, ...]
    cells: int
    trials: int
    detected: int
    named: int
    placed: int | None
    evaluations: float
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every trial was as it must be."""
        return self.detected == self.named == self.trials and self.placed in (None, self.trials)


def run_selftest(
    sizes: Sequence[tuple[int, int]] = SIZES, trials: int = TRIALS, seed: int = 0
) -> Iterator[Line]:
    """Plant every fault at every size, several times, and audit."""
    for rows, columns in sizes:
        drawn = [_draw(rows, columns, seed + trial) for trial in range(trials)]
        for number in range(FAULTS):
            yield _line([(bindings, faults[number]) for bindings, faults in drawn])


def _line(trials: Sequence[tuple[dict[str, Any], Fault]]) -> Line:
    detected = named = placed = 0
    evaluations, seconds = [], []
    for bindings, fault in trials:
        started = time.perf_counter()
        (outcome,) = audit(FaultyEngine(bindings, fault.spoil), ["explicit"], Settings())
        seconds.append(time.perf_counter() - started)
        evaluations.append(outcome.evaluations)
        labels = tuple(finding.label for finding in outcome.findings)
        detected += bool(labels) == bool(fault.labels)
        named += sorted(labels) == sorted(fault.labels)
        placed += fault.place is not None and _place_of(outcome) == fault.place
    bindings, fault = trials[0]
    return Line(
        fault.name,
        fault.labels,
        bindings["w"].size,
        len(trials),
        detected,
        named,
        None if fault.place is None else placed,
        statistics.mean(evaluations),
        statistics.median(seconds),
    )


def _place_of(outcome: Outcome) -> str | None:
    return outcome.findings[0].where if outcome.findings else None


def _draw(rows: int, columns: int, seed: int) -> tuple[dict[str, Any], list[Fault]]:
    """A model, and a wrong engine of each kind."""
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=(rows, columns)) / np.sqrt(rows), rng.normal(size=(BATCH, rows))
    bindings = {"x": x, "w": w, "wt": transpose(w)}
    right = Program(bindings, parse(LOSS).evaluate, [("w",), ("wt",)]).gradients("explicit")
    return bindings, list(_faults(right.members["w",], rng))


FAULTS = 13  # of each size


def _faults(right: Array, rng: np.random.Generator) -> Iterator[Fault]:
    """Wrong engines, given the right gradient of `w`."""
    rows, columns = right.shape
    yield Fault("none: a right engine", lambda w, wt: (w, wt), ())
    yield Fault("alias dropped", lambda w, wt: (w, NOTHING), ("AC101:wt",))
    yield Fault(
        "alias moved",
        lambda w, wt: (_sum(w, _turned(wt)), NOTHING),
        ("AC101:wt", "AC102:w"),
    )
    yield Fault("slots swapped", lambda w, wt: (_turned(wt), _turned(w)), ("AC102:w", "AC102:wt"))
    yield Fault("counted twice", lambda w, wt: (w, _times(wt, 2.0)), ("AC104:wt",))
    yield Fault(
        "total at each slot",
        lambda w, wt: (_sum(w, _turned(wt)), _sum(wt, _turned(w))),
        ("AC104:w", "AC104:wt"),
    )
    yield Fault("transpose missing", lambda w, wt: (w, _mistaken(wt)), ("AC105:wt",), "transposed")
    yield Fault("scaled by 1 + 1e-6", lambda w, wt: (w, _times(wt, 1 + 1e-6)), ("AC105:wt",))
    row = int(rng.integers(rows))
    flip = np.where(np.arange(rows) == row, -1.0, 1.0)[:, None]
    yield Fault("row's sign", _on_w(flip), ("AC105:w",), f"row {row}")
    yield _zeroed_block(right.shape, rng)
    size = float(np.sqrt(np.mean(right**2)))
    for share in (1e-2, 1e-4, 1e-6):
        place = int(rng.integers(rows)), int(rng.integers(columns))
        factors = np.ones(right.shape)
        factors[place] += share * size / right[place]
        where = f"element [{place[0]}, {place[1]}]"
        yield Fault(f"element off by {share:.0e} rms", _on_w(factors), ("AC105:w",), where)


def _zeroed_block(shape: tuple[int, ...], rng: np.random.Generator) -> Fault:
    height, width = (max(1, extent // 8) for extent in shape)
    top, left = int(rng.integers(shape[0] - height)), int(rng.integers(shape[1] - width))
    kept = np.ones(shape)
    kept[top : top + height, left : left + width] = 0.0
    where = f"block [{top}:{top + height}, {left}:{left + width}]"
    return Fault("block of 1/64 zeroed", _on_w(kept), ("AC103:w",), where)


def _on_w(factors: Array) -> Spoil:
    return lambda w, wt: (_times(w, factors), wt)


def _times(tangent: Any, factors: Any) -> Any:
    return tangent if tangent is NOTHING else tangent * factors


def _sum(left: Any, right: Any) -> Any:
    return left if right is NOTHING else right if left is NOTHING else left + right


def _turned(tangent: Any) -> Any:
    return tangent if tangent is NOTHING else tangent.T


def _mistaken(tangent: Any) -> Any:
    """The numbers of the transposed array in the shape of this one."""
    return tangent if tangent is NOTHING else tangent.T.reshape(tangent.shape)
