"""The audits of a case file: defaults merged, every value checked, the matrix expanded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from aliascheck.cases import schema
from aliascheck.cases.case import Audit, Tolerance
from aliascheck.cases.defaults import merge
from aliascheck.cases.expectations import (
    Expectations,
    Reading,
    expressions,
    flatten_globals,
    read_expectations,
)
from aliascheck.cases.keys import with_keys
from aliascheck.cases.literals import ExpressionLiteral, below, check_names, read_expression
from aliascheck.cases.locate import KeyPath
from aliascheck.cases.matrix import read_matrix
from aliascheck.cases.members import Member, read_member
from aliascheck.cases.names import normalize_name
from aliascheck.cases.place import Place
from aliascheck.cases.source import Source
from aliascheck.errors import did_you_mean
from aliascheck.memory import Data, replace

T = TypeVar("T")


def read_audits(source: Source, engine: str, *, foreign: bool) -> tuple[Audit, ...]:
    """Every audit of a file, in order. `foreign`: the model lives in Python.

    Raises: BadCase for the first thing that is wrong with one of them.
    """
    tables = source.data.get("audit", [])
    if not tables:
        raise source.place(("audit",) if "audit" in source.data else ()).error(
            "no audits: a case file holds at least one [[audit]]"
        )
    audits: list[Audit] = []
    defaults = _flattened(source.data.get("defaults", {}), source, ("defaults",))
    for index, table in enumerate(tables):
        merged = merge(defaults, _flattened(table, source, ("audit", index)))
        audits += _AuditReader(source, index, merged, engine, foreign).audits()
    _check_unique(audits)
    return with_keys(audits)


def _flattened(table: dict[str, Any], source: Source, path: KeyPath) -> dict[str, Any]:
    if "expect" not in table:
        return table
    expect = flatten_globals(table["expect"], below(source.place, *path))
    return {**table, "expect": expect}


def _check_unique(audits: Iterable[Audit]) -> None:
    seen: dict[str, Audit] = {}
    for audit in audits:
        first = seen.setdefault(audit.id, audit)
        if first is not audit:
            raise audit.place.error(
                f"the id '{audit.id}' is taken by the audit at line {first.line}",
                hint="ids are unique in a file; an audit without one has its number, from 1",
            )


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET or isinstance(value, UnsetType) else value


class _AuditReader(Data, frozen=True):
    source: Source
    index: int
    data: Mapping[str, Any]
    engine: str
    foreign: bool

    def place(self, path: KeyPath) -> Place:
        return self.source.audit_place(self.index, path)

    def audits(self) -> Iterator[Audit]:
        table = msgspec.convert(self.data, schema.Audit)
        name = self._id(table)
        loss = self._loss(table)
        expect = self._expect(table)
        members = self._members(table)
        self._check_names(loss, expect)
        audit = Audit(
            id=name,
            named=table.id is not UNSET,
            key="",
            index=self.index + 1,
            line=self.source.lines.line_of(("audit", self.index)),
            title=_given(table.title) or "",
            loss=loss,
            loss_text=_given(table.loss) or "",
            params=tuple(_given(table.params) or ()),
            members=members,
            modes=self._modes(table),
            contract=self._contract(table),
            stop_gradient=self._choice("stop_gradient", table.stop_gradient, schema.STOPS),
            ties=self._ties(table),
            tolerance=self._tolerance(table),
            seed=_given(table.seed),
            probes=_given(table.probes),
            thorough=_given(table.thorough),
            timeout=self._timeout(table),
            skip=self._skip(table),
            expect=expect.pop(self.engine, {}),
            expect_elsewhere=expect,
            place=self.place(()),
            loss_place=self.place(("loss",)),
            params_place=self.place(("params",)),
            combination="",
            overrides=(),
            args=self._args(table),
        )
        for combination in read_matrix(self.data.get("matrix", {}), self.place, foreign=self.foreign):
            suffix = f"[{combination.label}]" if combination.label else ""
            yield replace(
                audit,
                id=name + suffix,
                combination=combination.label,
                overrides=combination.bindings,
                args={**audit.args, **combination.args},
            )

    def _id(self, table: schema.Audit) -> str:
        name = _given(table.id)
        if name is None:
            return str(self.index + 1)
        if not name.strip() or not name.isprintable():
            raise self.place(("id",)).error("an id is a line of visible text")
        return name

    def _loss(self, table: schema.Audit) -> ExpressionLiteral | None:
        text = _given(table.loss)
        if text is None:
            if self.foreign:
                return None
            raise self.place(()).error("no loss", hint='give one, such as loss = "sum(x)"')
        return None if self.foreign else read_expression(text, self.place(("loss",)))

    def _members(self, table: schema.Audit) -> tuple[Member, ...]:
        texts = _given(table.params)
        if texts is None:
            if self.foreign:
                return ()
            raise self.place(()).error("no params: the set is empty", hint='give one, such as params = ["x"]')
        if not texts:
            raise self.place(("params",)).error("the set is empty", hint="name at least one array")
        if self.foreign:
            return ()
        return tuple(read_member(text, self.place(("params", index))) for index, text in enumerate(texts))

    def _modes(self, table: schema.Audit) -> tuple[str, ...] | None:
        modes = _given(table.modes)
        if modes is None:
            return None
        if not modes:
            raise self.place(("modes",)).error("an empty list: the audit would never run")
        for index, mode in enumerate(modes):
            place = self.place(("modes", index))
            self._check_choice(place, mode, schema.MODES)
            if mode in modes[:index]:
                raise place.error(f"'{mode}' is listed twice")
            if mode == "implicit" and self.engine in schema.EXPLICIT_ONLY:
                raise place.error(f"{self.engine} has no implicit mode")
        return tuple(modes)

    def _choice(self, key: str, value: str | UnsetType, known: tuple[str, ...]) -> str | None:
        chosen = _given(value)
        if chosen is not None:
            self._check_choice(self.place((key,)), chosen, known)
        return chosen

    def _check_choice(self, place: Place, value: str, known: tuple[str, ...]) -> None:
        if value not in known:
            hint = did_you_mean(value, known) or f"one of {', '.join(known)}"
            raise place.error(f"unknown value '{value}'", hint=hint)

    def _contract(self, table: schema.Audit) -> str | None:
        text = _given(table.contract)
        if text is None:
            return None
        place = self.place(("contract",))
        kind, colon, slot = text.partition(":")
        self._check_choice(place, kind, schema.CONTRACTS)
        if not colon:
            return kind
        if kind != "owner" or not slot.strip():
            raise place.error(f"'{text}' is no contract", hint="write sum, each, owner, or owner:SLOT")
        return f"owner:{self._name(slot, place, offset=len('owner:'), whole=text)}"

    def _name(self, text: str, place: Place, *, offset: int = 0, whole: str | None = None) -> str:
        """The name of a place; a Python model's names are those that its framework gives."""
        return text.strip() if self.foreign else normalize_name(text, place, offset=offset, whole=whole)

    def _ties(self, table: schema.Audit) -> tuple[tuple[str, ...], ...]:
        groups: list[tuple[str, ...]] = []
        for index, group in enumerate(_given(table.ties) or ()):
            if len(group) < 2:
                raise self.place(("ties", index)).error("a tie has at least two places")
            groups.append(
                tuple(self._name(text, self.place(("ties", index, item))) for item, text in enumerate(group))
            )
        return tuple(groups)

    def _tolerance(self, table: schema.Audit) -> Tolerance:
        given = _given(table.tolerance)
        if given is None:
            return Tolerance()
        tolerance = Tolerance(_given(given.rtol) or 0.0, _given(given.atol) or 0.0)
        for key, value in tolerance._asdict().items():
            self._check_finite(("tolerance", key), value)
        return tolerance

    def _timeout(self, table: schema.Audit) -> float | None:
        seconds = _given(table.timeout)
        if seconds is not None:
            self._check_finite(("timeout",), seconds)
        return seconds

    def _check_finite(self, path: KeyPath, value: float) -> None:
        if not math.isfinite(value):
            raise self.place(path).error(f"expected a finite number, got {value}")

    def _skip(self, table: schema.Audit) -> str | None:
        reason = _given(table.skip)
        if reason is not None and not reason.strip():
            raise self.place(("skip",)).error("no reason: say why the audit is skipped")
        return reason

    def _args(self, table: schema.Audit) -> Mapping[str, Any]:
        args = _given(table.args)
        if args is not None and not self.foreign:
            raise self.place(("args",)).error("the file has no [model], and nothing takes arguments")
        return args or {}

    def _expect(self, table: schema.Audit) -> Expectations:
        self._check_modes_expected(table)
        return read_expectations(self.data.get("expect", {}), Reading(self.engine, self.foreign, self.place))

    def _check_names(self, loss: ExpressionLiteral | None, expect: Expectations) -> None:
        names = [*self.source.data.get("let", {}), *self.data.get("matrix", {})]
        if loss is not None:
            check_names(loss, names)
        for modes in expect.values():
            for expectation in modes.values():
                for value in (expectation.gradients or {}).values():
                    for expression in expressions(value):
                        check_names(expression, names)

    def _check_modes_expected(self, table: schema.Audit) -> None:
        modes = _given(table.modes)
        own = self.source.data["audit"][self.index].get("expect", {})
        for mode in schema.MODES:
            if modes and mode in own and mode not in modes:
                raise self.place(("expect", mode)).error(
                    f"the audit has no {mode} mode: this would never be checked",
                    hint=f"add '{mode}' to modes",
                )
