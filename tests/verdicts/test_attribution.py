"""The attribution matrix on hand-written numbers: each kind of entry, and what just misses it."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.memory import replace
from aliascheck.verdicts.attribution import PART, WRONG, attribute, classify
from aliascheck.verdicts.evidence import Slot
from aliascheck.verdicts.judge import judge
from aliascheck.verdicts.regression import explain_by_numbers
from aliascheck.verdicts.where import find_fault
from tests.verdicts.test_judge import BOUND, evidence, labels, point

EFFECT = [1.0, -2.0, 4.0]
ALL = [True, True, True]


def entry(held, effect=EFFECT, shows=ALL, sharers=2, bound=BOUND):
    held, effect, shows = np.array(held, float), np.array(effect, float), np.array(shows)
    bounds = np.full(held.shape, bound)
    pair = classify(held, effect, bounds, np.abs(effect) > bounds, shows, sharers)
    return pair.entry, pair.counts.tolist(), pair.scaled


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([0, 0, 0], (0, [0, 0, 0], None)),
        ([1, -2, 4], (1, [1, 1, 1], None)),
        ([1 + 0.9e-9, -2, 4], (1, [1, 1, 1], None)),
        ([1 + 1.1e-9, -2, 4], (WRONG, [1, 1, 1], None)),
        ([2, -4, 8], (2, [2, 2, 2], None)),
        ([2 + 1.9e-9, -4, 8], (2, [2, 2, 2], None)),
        ([3, -6, 12], (WRONG, [1, 1, 1], 3.0)),
        ([-1, 2, -4], (WRONG, [1, 1, 1], -1.0)),
        ([0.5, -1, 2], (WRONG, [1, 1, 1], 0.5)),
        ([1.5, -3, 6], (WRONG, [1, 1, 1], 1.5)),
        ([1e-6, -2e-6, 4e-6], (WRONG, [1, 1, 1], pytest.approx(1e-6))),
        ([1, 0, 4], (PART, [1, 0, 1], None)),
        ([1, 0.5e-9, 4], (PART, [1, 0, 1], None)),
        ([1, 2e-9, 4], (WRONG, [1, 1, 1], None)),
        ([2, 0, 8], (WRONG, [1, 1, 1], None)),
        ([4, -2, 1], (WRONG, [1, 1, 1], None)),
        ([1, -2, -4], (WRONG, [1, 1, 1], None)),
        ([1, 2, 4], (WRONG, [1, 1, 1], None)),
        ([1, -2, np.nan], (WRONG, [1, 1, 1], None)),
        ([np.nan] * 3, (WRONG, [1, 1, 1], None)),
    ],
)
def test_entry(held, expected):
    assert entry(held) == expected


def test_sharers_limit_how_often_a_contribution_can_be_counted():
    assert entry([3, -6, 12], sharers=3)[0] == 3
    assert entry([2, -4, 8], sharers=1) == (WRONG, [1, 1, 1], 2.0)
    assert entry([1, -2, 4], sharers=0)[0] == 1


@pytest.mark.parametrize(
    ("held", "effect", "shows", "expected"),
    [
        ([1, 0, 0], EFFECT, [True, False, False], 1),  # the rest belongs to nobody here
        ([1, -2, 0], EFFECT, [True, False, False], 1),  # a structural value holds more, and rightly so
        ([1, -3, 0], EFFECT, [True, False, False], WRONG),  # or wrongly
        ([0, -2, 0], EFFECT, [True, False, False], WRONG),
        ([0, 0, 0], [0, 0, 0], ALL, 0),
        ([0.5e-9, 0, 0], [0, 0, 0], ALL, 0),
        ([1, 0, 0], [0, 0, 0], ALL, WRONG),
        ([1, -2, 1e-10], [1, -2, 0], ALL, 1),
        ([1, -2, 1], [1, -2, 0], ALL, WRONG),
    ],
)
def test_entry_where_a_slot_shows_or_the_access_reads_only_some_cells(held, effect, shows, expected):
    assert entry(held, effect, shows)[0] == expected


def test_anything_between_the_one_sided_derivatives_is_accepted_at_a_kink():
    for value, expected in ((0.0, 0), (0.5, 0), (1.0, 1), (1.2, WRONG), (-0.7, WRONG)):
        bounds = np.array([0.5])
        pair = classify(np.array([value]), np.array([0.5]), bounds, np.array([False]), np.array([True]), 2)
        assert pair.entry == expected, value


def test_slack_is_a_difference_that_the_user_accepts():
    case = evidence([[[1.0, 2.001]]], [[1.0, 2.0]], (0,))
    assert labels(case) == ["AC105:x"]
    assert labels(replace(case, slack=0.002)) == []


A, B = [1.0, 2.0, 0.0], [0.0, 3.0, 5.0]
NONE = [0.0, 0.0, 0.0]
LOW, HIGH = [True, True, False], [False, True, True]


def test_each_lost_cell_is_named_once_over_overlapping_slots():
    """An alias nobody owns, lost at two slices that overlap in the middle."""
    whole = [[1.0, 2.0, 4.0]]
    case = evidence([[NONE], [NONE]], whole, (None,), [LOW, HIGH])
    findings = judge(case).findings
    assert [finding.label for finding in findings] == ["AC103:x", "AC103:y"]
    assert [finding.share for finding in findings] == [pytest.approx(1.0), pytest.approx(4 / 6)]
    assert [finding.cause for finding in findings] == ["alias not in the set"] * 2


def test_shares_are_of_magnitudes_since_totals_may_cancel():
    case = evidence([[[3.0, 0.0], NONE[:2]]], [[3.0, 0.0], [-3.0, 1.0]], (0, None))
    (finding,) = judge(case).findings
    assert finding.label == "AC103:x"
    assert finding.share == pytest.approx(4 / 7)
    assert "57%" in finding.message


def test_a_part_that_is_also_elsewhere_is_a_copy_at_its_cells():
    held = [[[1.0, 0.0, 0.0]], [[1.0, 2.0, 4.0]]]
    case = evidence(held, [[1.0, 2.0, 4.0]], (1,))
    assert attribute(case).entry(0, 0) == PART
    assert labels(case) == ["AC104:x"]
    apart = evidence([[[1.0, 0.0, 0.0]], [[0.0, 2.0, 4.0]]], [[1.0, 2.0, 4.0]], (1,))
    assert labels(apart) == []
    assert attribute(apart).conserved


def test_copies_without_an_owner_are_all_but_the_first():
    held = [[A], [A], [A]]
    assert labels(evidence(held, [A], (None,))) == ["AC104:y", "AC104:z"]


def test_a_wrong_value_settles_its_pair_and_counts_as_reported():
    held = [[[1.0, 9.0, 0.0], NONE], [NONE, B]]
    case = evidence(held, [A, B], (1, 1))
    assert labels(case) == ["AC105:x"]  # neither lost, nor misplaced, nor copied


def test_two_findings_of_a_slot_and_the_word_of_the_first():
    held = [[[2.0, 4.0, 0.0], [0.0, 3.5, 5.0]], [NONE, NONE]]
    judged = judge(evidence(held, [A, B], (0, 1)))
    assert sorted(finding.label for finding in judged.findings) == ["AC101:y", "AC104:x", "AC105:x"]
    assert judged.words == ("wrong", "nothing")


@pytest.mark.parametrize(
    ("owners", "held", "contract", "found", "words"),
    [
        ((0, 1), [[A, B], [A, B]], "each", [], ("total", "total")),
        ((0, 1), [[A, NONE], [A, B]], "each", ["AC103:x"], ("partial", "total")),
        ((0, 1), [[A, NONE], [NONE, NONE]], "each", ["AC101:y", "AC103:x"], ("partial", "nothing")),
        ((0, None), [[A, B], [A, B]], "each", [], ("total", "total")),
        ((0, 1), [[A, B], [NONE, NONE]], "owner", [], ("total", "unused")),
        ((0, 1), [[A, B], [NONE, NONE]], "owner:y", ["AC101:y", "AC102:x"], ("misplaced", "nothing")),
        ((0, 1), [[NONE, NONE], [NONE, NONE]], "owner", ["AC101:x"], ("nothing", "unused")),
        ((0, 1), [[NONE, NONE], [A, B]], "owner", [], ("unused", "total")),
        ((0, None), [[A, NONE], [NONE, NONE]], "owner", ["AC103:x"], ("partial", "unused")),
        ((0, 1), [[A, B], [NONE, B]], "owner", ["AC104:y"], ("total", "double")),
    ],
)
def test_contracts_change_ownership_and_nothing_else(owners, held, contract, found, words):
    case = evidence(held, [A, B], owners)
    judged = judge(case, contract)
    assert sorted(finding.label for finding in judged.findings) == found
    assert judged.words == words
    assert judged.attribution.conserved == judge(case, "sum").attribution.conserved


def test_cells_that_the_owner_does_not_show_are_not_judged_under_owner():
    held = [[[1.0, 2.0, 0.0]], [[0.0, 0.0, 0.0]]]
    case = evidence(held, [[1.0, 2.0, 4.0]], (None,), [LOW, ALL])
    assert labels(case, "owner:x") == []
    assert labels(case, "sum") == ["AC103:y"]


def test_what_a_slot_without_comparable_gradient_owns_is_not_judged():
    case = evidence([[A, NONE], [NONE, NONE]], [A, B], (0, 1))
    broken = replace(case.slots[1], problem="shape", problem_text="it is")
    case = replace(case, slots=(case.slots[0], broken))
    assert labels(case) == ["AC108:y"]
    assert labels(case, "each") == ["AC103:x", "AC108:y"]
    assert labels(case, "owner:x") == ["AC103:x", "AC108:y"]


def test_a_column_comes_from_the_point_where_it_is_not_zero():
    """One access is silent at the given point only, the other at the point nearby only."""
    given = evidence([[A, NONE], [NONE, NONE]], [A, NONE], (0, 1))
    nearby = point([[NONE, NONE], [NONE, B]], [NONE, B])
    judged = judge(replace(given, jittered=nearby))
    assert judged.attribution.moved == {1}
    assert judged.words == ("split", "split")
    assert not judged.findings


def test_an_undefined_column_is_not_lost_and_not_conserved_by_accident():
    case = evidence([[A, NONE], [NONE, NONE]], [A, NONE], (0, 1))
    judged = judge(case)
    assert [judged.attribution.entry(i, 1) for i in (0, 1)] == [None, None]
    assert judged.words == ("total", "unused")
    held = evidence([[A, [0.0, 0.0, 1.0]], [NONE, NONE]], [A, NONE], (0, 1))
    assert attribute(held).entry(0, 1) == WRONG


def test_numbers_fit_at_every_point_or_not_at_all():
    """The given point alone is explained by either access; the one nearby decides, or refutes both."""
    failed = ("the gradient is not linear in its contributions",)
    given = {"held": [[A, NONE], [NONE, NONE]], "effects": [A, A]}
    case = evidence(given["held"], given["effects"], (None, None), gates_failed=failed)
    assert explain_by_numbers(case, 0).alternatives == ((0, 1), (1, 0))
    assert labels(case)[-1] == "AC205:x"
    second = replace(case, jittered=point([[NONE, B], [NONE, NONE]], [A, B]))
    assert explain_by_numbers(second, 0).counts == (0, 1)
    neither = replace(case, jittered=point([[[9.0, 9.0, 9.0], NONE], [NONE, NONE]], [A, B]))
    assert explain_by_numbers(neither, 0).counts is None
    assert "AC105:x" in labels(neither)


def test_a_slots_own_accesses_are_preferred_to_others_that_fit():
    failed = ("gates at 1 change the result",)
    case = evidence([[NONE, A], [NONE, NONE]], [A, A], (None, 0), gates_failed=failed)
    fit = explain_by_numbers(case, 0)
    assert fit.counts == (0, 1)
    assert fit.alternatives == ((0, 1),)


def test_numbers_use_the_point_nearby_where_the_given_one_is_silent():
    failed = ("the engine fails with gates",)
    case = evidence([[NONE, NONE], [NONE, NONE]], [NONE, NONE], (0, 1), gates_failed=failed)
    right = replace(case, jittered=point([[A, NONE], [NONE, B]], [A, B]))
    assert labels(right) == []
    missing = replace(case, jittered=point([[A, NONE], [NONE, NONE]], [A, B]))
    assert labels(missing) == ["AC101:y"]


def grid(*shape):
    return Slot(
        name="x",
        shows=np.ones(np.prod(shape), bool),
        cells=np.arange(np.prod(shape)).reshape(shape),
        shape=shape,
    )


def described(shape, change, scaled=None):
    right = np.arange(1.0, np.prod(shape) + 1)
    held = right.reshape(shape).copy()
    held = np.asarray(change(held)).ravel()
    spot = find_fault(grid(*shape), held, right, np.full(right.shape, BOUND), scaled)
    return spot and spot.text


def changed(*places):
    def change(held):
        for place in places:
            held[place] += 1.0
        return held

    return change


@pytest.mark.parametrize(
    ("shape", "change", "text"),
    [
        ((3, 3), changed((1, 2)), "element [1, 2]"),
        ((3, 3), changed((1, 2), (2, 0)), "elements [1, 2], [2, 0]"),
        ((3, 3), changed((1,)), "row 1"),
        ((3, 4), changed((0,), (2,)), "rows 0, 2"),
        ((3, 3), changed((slice(None), 2)), "column 2"),
        ((3, 3), lambda held: held.T, "transposed"),
        ((3, 3), lambda held: held + 1, "all elements"),
        ((1,), lambda held: held + 1, "its only element"),
        ((2, 3), lambda held: held.T, "elements [0, 1], [0, 2], [1, 0], [1, 1]"),
        ((9,), changed(0, 2, 4, 6, 8), "5 elements of 9"),
        ((4,), changed(3), "element [3]"),
        ((7, 2), changed((0,), (1,), (2,), (3,), (4,)), "5 rows"),
        ((3, 1), changed((1,)), "element [1, 0]"),
        ((2, 2), lambda held: held + 0.5 * BOUND, None),
    ],
)
def test_where_a_value_is_wrong(shape, change, text):
    assert described(shape, change) == text


def test_a_wrong_value_of_one_factor_is_said_to_be_scaled():
    assert described((2, 2), lambda held: 1.000001 * held, 1.000001) == "scaled by 1.000001"


def test_nothing_is_said_of_elements_that_were_not_measured_one_by_one():
    slot = replace(grid(2, 2), cells=None)
    assert find_fault(slot, np.ones(4), np.zeros(4), np.zeros(4), None) is None
