"""The expression language of case files, as a list."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Protocol

from rich.text import Text

from aliascheck.engine import LAYERS, REGISTRY, Layer
from aliascheck.language import ALLOCATIONS, CONSTANTS
from aliascheck.reporters.layout import hanging, line
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import PLAIN, STRONG

HANG = 34
SYNTAX = "numbers, names, + - * / ** @, comparison, tuples, lists, dicts, x[i], x[a:b], x.field, f(x), lambda"
SETS = (
    ("params(m)", "in an audit's params: every array leaf of m, wrappers as themselves"),
    ("params(m, unique=true)", "the same with wrappers opened, each array object once"),
)
STRUCTS = (
    ("A(x=x)", "an immutable struct: any capitalised name with named fields"),
    ("mutable(A(x=x))", "a mutable one"),
)


class Described(Protocol):
    """What has a signature and a summary."""

    signature: inspect.Signature
    summary: str


def vocabulary_lines(page: Page) -> list[Text]:
    """Every name that an expression may use, with its arguments and what it gives."""
    return [
        *_section("Syntax", [("", SYNTAX)], page),
        *_section("Memory", _described(ALLOCATIONS), page),
        *_section("Structs", STRUCTS, page),
        *_section("Layers", [(_fields(layer), layer.summary) for _, layer in sorted(LAYERS.items())], page),
        *_section("Sets", SETS, page),
        *_section("Constants", [("", ", ".join((*CONSTANTS, "true", "false")))], page),
        *_section("Primitives", _primitives(), page)[:-1],
    ]


def _primitives() -> list[tuple[str, str]]:
    rows = []
    for name, primitive in sorted(REGISTRY.items()):
        without = "" if primitive.differentiable else " (no derivative)"
        rows.append((_usage(name, primitive.signature), primitive.summary + without))
    return rows


def _described(functions: Mapping[str, Described]) -> list[tuple[str, str]]:
    return [(_usage(name, one.signature), one.summary) for name, one in sorted(functions.items())]


def _usage(name: str, signature: inspect.Signature) -> str:
    plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    return f"{name}{signature.replace(parameters=plain, return_annotation=signature.empty)}"


def _fields(layer: Layer) -> str:
    if layer.variadic:
        return f"{layer.name}(*{layer.fields[0]})"
    fields = [name if number < layer.required else f"[{name}]" for number, name in enumerate(layer.fields)]
    return f"{layer.name}({', '.join(fields)})"


def _section(title: str, rows: Iterable[tuple[str, str]], page: Page) -> list[Text]:
    lines = [line((title, STRONG))]
    hang = min(HANG, page.width // 2)
    for usage, summary in rows:
        label = page.show(usage)
        if len(label) < hang:
            lines += hanging((label, PLAIN), page.show(summary), page, indent=2, hang=hang if label else 0)
            continue
        lines += hanging(("", PLAIN), label, page, indent=2, hang=4)
        lines += hanging((" ", PLAIN), page.show(summary), page, indent=2, hang=hang) if summary else []
    return [*lines, line()]
