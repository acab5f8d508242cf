"""The walls of the house, checked on the source: who may import whom, hidden imports included."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "aliascheck"

FLOORS = (
    {"errors"},
    {"memory", "files", "stack"},
    {"engine"},
    {"language", "oracle"},
    {"subjects", "optimizers", "verdicts"},
    {"cases", "report", "auditing"},
    {"runner", "baseline", "selftest", "arguments"},
    {"reporters"},
    {"cli", "api"},
    {"pytest_plugin"},
    {"__main__"},
)

ONLY_IN = {
    "click": ("aliascheck.cli",),
    "jinja2": ("aliascheck.reporters.html",),
    "rich": ("aliascheck.cli", "aliascheck.reporters"),
    "torch": ("aliascheck.subjects.torch",),
    "jax": ("aliascheck.subjects.jax",),
    "autograd": ("aliascheck.subjects.autograd",),
}
ENGINES = ("torch", "jax", "autograd")
MAY_IMPORT = {
    "oracle": {"aliascheck.memory", "numpy"},
    "verdicts": {"aliascheck.memory", "aliascheck.errors", "numpy"},
    "reporters": {
        "aliascheck.report",
        "aliascheck.verdicts.catalogue",
        "aliascheck.errors",
        "jinja2",
        "markupsafe",
        "msgspec",
        "rich",
    },
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "misc", "common"}

REQUIRED_ENTRIES = {"aliascheck", "cases", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
ALLOWED_ENTRIES = REQUIRED_ENTRIES | {
    "reports",
    "CONTRIBUTING.md",
    "SECURITY.md",
    ".gitignore",
    ".pre-commit-hooks.yaml",
    ".ci",
}
GENERATED = {
    ".git",
    ".venv",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".coverage",
    "__pycache__",
    "build",
    "dist",
}


@dataclass(frozen=True)
class Import:
    """`importer` imports the module `name` at `line`; hidden ones stand inside functions."""

    importer: str
    name: str
    line: int
    hidden: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.name}"


class House:
    """Modules by dotted name, parsed."""

    def __init__(self, sources: Mapping[str, str], packages: frozenset[str] = frozenset()) -> None:
        self.trees = {name: ast.parse(source) for name, source in sources.items()}
        self.packages = packages

    @classmethod
    def standing(cls) -> House:
        """The package as it is on disk."""
        sources, packages = {}, set()
        for path in sorted((ROOT / PACKAGE).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if parts[-1] == "__init__":
                packages.add(name)
            sources[name] = path.read_text(encoding="utf-8")
        return cls(sources, frozenset(packages))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import of every module, wherever it stands."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        for name, tree in self.trees.items():
            hidden = {
                id(node)
                for function in ast.walk(tree)
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
                for node in ast.walk(function)
            }
            for node in ast.walk(tree):
                for target in self._targets(name, node):
                    yield Import(name, target, node.lineno, id(node) in hidden)  # type: ignore[attr-defined]

    def _targets(self, importer: str, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = self._base(importer, node)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in self.trees else base
        elif isinstance(node, ast.Call) and _is_dynamic(node):
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))

    def _base(self, importer: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = importer.split(".")
        parts = parts[: len(parts) - node.level + (importer in self.packages)]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def only_hands_on(self, name: str) -> bool:
        """Whether a package's `__init__` does nothing but hand names on."""
        return name in self.packages and all(_hands_on(node) for node in self.trees[name].body)


def _is_dynamic(node: ast.Call) -> bool:
    function = node.func
    named = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return named in ("import_module", "__import__")


def _hands_on(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__getattr__", "__dir__")
    if isinstance(node, ast.If):
        return all(_hands_on(part) for part in (*node.body, *node.orelse))
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Expr | ast.Assign | ast.AnnAssign)


def room(name: str) -> str:
    """The part of the package that a module belongs to: `memory`, `cli`, ..."""
    return name.split(".")[1] if "." in name else ""


