"""The fixed names of the language: primitives, layers, functions that make memory, constants."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

from aliascheck.engine import LAYERS, REGISTRY, make_struct, primal, read_field
from aliascheck.errors import EngineError, did_you_mean
from aliascheck.language.allocate import ALLOCATIONS
from aliascheck.memory import Struct

CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
SWITCHES: dict[str, bool] = {"true": True, "false": False}
MUTABLE = "mutable"

_ELSEWHERE = {
    "np": "functions stand without a prefix: sum(x)",
    "numpy": "functions stand without a prefix: sum(x)",
    "len": "shapes cannot be read: bind a number in [let]",
    "range": "use arange(n)",
    "pow": "use a ** b",
    "params": "params(...) stands only in an audit's params",
    "float": 'use array(x, dtype="float")',
    "int": 'use array(x, dtype="int")',
    "sorted": "use sort(x)",
    "any": "use max(x > 0)",
    "all": "use min(x > 0)",
}


def vocabulary() -> frozenset[str]:
    """Every fixed name. A binding of the same name goes before it."""
    return frozenset((*REGISTRY, *LAYERS, *ALLOCATIONS, *CONSTANTS, *SWITCHES, MUTABLE))


def hint_for(name: str, known: Iterable[str]) -> str | None:
    """What was probably meant by the unknown `name`."""
    return _ELSEWHERE.get(name) or did_you_mean(name, {*known, *vocabulary()})


def make_mutable(value: Any) -> Any:
    """The mutable struct with the fields of another: mutable(A(x=x))"""
    struct = primal(value)
    if not isinstance(struct, Struct):
        raise EngineError("mutable takes a struct", hint="write mutable(A(x=x))")
    return make_struct(
        struct.name, {name: read_field(value, name) for name in struct.field_names}, mutable=True
    )


Complaint = tuple[str | None, str | None]  # message and hint; no message where there is nothing wrong


def unknown_argument(name: str, signature: inspect.Signature, keyword: str) -> Complaint:
    """What is wrong with giving the function `name` an argument by the name `keyword`."""
    parameters = signature.parameters.values()
    known = [
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if keyword in known or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None, None
    return f"{name} has no argument '{keyword}'", did_you_mean(keyword, known) or _usage(name, signature)


def misfit(name: str, signature: inspect.Signature, positional: int, named: list[str]) -> Complaint:
    """What is wrong with the number of arguments that the function `name` is given."""
    try:
        signature.bind(*[None] * positional, **dict.fromkeys(named))
    except TypeError as error:
        return f"{name}: {error}", _usage(name, signature)
    return None, None


def _usage(name: str, signature: inspect.Signature) -> str:
    """How a function is called, without types."""
    empty = inspect.Parameter.empty
    plain = [parameter.replace(annotation=empty) for parameter in signature.parameters.values()]
    return f"it is {name}{signature.replace(parameters=plain, return_annotation=empty)}"
