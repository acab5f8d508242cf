"""`aliascheck report`: what was stored shows again, and what is no report is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from aliascheck.reporters.json import render
from aliascheck.reporters.page import Page
from tests.cli.conftest import Call, FakeRunner
from tests.reporters.samples import thread


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(render(thread(), Page()), encoding="utf-8")
    return path


@pytest.mark.parametrize("options", [[], ["-v"], ["-q"], ["--format", "concise"], ["--format", "json"]])
def test_it_shows_what_the_run_showed(
    call: Call, runner: FakeRunner, stored: Path, options: list[str]
) -> None:
    runner.report = thread()
    shown = call("report", str(stored), *options)
    assert shown.out == call("run", *options).out
    assert shown.code == 0 and shown.err == ""


def test_it_writes_other_reports(call: Call, stored: Path, tmp_path: Path) -> None:
    assert call("report", str(stored), "--json", str(tmp_path / "again.json")).code == 0
    assert (tmp_path / "again.json").read_text() == stored.read_text()


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_dash_is_no_file_to_write(
    call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = call("report", str(stored), f"--{form}", "-")
    assert refused.code == 2 and refused.out == ""
    assert f"--{form} -: this is no file" in refused.err and "--format" in refused.err
    assert not Path("-").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ("", "this is no JSON report"),
        ("[]", "this is no JSON report"),
        ('{"format": "1"}', "this is no JSON report"),
        ('{"format": 2}', "a report of format 2, and this aliascheck reads format 1"),
        ('{"format": 1}', "this is no whole JSON report"),
    ],
)
def test_what_is_no_report_is_told(call: Call, tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    outcome = call("report", str(path))
    assert outcome.code == 2 and outcome.out == ""
    assert said in outcome.err and "aliascheck" in outcome.err


def test_half_a_report_is_told(call: Call, stored: Path) -> None:
    text = stored.read_text()
    for end in range(0, len(text) - 2, len(text) // 50):
        stored.write_text(text[:end])
        assert call("report", str(stored)).code == 2


def test_a_report_that_is_damaged_inside_is_told(call: Call, stored: Path) -> None:
    whole = json.loads(stored.read_text())
    for spoil in (
        lambda audit: audit["groups"][0]["attribution"].pop(),
        lambda audit: audit["slots"][0].update(path=[[1.0], "x", {}]),
        lambda audit: audit["findings"][0].update(severity="fatal"),
        lambda audit: audit["slots"][0].update(error_bound="much"),
    ):
        damaged = copy.deepcopy(whole)
        spoil(next(audit for audit in damaged["audits"] if audit["findings"]))
        stored.write_text(json.dumps(damaged))
        for form in ("table", "concise", "json", "github", "markdown"):
            shown = call("report", str(stored), "--format", form, "-v")
            assert shown.code in (0, 2) and "defect of aliascheck" not in shown.err
            assert shown.code == 0 or "damaged" in shown.err


def test_a_report_does_not_overwrite_itself(call: Call, stored: Path) -> None:
    before = stored.read_bytes()
    outcome = call("report", str(stored), "--junit", str(stored))
    assert outcome.code == 2 and "would overwrite" in outcome.err
    assert stored.read_bytes() == before
