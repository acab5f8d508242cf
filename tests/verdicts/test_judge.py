"""The decision table on hand-written numbers: each row with a hit and a near miss."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.memory import replace
from aliascheck.verdicts.attribution import attribute
from aliascheck.verdicts.catalogue import CATALOGUE, DECISIONS, FAULT_WORDS, TOPICS, WORDS
from aliascheck.verdicts.evidence import Access, Evidence, Point, Slot
from aliascheck.verdicts.gates import GateRuns, check_gates
from aliascheck.verdicts.judge import judge

BOUND = 1e-9


def point(held, effects, total=None, gradient=None, rest=None) -> Point:
    """Measurements: `held[slot][access]` and `effects[access]` are numbers at each probe."""
    held, effects = np.array(held, float), np.array(effects, float)
    rest = np.zeros((held.shape[0], held.shape[2])) if rest is None else np.array(rest, float)
    return Point(
        held=held,
        gradient=held.sum(axis=1) + rest if gradient is None else np.array(gradient, float),
        rest=rest,
        effects=effects,
        bounds=np.full(effects.shape, BOUND),
        total=effects.sum(axis=0) if total is None else np.array(total, float),
        total_bound=np.full(effects.shape[1], BOUND),
    )


def evidence(held, effects, owners=(0, 1), shows=None, **changes) -> Evidence:
    """A group of as many slots as `held` has rows; all show all probes unless said otherwise."""
    given = point(held, effects, **{k: changes.pop(k) for k in ("total", "gradient", "rest") if k in changes})
    size = given.total.size
    masks = [np.ones(size, bool)] * len(held) if shows is None else [np.array(s, bool) for s in shows]
    slots = tuple(Slot(name="xyz"[i], shows=mask, shape=(size,)) for i, mask in enumerate(masks))
    accesses = tuple(
        Access(name=f"p{a}", place=f"p{a}", owner=owner, sharers=len(owners))
        for a, owner in enumerate(owners)
    )
    return Evidence(slots=slots, accesses=accesses, given=given, **changes)


def labels(case: Evidence, contract: str = "sum") -> list[str]:
    return sorted(finding.label for finding in judge(case, contract).findings)


E1, E2, ZERO = [1.0, 2.0], [3.0, 5.0], [0.0, 0.0]
BOTH = [E1, E2]


@pytest.mark.parametrize(
    ("held", "owners", "words", "found"),
    [
        ([[E1, ZERO], [ZERO, E2]], (0, 1), ("split", "split"), []),
        ([[E1, E2], [ZERO, ZERO]], (0, None), ("total", "unused"), []),
        ([[E1, E2], [ZERO, ZERO]], (0, 1), ("misplaced", "nothing"), ["AC101:y", "AC102:x"]),
        ([[E1, ZERO], [ZERO, ZERO]], (0, 1), ("split", "nothing"), ["AC101:y"]),
        ([[E1, ZERO], [ZERO, ZERO]], (0, None), ("partial", "unused"), ["AC103:x"]),
        ([[E1, [6.0, 10.0]], [ZERO, ZERO]], (0, None), ("double", "unused"), ["AC104:x"]),
        ([[E1, E2], [ZERO, E2]], (0, 1), ("double", "split"), ["AC104:x"]),
        ([[E1, [3.0, 5.1]], [ZERO, ZERO]], (0, None), ("wrong", "unused"), ["AC105:x"]),
        ([[E1, [3.0, 5.0 + 1e-10]], [ZERO, ZERO]], (0, None), ("total", "unused"), []),
        ([[E1, [9.0, 15.0]], [ZERO, ZERO]], (0, None), ("wrong", "unused"), ["AC105:x"]),
        ([[ZERO, E2], [E1, ZERO]], (0, 1), ("misplaced", "misplaced"), ["AC102:x", "AC102:y"]),
    ],
)
def test_row_of_the_table(held, owners, words, found):
    case = evidence(held, BOTH, owners)
    assert labels(case) == found
    assert judge(case).words == words


def with_stopped(case: Evidence, *numbers: int) -> Evidence:
    """The same evidence, some of its accesses being what a stop removes."""
    accesses = tuple(
        replace(one, name=f"{one.name} (stopped)", stopped=True) if number in numbers else one
        for number, one in enumerate(case.accesses)
    )
    return replace(case, accesses=accesses)


@pytest.mark.parametrize("owners", [(0,), (0, None), (0, 1)])
def test_a_slot_whose_gradient_is_stopped_is_not_told_to_join_the_set(owners):
    held = [[ZERO] * len(owners) for _ in owners]
    case = with_stopped(evidence(held, BOTH[: len(owners)], owners), 0)
    found = next(one for one in judge(case).findings if one.label == "AC101:x")
    assert (found.cause, found.accesses) == ("stopped", ("p0 (stopped)",))
    assert "stopped on the way (p0 (stopped))" in found.message
    assert found.remedy.startswith("let the gradient pass: no stop_gradient, detach")
    assert "between p0 and the loss" in found.remedy
    assert "the set" not in found.remedy


def test_a_slot_that_lost_more_than_what_is_stopped_is_told_of_the_set():
    case = with_stopped(evidence([[ZERO, ZERO]], BOTH, (0, 0)), 1)
    (found,) = judge(case).findings
    assert (found.label, found.cause) == ("AC101:x", None)
    assert "put the object" in found.remedy


def test_part_is_counted_at_its_cells_and_the_rest_is_lost():
    case = evidence([[[1.0, 0.0]]], [E1], owners=(0,))
    assert attribute(case).entry(0, 0) == "part"
    (finding,) = judge(case).findings
    assert finding.label == "AC103:x"
    assert finding.share == pytest.approx(2 / 3)


def test_each_lost_cell_is_reported_once_the_owner_first():
    shows = [[True, True], [False, True]]
    case = evidence([[ZERO, E2], [ZERO, ZERO]], BOTH, (1, None), shows)
    assert labels(case) == ["AC101:y", "AC103:x"]


@pytest.mark.parametrize(
    ("contract", "found"),
    [
        ("sum", []),
        ("each", ["AC103:x", "AC103:y"]),
        ("owner", ["AC102:y"]),
        ("owner:y", ["AC102:x"]),
    ],
)
def test_contract(contract, found):
    assert labels(evidence([[E1, ZERO], [ZERO, E2]], BOTH), contract) == found


@pytest.mark.parametrize(("problem", "code"), [("shape", "AC108"), ("nonfinite", "AC107")])
def test_a_slot_without_a_comparable_gradient_leaves_the_matrix(problem, code):
    case = evidence([[E1, ZERO], [ZERO, ZERO]], BOTH)
    broken = replace(case.slots[1], problem=problem, problem_text="it is")
    judged = judge(replace(case, slots=(case.slots[0], broken)))
    assert [finding.label for finding in judged.findings] == [f"{code}:y"]
    assert judged.words == ("split", problem)
    assert not judged.attribution.conserved


def test_structural_is_a_warning_of_its_own():
    case = evidence([[E1, ZERO], [ZERO, E2]], BOTH)
    judged = judge(replace(case, slots=(case.slots[0], replace(case.slots[1], structural=True))))
    assert [(f.label, f.severity) for f in judged.findings] == [("AC106:y", "warning")]
    assert judged.words == ("split", "split")


def test_an_unlisted_reader_is_lost_when_just_it_is_missing():
    judged = judge(evidence([[E1]], [E1], (0,), total=[1.0, 2.5]))
    assert [f.label for f in judged.findings] == ["AC103:x"]
    assert judged.findings[0].accesses == ("<unlisted>",)
    assert judged.findings[0].cause == "unlisted"
    assert not judged.attribution.conserved
    assert judged.attribution.residual == 0.5


@pytest.mark.parametrize(
    ("held", "rest", "words"),
    [
        ([[E1, E2]], [[0.0, 0.5]], ("total",)),
        ([[ZERO, ZERO], [E1, E2]], [[0.0, 0.5], ZERO], ("split", "split")),
        ([[ZERO, ZERO], [E1, E2]], [[0.0, 0.25], [0.0, 0.25]], ("split", "split")),
        ([[ZERO, ZERO], [E1, E2]], [ZERO, [0.0, 0.5]], ("unused", "total")),
    ],
)
def test_who_holds_what_an_unlisted_reader_contributes_is_not_unused(held, rest, words):
    owner = len(held) - 1
    total = np.add(E1, E2) + np.array([0.0, 0.5])
    assert judge(evidence(held, BOTH, (owner, owner), total=total, rest=rest)).words == words


def test_all_that_a_slot_holds_may_be_of_an_unlisted_reader():
    shows = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    held, rest = np.zeros((3, 0, 3)), [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    case = evidence(held, np.zeros((0, 3)), (), shows, total=[0.5, 0.0, 0.0], rest=rest)
    assert judge(case).words == ("total", "unused", "unused")


def test_a_part_that_is_nowhere_else_is_dropped():
    case = evidence([[[1.0, 0.0]]], [E1], (0,))
    (found,) = judge(case).findings
    assert (found.label, found.cause) == ("AC103:x", "dropped")


def test_an_unlisted_reader_that_is_reported_is_noted():
    judged = judge(evidence([[E1]], [E1], (0,), total=[1.0, 2.5], rest=[[0.0, 0.5]]))
    assert not judged.findings
    assert any("unlisted" in note for note in judged.notes)


def test_a_law_that_nothing_explains_ends_the_audit():
    judged = judge(evidence([[E1]], [E1], (0,), total=[1.0, 2.5], gradient=[[1.0, 7.0]]))
    assert [f.label for f in judged.findings] == ["AC204"]
    assert judged.words == ("undecided",)


def test_zero_at_the_given_point_is_judged_nearby():
    silent = evidence([[ZERO, ZERO], [ZERO, ZERO]], [ZERO, ZERO], (0, None))
    nearby = replace(silent, jittered=point([[E1, ZERO], [ZERO, ZERO]], BOTH))
    judged = judge(nearby)
    assert [f.label for f in judged.findings] == ["AC103:x"]
    assert "jittered point" in judged.findings[0].message


def test_zero_at_every_point_is_undefined_and_shown_so():
    silent = evidence([[ZERO, ZERO], [ZERO, ZERO]], [ZERO, ZERO])
    judged = judge(silent)
    assert [judged.attribution.entry(i, a) for i in (0, 1) for a in (0, 1)] == [None] * 4
    assert not judged.findings


def test_numbers_decide_where_gates_fail():
    failed = ("the gradient is not linear in its contributions",)
    clear = evidence([[E1, ZERO], [ZERO, E2]], BOTH, gates_failed=failed)
    assert not judge(clear).findings
    same = evidence([[E1, E1], [ZERO, ZERO]], [E1, E1], (None, None), gates_failed=failed)
    half = replace(same, given=point([[E1, ZERO], [ZERO, ZERO]], [E1, E1]))
    assert "AC205:x" in labels(half)
    wrong = replace(same, given=point([[[1.0, 9.0], ZERO], [ZERO, ZERO]], [E1, E1]))
    assert "AC105:x" in labels(wrong)


def test_kink_and_undecided_are_said():
    case = evidence([[E1]], [E1], (0,))
    assert [f.label for f in judge(replace(case, kinks=(True,))).findings] == ["AC201:x"]
    assert judge(replace(case, kinks=(True,))).words == ("kink",)
    assert [f.label for f in judge(replace(case, undecided=(True,))).findings] == ["AC206:x"]
    assert not judge(replace(case, kinks=(False,), undecided=(False,))).findings


def runs(**changes) -> GateRuns:
    held = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    right = {
        "ungated": held.sum(axis=0),
        "single": held,
        "generic": np.tensordot([0.7, 1.9], held, 1),
        "silent": np.zeros((1, 2)),
        "factors": np.array([0.7, 1.9]),
        "transparent": True,
    }
    return GateRuns(**{**right, **changes})


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, ""),
        ({"transparent": False}, "gates at 1 change"),
        ({"ungated": np.array([[4.0, 6.1]])}, "do not add up"),
        ({"generic": np.array([[6.4, 9.1]])}, "not linear"),
    ],
)
def test_checks_of_gates(changes, failed):
    said = check_gates(runs(**changes))
    assert bool(said) == bool(failed)
    assert any(failed in one for one in said) or not failed


def test_what_no_gate_reaches_passes_when_all_else_does():
    rest = np.array([[0.5, 0.0]])
    base = runs()
    assert not check_gates(
        runs(
            ungated=base.ungated + rest,
            single=base.single + rest,
            generic=base.generic + rest,
            silent=rest,
        )
    )


def test_catalogue_is_complete():
    codes = [row.code for row in CATALOGUE]
    assert len(codes) == len(set(codes)) == 17
    assert {row.code for row in DECISIONS} <= set(codes)
    assert {row.word for row in DECISIONS if row.word} <= set(FAULT_WORDS) <= set(WORDS)
    assert all(row.meaning and row.do for row in CATALOGUE)
    assert "limitations" in TOPICS
