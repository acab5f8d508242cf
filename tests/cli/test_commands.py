"""The other commands, and what all have in common."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest

from aliascheck import __version__
from aliascheck.cli.main import COMMANDS
from aliascheck.verdicts.catalogue import CATALOGUE, TOPICS, WORDS
from tests.cli.conftest import Call

CASE = """\
title = "two names"
[let]
x = [1.0]
xt = "adjoint(x)"
[[audit]]
id = "only"
title = "x alone"
loss = "sum(xt * x)"
params = ["x"]
modes = ["implicit"]
"""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("case.toml")
    path.write_text(CASE)
    return path


def test_version(call: Call) -> None:
    assert call("--version").out == f"aliascheck {__version__}\n"


def test_help_lists_every_command_with_its_first_sentence(call: Call) -> None:
    shown = call("--help")
    assert shown.code == 0
    for name, (_, summary) in COMMANDS.items():
        assert name in shown.out and summary in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(call: Call, name: str) -> None:
    module, _ = COMMANDS[name]
    command = import_module(module).command
    assert isinstance(command, click.Command) and command.name == name
    assert call(name, "--help").code == 0


def test_no_arguments_is_a_question_for_help(call: Call) -> None:
    outcome = call()
    assert outcome.code == 2 and "Usage:" in outcome.err and outcome.out == ""


def test_an_unknown_command_gets_a_hint(call: Call) -> None:
    outcome = call("rnu")
    assert outcome.code == 2 and "no such command 'rnu' (did you mean 'run'?)" in outcome.err


def test_list_shows_what_would_run(call: Call, case: Path) -> None:
    outcome = call("list", str(case))
    assert outcome.code == 0
    for text in ("case.toml", "only", "x alone", "implicit", "sum(xt * x)", "sum", "1 audit, 1 result."):
        assert text in outcome.out


def test_list_names_bad_files(call: Call, case: Path) -> None:
    Path("bad.toml").write_text("[[audit]]\nlos = 1\n")
    outcome = call("list", ".")
    assert outcome.code == 3 and "bad.toml" in outcome.out and "x alone" in outcome.out


def test_list_primitives_is_the_language(call: Call) -> None:
    from aliascheck.engine import LAYERS, REGISTRY
    from aliascheck.language import ALLOCATIONS

    outcome = call("list", "--primitives")
    assert outcome.code == 0
    for name in (*REGISTRY, *LAYERS, *ALLOCATIONS):
        assert f"  {name}(" in outcome.out
    assert call("list", "--primitives", "cases").code == 2


def test_run_is_real(call: Call, case: Path) -> None:
    outcome = call("run", str(case))
    assert outcome.code == 1 and "✗ only" in outcome.out and "AC103 partial at x" in outcome.out


@pytest.mark.parametrize("command", ["run", "list"])
def test_nothing_to_run(call: Call, case: Path, command: str) -> None:
    Path("empty").mkdir()
    for argv in (["none.toml"], ["empty"], [str(case), "-k", "no such text"]):
        outcome = call(command, *argv)
        assert outcome.code == 2 and outcome.out == "" and outcome.err.startswith("error: ")


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.code)
def test_explain_knows_every_finding_by_code_and_name(call: Call, row: object) -> None:
    code, name = row.code, row.name  # type: ignore[attr-defined]
    assert call("explain", code.lower()).out.startswith(f"{code} {name}")
    assert f"{code} {name}" in call("explain", name).out


@pytest.mark.parametrize("word", [*WORDS, *TOPICS])
def test_explain_knows_every_word_and_topic(call: Call, word: str) -> None:
    outcome = call("explain", word)
    assert outcome.code == 0 and word in outcome.out


def test_explain_has_an_index_and_everything(call: Call) -> None:
    index, everything = call("explain").out, call("explain", "all").out
    for name in (*(row.code for row in CATALOGUE), *WORDS, *TOPICS):
        assert name in index and name in everything
    assert "{" not in everything


def test_explain_suggests(call: Call) -> None:
    outcome = call("explain", "partail")
    assert outcome.code == 2 and "did you mean 'partial'?" in outcome.err


def test_new_writes_a_case_that_passes(call: Call, case: Path) -> None:
    outcome = call("new", "tied-weights")
    assert outcome.code == 0 and "aliascheck run tied-weights.toml" in outcome.err
    assert tomllib.loads(Path("tied-weights.toml").read_text())["title"] == "tied-weights"
    assert call("run", "tied-weights.toml").code == 0


def test_new_overwrites_nothing(call: Call, case: Path) -> None:
    assert call("new", "case").code == 2
    assert call("new", "case.toml").code == 2
    assert case.read_text() == CASE


@pytest.mark.parametrize("name", ["", "folder/", ".toml", "none/case", "a\0b", "x" * 300])
def test_new_refuses_what_names_no_file(call: Call, case: Path, name: str) -> None:
    outcome = call("new", name)
    assert outcome.code == 2 and outcome.err.startswith("error: ")
    assert [path.name for path in Path().iterdir()] == ["case.toml"]


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "esc\x1bape", "日本"])
def test_new_copes_with_strange_names(call: Call, case: Path, name: str) -> None:
    assert call("new", name).code == 0
    assert call("run", f"{name}.toml").code == 0


@pytest.mark.parametrize(
    ("argv", "title"), [(["schema"], "aliascheck case file"), (["schema", "--report"], "aliascheck report")]
)
def test_schema_is_json(call: Call, argv: list[str], title: str) -> None:
    schema = json.loads(call(*argv).out)
    assert schema["$schema"].startswith("https://json-schema.org/") and schema["title"] == title


def test_engines_says_what_is_here(call: Call) -> None:
    lines = call("engines").out.splitlines()
    assert lines[0].split()[:2] == ["builtin", "installed"]
    assert [line.split()[0] for line in lines[1:4]] == ["torch", "jax", "autograd"]
    for line, engine in zip(lines[1:4], ("torch", "jax", "autograd"), strict=True):
        is_there = importlib.util.find_spec(engine) is not None
        assert ("not installed" in line) != is_there and f"aliascheck[{engine}]" in line
