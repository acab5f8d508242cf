"""The thread's examples: exact entries, matrices, words, findings, in both modes and every contract."""

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from aliascheck.engine import Chain, Dense, adjoint, make_struct, transpose
from aliascheck.language import parse
from aliascheck.memory import NOTHING, Fields, parse_path
from aliascheck.subjects.program import Program

BOTH = ("implicit", "explicit")


def model(name):
    if name == "dense":
        w = np.arange(1.0, 11.0).reshape(2, 5)
        return {"w": w, "m": Chain(Dense(w, np.zeros(2)), Dense(transpose(w), np.zeros(5)))}
    x = np.array([0.3, 0.7]) if name in ("struct", "adjoint") else np.array([1.0])
    if name == "struct":
        return {"x": x, "a": make_struct("A", {"x": x})}
    return {"x": x, "xt": adjoint(x)}


def run(name, loss, members, contract="sum"):
    program = Program(model(name), parse(loss).evaluate, [parse_path(member) for member in members])
    return dict(zip(BOTH, audit(program, BOTH, Settings(contract=contract)), strict=True))


def plain(tangent):
    """A tangent as nested lists, `nothing` and dicts."""
    if tangent is NOTHING:
        return "nothing"
    if isinstance(tangent, dict):
        return {key: plain(part) for key, part in tangent.items()}
    if isinstance(tangent, tuple | list):
        return [plain(part) for part in tangent]
    return np.asarray(tangent).tolist()


def matrix(outcome):
    return [
        [group.judgement.attribution.entry(i, a) for a in range(len(group.columns))]
        for group in outcome.groups
        if len(group.columns) > 1 or len(outcome.groups) == 1
        for i in range(len(group.group.slots))
    ]


P = {"parent": [1.0]}
ROWS = {
    # id: model, loss, set, then for each mode entries, matrix, words, conserved, findings
    "1": (
        ("xs", "sum(adjoint(x) * x)", ["x"]),
        ({"x": [2.0], "Main.x": [2.0]}, [[1]], ["total"], True, []),
        ({"x": [2.0]}, [[1]], ["total"], True, []),
    ),
    "2": (
        ("xs", "sum(xt * x)", ["x"]),
        ({"x": [1.0], "Main.x": [1.0], "Main.xt": [[1.0]]}, [[1, 0]], ["partial"], False, ["AC103:x"]),
        ({"x": [1.0]}, [[1, 0]], ["partial"], False, ["AC103:x"]),
    ),
    "3": (
        ("xs", "sum(xt * x)", ["x", "xt"]),
        (
            {"x": [1.0], "xt": [[1.0]], "Main.x": [1.0], "Main.xt": [[1.0]]},
            [[1, 0], [0, 1]],
            ["split", "split"],
            True,
            [],
        ),
        ({"x": [1.0], "xt": [[1.0]]}, [[1, 0], [0, 1]], ["split", "split"], True, []),
    ),
    "4": (
        ("xs", "sum(xt.parent * x)", ["x"]),
        ({"x": [2.0], "Main.x": [1.0]}, [[1, 1]], ["total"], True, []),
        ({"x": [1.0]}, [[1, 0]], ["partial"], False, ["AC103:x"]),
    ),
    "5": (
        ("xs", "sum(xt.parent * x)", ["x", "xt"]),
        (
            {"x": [2.0], "xt": "nothing", "Main.x": [1.0]},
            [[1, 1], [0, 0]],
            ["misplaced", "nothing"],
            True,
            ["AC101:xt", "AC102:x"],
        ),
        ({"x": [1.0], "xt": P}, [[1, 0], [0, 1]], ["split", "split"], True, ["AC106:xt"]),
    ),
    "6": (
        ("xs", "sum(xt.parent * x)", ["xt"]),
        (
            {"xt": P, "Main.x": [1.0], "Main.xt": P},
            [[0, 1]],
            ["partial"],
            False,
            ["AC103:xt", "AC106:xt"],
        ),
        ({"xt": P}, [[0, 1]], ["partial"], False, ["AC103:xt", "AC106:xt"]),
    ),
    "struct": (
        ("struct", "sum(a.x)", ["x"]),
        ({"x": [1.0, 1.0]}, [[1]], ["total"], True, []),
        ({"x": "nothing"}, [[0]], ["partial"], False, ["AC103:x"]),
    ),
    "adjoint": (
        ("adjoint", "sum(xt)", ["x"]),
        ({"x": "nothing", "Main.xt": [[1.0, 1.0]]}, [[0]], ["partial"], False, ["AC103:x"]),
        ({"x": "nothing"}, [[0]], ["partial"], False, ["AC103:x"]),
    ),
    "dense w": (
        ("dense", "sum(m(ones(5)))", ["w"]),
        (
            {
                "w": [[15.0] * 5, [40.0] * 5],
                "Main.m": {
                    "layers": [
                        {"weight": "nothing", "bias": [15.0, 40.0]},
                        {"weight": [[15.0, 40.0]] * 5, "bias": [1.0] * 5},
                    ]
                },
            },
            [[1, 0]],
            ["partial"],
            False,
            ["AC103:w"],
        ),
        ({"w": "nothing"}, [[0, 0]], ["partial"], False, ["AC103:w"]),
    ),
}


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("row", ROWS)
def test_example_comes_out_as_in_the_thread(row, mode):
    case, *expected = ROWS[row]
    entries, entries_matrix, words, conserved, findings = expected[BOTH.index(mode)]
    outcome = run(*case)[mode]
    assert {name: plain(tangent) for name, tangent in outcome.entries.items()} == entries
    assert matrix(outcome) == entries_matrix
    assert [slot.word for slot in outcome.slots] == words
    assert outcome.groups[0].judgement.attribution.conserved is conserved
    assert sorted(finding.label for finding in outcome.findings) == findings


