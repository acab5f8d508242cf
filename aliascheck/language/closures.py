"""Lambdas as values: records of what they captured, with a call rule."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from aliascheck.engine import make_record, primal
from aliascheck.errors import EngineError
from aliascheck.language.limits import LIMITS
from aliascheck.memory import Record

ROOM = 10_000  # Python calls that lambdas may nest: what the stack of a thread has room for


class Frame:
    """What names stand for while a body runs: bindings, the arguments of its call, and its closure."""

    __slots__ = ("args", "read", "this")

    def __init__(self, read: Callable[[str], Any], args: tuple[Any, ...], this: Any) -> None:
        self.read = read
        self.args = args
        self.this = this


Run = Callable[[Frame], Any]


class Evaluation:
    """One evaluation under way: where bindings are read, which there are, how deep calls are nested."""

    __slots__ = ("depth", "names", "read")

    def __init__(self, read: Callable[[str], Any], names: frozenset[str]) -> None:
        self.read = read
        self.names = names
        self.depth = 0


CURRENT: ContextVar[Evaluation] = ContextVar("evaluation")


class Body(Protocol):
    """The compiled body of a lambda. Its identity is that of the lambda's place in the text."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arguments."""

    @property
    def captures(self) -> tuple[str, ...]:
        """The variables of enclosing lambdas that it uses."""

    def program(self, names: frozenset[str]) -> Run:
        """The body, where exactly `names` are bound."""


class Closure(Record):
    """A lambda with the variables of enclosing lambdas that it uses, as its fields.

    Two closures are identical when they come from the same lambda of the same text and captured
    identical values. Bindings are no captures: a call reads them by name.
    """

    __slots__ = ("body", "captured")

    def __init__(self, body: Body, captured: dict[str, Any]) -> None:
        self.body = body
        self.captured = captured

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(self.captured)

    @property
    def type_tag(self) -> Any:
        return self.body

    def get_field(self, name: str) -> Any:
        return self.captured[name]

    def replace_field(self, name: str, value: Any) -> Closure:
        if name not in self.captured:
            raise KeyError(name)
        return Closure(self.body, {**self.captured, name: value})

    def __repr__(self) -> str:
        return f"lambda{' ' if self.body.parameters else ''}{', '.join(self.body.parameters)}: ..."

    @staticmethod
    def call_rule(this: Any, *args: Any) -> Any:
        """Call a closure, raw or traced.

        Raises: EngineError for a wrong number of arguments, and where calls nest too deeply.
        """
        body = primal(this).body
        if len(args) != len(body.parameters):
            raise EngineError(_arity(body.parameters, len(args)))
        evaluation = CURRENT.get(None)
        if evaluation is None:
            raise EngineError("a lambda can be called only while an expression is evaluated")
        if evaluation.depth == 0:
            with _room_for_calls():
                return _run(evaluation, body, args, this)
        return _run(evaluation, body, args, this)


def _run(evaluation: Evaluation, body: Body, args: tuple[Any, ...], this: Any) -> Any:
    if evaluation.depth >= LIMITS.call_depth:
        raise too_many_calls()
    evaluation.depth += 1
    try:
        return body.program(evaluation.names)(Frame(evaluation.read, args, this))
    finally:
        evaluation.depth -= 1


def too_many_calls() -> EngineError:
    """The error of calls that nest too deeply."""
    return EngineError(f"calls are nested deeper than {LIMITS.call_depth}", hint="does a lambda call itself?")


@contextmanager
def _room_for_calls() -> Iterator[None]:
    """Python's own limit on nested calls, raised so that the language's is met first."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + ROOM)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _arity(parameters: tuple[str, ...], given: int) -> str:
    wanted = "1 argument" if len(parameters) == 1 else f"{len(parameters)} arguments"
    named = f" ({', '.join(parameters)})" if parameters else ""
    return f"the lambda takes {wanted}{named}, and got {given}"


def make_closure(body: Body, captured: dict[str, Any]) -> Any:
    """A closure of raw or traced captured values; traced where one of them is."""
    if not captured:
        return Closure(body, {})
    return make_record(lambda parts: Closure(body, parts), captured)
