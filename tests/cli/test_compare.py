"""`aliascheck compare`: the same audits on several engines, in one table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aliascheck.runner import Selection, run_on_engines
from tests.cli.conftest import Call

HALF = '[let]\nx = [1.0]\nxt = "adjoint(x)"\n[[audit]]\nid = "a"\nloss = "sum(xt * x)"\nparams = ["x"]\n'
MODEL = '[model]\nfactory = "m.py:make"\n[[audit]]\nid = "m"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cases").mkdir()
    Path("cases/half.toml").write_text(HALF)


def test_findings_are_shown_and_do_not_fail(call: Call) -> None:
    assert call("run").code == 1
    outcome = call("compare", "--engine", "builtin")
    assert outcome.code == 0
    assert "     builtin             implicit  1 partial\n" in outcome.out
    assert outcome.out.endswith("1 audit on builtin: 2 results.\n")


@pytest.mark.parametrize(("form", "start"), [("markdown", "### cases/half.toml"), ("json", "{")])
def test_other_formats(call: Call, form: str, start: str) -> None:
    assert call("compare", "--engine", "builtin", "--format", form).out.startswith(start)


def test_all_reports_can_be_written(call: Call) -> None:
    assert call("compare", "--engine", "builtin", "--json", "all.json", "--html", "all.html").code == 0
    assert len(json.loads(Path("all.json").read_text())["audits"]) == 2
    assert call("report", "all.json").code == 0


def test_what_cannot_be_compared_is_told(call: Call) -> None:
    Path("cases/bad.toml").write_text("[let")
    outcome = call("compare", "--engine", "builtin")
    assert outcome.code == 3 and "could not be read" in outcome.out and "1 partial" in outcome.out
    assert call("compare", "none").code == 2


def test_results_of_one_audit_stand_together_whatever_the_engine() -> None:
    pytest.importorskip("autograd")
    Path("cases/two.toml").write_text(HALF.replace('"a"', '"b"'))
    report = run_on_engines([Path("cases")], Selection(), ["builtin", "autograd"])
    assert [(audit.id, audit.engine) for audit in report.audits] == [
        *[("a", "builtin")] * 2,
        ("a", "autograd"),
        *[("b", "builtin")] * 2,
        ("b", "autograd"),
    ]
    assert report.origin is not None and set(report.origin.engines) == {"builtin", "autograd"}


def test_python_models_run_once_on_their_own_engine() -> None:
    pytest.importorskip("autograd")
    Path("cases/m.toml").write_text('engine = "autograd"\n' + MODEL)
    Path("cases/m.py").write_text(
        "import numpy as np, autograd.numpy as anp\n"
        "def make(): return {'w': np.ones(2)}, lambda m: anp.sum(m['w'] ** 2)\n"
    )
    report = run_on_engines([Path("cases")], Selection(trust=True), ["builtin", "autograd"])
    assert [(audit.id, audit.engine) for audit in report.audits if audit.file == "cases/m.toml"] == [
        ("m", "autograd")
    ]
    only = run_on_engines([Path("cases/m.toml")], Selection(trust=True), ["builtin", "autograd"])
    assert len(only.audits) == 1