def floor(name: str) -> int | None:
    """The floor of a module, None for the package itself and for unknown rooms."""
    return next((number for number, rooms in enumerate(FLOORS) if room(name) in rooms), None)


def is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(PACKAGE + ".")


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def upward_imports(house: House) -> list[str]:
    """Imports that do not go down, or stay at home."""
    found = []
    for one in house.imports:
        if not is_ours(one.name) or PACKAGE in (one.name, one.importer):
            continue
        if room(one.importer) == room(one.name):
            continue
        here, there = floor(one.importer), floor(one.name)
        if here is None or there is None or there >= here:
            found.append(str(one))
    return found


def homeless_modules(house: House) -> list[str]:
    """Modules that stand on no floor."""
    return [name for name in house.trees if name != PACKAGE and floor(name) is None]


def is_inside(name: str, engine: str) -> bool:
    """Whether a module is one that only its engine's package imports, and only when it is used."""
    return name.startswith(f"aliascheck.subjects.{engine}.")


def brings(name: str, engine: str) -> bool:
    """Whether whoever imports a module has the engine imported."""
    return name.partition(".")[0] == engine or is_inside(name, engine)


def forbidden_imports(house: House) -> list[str]:
    """Imports that a room's own rule does not allow."""
    found = []
    for one in house.imports:
        top = one.name.partition(".")[0]
        if top in ONLY_IN and not any(is_below(one.importer, place) for place in ONLY_IN[top]):
            found.append(str(one))
        if not one.hidden and any(brings(one.name, e) and not is_inside(one.importer, e) for e in ENGINES):
            found.append(f"{one} at its top level")
        allowed = MAY_IMPORT.get(room(one.importer))
        if allowed is None or top in sys.stdlib_module_names or room(one.name) == room(one.importer):
            continue
        if not any(is_below(one.name, place) for place in allowed):
            found.append(str(one))
    return found


