"""Cases from the wild: public reports, reproduced on the engines that they are about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aliascheck.cases import Case, load_cases
from aliascheck.runner import Selection, run_audit, run_cases

ROOT = Path(__file__).resolve().parents[2] / "cases"
ENGINES = {"pytorch": "torch", "jax": "jax", "autograd": "autograd"}
CASES, ERRORS = load_cases([ROOT / folder for folder in ENGINES])
REPORT = re.compile(r"[\w.-]+/[\w.-]+#\d+")


def name_of(case: Case) -> str:
    return f"{case.folder.name}/{Path(case.path).stem}"


each_case = pytest.mark.parametrize("case", CASES, ids=name_of)


def test_they_are_many_and_each_report_once_for_an_engine():
    assert not ERRORS
    assert len(CASES) >= 20
    assert len({(case.engine, case.source) for case in CASES}) == len(CASES)


@each_case
def test_each_names_its_report_and_has_a_control(case):
    assert case.engine == ENGINES[case.folder.name]
    assert REPORT.fullmatch(case.source)
    repository, number = case.source.split("#")
    assert Path(case.path).stem.split("-")[-1] == number
    assert repository.split("/")[1].lower().startswith(Path(case.path).stem.split("-")[0])
    assert case.model is not None
    assert (case.folder / case.model.factory.partition(":")[0]).is_file()
    controls = [audit for audit in case.audits if audit.title.startswith("control: ")]
    assert controls and len(controls) < len(case.audits)
    for audit in controls:
        for mode in Selection().modes_of(case, audit):
            assert case.expectation(audit, mode).findings == ()
    for audit in case.audits:
        assert all(case.expectation(audit, mode) for mode in Selection().modes_of(case, audit))


@each_case
def test_each_is_as_it_says(case):
    pytest.importorskip(case.engine)
    for audit in case.audits:
        results, code = run_audit(case, audit, Selection(trust=True))
        told = [(audit.id, result.mode, result.error, result.unmet) for result in results]
        assert [result.status for result in results] == ["passed"] * len(results), told
        assert code == 0


def test_without_trust_they_are_skipped_and_named():
    report = run_cases([ROOT / folder for folder in ENGINES])
    assert report.summary.exit_code == 0
    assert {result.status for result in report.audits} == {"skipped"}
    assert {result.file for result in report.audits} == {case.path for case in CASES}
    assert all("--trust" in (result.error or "") for result in report.audits)
