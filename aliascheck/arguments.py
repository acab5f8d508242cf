"""What a caller from Python asks for, checked: each says what is wrong with it, and what may stand there."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aliascheck.errors import UsageError, did_you_mean
from aliascheck.memory import DIRECTIONS

CONTRACTS = ("sum", "each", "owner")
STOPS = ("constant", "report")
LARGEST_SEED = 2**32 - 1  # as NumPy takes them


def known(what: str, value: Any, choices: Iterable[str]) -> str:
    """One of some words. Raises: UsageError for any other."""
    choices = tuple(choices)
    if isinstance(value, str) and value in choices:
        return value
    near = did_you_mean(value, choices) if isinstance(value, str) else None
    raise UsageError(f"unknown {what} {value!r}", hint=near or f"one of {', '.join(choices)}")


def modes_of(value: Sequence[str] | str | None, choices: Sequence[str]) -> list[str]:
    """The modes to audit in, each once; all that the engine has without any. Raises: UsageError."""
    modes = list(choices) if value is None else names_of("modes", value)
    if not modes:
        raise UsageError("modes is empty", hint=f"leave it out, or name one of {', '.join(choices)}")
    return list(dict.fromkeys(known("mode", mode, choices) for mode in modes))


def contract_of(value: Any) -> str:
    """A contract; the slot that it may name is looked up later. Raises: UsageError."""
    kind, _, name = value.partition(":") if isinstance(value, str) else (value, "", "")
    known("contract", kind, CONTRACTS)
    if ":" in value and (kind != "owner" or not name):
        raise UsageError(f"unknown contract '{value}'", hint="sum, each, owner or owner:SLOT")
    return str(value)


def params_of(value: Any) -> list[Any] | None:
    """What is in the set; a single name stands for a list of one. Raises: UsageError."""
    if value is None:
        return None
    names = [value] if _is_group(value) else names_of("params", value)
    if not names:
        hint = "name what gets a gradient, or leave params out to take every parameter"
        raise UsageError("nothing to audit: params is empty, so no parameter requires a gradient", hint=hint)
    return names


def _is_group(value: Any) -> bool:
    """Whether a value is one group of an optimizer's parameters."""
    return isinstance(value, dict) and isinstance(value.get("params"), list)


def names_of(what: str, value: Any) -> list[Any]:
    """A list of names, from a list or from a single name. Raises: UsageError."""
    if isinstance(value, str) or hasattr(value, "__array__"):
        return [value]
    if not isinstance(value, Iterable):
        raise UsageError(f"{what} is a {type(value).__name__}", hint="give a list of names")
    return list(value)


def ties_of(value: Any) -> list[list[Any]] | None:
    """Lists of places that are tied. Raises: UsageError."""
    if value is None:
        return None
    hint = "ties lists lists of names: ties=[['enc.weight', 'dec.weight']], of trees as in \"enc['w']\""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise UsageError(f"ties is {value!r}, and must be a list", hint=hint)
    ties = []
    for tie in value:
        if isinstance(tie, str) or hasattr(tie, "__array__") or not isinstance(tie, Iterable):
            raise UsageError("ties holds a name where a list of names is meant", hint=hint)
        ties.append(list(tie))
        if len(ties[-1]) < 2:
            raise UsageError("a tie has fewer than two names", hint=hint)
    return ties


def seed_of(value: Any) -> int:
    """Where random numbers begin. Raises: UsageError."""
    seed = _whole("seed", value)
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"seed is {seed}", hint=f"a whole number from 0 to {LARGEST_SEED}")
    return seed


def probes_of(value: Any) -> int:
    """How many directions large groups are measured along. Raises: UsageError."""
    probes = DIRECTIONS if value is None else _whole("probes", value)
    if probes < 1:
        raise UsageError(f"probes is {probes}", hint="a whole number from 1 on")
    return probes


def _whole(what: str, value: Any) -> int:
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise UsageError(f"{what} is {value!r}", hint="give a whole number")


def tolerance_of(value: Any) -> tuple[float, float]:
    """What is accepted, relative to the largest derivative and absolutely. Raises: UsageError."""
    if not isinstance(value, Mapping):
        return _difference("tolerance", 0.0 if value is None else value), 0.0
    unknown = [key for key in value if key not in ("rtol", "atol")]
    if unknown:
        raise UsageError(f"unknown tolerance {unknown[0]!r}", hint="rtol and atol")
    return _difference("rtol", value.get("rtol", 0.0)), _difference("atol", value.get("atol", 0.0))


def _difference(what: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0.0):
        raise UsageError(f"{what} is {value!r}", hint="a number from 0 on, or a mapping with rtol and atol")
    return number
