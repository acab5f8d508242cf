"""What is asked of an audit, and what it found, before it becomes a report."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.audit.groups import Effort, Group, SlotPlan
from aliascheck.memory import DIRECTIONS, Data, Path
from aliascheck.verdicts.judge import Finding, Judgement


class Settings(Data, frozen=True, eq=False):
    """How an audit is carried out. `stops`: "constant" replays stopped values, "report" judges them."""

    contract: str = "sum"
    stops: str = "constant"
    rtol: float = 0.0
    atol: float = 0.0
    seed: int = 0
    probes: int = DIRECTIONS
    thorough: bool = False
    ties: tuple[tuple[Path, ...], ...] = ()

    @property
    def effort(self) -> Effort:
        """How closely groups are looked at."""
        return Effort(self.seed, self.probes, self.thorough)


class SlotOutcome(Data, frozen=True, eq=False):
    """One slot's row: what was reported, both truths in its shape (None: too large), and the word."""

    plan: SlotPlan
    reported: Any
    path: NDArray[np.float64] | None
    total: NDArray[np.float64] | None
    bound: float | None
    word: str


class GroupOutcome(Data, frozen=True, eq=False):
    """One alias group as judged: columns name accesses, a stopped part being one of its own."""

    group: Group
    columns: tuple[str, ...]
    judgement: Judgement


class Outcome(Data, frozen=True, eq=False):
    """What one audit found in one mode."""

    mode: str
    loss: float
    entries: dict[str, Any]
    slots: tuple[SlotOutcome, ...]
    groups: tuple[GroupOutcome, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    evaluations: int = 0
    seconds: float = 0.0
