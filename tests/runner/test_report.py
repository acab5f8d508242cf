"""A report carries what it takes to be read without the case files: their text, pictures, and its origin."""

from __future__ import annotations

import platform
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from aliascheck import __version__
from aliascheck.report import AuditResult, Report
from aliascheck.reporters.lanes import stretches
from aliascheck.runner import Selection, run_cases

CASE = """
title = "A case"
source = "somewhere"

[let]
n = 2
x = [[1.0, 2.0], [3.0, 4.0]]
long = "normal(2, 2, seed=1) * 1.0"
both = ["x", "long"]
named = { a = "x", b = [1.0] }

[[audit]]
id = "1"
loss = "sum(x * x) * n"
params = ["x"]
modes = ["explicit"]

[audit.matrix]
n = [2, 3]
"""

LARGE = """
[let]
w = "normal(10, 20, seed=1)"
head = "w[0:3]"
rows = "w[:, 0:1]"

[[audit]]
loss = "sum(w * w) + sum(head) + sum(rows)"
params = ["w"]
modes = ["explicit"]
"""


def report_of(text: str, folder: Path, **asked: object) -> Report:
    path = folder / "case.toml"
    path.write_text(text, encoding="utf-8")
    return run_cases([path], Selection(**asked))  # type: ignore[arg-type]


def only(report: Report) -> AuditResult:
    (audit,) = report.audits
    return audit


def test_it_carries_the_cases_own_text_with_the_matrix_put_in(tmp_path: Path) -> None:
    first, second = report_of(CASE, tmp_path).audits
    assert [(one.name, one.text) for one in first.bindings] == [
        ("n", "2.0"),
        ("x", "[[1.0, 2.0], [3.0, 4.0]]"),
        ("long", "normal(2, 2, seed=1) * 1.0"),
        ("both", "[x, long]"),
        ("named", "{ a = x, b = [1.0] }"),
    ]
    assert second.bindings[0].text == "3.0"
    assert first.source == "somewhere" and first.model_text == ""


def test_long_texts_are_cut(tmp_path: Path) -> None:
    numbers = ", ".join("1.0" for _ in range(65))
    terms = " + ".join("1.25" for _ in range(90))
    bindings = f'[let]\nx = [{numbers}]\ny = "{terms}"\n'
    asked = '[[audit]]\nloss = "sum(x)"\nparams = ["x"]\nmodes = ["explicit"]\n'
    audit = only(report_of(bindings + asked, tmp_path))
    array, expression = audit.bindings
    assert array.text == "an array of shape (65,)"
    assert expression.text.endswith(" ...") and len(expression.text) <= 400


def test_a_python_model_is_named_with_the_arguments_of_each_audit(tmp_path: Path) -> None:
    text = '[model]\nfactory = "model.py:make"\nargs = { width = 2, depth = 1 }\n'
    audits = '[[audit]]\nid = "1"\n[[audit]]\nid = "2"\nargs = { depth = 3 }\n'
    found = report_of(f'engine = "torch"\n{text}{audits}', tmp_path, trust=True).audits
    assert {(audit.id, audit.model_text) for audit in found} == {
        ("1", "model.py:make(width=2, depth=1)"),
        ("2", "model.py:make(width=2, depth=3)"),
    }


def test_it_says_how_it_was_made(tmp_path: Path) -> None:
    origin = report_of(CASE, tmp_path, seed=7).origin
    assert origin is not None
    assert (origin.python, origin.numpy, origin.seed) == (platform.python_version(), np.__version__, 7)
    assert origin.engines == {"builtin": __version__}
    assert datetime.fromisoformat(origin.started).tzinfo is not None


def test_a_matrix_whose_row_shows_norms_is_kept_by_element(tmp_path: Path) -> None:
    (slot,) = only(report_of(LARGE, tmp_path)).slots
    assert slot.reported.keys() == {"shape", "norm", "max", "head"}
    assert slot.matrix is not None
    assert np.shape(slot.matrix.reported) == np.shape(slot.matrix.total) == (10, 20)
    assert np.ravel(slot.matrix.reported)[:8] == pytest.approx(slot.reported["head"])
    difference = np.subtract(slot.matrix.total, slot.matrix.path)
    assert np.flatnonzero(np.abs(difference) > 1e-6).tolist() == sorted({*range(60), *range(0, 200, 20)})


def test_lanes_of_a_large_group_are_told_as_runs(tmp_path: Path) -> None:
    (group,) = only(report_of(LARGE, tmp_path)).groups
    runs = {lane.name: stretches(lane) for lane in group.memory}
    assert runs == {
        "w": [(0, 200)],
        "head": [(0, 60)],
        "rows": [(20 * row, 20 * row + 1) for row in range(10)],
    }
    assert all(not lane.cells for lane in group.memory)
