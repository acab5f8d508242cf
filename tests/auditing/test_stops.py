"""Deliberate stops: constants by default, findings where they are to be reported."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.auditing import Outcome, Settings, audit
from tests.programs import Text

X = [0.5, -1.25]
Y = {"x": X, "y": "x"}
XT = {"x": X, "xt": "adjoint(x)"}


def run(let, loss, params, stops, mode="explicit") -> Outcome:
    (outcome,) = audit(Text(let, loss, params).program(), [mode], Settings(stops=stops))
    return outcome


def summary(outcome: Outcome) -> tuple[list[str], list[str]]:
    return [finding.label for finding in outcome.findings], [slot.word for slot in outcome.slots]


# let, loss, set; then for constant and for report: findings, words
CASES = {
    "no stop": ({"x": X}, "sum(x * x)", ("x",), ([], ["total"]), ([], ["total"])),
    "a part of one access": (
        {"x": X},
        "sum(stop_gradient(x) * x)",
        ("x",),
        ([], ["total"]),
        (["AC103:x"], ["partial"]),
    ),
    "all that the slot has": (
        {"x": X},
        "sum(tanh(stop_gradient(x)))",
        ("x",),
        ([], ["unused"]),
        (["AC101:x"], ["nothing"]),
    ),
    "all of one of two slots": (
        Y,
        "sum(stop_gradient(y) * x)",
        ("x", "y"),
        ([], ["total", "unused"]),
        (["AC101:y"], ["split", "nothing"]),
    ),
    "an alias outside the set": (
        XT,
        "sum(stop_gradient(xt) * x)",
        ("x",),
        ([], ["total"]),
        (["AC103:x"], ["partial"]),
    ),
    "an alias and a stop": (
        XT,
        "sum(xt * x) + sum(stop_gradient(x) * x)",
        ("x",),
        (["AC103:x"], ["partial"]),
        (["AC103:x"], ["partial"]),
    ),
    "a stop inside a stop": (
        {"x": X},
        "sum(stop_gradient(x * stop_gradient(x)) * x)",
        ("x",),
        ([], ["total"]),
        (["AC103:x"], ["partial"]),
    ),
    "zero at the given point": (
        {"x": [0.0, 0.0]},
        "sum(stop_gradient(x) * x)",
        ("x",),
        ([], ["total"]),
        (["AC103:x"], ["partial"]),
    ),
    "a stop of something else": (
        {"x": X, "c": [1.0, 2.0]},
        "sum(stop_gradient(c) * x * x)",
        ("x",),
        ([], ["total"]),
        ([], ["total"]),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_stops_as_constants(case):
    let, loss, params, expected, _ = CASES[case]
    assert summary(run(let, loss, params, "constant")) == expected


@pytest.mark.parametrize("case", CASES)
def test_stops_as_findings(case):
    let, loss, params, _, expected = CASES[case]
    outcome = run(let, loss, params, "report")
    assert summary(outcome) == expected
    lost = [finding for finding in outcome.findings if finding.code == "AC103"]
    if "alias and" not in case:
        assert [finding.cause for finding in lost] == ["stopped"] * len(lost)


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
def test_numbers_of_both_readings(mode):
    """As a constant the total is that of c * x; reported, the stopped half is a column of its own."""
    constant = run({"x": X}, "sum(stop_gradient(x) * x)", ("x",), "constant", mode)
    assert np.allclose(constant.slots[0].total, X, rtol=1e-9)
    assert constant.groups[0].columns == ("x",)
    report = run({"x": X}, "sum(stop_gradient(x) * x)", ("x",), "report", mode)
    assert np.allclose(report.slots[0].total, 2 * np.array(X), rtol=1e-9)
    assert report.groups[0].columns == ("x", "x (stopped)")
    (finding,) = report.findings
    assert finding.share == pytest.approx(0.5)
    assert finding.accesses == ("x (stopped)",)
    assert "constant" in finding.remedy


def test_both_causes_are_named():
    outcome = run(*CASES["an alias and a stop"][:3], "report")
    (finding,) = outcome.findings
    assert set(finding.cause.split(", ")) == {"alias not in the set", "stopped"}
    assert set(finding.accesses) == {"xt", "x (stopped)"}
    assert finding.share == pytest.approx(0.5)


@pytest.mark.parametrize("stops", ["constant", "report"])
def test_stops_hold_the_base_again_after_an_audit(stops):
    """The point nearby is looked at, and its stopped values are forgotten."""
    program = Text({"x": [0.0, 0.0]}, "sum(stop_gradient(x) * x)", ("x",)).program()
    audit(program, ["implicit", "explicit"], Settings(stops=stops))
    program.bindings["x"][:] = 3.0
    assert program.loss() == 0.0
    assert program.loss(through_stops=True) == 18.0


ONE_PLACE = {
    "nothing is stopped": "sum(x * x) + sum(x)",
    "a part is stopped": "sum(x) + 3 * sum(stop_gradient(x))",
    "a factor is stopped": "sum(stop_gradient(x) * x * x)",
    "all is stopped": "sum(tanh(stop_gradient(x)))",
}
SEVERAL_PLACES = {
    "nothing is stopped": "sum(xt * x) + sum(x * x)",
    "one is stopped": "sum(stop_gradient(xt) * x)",
    "both are, in part": "sum(stop_gradient(xt) * x) + sum(xt * stop_gradient(x)) + sum(x)",
}


@pytest.mark.parametrize("stops", ["constant", "report"])
@pytest.mark.parametrize("case", ONE_PLACE)
def test_the_path_of_the_only_place_is_the_total(case, stops):
    (slot,) = run({"x": X}, ONE_PLACE[case], ("x",), stops).slots
    assert np.all(np.abs(slot.path - slot.total) <= 2 * slot.bound + 1e-12)


@pytest.mark.parametrize("stops", ["constant", "report"])
@pytest.mark.parametrize("case", SEVERAL_PLACES)
def test_paths_of_several_places_add_up_to_the_total(case, stops):
    let = {"x": [X, [0.75, 2.0]], "xt": "adjoint(x)"}
    first, second = run(let, SEVERAL_PLACES[case], ("x", "xt"), stops).slots
    assert np.all(np.abs(first.path + second.path.T - first.total) <= 4 * first.bound + 1e-12)
