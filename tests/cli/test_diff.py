"""`aliascheck diff`: what changed between two reports, and whether it became worse."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from aliascheck.report import AuditResult, FileError, Report, Unmet
from aliascheck.reporters.json import render
from aliascheck.reporters.page import Page
from tests.cli.conftest import Call, Outcome
from tests.reporters.samples import audit, finding, report, slot


def half(**more: object) -> AuditResult:
    found = finding("AC103", "partial", "x", "half is missing", "read it", expected=False)
    return audit("a", "half", slots=[slot("x", [0.5], [1.0], [1.0], "partial")], findings=[found], **more)


def whole(**more: object) -> AuditResult:
    return audit("a", "half", slots=[slot("x", [1.0], [1.0], [1.0], "total")], **more)


@pytest.fixture
def diff(call: Call, tmp_path: Path) -> Callable[..., Outcome]:
    def run(old: Report, new: Report, *options: str) -> Outcome:
        paths = [tmp_path / "old.json", tmp_path / "new.json"]
        for path, one in zip(paths, (old, new), strict=True):
            path.write_text(render(one, Page()), encoding="utf-8")
        return call("diff", *map(str, paths), *options)

    return run


Diff = Callable[..., Outcome]


def test_the_same_twice(diff: Diff) -> None:
    outcome = diff(report([half()]), report([half()]))
    assert outcome.out == "0 new, 0 changed, 0 fixed, 1 unchanged.\nExit 0: Nothing became worse.\n"
    assert outcome.code == 0


def test_a_new_finding(diff: Diff) -> None:
    outcome = diff(report([whole()]), report([half()]))
    assert outcome.code == 1
    assert outcome.out.startswith("new      AC103 partial at x (cases/zygote-991/examples.toml a implicit)\n")
    assert outcome.out.endswith("Exit 1: 1 regression.\n")


def test_a_new_finding_that_the_case_expects(diff: Diff) -> None:
    expected = half()
    expected.findings[0].expected = True
    outcome = diff(report([whole()]), report([expected]))
    assert outcome.code == 0 and "1 new" in outcome.out


def test_a_new_warning(diff: Diff) -> None:
    warned = half()
    warned.findings[0].severity = "warning"
    assert diff(report([whole()]), report([warned])).code == 0
    assert diff(report([whole()]), report([warned]), "--fail-on", "warning").code == 1


def test_a_fixed_finding(diff: Diff) -> None:
    outcome = diff(report([half()]), report([whole()]))
    assert outcome.code == 0 and outcome.out.startswith("fixed    AC103 partial at x")


def test_another_verdict(diff: Diff) -> None:
    other = half()
    other.slots[0].verdict = "nothing"
    outcome = diff(report([half()]), report([other]))
    assert outcome.code == 1
    assert "partial before, now nothing" in " ".join(outcome.out.split())


def test_an_expectation_in_vain(diff: Diff) -> None:
    unmet = whole(unmet=[Unmet(what="gradients.x", expected="[2]", got="[1]")], status="failed")
    outcome = diff(report([whole()]), report([unmet]))
    assert outcome.code == 1 and "unmet expected in vain at gradients.x" in outcome.out


def test_an_audit_that_cannot_be_completed_any_more(diff: Diff) -> None:
    broken = audit("a", "half", status="error", error="timeout")
    outcome = diff(report([half()]), report([broken]))
    assert outcome.code == 1 and outcome.out.startswith("broken   cases/zygote-991/examples.toml a implicit")
    assert "0 fixed" in outcome.out, "nobody knows"
    assert diff(report([broken]), report([broken])).code == 0
    assert diff(report([broken]), report([half()])).code == 1, "what it shows is new"


def test_a_file_that_cannot_be_read_any_more(diff: Diff) -> None:
    bad = FileError(file="cases/bad.toml", message="no TOML")
    outcome = diff(report([whole()]), report([whole()], [bad]))
    assert outcome.code == 1 and "broken   cases/bad.toml" in outcome.out


def test_an_audit_that_fails_now_for_the_same_findings(diff: Diff) -> None:
    outcome = diff(report([half()]), report([half(status="failed")]))
    assert outcome.code == 1 and outcome.out.startswith("failing  cases/zygote-991/examples.toml a implicit")


def test_an_audit_that_is_skipped_now(diff: Diff) -> None:
    outcome = diff(report([half()]), report([audit("a", "half", status="skipped", error="not today")]))
    assert outcome.code == 0 and "skipped  cases/zygote-991/examples.toml a implicit" in outcome.out
    assert "0 fixed, 0 unchanged, 1 skipped" in outcome.out


def test_audits_that_come_and_go(diff: Diff) -> None:
    other = whole(file="cases/other.toml")
    assert "1 more audited" in diff(report([half()]), report([half(), other])).out
    gone = diff(report([half(), other]), report([other]))
    assert gone.code == 0 and "1 no longer audited" in gone.out and "0 fixed" in gone.out


def test_modes_and_engines_are_kept_apart(diff: Diff) -> None:
    outcome = diff(report([half(), whole(mode="explicit")]), report([whole(), half(mode="explicit")]))
    assert outcome.code == 1 and "1 new, 0 changed, 1 fixed" in outcome.out


def test_reports_without_keys_are_compared_by_id(diff: Diff) -> None:
    keyed = copy.deepcopy(half())
    keyed.key = "a"
    assert diff(report([half()]), report([keyed])).code == 0


@pytest.mark.parametrize("argv", [[], ["one.json"], ["no.json", "no.json"]])
def test_wrong_usage(call: Call, argv: list[str]) -> None:
    outcome = call("diff", *argv)
    assert outcome.code == 2 and outcome.out == ""
