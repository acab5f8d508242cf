"""Options that several commands take."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from aliascheck.errors import IncompleteError, UsageError, did_you_mean

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


def paths(function: Function) -> Function:
    """The case files and folders to look at, `cases/` where none is given."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(function)


def selection(function: Function) -> Function:
    """Which audits, in which mode and on which engine."""
    for option in reversed(
        (
            click.option("-k", "text", metavar="TEXT", help="Only audits whose file, id or title has TEXT."),
            click.option("--mode", type=click.Choice(["implicit", "explicit"]), help="Only this mode."),
            click.option("--engine", metavar="NAME", callback=_engine, help="Run program cases on it."),
            click.option("--contract", metavar="NAME", callback=_contract, help="Judge by this contract."),
            click.option("--trust", is_flag=True, help="Allow cases that run Python code."),
        )
    ):
        function = option(function)
    return function


def tolerance(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A tolerance as given. Raises: BadParameter where it is negative or no number."""
    if value is not None and not (0 <= value < math.inf):
        raise click.BadParameter("it must be a number, zero or larger")
    return value


def _engine(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or value in BUNDLED:
        return value
    if value in ENGINES:
        raise IncompleteError(
            f"programs do not run on {value} yet: only on {', '.join(BUNDLED)}",
            hint=f"{value} audits models: from Python, or by a [model] in a case file of that engine",
        )
    hint = did_you_mean(value, ENGINES) or "see aliascheck engines"
    raise UsageError(f"unknown engine '{value}'", hint=hint)


def _contract(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or value in CONTRACTS or (value.startswith("owner:") and value != "owner:"):
        return value
    hint = did_you_mean(value, CONTRACTS) or "sum, each, owner or owner:SLOT"
    raise UsageError(f"unknown contract '{value}'", hint=hint)
