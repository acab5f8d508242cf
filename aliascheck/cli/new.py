"""`aliascheck new`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aliascheck.cli.streams import say
from aliascheck.errors import UsageError
from aliascheck.reporters.visible import visible

TEMPLATE = """\
# A case file: one model (its memory, and how parts of it alias) and any number of audits of it.
# Run it:               aliascheck run @path@ -v
# What may stand here:  aliascheck schema, aliascheck list --primitives, aliascheck explain

title = @title@
# source = "where the case comes from"

# The model: named values, in order. Lists of numbers allocate memory, strings are expressions.
[let]
w  = [[1.0, 2.0], [3.0, 4.0]]
wt = "transpose(w)"                      # another name for the memory of w
x  = [0.5, -1.0]

# One audit: a loss, the parameter set, and what you expect.
[[audit]]
id     = "tied"
title  = "a weight and its transpose, both in the set"
loss   = "sum((wt @ tanh(w @ x)) ** 2)"  # must give one real number
params = ["w", "wt"]                     # or "params(model)" for every array of a container or struct

# What each mode must report. Remove a table to let its findings decide; a finding that is known and
# accepted is written down: findings = ["AC103:w"].
[audit.expect.implicit]
findings = []

[audit.expect.explicit]
findings = []

# A second audit of the same model: leave a name out of the set, and see what is missing.
# [[audit]]
# id     = "alone"
# loss   = "sum((wt @ tanh(w @ x)) ** 2)"
# params = ["w"]
"""


@click.command("new")
@click.argument("name")
def command(name: str) -> None:
    """Write NAME.toml, a commented case file to start from, which passes as it is."""
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if path.name in (".toml", "..toml") or name.endswith(("/", "\\")):
        raise UsageError(f"'{name}' names no file", hint="aliascheck new tied-weights")
    _create(path, TEMPLATE.replace("@path@", visible(str(path))).replace("@title@", _quoted(path.stem)))
    say(f"wrote {path}\nnext: aliascheck run {path} -v")


def _quoted(text: str) -> str:
    return json.dumps(visible(text), ensure_ascii=False)


def _create(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            try:
                file.write(text)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="choose another name") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot write {path}: {reason}") from error
