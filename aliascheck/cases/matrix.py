"""Repetition of an audit over a matrix of values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from aliascheck.cases.check import type_in_words
from aliascheck.cases.literals import Literal, Locate, below, read_literal
from aliascheck.cases.names import check_binding
from aliascheck.cases.schema import MAX_COMBINATIONS
from aliascheck.memory import Data

LONGEST_LABEL = 40

Bindings = tuple[tuple[str, Literal], ...]


class Combination(Data, frozen=True, eq=False):
    """One choice of a value for each name; `label` is what the audit's id gets, such as `n=64,k=2`.

    `bindings` are for the names of [let], `args`, as they are written, for the factory of a Python model.
    """

    label: str
    bindings: Bindings
    args: Mapping[str, Any]


def read_matrix(data: Mapping[str, Any], locate: Locate, *, foreign: bool = False) -> list[Combination]:
    """Every combination of a matrix, the last name varying fastest; one empty combination without a matrix.

    `foreign`: the model lives in Python.

    Raises: BadCase for an empty list, a value listed twice, over 1,000 combinations.
    """
    for name, values in data.items():
        place = locate(("matrix", name))
        check_binding(name, place)
        if not isinstance(values, list):
            raise place.error(
                f"expected a list of values, got {type_in_words(values)}", hint="put it in brackets"
            )
        if not values:
            raise place.error("an empty list: the audit would never run")
    count = math.prod(len(values) for values in data.values())
    if count > MAX_COMBINATIONS:
        raise locate(("matrix",)).error(f"{count:,} combinations: at most {MAX_COMBINATIONS:,} are allowed")
    choices = [_read_choices(name, values, locate, foreign) for name, values in data.items()]
    return [_combine(choice) for choice in itertools.product(*choices)]


_Choice = tuple[str, str, Literal | None, Any]


def _read_choices(name: str, values: list[Any], locate: Locate, foreign: bool) -> list[_Choice]:
    choices: dict[str, _Choice] = {}
    for index, value in enumerate(values):
        place = ("matrix", name, index)
        literal = None if foreign else read_literal(value, below(locate, *place))
        label = _label(value, index)
        if label in choices:
            raise locate(place).error(f"the value {label} is listed twice")
        choices[label] = (name, label, literal, value)
    return list(choices.values())


def _combine(choice: tuple[_Choice, ...]) -> Combination:
    label = ",".join(f"{name}={text}" for name, text, _, _ in choice)
    bindings = tuple((name, literal) for name, _, literal, _ in choice if literal is not None)
    args = {name: value for name, _, literal, value in choice if literal is None}
    return Combination(label, bindings, args)


def _label(value: Any, index: int) -> str:
    text = value.strip() if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_LABEL and text.isprintable() else f"#{index + 1}"
