"""An engine's gradients under gates: what each access contributed, and whether gates can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aliascheck.auditing.bench import Bench
from aliascheck.auditing.slots import Held, Holding, hold
from aliascheck.errors import EngineError
from aliascheck.memory import Data, Path, is_identical
from aliascheck.subjects.subject import Gradients
from aliascheck.verdicts.gates import GateRuns, check_gates

GOLDEN = 0.6180339887498949


class Gated(Data, frozen=True, eq=False):
    """What the slots of one group hold with one gate open, with generic gates, with all closed.

    `transparent` tells that gates at 1 left every entry bit-identical; `failed` why nothing here is to be
    trusted, if so. Shapes: each (slots, probes).
    """

    single: dict[Path, Held]
    generic: Held
    silent: Held
    factors: dict[Path, float]
    transparent: bool
    failed: tuple[str, ...] = ()

    def failed_checks(self, ungated: Holding) -> tuple[str, ...]:
        """Why the gates of the group are not to be trusted; nothing where they are."""
        if self.failed:
            return self.failed
        paths = list(self.single)
        shape = (len(paths), *ungated.values.shape)
        return check_gates(
            GateRuns(
                ungated=ungated.values,
                single=np.array([self.single[path] for path in paths]).reshape(shape),
                generic=self.generic,
                silent=self.silent,
                factors=np.array([self.factors[path] for path in paths]),
                transparent=self.transparent,
                rounding=ungated.group.rounding_of_gates,
            )
        )


def run_gates(bench: Bench, mode: str, reported: Gradients, holdings: Sequence[Holding]) -> list[Gated]:
    """One gradient for each access, and three for the checks; what each group's slots hold in them.

    No gradient is kept beyond its turn: those of a large model would fill the memory.
    """
    paths = [access.path for access in bench.accesses]
    factors = {path: 0.5 + spread(number) for number, path in enumerate(paths, start=1)}
    closed = dict.fromkeys(paths, 0.0)

    def held_with(gates: dict[Path, float]) -> list[Held]:
        gradients = bench.gradients(mode, gates)
        return [hold(one.group, one.slots, gradients)[0] for one in holdings]

    try:
        transparent = _is_transparent(bench.gradients(mode, dict.fromkeys(paths, 1.0)), reported)
        singles = {path: held_with({**closed, path: 1.0}) for path in paths}
        generic, silent = held_with(factors), held_with(closed)
    except EngineError as error:
        failed = (f"the engine fails with gates: {error.message}",)
        return [
            Gated(dict.fromkeys(paths, one.values), one.values, one.values, factors, False, failed)
            for one in holdings
        ]
    return [
        Gated({path: held[n] for path, held in singles.items()}, generic[n], silent[n], factors, transparent)
        for n in range(len(holdings))
    ]


def _is_transparent(opened: Gradients, reported: Gradients) -> bool:
    return is_identical(opened.members, reported.members) and is_identical(opened.globals, reported.globals)


def spread(number: int) -> float:
    """A number between 0 and 1 that stands in no simple relation to those of other `number`s.

    Source: the multiples of the golden ratio, modulo 1 (Weyl).
    """
    return number * GOLDEN % 1.0
