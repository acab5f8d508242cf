"""Expressions: parsed once, evaluated any number of times."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from aliascheck.language.closures import CURRENT, Evaluation, Frame, Run
from aliascheck.language.compile import Linker, Scope
from aliascheck.language.error import Source
from aliascheck.language.grammar import parse_tree
from aliascheck.language.limits import LIMITS


class Environment(Protocol):
    """The bindings that an expression is evaluated among."""

    def read(self, name: str) -> Any:
        """The value of a name. Raises KeyError where it is not bound."""

    def names(self) -> Iterable[str]:
        """Every bound name."""


class Expression:
    """An expression of the case language.

    `names` are those that it uses and no lambda of it binds: bindings and vocabulary.
    """

    def __init__(self, source: Source, tree: ast.expr) -> None:
        self.source = source
        self._tree = tree
        self._bodies: dict[ast.Lambda, LambdaBody] = {}
        self._programs: dict[frozenset[str], Run] = {}
        self.names = self._find_free(tree, ())

    @property
    def text(self) -> str:
        """The text that was parsed."""
        return self.source.text

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _find_free(self, node: ast.AST, enclosing: tuple[str, ...]) -> frozenset[str]:
        """Names in `node` that are no variable of a lambda in it. Notes the body of every lambda."""
        if isinstance(node, ast.Name):
            return frozenset((node.id,))
        if isinstance(node, ast.Lambda):
            parameters = tuple(argument.arg for argument in node.args.args)
            free = self._find_free(node.body, (*enclosing, *parameters)).difference(parameters)
            captures = tuple(sorted(free.intersection(enclosing)))
            self._bodies[node] = LambdaBody(self, node, parameters, captures)
            return free
        return frozenset().union(*(self._find_free(part, enclosing) for part in ast.iter_child_nodes(node)))

    def program(self, names: frozenset[str]) -> Run:
        """The expression compiled where exactly `names` are bound."""
        run = self._programs.get(names)
        if run is None:
            run = self._programs[names] = self.link(self._tree, Scope(), names)
        return run

    def link(self, tree: ast.expr, scope: Scope, names: frozenset[str]) -> Run:
        """A part of the expression compiled where exactly `names` are bound."""
        return Linker(self.source, self._bodies, names).compile(tree, scope)

    def check(self, names: Iterable[str]) -> None:
        """Look at every call and name, also in lambdas, where `names` are bound.

        Raises: ExpressionError for an unknown name, and for arguments that a function does not take.
        """
        bound = frozenset(names)
        self.program(bound)
        for body in self._bodies.values():
            body.program(bound)

    def evaluate(self, env: Environment) -> Any:
        """The value among the bindings of `env`; traced where they are.

        Raises: ExpressionError at the innermost part that fails.
        """
        names = frozenset(env.names())
        run = self._programs.get(names) or self.program(names)
        token = CURRENT.set(Evaluation(env.read, names))
        try:
            with np.errstate(all="ignore"):
                return run(Frame(env.read, (), None))
        finally:
            CURRENT.reset(token)


class LambdaBody:
    """The body of one lambda of an expression."""

    def __init__(
        self, expression: Expression, node: ast.Lambda, parameters: tuple[str, ...], captures: tuple[str, ...]
    ) -> None:
        self.parameters = parameters
        self.captures = captures
        self._expression = expression
        self._node = node
        self._programs: dict[frozenset[str], Run] = {}

    def program(self, names: frozenset[str]) -> Run:
        """The body compiled where exactly `names` are bound."""
        run = self._programs.get(names)
        if run is None:
            scope = Scope(self.parameters, self.captures)
            run = self._programs[names] = self._expression.link(self._node.body, scope, names)
        return run


def parse(text: str) -> Expression:
    """The expression that `text` writes.

    Raises: ExpressionError where it writes none, or exceeds a limit.
    """
    source = Source(text)
    return Expression(source, parse_tree(source, LIMITS))
