"""From trees to nested closures: each node becomes a function of a frame.

Which names are bindings, and which the vocabulary's, is settled once for a set of bound names and not
at every evaluation. Operators, fields, indices and calls are the engine's, on raw and traced values.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from aliascheck.engine import (
    LAYERS,
    REGISTRY,
    call,
    make_dict,
    make_list,
    make_struct,
    make_tuple,
    read_field,
    read_item,
)
from aliascheck.language.allocate import ALLOCATIONS
from aliascheck.language.closures import Body, Frame, Run, make_closure
from aliascheck.language.error import ExpressionError, Source
from aliascheck.language.failure import FAILURES, fail, shape_misfit
from aliascheck.language.index import index_part, is_constant_index, make_slice, read_key
from aliascheck.language.vocabulary import (
    CONSTANTS,
    MUTABLE,
    SWITCHES,
    hint_for,
    make_mutable,
    misfit,
    unknown_argument,
)
from aliascheck.memory import Data

_BINARY: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("add", "+"),
    ast.Sub: ("subtract", "-"),
    ast.Mult: ("multiply", "*"),
    ast.Div: ("divide", "/"),
    ast.Pow: ("power", "**"),
    ast.MatMult: ("matmul", "@"),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("less", "<"),
    ast.LtE: ("less_equal", "<="),
    ast.Gt: ("greater", ">"),
    ast.GtE: ("greater_equal", ">="),
    ast.Eq: ("equal", "=="),
    ast.NotEq: ("not_equal", "!="),
}


class Scope(Data, frozen=True):
    """The variables of lambdas that a node can see: parameters, and what its closure captured."""

    parameters: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()


class Linker:
    """Compiles nodes where exactly `names` are bound."""

    def __init__(self, source: Source, bodies: Mapping[ast.Lambda, Body], names: frozenset[str]) -> None:
        self.source = source
        self.bodies = bodies
        self.names = names

    def compile(self, node: ast.expr, scope: Scope) -> Run:
        """The function that evaluates `node`. Raises ExpressionError where a name is unknown."""
        run: Run = getattr(self, f"compile_{type(node).__name__.lower()}")(node, scope)
        return run

    def compile_all(self, nodes: list[ast.expr], scope: Scope) -> list[Run]:
        return [self.compile(node, scope) for node in nodes]

    def guard(self, node: ast.AST, compute: Callable[..., Any], *runs: Run) -> Run:
        """`compute` of what the `runs` give; what it raises happened at `node`."""
        source = self.source
        if len(runs) == 1:
            first = runs[0]

            def run_one(frame: Frame) -> Any:
                x = first(frame)
                try:
                    return compute(x)
                except FAILURES as error:
                    fail(source, node, error)

            return run_one
        if len(runs) == 2:
            left, right = runs

            def run_two(frame: Frame) -> Any:
                x, y = left(frame), right(frame)
                try:
                    return compute(x, y)
                except FAILURES as error:
                    fail(source, node, error)

            return run_two

        def run_all(frame: Frame) -> Any:
            values = [run(frame) for run in runs]
            try:
                return compute(*values)
            except FAILURES as error:
                fail(source, node, error)

        return run_all

    def compile_constant(self, node: ast.Constant, scope: Scope) -> Run:
        return _constant(float(node.value) if _is_number(node) else node.value)  # type: ignore[arg-type]

    def compile_name(self, node: ast.Name, scope: Scope) -> Run:
        name = node.id
        variable = self.compile_variable(node, scope)
        if variable is not None:
            return variable
        if name in CONSTANTS:
            return _constant(CONSTANTS[name])
        if name in REGISTRY:
            return _constant(REGISTRY[name])
        if name in SWITCHES:
            raise self.source.error_at(f"{name} stands only as a keyword value", node)
        if name in ALLOCATIONS or name in LAYERS or name == MUTABLE:
            raise self.source.error_at(f"{name} stands only where it is called: {name}(...)", node)
        raise self.unknown(node, scope)

    def compile_variable(self, node: ast.Name, scope: Scope) -> Run | None:
        """Reading a parameter, a capture or a binding; None where `node` is none of them."""
        name = node.id
        if name in scope.parameters:
            position = scope.parameters.index(name)
            return lambda frame: frame.args[position]
        if name in scope.captures:
            return lambda frame: read_field(frame.this, name)
        if name in self.names:
            return lambda frame: frame.read(name)
        return None

    def unknown(self, node: ast.Name, scope: Scope) -> ExpressionError:
        known = {*self.names, *scope.parameters, *scope.captures}
        return self.source.error_at(f"unknown name '{node.id}'", node, hint_for(node.id, known))

    def compile_unaryop(self, node: ast.UnaryOp, scope: Scope) -> Run:
        if isinstance(node.op, ast.UAdd):
            return self.compile(node.operand, scope)
        if isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, int | float):
            return _constant(-float(node.operand.value))
        return self.guard(node, REGISTRY["negative"], self.compile(node.operand, scope))

    def compile_binop(self, node: ast.BinOp, scope: Scope) -> Run:
        sides = self.compile(node.left, scope), self.compile(node.right, scope)
        return self.operator(node, _BINARY[type(node.op)], *sides)

    def compile_compare(self, node: ast.Compare, scope: Scope) -> Run:
        sides = self.compile(node.left, scope), self.compile(node.comparators[0], scope)
        return self.operator(node, _COMPARISONS[type(node.ops[0])], *sides)

    def operator(self, node: ast.expr, operator: tuple[str, str], first: Run, second: Run) -> Run:
        name, symbol = operator
        primitive = REGISTRY[name]
        source = self.source

        def run(frame: Frame) -> Any:
            x, y = first(frame), second(frame)
            try:
                return primitive(x, y)
            except FAILURES as error:
                fail(source, node, shape_misfit(symbol, x, y, error))

        return run

    def compile_tuple(self, node: ast.Tuple, scope: Scope) -> Run:
        runs = self.compile_all(node.elts, scope)
        return lambda frame: make_tuple([run(frame) for run in runs])

    def compile_list(self, node: ast.List, scope: Scope) -> Run:
        runs = self.compile_all(node.elts, scope)
        return lambda frame: make_list([run(frame) for run in runs])

    def compile_dict(self, node: ast.Dict, scope: Scope) -> Run:
        keys = [str(key.value) for key in node.keys if isinstance(key, ast.Constant)]
        runs = self.compile_all(node.values, scope)
        return lambda frame: make_dict(dict(zip(keys, [run(frame) for run in runs], strict=True)))

    def compile_attribute(self, node: ast.Attribute, scope: Scope) -> Run:
        name = node.attr
        return self.guard(node, lambda holder: read_field(holder, name), self.compile(node.value, scope))

    def compile_subscript(self, node: ast.Subscript, scope: Scope) -> Run:
        holder = self.compile(node.value, scope)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            word = node.slice.value
            return self.guard(node, lambda value: read_key(value, word), holder)
        if is_constant_index(node.slice):
            key = self.compile_index(node.slice, scope)(_NO_FRAME)
            return self.guard(node, lambda value: read_item(value, key), holder)
        return self.guard(node, read_item, holder, self.compile_index(node.slice, scope))

    def compile_index(self, node: ast.expr, scope: Scope) -> Run:
        if isinstance(node, ast.Tuple):
            parts = [self.compile_index(part, scope) for part in node.elts]
            return lambda frame: tuple([part(frame) for part in parts])
        if isinstance(node, ast.Slice):
            bounds = [
                _constant(None) if bound is None else self.compile_index(bound, scope)
                for bound in (node.lower, node.upper, node.step)
            ]
            return self.guard(node, make_slice, *bounds)
        if isinstance(node, ast.Constant) and not _is_number(node):
            return _constant(node.value)
        return self.guard(node, index_part, self.compile(node, scope))

    def compile_lambda(self, node: ast.Lambda, scope: Scope) -> Run:
        body = self.bodies[node]
        reads = [(name, self.compile(ast.Name(name), scope)) for name in body.captures]
        return lambda frame: make_closure(body, {name: read(frame) for name, read in reads})

    def compile_call(self, node: ast.Call, scope: Scope) -> Run:
        function = node.func
        if isinstance(function, ast.Name) and self.compile_variable(function, scope) is None:
            return self.compile_named_call(node, function, scope)
        if node.keywords:
            raise self.source.error_at("a value is called without keywords", node.keywords[0])
        return self.guard(node, call, *self.compile_all([function, *node.args], scope))

    def compile_named_call(self, node: ast.Call, function: ast.Name, scope: Scope) -> Run:
        name = function.id
        if name in REGISTRY or name in ALLOCATIONS:
            declared: Any = REGISTRY.get(name) or ALLOCATIONS[name]
            self.check_arguments(node, name, declared.signature)
            return self.compile_fixed_call(node, declared, scope)
        if name in LAYERS:
            return self.compile_fixed_call(node, LAYERS[name].build, scope)
        if name == MUTABLE:
            return self.compile_mutable(node, scope)
        if name in CONSTANTS or name in SWITCHES:
            raise self.source.error_at(f"{name} cannot be called", node)
        if name[0].isupper():
            return self.compile_struct(node, name, scope, mutable=False)
        raise self.unknown(function, scope)

    def check_arguments(self, node: ast.Call, name: str, signature: inspect.Signature) -> None:
        for word in node.keywords:
            message, hint = unknown_argument(name, signature, str(word.arg))
            if message is not None:
                raise self.source.error_at(message, word, hint)
        message, hint = misfit(name, signature, len(node.args), [str(word.arg) for word in node.keywords])
        if message is not None:
            raise self.source.error_at(message, node, hint)

    def compile_fixed_call(self, node: ast.Call, compute: Callable[..., Any], scope: Scope) -> Run:
        runs = self.compile_all(node.args, scope)
        if not node.keywords:
            return self.guard(node, compute, *runs)
        source = self.source
        settings = self.compile_keywords(node, scope)

        def run(frame: Frame) -> Any:
            values = [argument(frame) for argument in runs]
            named = {name: value(frame) for name, value in settings}
            try:
                return compute(*values, **named)
            except FAILURES as error:
                fail(source, node, error)

        return run

    def compile_keywords(self, node: ast.Call, scope: Scope) -> list[tuple[str, Run]]:
        return [(str(word.arg), self.compile_setting(word.value, scope)) for word in node.keywords]

    def compile_setting(self, node: ast.expr, scope: Scope) -> Run:
        if isinstance(node, ast.Name) and node.id in SWITCHES and self.compile_variable(node, scope) is None:
            return _constant(SWITCHES[node.id])
        return self.compile(node, scope)

    def compile_mutable(self, node: ast.Call, scope: Scope) -> Run:
        if len(node.args) != 1 or node.keywords:
            raise self.source.error_at("mutable takes one struct", node, "write mutable(A(x=x))")
        inner = node.args[0]
        if isinstance(inner, ast.Call) and self.is_struct(inner.func, scope):
            return self.compile_struct(inner, inner.func.id, scope, mutable=True)
        return self.guard(node, make_mutable, self.compile(inner, scope))

    def is_struct(self, function: ast.expr, scope: Scope) -> TypeGuard[ast.Name]:
        """Whether a call of `function` makes a struct that is no layer."""
        return (
            isinstance(function, ast.Name)
            and function.id[0].isupper()
            and function.id not in LAYERS
            and self.compile_variable(function, scope) is None
        )

    def compile_struct(self, node: ast.Call, name: str, scope: Scope, *, mutable: bool) -> Run:
        if node.args:
            hint = hint_for(name, self.names) or f"write {name}(x=...)"
            raise self.source.error_at(f"the struct {name} takes its fields by name", node.args[0], hint)
        if not node.keywords:
            raise self.source.error_at(f"the struct {name} has no fields", node, f"write {name}(x=...)")
        fields = self.compile_keywords(node, scope)
        return lambda frame: make_struct(name, {field: run(frame) for field, run in fields}, mutable)


_NO_FRAME: Any = None


def _constant(value: Any) -> Run:
    return lambda frame: value


def _is_number(node: ast.Constant) -> bool:
    return isinstance(node.value, int | float) and not isinstance(node.value, bool)
