"""Evaluation of a case's bindings: its memory, freshly allocated each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aliascheck.cases.case import Case
from aliascheck.cases.literals import (
    ArrayLiteral,
    ExpressionLiteral,
    ListLiteral,
    Literal,
    Number,
    TableLiteral,
)
from aliascheck.cases.matrix import Bindings
from aliascheck.cases.place import BadCase
from aliascheck.errors import AliascheckError


class Scope:
    """The bindings made so far, as expressions see them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def read(self, name: str) -> Any:
        """The value bound to `name`. Raises KeyError where there is none yet."""
        return self.values[name]

    def names(self) -> Iterable[str]:
        """The names bound so far, in order."""
        return self.values


def evaluate_bindings(case: Case, overrides: Bindings = ()) -> dict[str, Any]:
    """The values of [let] in order, in memory of their own; `overrides` are a combination of the matrix.

    Raises: BadCase where an expression does not evaluate.
    """
    bindings = merge_bindings(case.let, overrides)
    names = [name for name, _ in bindings]
    scope = Scope()
    for position, (name, literal) in enumerate(bindings):
        scope.values[name] = _Evaluation(scope, names, position).value(literal)
    return scope.values


def merge_bindings(let: Bindings, overrides: Bindings) -> Bindings:
    """[let] with one combination of the matrix put in.

    An override takes the place of the binding that it replaces. One that adds a name comes first, or
    right after the last binding that it uses.
    """
    chosen = dict(overrides)
    merged = [(name, chosen.pop(name, value)) for name, value in let]
    for name, value in chosen.items():
        used = {word for literal in _expressions(value) for word in literal.expression.names}
        after = max((position for position, (other, _) in enumerate(merged) if other in used), default=-1)
        merged.insert(after + 1, (name, value))
    return tuple(merged)


def _expressions(literal: Literal) -> Iterator[ExpressionLiteral]:
    if isinstance(literal, ExpressionLiteral):
        yield literal
    elif isinstance(literal, ListLiteral):
        for part in literal.items:
            yield from _expressions(part)
    elif isinstance(literal, TableLiteral):
        for _, part in literal.items:
            yield from _expressions(part)


class _Evaluation:
    """The evaluation of the binding at `position` of `names`, which may read `scope`."""

    def __init__(self, scope: Scope, names: Sequence[str], position: int) -> None:
        self.scope = scope
        self.names = names
        self.position = position

    def value(self, literal: Literal) -> Any:
        if isinstance(literal, Number):
            return literal.value
        if isinstance(literal, ArrayLiteral):
            return literal.values.copy()
        if isinstance(literal, ListLiteral):
            return [self.value(part) for part in literal.items]
        if isinstance(literal, TableLiteral):
            return {key: self.value(part) for key, part in literal.items}
        return self._expression(literal)

    def _expression(self, literal: ExpressionLiteral) -> Any:
        try:
            return literal.expression.evaluate(self.scope)
        except AliascheckError as error:
            raise self._explain(literal, error) from error

    def _explain(self, literal: ExpressionLiteral, error: AliascheckError) -> BadCase:
        later = self.names[self.position :]
        unknown = next((name for name in later if error.message.endswith(f"unknown name '{name}'")), None)
        if unknown is None:
            return literal.place.relocate(error)
        if unknown == self.names[self.position]:
            return literal.place.relocate(error, hint=f"'{unknown}' is what this line defines")
        return literal.place.relocate(error, hint=f"'{unknown}' is defined below: move it up")
