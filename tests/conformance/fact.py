"""What a fact is: an expression with its entries, a call with its gradients, or any result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from aliascheck.engine import REGISTRY, Bindings, Params, gradient
from aliascheck.errors import EngineError
from aliascheck.language import parse
from aliascheck.memory import Fields, format_path, lookup, parse_path
from aliascheck.subjects.program import Program
from tests.engine.tangents import matches
from tests.language.bindings import let

SEED: dict[str, Any] = {"x": [1.0], "xt": "adjoint(x)"}
LONG: dict[str, Any] = {"x": [1.0, 2.0], "y": [3.0, 4.0], "xt": "adjoint(x)"}
ONES = [1.0, 1.0]
NAMES = {**REGISTRY, "sum": np.sum, "tanh": np.tanh, "ones": np.ones, "reshape": np.reshape}


def parent(tangent: Any) -> Fields:
    """The structural tangent of a wrapper."""
    return Fields(parent=tangent)


@dataclass(frozen=True)
class Loss:
    """A loss over named values: what implicit mode enters for its set and its names, and what explicit
    mode gives for the set.

    The loss is an expression of the case language. Where it is also one of Python, Python evaluates it
    too, with names of `Bindings`: the entries must be the same. `Main.` names are globals' entries.
    """

    id: str
    loss: str
    params: str
    implicit: dict[str, Any] | None = None
    explicit: dict[str, Any] | None = None
    let: dict[str, Any] = field(default_factory=lambda: SEED)
    python: bool = True
    error: str | None = None

    def check(self) -> None:
        made = {k: np.array(v, float) if isinstance(v, list) else v for k, v in self.let.items()}
        bindings = let(**made).values
        paths = [parse_path(name) for name in self.params.split()]
        program = Program(bindings, parse(self.loss).evaluate, paths)
        if self.implicit is not None:
            found = program.gradients("implicit")
            compare({**_by_name(found.members), **_as_main(found.globals)}, self.implicit)
        if self.explicit is not None:
            found = program.gradients("explicit")
            assert found.globals == {}
            compare(_by_name(found.members), self.explicit)
        if self.error is not None:
            with pytest.raises(EngineError, match=self.error):
                program.gradients("implicit")
        if self.python:
            self._check_python(bindings)

    def _check_python(self, bindings: dict[str, Any]) -> None:
        members = {name: lookup(bindings, parse_path(name)) for name in self.params.split()}
        names = _Names(Bindings(**bindings), bindings)
        code = compile(self.loss, self.id, "eval")

        def loss() -> Any:
            return eval(code, NAMES, names)

        if self.error is not None:
            with pytest.raises(EngineError, match=self.error):
                gradient(loss, Params(members.values()))
        if self.implicit is not None:
            grads = gradient(loss, Params(members.values()))
            compare({**{n: grads[v] for n, v in members.items()}, **grads.globals}, self.implicit)


class _Names:
    """Names that Python looks up in `Bindings`, each occurrence for itself."""

    def __init__(self, main: Bindings, bound: Iterable[str]) -> None:
        self._main = main
        self._bound = frozenset(bound)

    def __getitem__(self, name: str) -> Any:
        if name not in self._bound:
            raise KeyError(name)
        return getattr(self._main, name)


def _by_name(members: dict[Any, Any]) -> dict[str, Any]:
    return {format_path(path): tangent for path, tangent in members.items()}


def _as_main(entries: dict[str, Any]) -> dict[str, Any]:
    return {f"Main.{name}": tangent for name, tangent in entries.items()}


def compare(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, tangent in found.items():
        assert matches(tangent, expected[name]), f"{name}: {tangent!r} is not {expected[name]!r}"


@dataclass(frozen=True)
class Call:
    """What `gradient(function, *args)` gives: one tangent for each argument."""

    id: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    gradients: tuple[Any, ...]

    def check(self) -> None:
        found = gradient(self.function, *(_array(arg) for arg in self.args))
        assert same(found, self.gradients), f"{found!r} is not {self.gradients!r}"


@dataclass(frozen=True)
class Result:
    """What a function without arguments returns, or which error it raises."""

    id: str
    compute: Callable[[], Any]
    expected: Any = None
    error: str | None = None

    def check(self) -> None:
        if self.error is not None:
            with pytest.raises(EngineError, match=self.error):
                self.compute()
            return
        found = self.compute()
        assert same(found, self.expected), f"{found!r} is not {self.expected!r}"


Fact = Loss | Call | Result


def _array(arg: Any) -> Any:
    """Lists of numbers are arrays; other lists, and what is in them, are containers."""
    return np.array(arg, float) if isinstance(arg, list) and _is_numeric(arg) else arg


def _is_numeric(part: Any) -> bool:
    return all(_is_numeric(one) for one in part) if isinstance(part, list) else isinstance(part, int | float)


def same(found: Any, expected: Any) -> bool:
    """Whether a result is the expected one: tuples part by part, truths and texts as they are."""
    if isinstance(expected, bool | str):
        return bool(found == expected)
    if isinstance(found, tuple) and isinstance(expected, tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return matches(found, expected)
