"""A gate that a team can switch on in a repository that is not clean."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aliascheck.baseline import Baseline, Recorded
from tests.cli.conftest import Call

ROOT = Path(__file__).resolve().parent.parent.parent
HEAD = 'title = "tied"\n[let]\nx = [1.0]\nxt = "adjoint(x)"\ny = [2.0]\n'
HALF = 'loss = "sum(xt * x)"\nparams = ["x"]\nmodes = ["explicit"]\n'  # AC103:x, partial
CLEAN = 'loss = "sum(x * x)"\nparams = ["x"]\nmodes = ["explicit"]\n'
UNLISTED = 'loss = "sum(xt * y)"\nparams = ["x"]\nmodes = ["explicit"]\n'  # AC103:x, all is missing
WARNED = 'loss = "sum(xt.parent * x)"\nparams = ["x", "xt"]\nmodes = ["explicit"]\n'  # AC106:xt, a warning
GATE = ("run", "--baseline", "reports/baseline.json")


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("cases").mkdir()
    return tmp_path


def write(*audits: str, name: str = "tied", head: str = HEAD) -> None:
    Path(f"cases/{name}.toml").write_text(head + "".join("[[audit]]\n" + audit for audit in audits))


def found(call: Call, *options: str) -> list[dict[str, str]]:
    """The findings of the audits in a run held against the baseline."""
    report = json.loads(call(*GATE, "--format", "json", *options).out)
    return [finding for audit in report["audits"] for finding in audit["findings"]]


def stored() -> list[dict[str, str]]:
    findings = json.loads(Path("reports/baseline.json").read_text())["findings"]
    assert isinstance(findings, list)
    return findings


def test_what_is_recorded_does_not_fail(call: Call) -> None:
    write('id = "a"\n' + HALF, CLEAN)
    assert call("run").code == 1
    told = call("baseline")
    assert (told.code, told.out) == (0, "reports/baseline.json: 1 finding recorded (1 new)\n")
    outcome = call(*GATE)
    assert outcome.code == 0 and "1 shows known findings" in outcome.out
    assert [one["baseline"] for one in found(call)] == ["known"]


def test_a_clean_repository_has_an_empty_baseline(call: Call) -> None:
    write(CLEAN)
    assert call("baseline").out == "reports/baseline.json: 0 findings recorded\n"
    assert call(*GATE, "--strict-baseline").code == 0


def test_a_new_finding_fails(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    write('id = "a"\n' + HALF, 'id = "b"\n' + HALF)
    outcome = call(*GATE)
    assert outcome.code == 1 and "1 failed" in outcome.out
    assert [one["baseline"] for one in found(call)] == ["known", "new"]


@pytest.mark.parametrize(
    "audits",
    [
        pytest.param(['title = "renamed"\n' + HALF, 'id = "n"\n' + UNLISTED], id="title"),
        pytest.param(["\n\n# moved\n" + HALF, 'id = "n"\n' + UNLISTED], id="lines"),
        pytest.param(['id = "n"\n' + UNLISTED, HALF], id="order"),
        pytest.param([CLEAN, HALF, 'id = "n"\n' + UNLISTED], id="another before"),
    ],
)
def test_titles_lines_and_order_disturb_nothing(call: Call, audits: list[str]) -> None:
    write(HALF, 'id = "n"\n' + UNLISTED)
    call("baseline")
    write(*audits)
    outcome = call(*GATE, "--strict-baseline")
    assert outcome.code == 0, outcome.out


def test_another_question_is_another_audit(call: Call) -> None:
    write(HALF)
    call("baseline")
    write(HALF.replace("xt * x", "2 * xt * x"))
    assert call(*GATE).code == 1


def test_what_is_fixed_is_named_and_fails_where_strict(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    write('id = "a"\n' + CLEAN)
    outcome = call(*GATE)
    assert outcome.code == 0
    assert "fixed AC103 partial at x (cases/tied.toml a explicit)" in outcome.out
    strict = call(*GATE, "--strict-baseline")
    assert strict.code == 1
    assert "Exit 1: 1 fixed finding still recorded in reports/baseline.json." in strict.out
    assert call("baseline").out == "reports/baseline.json: 0 findings recorded (1 no longer found)\n"
    assert call(*GATE, "--strict-baseline").code == 0


@pytest.mark.parametrize("gone", ["audit", "file"])
def test_what_is_no_longer_there_is_fixed(call: Call, gone: str) -> None:
    write('id = "a"\n' + HALF, 'id = "b"\n' + CLEAN)
    write(CLEAN, name="other")
    call("baseline")
    if gone == "audit":
        write('id = "b"\n' + CLEAN)
    else:
        Path("cases/tied.toml").unlink()
    assert call(*GATE, "--strict-baseline").code == 1
    assert call(*GATE, "cases/other.toml", "--strict-baseline").code == 0, "it was not looked at"


@pytest.mark.parametrize(
    "options", [["-k", "other"], ["--mode", "implicit", "cases"], ["cases/other.toml"]], ids=str
)
def test_what_was_not_looked_at_is_not_fixed(call: Call, options: list[str]) -> None:
    write('id = "a"\n' + HALF)
    write('loss = "sum(x * x)"\nparams = ["x"]\n', name="other")
    call("baseline")
    assert call(*GATE, "--strict-baseline", *options).code == 0
    call("baseline", *options)
    assert len(stored()) == 1


def test_what_is_skipped_or_broken_is_not_fixed(call: Call) -> None:
    write('id = "a"\n' + HALF, 'id = "b"\n' + UNLISTED)
    call("baseline")
    write('id = "a"\nskip = "not today"\n' + HALF, 'id = "b"\n' + UNLISTED.replace("y)", "y) / 0"))
    assert call(*GATE, "--strict-baseline").code == 3, "the loss is infinite"
    assert call("baseline").code == 4
    assert len(stored()) == 2


def test_another_verdict_at_the_same_slot_is_a_regression(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    path = Path("reports/baseline.json")
    path.write_text(path.read_text().replace('"verdict":"partial"', '"verdict":"split"'))
    outcome = call(*GATE)
    assert outcome.code == 1
    assert "AC103 partial at x was split" in outcome.out
    (finding,) = found(call)
    assert (finding["baseline"], finding["was"]) == ("changed", "split")


def test_a_finding_that_the_case_expects_is_never_new_but_may_change(call: Call) -> None:
    write('id = "a"\n' + CLEAN)
    call("baseline")
    write('id = "a"\n' + HALF + '[audit.expect.explicit]\nfindings = ["AC103:x"]\n')
    assert call(*GATE).code == 0
    call("baseline")
    path = Path("reports/baseline.json")
    path.write_text(path.read_text().replace('"verdict":"partial"', '"verdict":"split"'))
    assert call(*GATE).code == 1


def test_expectations_in_vain_are_recorded(call: Call) -> None:
    expect = '[audit.expect.explicit]\nfindings = ["AC104:x"]\ngradients = { x = [2.0] }\n'
    write('id = "a"\n' + HALF + expect)
    assert call("run").code == 1
    call("baseline")
    assert [(one["code"], one["slot"]) for one in stored()] == [
        ("AC103", "x"),
        ("unmet", "AC104:x"),
        ("unmet", "gradients.x"),
    ]
    assert call(*GATE, "--strict-baseline").code == 0
    write('id = "a"\n' + HALF + expect.replace('"AC104:x"', '"AC104:x", "AC105:x"'))
    assert call(*GATE).code == 1, "one more is missing"
    write('id = "a"\n' + WARNED + expect)
    assert call(*GATE).code == 1, "another finding"
    write('id = "a"\n' + HALF + expect.replace("gradients = { x = [2.0] }", ""))
    assert call(*GATE, "--strict-baseline").code == 1, "the value is no longer expected"


def test_warnings_fail_where_they_are_asked_to(call: Call) -> None:
    write('id = "a"\n' + WARNED)
    assert call("run", "--fail-on", "warning").code == 1
    call("baseline", "--fail-on", "warning")
    assert call(*GATE, "--fail-on", "warning").code == 0
    Path("reports/baseline.json").write_text(Baseline(findings=()).to_json())
    assert call(*GATE, "--fail-on", "warning").code == 1
    assert call(*GATE).code == 0


def test_bad_files_fail_beside_good_ones(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    Path("cases/bad.toml").write_text("[let")
    assert call(*GATE).code == 3
    told = call("baseline")
    assert told.code == 3 and "not recorded: cases/bad.toml" in told.err
    assert len(stored()) == 1


def test_nothing_to_run(call: Call) -> None:
    write(CLEAN)
    call("baseline")
    Path("cases/tied.toml").unlink()
    assert call(*GATE).code == 2
    assert call("baseline").code == 2


def test_a_folder_is_no_baseline(call: Call) -> None:
    write(CLEAN)
    for argv in (("run", "--baseline", "cases"), ("baseline", "-o", "cases")):
        refused = call(*argv)
        assert refused.code == 2
        assert "cases: this is a folder (name the file)" in refused.err
        assert "write it first" not in refused.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ("", "the baseline is damaged"),
        ("{", "the baseline is damaged"),
        ("<<<<<<< ours\n", "the baseline is damaged"),
        ('{"format": 1, "kind": "aliascheck baseline", "findings": [{}]}', "the baseline is damaged"),
        ('{"format": 2, "kind": "aliascheck baseline"}', "a baseline of format 2"),
        ('{"format": 1, "audits": []}', "this is no baseline"),
        ('{"format": 1, "kind": "aliascheck baseline"}', "the baseline is damaged"),
        ("[]", "the baseline is damaged"),
        ("\xff", "the baseline is damaged"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_told(call: Call, content: str | None, said: str) -> None:
    write(CLEAN)
    Path("reports").mkdir()
    path = Path("reports/baseline.json")
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    outcome = call(*GATE)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: reports/baseline.json: {said}")
    assert "aliascheck baseline" in outcome.err
    if content is not None:
        assert call("baseline").code == 2
        assert path.read_bytes() == content.encode("latin-1"), "it is not overwritten"


def test_strict_baseline_needs_one(call: Call) -> None:
    write(CLEAN)
    assert call("run", "--strict-baseline").code == 2


def test_it_is_sorted_a_finding_a_line(call: Call) -> None:
    write('id = "b"\n' + HALF, 'id = "a"\n' + UNLISTED, HALF.replace("xt * x", "xt * x + y"))
    call("baseline")
    text = Path("reports/baseline.json").read_text()
    rows = [line for line in text.splitlines() if '"file"' in line]
    assert rows == sorted(rows) and len(rows) == len(stored()) == 3
    assert '"loss":"sum(xt * x + y)"' in text, "a hash alone tells readers nothing"
    call("baseline")
    assert Path("reports/baseline.json").read_text() == text


def test_findings_of_one_key_are_recorded_once() -> None:
    one = Recorded(file="f", audit="a", engine="builtin", mode="explicit", code="AC105", slot="x")
    assert Baseline(findings=(one, one)).to_json().count("AC105") == 1


def test_a_run_killed_while_it_records_leaves_the_old_baseline(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    before = Path("reports/baseline.json").read_bytes()
    write('id = "a"\n' + HALF.replace("sum(", "sum(" * 3).replace(")", ")))"))
    code = "import os, aliascheck.runner as r; r.run_cases = lambda *a: os.kill(os.getpid(), 9)\n"
    code += "from aliascheck.cli import entry; import sys; sys.argv = ['aliascheck', 'baseline']; entry()"
    killed = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert killed.returncode == -9
    assert Path("reports/baseline.json").read_bytes() == before
    assert re.search("AC103", before.decode())


def test_where_strict_every_format_tells_that_what_is_fixed_fails(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    write('id = "a"\n' + CLEAN)
    lenient = call(*GATE, "--format", "github", "--junit", "lenient.xml").out
    strict = call(*GATE, "--strict-baseline", "--format", "github", "--junit", "strict.xml").out
    assert "::notice file=cases/tied.toml" in lenient and "::error" not in lenient
    assert "::error file=cases/tied.toml" in strict
    assert 'failures="0"' in Path("lenient.xml").read_text()
    assert 'failures="1"' in Path("strict.xml").read_text()
    call(*GATE, "--strict-baseline", "--sarif", "strict.sarif")
    assert "in the baseline, and gone" in Path("strict.sarif").read_text()


def test_the_shipped_cases_show_what_is_recorded_of_them(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    outcome = call("run", "cases", "--baseline", "reports/baseline.json", "--strict-baseline", "-q")
    assert outcome.code == 0, outcome.out


UNTIED = 'id = "a"\nloss = "sum(x * y)"\nparams = ["x"]\nmodes = ["explicit"]\nties = [%s]\n'


def test_findings_at_no_slot_are_told_apart_by_what_they_are_about(call: Call) -> None:
    write(UNTIED % '["x", "y"]')
    call("baseline")
    assert [one["places"] for one in stored()] == ["x, y"]
    assert call(*GATE).code == 0
    write(UNTIED % '["x", "y"], ["xt", "y"]')
    assert call(*GATE).code == 1
    write(UNTIED % '["xt", "y"]')
    assert call(*GATE).code == 1


def test_engines_that_did_not_run_keep_their_findings(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    path = Path("reports/baseline.json")
    path.write_text(path.read_text().replace('"engine":"builtin"', '"engine":"torch"'))
    assert call(*GATE).code == 1, "what torch shows says nothing of the bundled engine"
    assert "fixed" not in call(*GATE).out
    call("baseline")
    assert {one["engine"] for one in stored()} == {"builtin", "torch"}


def test_another_contract_fixes_nothing(call: Call) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    assert "fixed" not in call(*GATE, "--contract", "owner:x").out
    call("baseline", "--contract", "owner:x")
    assert any(one["code"] == "AC103" for one in stored())


def test_another_verdict_is_a_regression_whatever_the_severity(call: Call) -> None:
    write('id = "a"\n' + WARNED)
    call("baseline")
    path = Path("reports/baseline.json")
    path.write_text(path.read_text().replace('"verdict":"split"', '"verdict":"total"'))
    assert call(*GATE).code == 1


def test_another_expectation_in_vain_is_new(call: Call) -> None:
    expect = "[audit.expect.explicit]\ngradients = { x = [7.0] }\n"
    write('id = "a"\n' + CLEAN + expect)
    call("baseline")
    assert call(*GATE).code == 0
    write('id = "a"\n' + CLEAN + expect.replace("7", "9"))
    assert call(*GATE).code == 1


def test_a_baseline_of_another_folder_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    write('id = "a"\n' + HALF)
    call("baseline")
    monkeypatch.chdir("cases")
    outcome = call("run", ".", "--baseline", "../reports/baseline.json")
    assert outcome.code == 2 and "run in the folder where the baseline was written" in outcome.err


def test_a_report_does_not_overwrite_the_baseline(call: Call) -> None:
    write(CLEAN)
    call("baseline")
    outcome = call(*GATE, "--json", "reports/baseline.json")
    assert outcome.code == 2 and "would overwrite" in outcome.err
    assert call(*GATE).code == 0


def test_skips_that_fail_are_told_in_every_format(call: Call) -> None:
    write('id = "a"\nskip = "not today"\n' + CLEAN)
    lenient = call("run", "--format", "github", "--junit", "lenient.xml", "--sarif", "lenient.sarif")
    assert lenient.code == 0 and "::error" not in lenient.out
    strict = call(
        "run",
        "--strict-skips",
        "-q",
        "--format",
        "github",
        "--junit",
        "strict.xml",
        "--sarif",
        "strict.sarif",
    )
    assert strict.code == 4 and "::error file=cases/tied.toml" in strict.out
    assert 'skipped="1"' in Path("lenient.xml").read_text()
    assert 'errors="1"' in Path("strict.xml").read_text()
    assert '"level": "error"' in Path("strict.sarif").read_text()
