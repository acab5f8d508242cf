"""JUnit XML, as a parser that is not ours reads it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.report import Report
from aliascheck.reporters import junit
from aliascheck.reporters.page import Page
from aliascheck.reporters.xml import FORBIDDEN
from tests.reporters.samples import INJECTIONS, REPORTS, injected, report, thread, trouble, warned

junitparser = pytest.importorskip("junitparser")

STATUS = {"failed": "Failure", "error": "Error", "skipped": "Skipped"}


def read(shown: Report) -> Any:
    return junitparser.JUnitXml.fromstring(junit.render(shown, Page()).encode())


def cases_of(xml: Any) -> list[Any]:
    return [case for suite in xml for case in suite]


@pytest.mark.parametrize("name", REPORTS)
def test_counts_agree(name: str) -> None:
    shown, xml = REPORTS[name](), read(REPORTS[name]())
    summary = shown.summary
    assert xml.tests == summary.results + len(shown.bad_files)
    assert (xml.failures, xml.errors, xml.skipped) == (summary.failed, summary.errors, summary.skipped)
    assert xml.time == pytest.approx(summary.seconds)
    written = {kind: getattr(xml, kind) for kind in ("tests", "failures", "errors", "skipped")}
    xml.update_statistics()  # counted anew from the test cases
    assert written == {kind: getattr(xml, kind) for kind in written}


@pytest.mark.parametrize("name", REPORTS)
def test_each_audit_and_mode_ends_as_the_report_says(name: str) -> None:
    shown = REPORTS[name]()
    ends = Counter(type(end).__name__ for case in cases_of(read(shown)) for end in case.result)
    statuses = Counter(STATUS[audit.status] for audit in shown.audits if audit.status != "passed")
    assert ends == statuses + Counter({"Error": len(shown.bad_files)})


def test_a_test_case_is_named_placed_and_described() -> None:
    root = ElementTree.fromstring(junit.render(warned(), Page()).encode())
    case = next(one for one in root.iter("testcase") if one.get("name", "").startswith("2 "))
    assert case.attrib == {
        "name": "2 [torch implicit]",
        "classname": "cases.tied",
        "time": "0.004",
        "file": "cases/tied.toml",
        "line": "9",
    }
    facts = [(one.get("name"), one.get("value")) for one in case.iter("property")]
    assert ("title", "what is new") in facts and ("finding", "AC101 nothing at w") in facts
    failure = case.find("failure")
    assert failure is not None and failure.get("message") == "AC101 nothing at w"
    assert "cases/tied.toml:9: error AC101" in (failure.text or "")


def test_a_failure_holds_the_table() -> None:
    (failure,) = next(case for case in cases_of(read(trouble())) if case.name == "6 [implicit]").result
    assert "slot  shape  reported" in failure.text
    assert "expected gradients.w" in failure.message


def test_names_of_test_cases_differ() -> None:
    names = [(case.classname, case.name) for case in cases_of(read(thread()))]
    assert len(set(names)) == len(names) == 4


@given(st.text(st.characters(), max_size=30) | st.sampled_from(INJECTIONS))
@settings(deadline=None)
def test_case_texts_stay_texts(text: str) -> None:
    xml = read(report([injected(text, 3)]))
    ((suite,),) = [list(xml)]
    ((case,),) = [list(suite)]
    kept = "".join("\ufffd" if FORBIDDEN.match(char) else char for char in text)
    assert suite.name == f"cases/{kept}.toml"
    assert case.name == f"{kept} [implicit]"
    assert (xml.tests, xml.failures) == (1, 1)
