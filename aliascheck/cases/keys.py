"""What an audit is called in baselines: by nothing that a new title, moved lines or another order change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from aliascheck.cases.case import Audit
from aliascheck.memory import replace

HASH_LENGTH = 16  # hexadecimal digits


def with_keys(audits: Sequence[Audit]) -> tuple[Audit, ...]:
    """The audits of a file, each with its key: its id where the case gives one, else a hash of what it asks.

    The same question asked several times is numbered; what else tells the audits apart decides the order.
    """
    hashed: dict[str, list[Audit]] = {}
    for audit in audits:
        if not audit.named:
            hashed.setdefault(_hash(audit), []).append(audit)
    keys = {
        id(audit): base if number == 1 else f"{base}-{number}"
        for base, same in hashed.items()
        for number, audit in enumerate(sorted(same, key=_rest), start=1)
    }
    return tuple(replace(audit, key=keys.get(id(audit), audit.id)) for audit in audits)


def _hash(audit: Audit) -> str:
    asked = (_one_line(audit.loss_text), audit.params, audit.contract, audit.combination)
    given = (sorted(audit.args.items()),) if audit.args else ()
    return "#" + hashlib.sha256(repr(asked + given).encode()).hexdigest()[:HASH_LENGTH]


def _rest(audit: Audit) -> str:
    return repr((audit.modes, audit.stop_gradient, audit.ties, audit.tolerance, audit.seed, audit.probes))


def _one_line(text: str) -> str:
    return " ".join(text.split())
