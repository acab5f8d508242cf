"""A case file as read: the model's bindings, and the audits of it."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from aliascheck.cases.expectations import Expectation
from aliascheck.cases.literals import ExpressionLiteral
from aliascheck.cases.matrix import Bindings
from aliascheck.cases.members import Member
from aliascheck.cases.place import Place
from aliascheck.memory import Data


class Tolerance(NamedTuple):
    """Differences up to `atol + rtol * max|truth|` are accepted."""

    rtol: float = 0.0
    atol: float = 0.0


class Audit(Data, frozen=True, eq=False):
    """One audit of a case, in one combination of its matrix. None: the case does not say.

    `params` are the texts of the set and `members` what they write; audits of a Python model keep their
    texts only, and `args` are what its factory is given besides the model's. `expect` holds for the file's
    engine, `expect_elsewhere` for others, both by mode. `named` tells that the case gives the id, which else
    is a number by position; `key` identifies the audit in its file either way.
    """

    id: str
    named: bool
    key: str
    index: int
    line: int
    title: str
    loss: ExpressionLiteral | None
    loss_text: str
    params: tuple[str, ...]
    members: tuple[Member, ...]
    modes: tuple[str, ...] | None
    contract: str | None
    stop_gradient: str | None
    ties: tuple[tuple[str, ...], ...]
    tolerance: Tolerance
    seed: int | None
    probes: int | None
    thorough: bool | None
    timeout: float | None
    skip: str | None
    expect: Mapping[str, Expectation]
    expect_elsewhere: Mapping[str, Mapping[str, Expectation]]
    combination: str
    overrides: Bindings
    args: Mapping[str, Any]
    place: Place
    loss_place: Place
    params_place: Place


class Model(Data, frozen=True):
    """A model that lives in Python: what makes it, and with which arguments."""

    factory: str
    args: Mapping[str, Any]
    place: Place


class Case(Data, frozen=True, eq=False):
    """One case file. `path` is shown to people; `folder` is where it lies, and `data` what it held."""

    path: str
    folder: pathlib.Path
    title: str
    source: str
    engine: str
    model: Model | None
    let: Bindings
    audits: tuple[Audit, ...]
    data: bytes = b""

    def expectation(self, audit: Audit, mode: str, engine: str | None = None) -> Expectation | None:
        """What `mode` of `engine` (default: the file's) must show, None where the case does not say."""
        if engine is None or engine == self.engine:
            return audit.expect.get(mode)
        return audit.expect_elsewhere.get(engine, {}).get(mode)
