"""SARIF: valid by its JSON schema, and recognised from run to run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.report import AuditResult, Report
from aliascheck.reporters import sarif
from aliascheck.reporters.page import Page
from aliascheck.verdicts.catalogue import CATALOGUE
from tests.reporters.samples import (
    INJECTIONS,
    REPORTS,
    ROW_5_EXPLICIT,
    ROW_5_IMPLICIT,
    UNMET,
    audit,
    gated,
    injected,
    injections,
    report,
    thread,
    trouble,
    warned,
)

jsonschema = pytest.importorskip("jsonschema")

SCHEMA = Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema)


def run_of(shown: Report) -> Any:
    (run,) = json.loads(sarif.render(shown, Page()))["runs"]
    return run


def results_of(*audits: AuditResult) -> Any:
    return run_of(report(list(audits)))["results"]


def fingerprints(*audits: AuditResult) -> set[str]:
    return {result["partialFingerprints"]["aliascheck/v1"] for result in results_of(*audits)}


def like(one: AuditResult, **changes: Any) -> AuditResult:
    import msgspec

    return msgspec.structs.replace(one, **changes)


@pytest.mark.parametrize("name", REPORTS)
def test_it_is_valid(validator: Any, name: str) -> None:
    assert list(validator.iter_errors(json.loads(sarif.render(REPORTS[name](), Page())))) == []


@given(text=st.text(st.characters(), max_size=30) | st.sampled_from(INJECTIONS))
@settings(max_examples=15, deadline=None)
def test_it_is_valid_whatever_a_case_says(validator: Any, text: str) -> None:
    shown = sarif.render(report([injected(text, 3), audit(text, text, status="error", error=text)]), Page())
    assert all(char.isprintable() or char == "\n" for char in shown if char not in text)
    assert not any(char in shown for char in "\x1b\x9b\u202e\u2028")
    assert list(validator.iter_errors(json.loads(shown))) == []


def test_the_schema_would_find_a_mistake(validator: Any) -> None:
    log = json.loads(sarif.render(trouble(), Page()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    log["runs"][0]["tool"]["driver"].pop("name")
    assert len(list(validator.iter_errors(log))) == 2


def test_every_finding_of_the_catalogue_is_a_rule() -> None:
    driver = run_of(thread())["tool"]["driver"]
    rules = {rule["id"]: rule for rule in driver["rules"]}
    assert list(rules) == [*(row.code for row in CATALOGUE), "unmet"]
    for row in CATALOGUE:
        rule = rules[row.code]
        assert row.meaning in rule["help"]["text"] and row.meaning in rule["help"]["markdown"]
        assert "Do: " in rule["help"]["text"] and "{" not in rule["help"]["text"].partition("\nExample")[0]
        assert rule["defaultConfiguration"]["level"] == {"info": "note"}.get(row.severity, row.severity)


@pytest.mark.parametrize("name", REPORTS)
def test_every_finding_and_every_unmet_audit_is_a_result(name: str) -> None:
    shown = REPORTS[name]()
    run = run_of(shown)
    wanted = [finding.code for one in shown.audits for finding in one.findings]
    wanted += ["unmet" for one in shown.audits if one.unmet]
    assert sorted(result["ruleId"] for result in run["results"]) == sorted(wanted)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 0


def test_what_is_expected_or_known_is_suppressed() -> None:
    reasons = [
        [one["justification"] for one in result["suppressions"]] for result in run_of(warned())["results"]
    ]
    assert reasons == [["in the baseline"], ["in the baseline"], [], []]
    assert all(
        result["suppressions"] == [{"kind": "external", "status": "accepted", "justification": reason}]
        for result in run_of(thread())["results"]
        for reason in ["expected by the case"]
    )


def test_an_unmet_expectation_that_the_baseline_knows_is_suppressed() -> None:
    (unmet,) = [result for result in run_of(gated())["results"] if result["ruleId"] == "unmet"]
    assert [one["justification"] for one in unmet["suppressions"]] == ["in the baseline"]
    (unmet,) = [result for result in run_of(trouble())["results"] if result["ruleId"] == "unmet"]
    assert unmet["suppressions"] == []


def test_what_kept_the_run_from_finding_more_is_told() -> None:
    invocation = run_of(trouble())["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 3)
    notes = [(note["descriptor"]["id"], note["level"]) for note in invocation["toolExecutionNotifications"]]
    assert notes == [("bad-file", "error"), ("skipped", "note"), ("incomplete", "error")]
    bad = invocation["toolExecutionNotifications"][0]["locations"][0]["physicalLocation"]
    assert bad["artifactLocation"]["uri"] == "cases/bad.toml" and bad["region"] == {"startLine": 14}
    assert run_of(warned())["invocations"][0]["executionSuccessful"] is True


def test_titles_lines_and_order_leave_fingerprints_as_they_are() -> None:
    samples = (ROW_5_IMPLICIT, ROW_5_EXPLICIT, UNMET)
    audits = [like(one, key=f"#{number}") for number, one in enumerate(samples)]
    known = fingerprints(*audits)
    assert len(known) == sum(len(one.findings) + bool(one.unmet) for one in audits)
    moved = [
        like(one, title="another", line=one.line + 7, id=str(number)) for number, one in enumerate(audits)
    ]
    assert fingerprints(*reversed(moved)) == known
    flipped = [like(one, findings=list(reversed(one.findings))) for one in audits]
    assert fingerprints(*flipped) == known


@pytest.mark.parametrize(
    "change", [{"file": "b.toml"}, {"key": "#9"}, {"engine": "torch"}, {"mode": "other"}], ids=str
)
def test_what_is_another_finding_has_another_fingerprint(change: dict[str, str]) -> None:
    one = like(ROW_5_IMPLICIT, key="#1")
    assert not fingerprints(one) & fingerprints(like(one, **change))
    two = [like(finding, slot="other") for finding in one.findings]  # type: ignore[arg-type]
    assert not fingerprints(one) & fingerprints(like(one, findings=two))


def test_the_same_finding_twice_has_two_fingerprints() -> None:
    twice = like(ROW_5_EXPLICIT, findings=ROW_5_EXPLICIT.findings * 2)
    assert len(fingerprints(twice)) == 2
    assert fingerprints(ROW_5_EXPLICIT) < fingerprints(twice)


def test_files_are_references_that_lead_back() -> None:
    for one, result in zip(injections().audits, run_of(injections())["results"][::2], strict=True):
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place["uri"].isascii() and urlsplit(place["uri"]).path == place["uri"]
        assert unquote(place["uri"], errors="surrogatepass") == one.file
        assert place["uriBaseId"] == "%SRCROOT%"
    (result,) = results_of(like(ROW_5_EXPLICIT, file="/a b/c.toml"))
    absolute = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert absolute == {"uri": "file:///a%20b/c.toml"}


def test_texts_are_no_links() -> None:
    assert not any("](" in result["message"]["text"] for result in run_of(injections())["results"])