def cycles(house: House) -> list[str]:
    """Modules that import each other; package faces that only hand names on do not count."""
    graph: dict[str, set[str]] = {name: set() for name in house.trees}
    for one in house.imports:
        if one.name in graph and not house.only_hands_on(one.importer) and one.name != one.importer:
            graph[one.importer].add(one.name)
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            found.append(" -> ".join((*trail[trail.index(name) :], name)))
        elif name not in done:
            for other in sorted(graph[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
    return found


def type_checking_escapes(house: House) -> list[str]:
    """Modules that look at TYPE_CHECKING, faces that only hand names on excepted."""
    return [
        name
        for name, tree in house.trees.items()
        if not house.only_hands_on(name)
        and any(
            (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
            or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
            for node in ast.walk(tree)
        )
    ]


def vague_names(house: House) -> list[str]:
    """Modules whose name says nothing."""
    return [name for name in house.trees if FORBIDDEN_NAMES & set(name.split("."))]


CHECKS = (
    upward_imports,
    homeless_modules,
    forbidden_imports,
    cycles,
    type_checking_escapes,
    vague_names,
)


@pytest.fixture(scope="module")
def house() -> House:
    return House.standing()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_walls_stand(house: House, check: object) -> None:
    assert check(house) == []  # type: ignore[operator]


def test_the_top_level_holds_what_it_may() -> None:
    entries = {
        path.name for path in ROOT.iterdir() if path.name not in GENERATED and path.suffix != ".egg-info"
    }
    assert entries - ALLOWED_ENTRIES == set()
    assert REQUIRED_ENTRIES - entries == set()


PLANTED = [
    (upward_imports, {"aliascheck.memory.cells": "from aliascheck.engine import gradient"}),
    (upward_imports, {"aliascheck.memory.cells": "def f():\n    import aliascheck.report"}),
    (upward_imports, {"aliascheck.memory.cells": "from ..engine import tape", "aliascheck.engine.tape": ""}),
    (upward_imports, {"aliascheck.cases.load": "from aliascheck.report import Report"}),
    (upward_imports, {"aliascheck.oracle.a": "import importlib\nimportlib.import_module('aliascheck.cli')"}),
    (upward_imports, {"aliascheck.oracle.stencil": "from aliascheck import runner", "aliascheck.runner": ""}),
    (homeless_modules, {"aliascheck.attic": ""}),
    (forbidden_imports, {"aliascheck.oracle.stencil": "from aliascheck.errors import AliascheckError"}),
    (forbidden_imports, {"aliascheck.oracle.stencil": "from aliascheck.engine import gradient"}),
    (forbidden_imports, {"aliascheck.oracle.stencil": "def f():\n    import msgspec"}),
    (forbidden_imports, {"aliascheck.verdicts.judge": "from aliascheck.oracle import Truth"}),
    (forbidden_imports, {"aliascheck.reporters.table": "from aliascheck.runner import run_cases"}),
    (forbidden_imports, {"aliascheck.reporters.table": "from aliascheck.verdicts import judge"}),
    (forbidden_imports, {"aliascheck.reporters.table": "import click"}),
    (forbidden_imports, {"aliascheck.runner.run": "from rich.progress import Progress"}),
    (forbidden_imports, {"aliascheck.subjects.torch": "import torch"}),
    (forbidden_imports, {"aliascheck.engine.tape": "def f():\n    import jax.numpy"}),
    (forbidden_imports, {"aliascheck.subjects.torch_gates": "import torch"}),
    (
        forbidden_imports,
        {
            "aliascheck.subjects.torch": "from aliascheck.subjects.torch.gates import Gate",
            "aliascheck.subjects.torch.gates": "import torch",
        },
    ),
    (
        cycles,
        {
            "aliascheck.memory.a": "from aliascheck.memory import b",
            "aliascheck.memory.b": "def f():\n    from aliascheck.memory.a import g",
        },
    ),
    (
        type_checking_escapes,
        {"aliascheck.memory.a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy"},
    ),
    (type_checking_escapes, {"aliascheck.memory.a": "import typing\nif typing.TYPE_CHECKING:\n    pass"}),
    (vague_names, {"aliascheck.memory.utils": ""}),
    (vague_names, {"aliascheck.helpers.cells": ""}),
]


@pytest.mark.parametrize(("check", "sources"), PLANTED)
def test_a_planted_violation_is_found(check: object, sources: dict[str, str]) -> None:
    assert check(House(sources)) != []  # type: ignore[operator]


def test_what_is_allowed_is_not_found() -> None:
    house = House(
        {
            "aliascheck": "def __getattr__(name):\n    from aliascheck.memory import a\n    return a",
            "aliascheck.memory": "from aliascheck.memory.a import f",
            "aliascheck.memory.a": "import numpy\nfrom aliascheck.memory.b import g\ndef f(): ...",
            "aliascheck.memory.b": "from aliascheck.errors import AliascheckError\ndef g(): ...",
            "aliascheck.errors": "import difflib",
            "aliascheck.subjects.torch": "def f():\n    import torch\n    import aliascheck.subjects.torch.a",
            "aliascheck.subjects.torch.a": "import torch\nfrom aliascheck.subjects.torch import b",
            "aliascheck.subjects.torch.b": "import torch.nn",
            "aliascheck.reporters.table": "import rich.text\nfrom aliascheck.verdicts.catalogue import Row",
            "aliascheck.verdicts.catalogue": "from aliascheck.memory import f",
            "aliascheck.cli.run": "import click\nfrom aliascheck import __version__",
        },
        frozenset({"aliascheck", "aliascheck.memory"}),
    )
    assert [found for check in CHECKS for found in check(house)] == []


def test_the_core_of_the_engine_can_be_read_in_one_sitting() -> None:
    """Tape, tracer and pullback: under 500 lines together."""
    core = [ROOT / PACKAGE / "engine" / name for name in ("tape.py", "tracer.py", "recording.py")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in core) < 500
