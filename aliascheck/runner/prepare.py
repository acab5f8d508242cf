"""From an audit of a case file to a program that can be audited."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from aliascheck.auditing import Settings
from aliascheck.cases import Audit, BadCase, Case, Member, MemberPath, Place, evaluate_bindings
from aliascheck.engine import check_loss, metered
from aliascheck.errors import AliascheckError
from aliascheck.language import Closure, Meter
from aliascheck.memory import (
    DIRECTIONS,
    Data,
    Path,
    Record,
    Wrapper,
    dense,
    format_path,
    innermost,
    is_array,
    is_below,
    leaves,
    lookup,
    normalize,
    parse_path,
)
from aliascheck.runner.groups import shared_key
from aliascheck.runner.selection import Selection
from aliascheck.subjects.program import Plain, Program


class Prepared(Data, frozen=True):
    """An audit with its memory made and its set resolved."""

    program: Program
    settings: Settings
    loss: float


def prepare(case: Case, audit: Audit, modes: list[str], selection: Selection) -> Prepared:
    """Make the model of an audit, evaluate its loss once, and resolve its set.

    Raises: BadCase where the case asks for what cannot be.
    """
    meter = Meter()
    with np.errstate(all="ignore"), metered(meter):
        bindings = evaluate_bindings(case, audit.overrides)
    members = resolve_members(audit, bindings)
    if "explicit" in modes:
        _refuse_nesting(audit, members)
    expression = _loss_of(audit).expression
    program = Program(bindings, expression.evaluate, members, shared_key(case, audit))
    with _located(audit.loss_place), np.errstate(all="ignore"), metered(meter.fresh()):
        loss = check_loss(expression.evaluate(Plain(bindings)))
    if not math.isfinite(loss):
        raise audit.loss_place.error(
            f"the loss is {loss}", hint="it must be a finite number to be differentiated"
        )
    settings = _settings(audit, bindings, selection)
    _check_owner(audit, program, settings.contract)
    return Prepared(program, settings, loss)


def _loss_of(audit: Audit) -> Any:
    if audit.loss is None:
        raise audit.place.error("no loss")
    return audit.loss


@contextmanager
def _located(place: Place) -> Iterator[None]:
    """Errors of the body, with the place of the text that caused them."""
    try:
        yield
    except BadCase:
        raise
    except AliascheckError as error:
        raise place.relocate(error) from error


def resolve_members(audit: Audit, bindings: Mapping[str, Any]) -> list[Path]:
    """The paths of the set, in order, each once.

    Raises: BadCase for a name that is unknown or names nothing that a gradient can be asked for.
    """
    members: list[Path] = []
    for member in audit.members:
        with _located(member.place):
            path = normalize(bindings, member.path) if lookup(bindings, member.path) is not None else ()
        members.extend(_paths_of(member, path, bindings))
    if not members:
        raise audit.params_place.error("the set is empty", hint="name an array, a wrapper or a struct")
    return list(dict.fromkeys(members))


def _paths_of(member: Member, path: Path, bindings: Mapping[str, Any]) -> list[Path]:
    value = lookup(bindings, path)
    _refuse_kind(member, value)
    if isinstance(member, MemberPath):
        return [path]
    found = [leaf for leaf, array in leaves(value, path) if dense(array).dtype.kind == "f"]
    return _unique(found, bindings) if member.unique else found


def _unique(found: list[Path], bindings: Mapping[str, Any]) -> list[Path]:
    """Wrappers opened, and each array object kept at its first place."""
    kept: dict[int, Path] = {}
    for path in found:
        value = lookup(bindings, path)
        opened = path + parse_path("x" + ".parent" * _depth(value))[1:]
        kept.setdefault(id(innermost(value)), opened)
    return list(kept.values())


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, Wrapper):
        value, depth = value.parent, depth + 1
    return depth


def _refuse_kind(member: Member, value: Any) -> None:
    """Refuse what has no gradient: numbers, lambdas, integer arrays, containers without arrays."""
    text = member.text
    if isinstance(value, Closure):
        raise member.place.error(f"'{text}' is a lambda", hint="name the arrays that it reads")
    if callable(value) and not isinstance(value, Record):
        raise member.place.error(f"'{text}' is a function, and names no array")
    if isinstance(value, int | float | np.number):
        raise member.place.error(
            f"'{text}' is a number, and names no array", hint="write array(3.0) for memory of one number"
        )
    arrays = [array for _, array in leaves(value, ("x",))]
    if not arrays:
        raise member.place.error(f"'{text}' names no array, wrapper, struct or container of arrays")
    if all(dense(array).dtype.kind != "f" for array in arrays):
        name = text if is_array(value) else "x"
        raise member.place.error(
            f"'{text}' holds integers, which have no gradient",
            hint=f'convert it: array({name}, dtype="float")',
        )


def _refuse_nesting(audit: Audit, members: list[Path]) -> None:
    for member in members:
        for other in members:
            if other != member and is_below(other, member):
                raise audit.params_place.error(
                    f"'{format_path(other)}' lies inside '{format_path(member)}', and explicit mode takes "
                    "no nested members",
                    hint='drop one of them, or write modes = ["implicit"]',
                )


def _settings(audit: Audit, bindings: Mapping[str, Any], selection: Selection) -> Settings:
    tolerance = audit.tolerance
    return Settings(
        contract=selection.contract or audit.contract or "sum",
        stops=audit.stop_gradient or "constant",
        rtol=tolerance.rtol if selection.rtol is None else selection.rtol,
        atol=tolerance.atol if selection.atol is None else selection.atol,
        seed=selection.seed if selection.seed is not None else audit.seed or 0,
        probes=selection.probes or audit.probes or DIRECTIONS,
        thorough=selection.thorough or bool(audit.thorough),
        ties=tuple(_tie(audit, tie, bindings) for tie in audit.ties),
    )


def _tie(audit: Audit, tie: tuple[str, ...], bindings: Mapping[str, Any]) -> tuple[Path, ...]:
    paths = []
    for name in tie:
        with _located(audit.place):
            path = parse_path(name)
            value = lookup(bindings, path)
        if not is_array(value):
            raise audit.place.error(f"ties: '{name}' names no array")
        paths.append(path)
    return tuple(paths)


def _check_owner(audit: Audit, program: Program, contract: str) -> None:
    """Refuse a contract whose named owner is no slot of the set."""
    kind, _, name = contract.partition(":")
    if kind != "owner" or not name:
        return
    slots = [
        format_path(leaf)
        for member in program.members
        for leaf, _ in leaves(lookup(program.bindings, member), member)
    ]
    if name not in slots:
        raise audit.place.error(
            f"contract: '{name}' is no slot of the set", hint=f"slots: {', '.join(slots)}"
        )
