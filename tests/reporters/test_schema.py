"""Every report is what the JSON Schema of reports says, and what is none is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aliascheck.report import Report
from aliascheck.reporters import json as reporter
from aliascheck.reporters.page import Page
from aliascheck.reporters.schema import json_schema
from tests.reporters.samples import REPORTS, trouble, warned

jsonschema = pytest.importorskip("jsonschema")

CASES = Path(__file__).parents[2] / "cases"


@pytest.fixture(scope="module")
def validator() -> Any:
    kind = jsonschema.Draft202012Validator
    kind.check_schema(json_schema())
    return kind(json_schema())


def data_of(report: Report) -> Any:
    return json.loads(reporter.render(report, Page()))


@pytest.mark.parametrize("name", REPORTS)
def test_sample_reports_are_valid(validator: Any, name: str) -> None:
    assert list(validator.iter_errors(data_of(REPORTS[name]()))) == []


def test_reports_of_shipped_cases_are_valid(validator: Any) -> None:
    from aliascheck.runner import run_cases

    folders = [CASES / name for name in ("zygote-991", "containers", "points", "structs", "views")]
    report = run_cases(folders)
    assert len(report.audits) > 50
    assert list(validator.iter_errors(data_of(report))) == []


def changed(change: Callable[[Any], object]) -> Any:
    data = data_of(trouble())
    change(data)
    return data


def matrix_of(data: Any) -> Any:
    return data["audits"][2]["groups"][0]["attribution"]


WRONG: dict[str, Callable[[Any], object]] = {
    "another format": lambda data: data.update(format=2),
    "no summary": lambda data: data.pop("summary"),
    "no status": lambda data: data["audits"][0].pop("status"),
    "an unknown status": lambda data: data["audits"][0].update(status="fine"),
    "a line that is text": lambda data: data["audits"][0].update(line="3"),
    "an unknown word for a number": lambda data: data["audits"][0].update(loss="infinite"),
    "an unknown word for a gradient": lambda data: data["audits"][0]["slots"][0].update(reported="none"),
    "an unknown word in the matrix": lambda data: data["audits"][2]["groups"][0]["attribution"][0].append(
        "v"
    ),
    "an unknown severity": lambda data: data["audits"][2]["findings"][0].update(severity="fatal"),
    "a bad file without a name": lambda data: data["bad_files"][0].pop("file"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_report_is_refused(validator: Any, what: str) -> None:
    assert list(validator.iter_errors(changed(WRONG[what]))) != []


def test_every_key_of_a_report_is_described() -> None:
    """A report with keys that the schema does not know is valid: here they would be forgotten ones."""
    closed = json_schema()
    for table in closed["$defs"].values():
        if "properties" in table:
            table["additionalProperties"] = False
    strict = jsonschema.Draft202012Validator(closed)
    for report in (trouble(), warned()):
        assert list(strict.iter_errors(data_of(report))) == []


def test_schema_is_tidy() -> None:
    schema = json_schema()
    tables = [table for table in schema["$defs"].values() if "properties" in table]
    assert len(tables) > 10
    assert all(table["description"] and "\n" not in table["description"] for table in tables)
    text = json.dumps(schema)
    names = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert names <= set(schema["$defs"])
