"""What a case file says, written out again for people: its bindings and its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from aliascheck.cases.bindings import merge_bindings
from aliascheck.cases.case import Audit, Case
from aliascheck.cases.literals import ArrayLiteral, ExpressionLiteral, Literal, Number, TableLiteral

LONGEST = 400  # characters of one binding
MOST_WRITTEN = 64  # elements of an array


def write_bindings(case: Case, audit: Audit) -> Iterator[tuple[str, str]]:
    """Each name of [let] with its text, the audit's combination of the matrix put in."""
    for name, literal in merge_bindings(case.let, audit.overrides):
        yield name, _cut(_write(literal))


def write_model(case: Case, audit: Audit) -> str:
    """The factory of a Python model, called as the audit does: `model.py:make(depth=2)`; else empty."""
    if case.model is None:
        return ""
    args = ", ".join(f"{name}={value!r}" for name, value in {**case.model.args, **audit.args}.items())
    return _cut(f"{case.model.factory}({args})")


def _write(literal: Literal) -> str:
    if isinstance(literal, Number):
        return _number(literal.value)
    if isinstance(literal, ExpressionLiteral):
        return literal.text
    if isinstance(literal, ArrayLiteral):
        return _array(literal.values)
    if isinstance(literal, TableLiteral):
        return "{ " + ", ".join(f"{key} = {_write(part)}" for key, part in literal.items) + " }"
    return "[" + ", ".join(map(_write, literal.items)) + "]"


def _array(values: Any) -> str:
    if values.size > MOST_WRITTEN:
        return f"an array of shape {values.shape}"
    return _nested(values.tolist()) if np.ndim(values) else _number(float(values))


def _nested(values: Any) -> str:
    return "[" + ", ".join(map(_nested, values)) + "]" if isinstance(values, list) else _number(values)


def _number(value: float) -> str:
    return repr(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 4].rstrip() + " ..."