@pytest.mark.parametrize(
    ("contract", "loss", "words", "findings"),
    [
        ("each", "sum(xt * x)", ["partial", "partial"], ["AC103:x", "AC103:xt"]),
        ("each", "sum(xt.parent * x)", ["total", "nothing"], ["AC101:xt"]),
        ("owner", "sum(xt * x)", ["partial", "misplaced"], ["AC102:xt"]),
        ("owner", "sum(xt.parent * x)", ["total", "unused"], []),
        ("owner:x", "sum(xt.parent * x)", ["total", "unused"], []),
        ("owner:xt", "sum(xt.parent * x)", ["misplaced", "nothing"], ["AC101:xt", "AC102:x"]),
    ],
)
def test_contract_changes_ownership_and_nothing_else(contract, loss, words, findings):
    outcome = run("xs", loss, ["x", "xt"], contract)["implicit"]
    assert [slot.word for slot in outcome.slots] == words
    assert sorted(finding.label for finding in outcome.findings) == findings


@pytest.mark.parametrize("mode", BOTH)
def test_tied_dense_gradients_add_up_to_the_derivative_of_the_memory(mode):
    outcome = run(
        "dense", "sum(m(ones(5)))", [f"m.layers[{i}].{part}" for i in (0, 1) for part in ("weight", "bias")]
    )[mode]
    first, _, second, _ = (outcome.entries[slot.plan.name] for slot in outcome.slots)
    assert np.array_equal(first + second.T, [[30.0] * 5, [80.0] * 5])
    assert [slot.word for slot in outcome.slots] == ["split", "total", "split", "total"]
    assert not outcome.findings
    assert outcome.loss == 1825.0


EXACT = {"1": ([2.0], [2.0]), "2": ([1.0], [2.0]), "4": ([1.0], [2.0]), "struct": ([0.0, 0.0], [1.0, 1.0])}


@pytest.mark.parametrize("row", EXACT)
def test_finite_differences_agree_with_the_exact_derivative(row):
    path, total = EXACT[row]
    slot = run(*ROWS[row][0])["implicit"].slots[0]
    for measured, exact in ((slot.path, path), (slot.total, total)):
        error = np.abs(measured - exact)
        assert np.all(error <= 1e-9 * np.abs(exact))
        assert np.all(error <= slot.bound)


def test_nothing_is_not_zero_and_not_structural():
    outcome = run("xs", "sum(xt.parent * x)", ["x", "xt"])
    assert outcome["implicit"].entries["xt"] is NOTHING
    assert isinstance(outcome["explicit"].entries["xt"], Fields)
