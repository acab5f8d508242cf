"""Options that several commands take."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from aliascheck.errors import UsageError, did_you_mean

DEFAULT = Path("cases")
ENGINES = {
    "builtin": "the bundled engine, implicit and explicit mode",
    "torch": "modules, implicit and explicit mode: pip install 'aliascheck[torch]'",
    "jax": "pytrees, explicit mode: pip install 'aliascheck[jax]'",
    "autograd": "containers of NumPy arrays, explicit mode: pip install 'aliascheck[autograd]'",
}
BUNDLED = ("builtin",)
CONTRACTS = ("sum", "each", "owner")

Function = TypeVar("Function", bound=Callable[..., Any])
Option = Callable[[str], Callable[[Any], Any]]  # declares an option that sets the name given


def paths(function: Function) -> Function:
    """The case files and folders to look at, `cases/` where none is given."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(function)


def selection(function: Function) -> Function:
    """Which audits, in which mode and on which engine, handed to the command as one `selection`."""
    return _gathered(function, WHICH)


def settings(function: Function) -> Function:
    """As `selection`, and how audits are carried out and judged."""
    return _gathered(function, WHICH | HOW)


def _gathered(function: Function, declared: Mapping[str, Option]) -> Function:
    """`function` with options by the names of what they set, handed over as one Selection."""

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        from aliascheck.runner import Selection

        chosen = {name: given.pop(name) for name in declared}
        return function(selection=Selection(**chosen), **given)

    wrapped: Any = command
    for name, option in reversed(list(declared.items())):
        wrapped = option(name)(wrapped)
    return wrapped  # type: ignore[no-any-return]


def _tolerance(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A tolerance as given. Raises: BadParameter where it is negative or no number."""
    if value is not None and not (0 <= value < math.inf):
        raise click.BadParameter("it must be a number, zero or larger")
    return value


def _timeout(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (0 < value < math.inf):
        raise click.BadParameter("it must be a number larger than zero")
    return value


def _jobs(context: click.Context, parameter: click.Parameter, value: str) -> int:
    if value == "auto":
        return _cores()
    if not (value.isascii() and value.isdigit()):
        raise click.BadParameter("it must be a number, or auto")
    return int(value)


def _cores() -> int:
    """The cores that this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _engine(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or value in ENGINES:
        return value
    hint = did_you_mean(value, ENGINES) or "see aliascheck engines"
    raise UsageError(f"unknown engine '{value}'", hint=hint)


def _contract(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or value in CONTRACTS or (value.startswith("owner:") and value != "owner:"):
        return value
    hint = did_you_mean(value, CONTRACTS) or "sum, each, owner or owner:SLOT"
    raise UsageError(f"unknown contract '{value}'", hint=hint)


def _option(*flags: str, **settings: Any) -> Option:
    return lambda name: click.option(*flags, name, **settings)


WHICH: dict[str, Option] = {
    "text": _option("-k", metavar="TEXT", help="Only audits whose file, id or title has TEXT."),
    "mode": _option("--mode", type=click.Choice(["implicit", "explicit"]), help="Only this mode."),
    "engine": _option("--engine", metavar="NAME", callback=_engine, help="Run program cases on it."),
    "contract": _option("--contract", metavar="NAME", callback=_contract, help="Judge by this contract."),
    "trust": _option("--trust", is_flag=True, help="Allow cases that run Python code."),
}
HOW: dict[str, Option] = {
    "rtol": _option("--rtol", type=float, callback=_tolerance, help="Accepted relative difference."),
    "atol": _option("--atol", type=float, callback=_tolerance, help="Accepted absolute difference."),
    "seed": _option("--seed", type=click.IntRange(min=0), help="Seed of directions and jitter."),
    "probes": _option(
        "--probes", type=click.IntRange(min=1), help="Random directions of each large parameter."
    ),
    "thorough": _option(
        "--thorough", is_flag=True, help="Also measure each row of large parameters by itself."
    ),
    "fail_on": _option(
        "--fail-on",
        type=click.Choice(["error", "warning"]),
        default="error",
        show_default=True,
        help="Lowest severity that fails the run.",
    ),
    "strict_skips": _option(
        "--strict-skips", is_flag=True, help="Skipped audits make the run fail (exit 4)."
    ),
    "jobs": _option(
        "--jobs",
        metavar="N",
        default="0",
        callback=_jobs,
        help="Worker processes: a number, auto for one a core, 0 for none.  [default: 0]",
    ),
    "timeout": _option(
        "--timeout",
        type=float,
        metavar="SECONDS",
        callback=_timeout,
        help="End an audit that takes longer (by a worker; goes before timeouts in cases).",
    ),
    "memory": _option(
        "--memory",
        type=click.IntRange(min=1),
        metavar="MIB",
        help="End an audit that takes more resident memory, beyond that of its worker before it.",
    ),
}
