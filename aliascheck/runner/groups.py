"""Audits that share what they measure, and are therefore carried out together."""

from __future__ import annotations

from collections.abc import Hashable

from aliascheck.cases import Audit, Case
from aliascheck.memory import Data
from aliascheck.runner.selection import Chosen

Key = tuple[str, str, str]


class Group(Data, frozen=True, eq=False):
    """Audits of one case by their numbers among all that were chosen, in order."""

    case: Case
    audits: tuple[tuple[int, Audit], ...]
    named: bool

    def after(self, number: int) -> Group:
        """The audits that come after that of a number."""
        return Group(self.case, tuple(one for one in self.audits if one[0] > number), self.named)


def shared_key(case: Case, audit: Audit) -> Key:
    """What audits have in common that are made of the same loss and the same model."""
    return (case.path, audit.combination, audit.loss_text)


def groups_of(chosen: Chosen) -> list[Group]:
    """The audits in groups, whatever the number of workers: what one audit costs depends on its group.

    Audits of Python models share nothing: each is a group of its own.
    """
    found: dict[Hashable, Group] = {}
    for number, (case, audit) in enumerate(chosen.audits):
        key = number if case.model is not None else shared_key(case, audit)
        before = found.get(key)
        audits = () if before is None else before.audits
        found[key] = Group(case, (*audits, (number, audit)), case.path in chosen.named)
    return list(found.values())
