"""README.md: its commands can be extracted, its examples run and show what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aliascheck.cli.options import ENGINES
from aliascheck.runner import Selection, run_cases
from tests.cli.conftest import Call

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"(<!-- example: begin -->\n```text\n)(.*?)(```\n<!-- example: end -->)", re.DOTALL)
SECONDS = re.compile(r"\d+\.\d+ s\n")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("name", "last"), [("run", "aliascheck run cases/"), ("test", "-m pytest")])
def test_a_command_is_one_line_that_stands_alone(name: str, last: str) -> None:
    found = re.findall(rf"^<!-- ci: {name} -->\n```sh\n(.*)\n```$", README, re.MULTILINE)
    assert len(found) == 1
    assert found[0].startswith("python3 -m venv .venv && ") and found[0].endswith(last)


def test_the_example_is_what_the_tool_shows(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    argv = "run cases/zygote-991/examples.toml -k 5 --mode implicit"
    assert f"`aliascheck {argv}`" in README
    found = EXAMPLE.search(README)
    assert found is not None
    shown = call(*argv.split())
    assert shown.code == 0
    assert SECONDS.sub("", found[2]) == SECONDS.sub("", shown.out)


@pytest.mark.parametrize(
    ("engine", "mode", "column"),
    [
        ("builtin", "implicit", 1),
        ("builtin", "explicit", 2),
        ("torch", "implicit", 3),
        ("torch", "explicit", 3),
        ("autograd", "explicit", 3),
        ("jax", "explicit", 4),
    ],
)
def test_the_table_of_engines_is_what_they_report(engine: str, mode: str, column: int) -> None:
    if engine != "builtin":
        pytest.importorskip(engine)
    rows = [line.split("|")[1:-1] for line in README.splitlines() if re.match(r"\| \d\. `", line)]
    examples = ROOT / "cases" / "zygote-991" / "examples.toml"
    report = run_cases([examples], Selection(engine=engine, mode=mode))
    assert len(rows) == len(report.audits) == 6
    for row, audit in zip(rows, report.audits, strict=True):
        assert row[0].strip() == f"{audit.id}. `{audit.loss_text}`; {', '.join(audit.params)}"
        told = re.findall(r"(\w+) (?:(\d) ?)?(total|partial|split|misplaced|nothing)?", row[column])
        word = told[-1][2]  # one word may stand for all
        assert [(name, found or word) for name, _, found in told] == [
            (s.name, s.verdict) for s in audit.slots
        ]
        numbers = [float(number) if number else "nothing" for _, number, _ in told]
        assert numbers == [_number(slot.reported) for slot in audit.slots]


def _number(reported: object) -> object:
    """The one number of a gradient of one cell, in whatever structure."""
    while isinstance(reported, list | dict):
        (reported,) = reported.values() if isinstance(reported, dict) else reported
    return reported


def test_the_case_does_what_it_says(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (case,) = blocks("toml")
    Path("case.toml").write_text(case)
    pasted = call("run", "case.toml")
    assert pasted.code == 0 and "2 results: 2 as expected (2 show known findings)" in pasted.out
    changes = [("xt * x", "x * x"), ('["AC103:x"]', "[]"), ("x = [1.0],", "x = [2.0],")]
    for old, new in changes:  # known behaviour is written down: a change in either direction fails
        Path("case.toml").write_text(case.replace(old, new))
        assert call("run", "case.toml").code == 1, new


def script_with(text: str) -> str:
    (script,) = (block for block in blocks("python") if text in block)
    return script


def test_every_script_is_run_here() -> None:
    tried = [script_with(text) for text in ("aliascheck.engine", "import torch", "def test_gradients")]
    assert sorted(blocks("python")) == sorted(tried)


def test_the_python_runs_as_annotated() -> None:
    script = script_with("aliascheck.engine")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    expected = re.findall(r"^print.*# (.*)$", script, re.MULTILINE)
    assert done.stdout.splitlines() == expected


def test_the_model_is_audited_as_annotated() -> None:
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, "-c", script_with("import torch")], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "True []"


def test_the_fixture_needs_no_configuration(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model, _ = script_with("import torch").split("report = ")
    (tmp_path / "test_model.py").write_text(model + script_with("def test_gradients"))
    plugin = ["-p", "no:aliascheck", "-p", "aliascheck.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "--rootdir", str(tmp_path), "test_model.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout


def test_the_json_has_the_summary_that_scripts_read(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    call("run", str(ROOT / "cases/zygote-991/adjoint.toml"), "--json", str(path))
    assert json.loads(path.read_text())["summary"]["audits"] == 3


def test_every_engine_that_is_planned_is_named() -> None:
    assert all(engine in README for engine in ENGINES if engine != "builtin")
