"""Case files as tests: what pytest and its common plugins do with items works on them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

CASE = """\
title = "two names"
[let]
x = [1.0]
xt = "adjoint(x)"
[[audit]]
id = "bad"
title = "half is lost"
loss = "sum(xt * x)"
params = ["x"]
[[audit]]
id = "good"
matrix = { n = [1, 2] }
loss = "n * sum(x * x)"
params = ["x"]
modes = ["implicit"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tied.toml").write_text(CASE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@dataclass
class Done:
    """What a run of pytest left behind."""

    returncode: int
    stdout: str


Run = Callable[..., Done]


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run pytest in this process, which has imported already what a new one would have to."""
    monkeypatch.chdir(folder)

    def run(*options: str, given: Sequence[str] = ("--aliascheck",)) -> Done:
        code = pytest.main([*given, "--rootdir", str(folder), *options])
        return Done(int(code), capsys.readouterr().out)

    return run


def test_every_audit_and_mode_is_an_item(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--aliascheck", "-v"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    for name in ("bad[implicit]", "bad[explicit]", "good[n=1][implicit]", "good[n=2][implicit]"):
        assert f"tied.toml::{name} " in done.stdout
    assert "2 failed, 2 passed" in done.stdout and done.returncode == 1
    assert "AC103 partial at x" in done.stdout, "the table"
    assert "pytest_plugin" not in done.stdout and "Traceback" not in done.stdout, "and nothing of our own"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-k", "explicit"], "1 failed, 3 deselected"),
        (["-x"], "1 failed"),
        (["tied.toml::good[n=2][implicit]"], "1 passed"),
        (["-n", "2"], "2 failed, 2 passed"),
    ],
    ids=["-k", "-x", "id", "-n"],
)
def test_items_are_chosen_as_others_are(run: Run, options: list[str], told: str) -> None:
    if "-n" in options:
        pytest.importorskip("xdist")
    assert told in run(*options).stdout


def test_failures_come_first_and_alone_where_asked(run: Run) -> None:
    run()
    again = run("--lf").stdout
    assert "2 failed" in again and "passed" not in again
    first = run("--ff", "-v").stdout
    assert first.index("::bad[explicit] FAILED") < first.index("::good[n=1][implicit] PASSED")


def test_without_the_option_nothing_is_collected(run: Run) -> None:
    assert "no tests ran" in run(given=()).stdout


def test_a_bad_file_is_an_error_of_collection(run: Run, folder: Path) -> None:
    (folder / "bad.toml").write_text('[let]\nx = [1.0]\n[[audit]]\nloss = "sum(y)"\nparams = ["x"]\n')
    done = run()
    assert "unknown name 'y'" in done.stdout and "Traceback" not in done.stdout
    assert done.returncode == 2


def test_the_summary_names_what_was_found(run: Run, folder: Path) -> None:
    """In a worker of xdist as well, where a failure travels as plain data."""
    expect = '[audit.expect.implicit]\nfindings = ["AC102:x"]\n'
    expect += 'gradients = { x = [2.0], "Main.x" = [1.0], "Main.xt" = [[1.0]] }\n'
    (folder / "tied.toml").write_text(CASE.replace('params = ["x"]\n', 'params = ["x"]\n' + expect, 1))
    told = "AC103:x partial; expected AC102:x; expected gradients.x = [2.0], got [1.0]"
    for options in ([], ["-n", "1"]):
        if options:
            pytest.importorskip("xdist")
        shown = run("--tb=line", "-vv", *options).stdout.splitlines()
        assert f"FAILED tied.toml::bad[implicit] - {told}" in shown
        assert "FAILED tied.toml::bad[explicit] - AC103:x partial" in shown
        begin, end = (n for n, line in enumerate(shown) if "= FAILURES =" in line or " summary " in line)
        lines = [line for line in shown[begin + 1 : end] if not line.startswith("[gw0]")]
        assert sorted(lines) == [f"tied.toml:5: AC103:x partial{rest}" for rest in ("", told[15:])]


def test_an_error_is_told_without_its_place(run: Run, folder: Path) -> None:
    (folder / "tied.toml").write_text(
        '[let]\nx = [1.0]\n[[audit]]\nid="log"\nloss="sum(log(0*x-1))"\nparams=["x"]'
    )
    shown = run("-vv").stdout
    assert re.search(r"^FAILED tied\.toml::log\[implicit\] - .*the loss is nan", shown, re.MULTILINE)


def test_a_skip_has_its_place_in_the_case(run: Run, folder: Path) -> None:
    (folder / "tied.toml").write_text(
        'engine = "torch"\nmodel.factory = "m.py:make"\n\n[[audit]]\nid = "a"\n[[audit]]\nskip = "later"\n'
    )
    shown = run("-rs").stdout
    assert "SKIPPED [2] tied.toml:4: it runs Python code, and --aliascheck-trust is not given" in shown
    assert "SKIPPED [2] tied.toml:6: later" in shown
