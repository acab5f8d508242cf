"""What an audit found, before it becomes a report."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliascheck.auditing.coverage import Coverage
from aliascheck.auditing.groups import Group, SlotPlan
from aliascheck.memory import Data
from aliascheck.verdicts.judge import Finding, Judgement


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
    coverage: Coverage


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
