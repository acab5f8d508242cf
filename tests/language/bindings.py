"""Bindings for tests of the language: raw values, or values that a tape follows."""

from __future__ import annotations

from typing import Any

from aliascheck.engine import Tape, read_global
from aliascheck.language import parse


class Raw:
    """Bindings read as they are; every read is noted."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.reads: list[str] = []

    def read(self, name: str) -> Any:
        self.reads.append(name)
        return self.values[name]

    def names(self) -> Any:
        return self.values.keys()


class Traced(Raw):
    """Bindings read as globals of one tape."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.tape = Tape()

    def read(self, name: str) -> Any:
        return read_global(self.tape, name, super().read(name))


def let(**texts: Any) -> Raw:
    """Bindings made one after the other: expressions where they are strings."""
    env = Raw()
    for name, text in texts.items():
        env.values[name] = parse(text).evaluate(env) if isinstance(text, str) else text
    return env


def evaluate(text: str, **texts: Any) -> Any:
    """The value of an expression among such bindings."""
    return parse(text).evaluate(let(**texts))
