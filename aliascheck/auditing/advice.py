"""What to do about a finding, where the audit knows more than the catalogue: which is said instead."""

from __future__ import annotations

from collections.abc import Iterable

from aliascheck.auditing.bench import Bench
from aliascheck.memory import replace
from aliascheck.verdicts.catalogue import AC202, AC206
from aliascheck.verdicts.judge import Finding

AS_CONSTANT = (
    'say stop_gradient = "constant" to audit what the gradient is of: the loss with what it stops held as it '
    "is. With its stops moving, as rounding does in a straight-through estimator, it jumps"
)
IN_DOUBLE = (
    "let the loss be computed in float64, which is what sees more: the notes say what stands in the way of it"
)


def advised(bench: Bench, findings: Iterable[Finding]) -> list[Finding]:
    """Findings of an audit that was begun, with remedies that fit it."""
    moves_stops = bench.settings.stops == "report" and bench.subject.has_stops()
    is_narrow = bool(bench.subject.narrow())

    def of(found: Finding) -> Finding:
        if found.code == AC202.code and moves_stops:
            message = f"{found.message}: it jumps, or is noisy, through its stops"
            return replace(found, message=message, remedy=AS_CONSTANT)
        if found.code == AC206.code and is_narrow:
            return replace(found, remedy=IN_DOUBLE)
        return found

    return list(map(of, findings))
