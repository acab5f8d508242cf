"""Engines with a fault in them, and what an audit makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.language import parse
from aliascheck.memory import NOTHING, parse_path
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Gradients

Fault = Callable[[dict[str, Any]], Any]


class Spoilt(Program):
    """An engine that hands out, for some members, what a fault makes of all right gradients.

    Gated gradients go through the same faults, so those that are linear show in the gates as well.
    """

    faults: Mapping[str, Fault]

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        by_name = {path[0]: tangent for path, tangent in right.members.items()}
        spoilt = {(name,): fault(by_name) for name, fault in self.faults.items()}
        return Gradients({**right.members, **spoilt}, right.globals)


def spoilt(
    bindings: Mapping[str, Any],
    loss: str,
    members: Sequence[str],
    faults: Mapping[str, Fault] | None = None,
    kind: type[Spoilt] = Spoilt,
) -> Spoilt:
    """A program whose engine has some faults."""
    program = kind(bindings, parse(loss).evaluate, [parse_path(name) for name in members])
    program.faults = faults or {}
    return program


def run(program: Program, mode: str = "explicit", **settings: Any) -> Outcome:
    """The audit of a program in one mode."""
    (outcome,) = audit(program, [mode], Settings(**settings))
    return outcome


def labels(outcome: Outcome) -> list[str]:
    """What was found, as case files write it."""
    return sorted(finding.label for finding in outcome.findings)


def mapped(name: str, change: Callable[[Any], Any]) -> dict[str, Fault]:
    """The fault that changes what one member holds."""
    return {name: lambda right: right[name] if right[name] is NOTHING else change(right[name])}


def times(factors: Any) -> Callable[[Any], Any]:
    """A tangent times factors, element by element."""
    return lambda tangent: tangent * factors


def at(place: Any, factor: float) -> Callable[[Any], Any]:
    """A tangent with a factor at one place of it."""

    def change(tangent: Any) -> Any:
        changed = np.array(tangent, float)
        changed[place] *= factor
        return changed

    return change
