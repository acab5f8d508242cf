"""The whitelist: which of Python's expressions are expressions of a case, and where."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from aliascheck.language.error import ExpressionError, Source, Span
from aliascheck.language.limits import Limits, amount
from aliascheck.language.scan import scan, too_deep

_NAMES: dict[type[ast.AST], str] = {
    ast.Set: "sets",
    ast.JoinedStr: "f-strings",
    ast.Starred: "'*' arguments",
    ast.NamedExpr: "assignments with ':='",
    ast.IfExp: "conditional expressions",
    ast.BoolOp: "'and' and 'or'",
    ast.ListComp: "comprehensions",
    ast.SetComp: "comprehensions",
    ast.DictComp: "comprehensions",
    ast.GeneratorExp: "comprehensions",
}

_STRING_FIRST = ("einsum",)  # primitives whose first argument is a string


def parse_tree(source: Source, limits: Limits) -> ast.expr:
    """The tree of an expression that holds nothing but what the language has.

    Raises: ExpressionError for anything else, at the characters of it.
    """
    scan(source, limits)
    tree = _parse(source, limits)
    _check_size(tree, source, limits)
    _Whitelist(source).check(tree)
    return tree


def _parse(source: Source, limits: Limits) -> ast.expr:
    try:
        return ast.parse(source.wrapped(), mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(source, error) from None
    except (RecursionError, MemoryError):
        raise too_deep(source, 0, limits) from None
    except (ValueError, OverflowError) as error:
        raise source.error(f"this is no expression: {error}", source.span(0, 1)) from None


def _syntax_error(source: Source, error: SyntaxError) -> ExpressionError:
    line = min(max((error.lineno or 1) - 1, 0), len(source.lines) - 1)
    column = (error.offset or 1) - 1 - (line == 0)
    if (error.lineno or 1) > len(source.lines) or column >= len(source.lines[line].rstrip()):
        line = max(number for number, text in enumerate(source.lines) if text.strip())
        column = len(source.lines[line].rstrip())
        return source.error("the expression ends too early", Span(line, column, column + 1))
    end = column + 1
    if error.end_lineno == error.lineno and error.end_offset is not None:
        end = max(end, error.end_offset - 1 - (line == 0))
    column = max(column, 0)
    return source.error(f"this is no expression{_reason(error.msg)}", Span(line, column, end))


def _reason(message: str) -> str:
    """What the parser says, where it speaks of this language too."""
    if "comma" in message:
        return ": perhaps a comma is missing"
    if "follows keyword argument" in message:
        return ": positional arguments come first"
    return ""


def _check_size(tree: ast.expr, source: Source, limits: Limits) -> None:
    """Depth and number of nodes, counted without recursion."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > limits.depth:
            raise too_deep(source, 0, limits)
        if count > limits.nodes:
            raise source.error(
                f"the expression has more than {amount(limits.nodes)} nodes",
                source.span(0, 1),
                "bind parts of it to names",
            )
        waiting.extend((child, depth + 1) for child in _parts(node))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The subexpressions of a node: operators and contexts are no nodes of their own."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr | ast.Slice):
            yield child
        elif isinstance(child, ast.keyword | ast.arguments | ast.arg):
            yield from _parts(child)


class _Whitelist:
    """Checks every node by the method of its type; a type without a method is refused."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def refuse(self, node: ast.AST, message: str, hint: str | None = None) -> ExpressionError:
        return self.source.error_at(message, node, hint)

    def check(self, node: ast.AST) -> None:
        method: Callable[[ast.AST], None] | None = getattr(self, f"check_{type(node).__name__.lower()}", None)
        if method is None:
            what = _NAMES.get(type(node), f"'{type(node).__name__}' expressions")
            raise self.refuse(node, f"{what} are not available")
        method(node)

    def check_all(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            self.check(node)

    def check_identifier(self, name: str, node: ast.AST, what: str) -> None:
        if name.startswith("_"):
            raise self.refuse(node, f"{what} '{name}' starts with an underscore")

    def check_name(self, node: ast.Name) -> None:
        self.check_identifier(node.id, node, "the name")

    def check_constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, str):
            raise self.refuse(node, "a string stands only as a dict key or a keyword value")
        if value is Ellipsis:
            raise self.refuse(node, "'...' stands only in an index")
        if value is None or isinstance(value, bool):
            raise self.refuse(node, f"{value} stands only as a keyword value or in an index")
        if not isinstance(value, int | float):
            raise self.refuse(node, f"constants such as {type(value).__name__} are not available")

    def check_unaryop(self, node: ast.UnaryOp) -> None:
        self.check(node.operand)

    def check_binop(self, node: ast.BinOp) -> None:
        self.check(node.left)
        self.check(node.right)

    def check_compare(self, node: ast.Compare) -> None:
        if len(node.ops) > 1:
            raise self.refuse(node, "chained comparisons are not available", "use logical_and(a < b, b < c)")
        self.check(node.left)
        self.check(node.comparators[0])

    def check_tuple(self, node: ast.Tuple) -> None:
        self.check_all(node.elts)

    def check_list(self, node: ast.List) -> None:
        self.check_all(node.elts)

    def check_dict(self, node: ast.Dict) -> None:
        seen: set[str] = set()
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise self.refuse(value, "'**' in a dict is not available", "write its keys out")
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise self.refuse(key, "the keys of a dict are strings in quotes")
            if key.value in seen:
                raise self.refuse(key, f"the key '{key.value}' appears twice")
            seen.add(key.value)
            self.check(value)

    def check_attribute(self, node: ast.Attribute) -> None:
        self.check(node.value)
        self.check_identifier(node.attr, node, "the field")

    def check_subscript(self, node: ast.Subscript) -> None:
        self.check(node.value)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            self.check_index(part)

    def check_index(self, node: ast.expr) -> None:
        if isinstance(node, ast.Slice):
            for bound in (node.lower, node.upper, node.step):
                if bound is not None and not _is_none(bound):
                    self.check(bound)
        elif not (_is_none(node) or (isinstance(node, ast.Constant) and node.value is Ellipsis)):
            self.check(node)

    def check_call(self, node: ast.Call) -> None:
        self.check(node.func)
        for position, argument in enumerate(node.args):
            if isinstance(argument, ast.Starred):
                raise self.refuse(argument, "'*' arguments are not available", "write the arguments out")
            if not (position == 0 and _is_string(argument) and _takes_string(node.func)):
                self.check(argument)
        seen: set[str] = set()
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.refuse(keyword, "'**' arguments are not available", "write the arguments out")
            if keyword.arg in seen:
                raise self.refuse(keyword, f"the argument '{keyword.arg}' appears twice")
            seen.add(keyword.arg)
            self.check_identifier(keyword.arg, keyword, "the argument")
            if not _is_keyword_constant(keyword.value):
                self.check(keyword.value)

    def check_lambda(self, node: ast.Lambda) -> None:
        arguments = node.args
        unusual = [*arguments.posonlyargs, *arguments.kwonlyargs]
        unusual += [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        if unusual:
            raise self.refuse(unusual[0], "a lambda takes plain names only")
        if arguments.defaults:
            raise self.refuse(arguments.defaults[0], "a lambda's arguments have no defaults")
        seen: set[str] = set()
        for argument in arguments.args:
            self.check_identifier(argument.arg, argument, "the name")
            if argument.arg in seen:
                raise self.refuse(argument, f"the name '{argument.arg}' appears twice")
            seen.add(argument.arg)
        self.check(node.body)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _takes_string(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id in _STRING_FIRST


def _is_keyword_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | bool))
