"""Where a large slot is wrong is said in its own indices, however it lies in memory."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from aliascheck.engine import transpose
from tests.auditing.spoilt import at, labels, mapped, run, spoilt, times

LOSS = "mean(tanh(a + 0.3) ** 2) + mean(exp(0.2 * a))"
DRAW = np.random.default_rng(0).normal


def matrix():
    return DRAW(size=(24, 20))


SLOTS = {
    "vector": lambda: DRAW(size=500),
    "strided vector": lambda: DRAW(size=1500)[1::3],
    "matrix": matrix,
    "fortran order": lambda: np.asfortranarray(matrix()),
    "transposed": lambda: matrix().T,
    "wrapped": lambda: transpose(matrix()),
    "part": lambda: DRAW(size=(48, 60))[1:46:2, 3:43:2],
    "backwards": lambda: matrix()[::-1, ::-1],
    "cube": lambda: DRAW(size=(12, 8, 6)),
    "permuted cube": lambda: DRAW(size=(6, 12, 8)).transpose(1, 2, 0),
    "part of a cube": lambda: DRAW(size=(12, 9, 14))[:, 1:, ::2],
}


def faults(shape):
    """What is wrong, and its name: in a slot that shows each cell once."""
    middle, last = tuple(slice(2, 6) for _ in shape), tuple(extent - 2 for extent in shape)
    yield at(last, 1.01), "AC105", f"element {list(last)}"
    yield at(last, 0.0), "AC103", f"element {list(last)}"
    yield at(middle, -1.0), "AC105", f"block {ranges(middle)}"
    yield at(middle, 0.0), "AC103", f"block {ranges(middle)}"
    yield times(1.01), "AC105", "scaled by 1.01"
    yield lambda tangent: 1.5 * tangent[::-1], "AC105", "throughout"
    first, third = [0 for _ in shape], [2 for _ in shape]
    two = at(tuple(first), 3.0), at(tuple(third), 0.5)
    yield lambda tangent: two[0](two[1](tangent)), "AC105", f"elements {first}, {third}"
    if len(shape) > 1:
        yield at(3, -1.0), "AC105", "row 3"
        yield at(7, 0.0), "AC103", "row 7"
    if len(shape) == 2:
        yield at((slice(None), 4), 2.0), "AC105", "column 4"
        yield lambda tangent: at((slice(None), 4), -2.0)(at(1, 3.0)(tangent)), "AC105", "row 1, column 4"
        yield lambda tangent: tangent.T.reshape(shape), "AC105", "transposed"
    if len(shape) == 3:
        column = (slice(0, shape[0]), slice(4, 5), slice(0, shape[2]))
        yield at(column, 2.0), "AC105", f"block {ranges(column)}"


def ranges(box):
    return "[" + ", ".join(f"{axis.start}:{axis.stop}" for axis in box) + "]"


MODES = [(name, "explicit") for name in SLOTS] + [(name, "implicit") for name in ("matrix", "wrapped")]


@pytest.mark.parametrize(("name", "mode"), MODES)
def test_a_place_is_named_in_the_slots_own_indices(name, mode):
    slot = SLOTS[name]()
    for change, code, where in faults(slot.array.shape if name == "wrapped" else slot.shape):
        outcome = run(spoilt({"a": slot}, LOSS, ["a"], mapped("a", change)), mode)
        assert [(one.label, one.where) for one in outcome.findings] == [(f"{code}:a", where)]


MEMORY = DRAW(size=600)
REPEATED = {
    "along the first axis": (
        as_strided(MEMORY, (4, 300), (0, 8)),
        [
            (at((2, 298), 1.01), "element [0, 298]"),
            (at((slice(None), slice(9, 20)), -1.0), "block [0:1, 9:20]"),
        ],
    ),
    "along the last axis": (
        as_strided(MEMORY, (300, 4), (8, 0)),
        [(at((298, 1), 1.01), "element [298, 0]"), (at(slice(9, 20), -1.0), "block [9:20, 0:1]")],
    ),
    "along the middle axis": (
        as_strided(MEMORY, (20, 3, 16), (128, 0, 8)),
        [
            (at((18, 2, 5), 1.01), "element [18, 0, 5]"),
            (at(3, -1.0), "row 3"),
            (at((..., 7), 0.5), "block [0:20, 0:1, 7:8]"),
        ],
    ),
    "windows": (
        as_strided(MEMORY, (580, 21), (8, 8)),
        [
            (at((579, 20), 1.01), "element [579, 20]"),
            (at((3, 0), 1.01), "element [0, 3]"),
            (at(100, -1.0), "block [80, 20] to [100, 20]"),
            (times(0.5), "scaled by 0.5"),
        ],
    ),
    "windows far apart": (
        as_strided(MEMORY, (29, 40), (160, 8)),
        [(at((28, 39), 1.01), "element [28, 39]"), (at((4, slice(25, 31)), 2.5), "block [4, 25] to [4, 30]")],
    ),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_slot_that_shows_cells_repeatedly_names_each_by_the_element_that_shows_it_first(name):
    slot, faulty = REPEATED[name]
    assert labels(run(spoilt({"a": slot}, LOSS, ["a"]))) == []
    for change, where in faulty:
        outcome = run(spoilt({"a": slot}, LOSS, ["a"], mapped("a", change)))
        assert [(one.label, one.where) for one in outcome.findings] == [("AC105:a", where)]


@pytest.mark.parametrize("share", [0.08, 0.5])
def test_faults_all_over_are_said_to_be_many(share):
    wrong = np.random.default_rng(3).random((24, 20)) < share
    outcome = run(spoilt({"a": matrix()}, LOSS, ["a"], mapped("a", times(np.where(wrong, 1.5, 1.0)))))
    (finding,) = outcome.findings
    assert finding.label == "AC105:a"
    assert f"{np.count_nonzero(wrong)} elements" in finding.where or any(
        word in finding.where for word in ("in many places within [0:24, 0:20]", "throughout")
    )


# What is wrong in a matrix, its name there, and its name in the transposed one.
PARTS = {
    "row": (np.s_[3], "row 3", "column 3"),
    "block": (np.s_[2:6, 3:9], "block [2:6, 3:9]", "block [3:9, 2:6]"),
    "column": (np.s_[:, 11], "column 11", "row 11"),
}


@pytest.mark.parametrize("mode", ["explicit", "implicit"])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("factor", "code"), [(0.0, "AC103"), (-1.0, "AC105")])
def test_a_place_among_tied_slots_is_that_of_the_slot_that_is_wrong(factor, code, part, mode):
    place, here, there = PARTS[part]
    w = matrix()
    bindings = {"a": w, "b": transpose(w), "c": DRAW(size=(24, 3))}
    loss = "mean(tanh(a) ** 2) + mean((b @ c) ** 2)"
    change = at(place, factor)
    for fault, label, where in (
        (mapped("a", change), f"{code}:a", here),
        (mapped("b", lambda tangent: change(tangent.T).T), f"{code}:b", there),
    ):
        outcome = run(spoilt(bindings, loss, ["a", "b"], fault), mode)
        assert [(one.label, one.where) for one in outcome.findings] == [(label, where)]


def test_a_slice_lacks_what_the_whole_has_and_the_place_is_its_own():
    """The slot is the lower half of what the loss reads; a row of it is missing."""
    w = DRAW(size=(40, 12))
    bindings = {"w": w, "low": w[20:]}
    loss = "mean(tanh(w) ** 2) + mean(low ** 2)"
    assert labels(run(spoilt(bindings, loss, ["w", "low"]))) == []
    outcome = run(spoilt(bindings, loss, ["w", "low"], mapped("low", at(5, 0.0))))
    assert [(one.label, one.where) for one in outcome.findings] == [("AC103:low", "row 5")]
    outcome = run(spoilt(bindings, loss, ["w", "low"], mapped("w", at(25, 0.0))))
    assert [(one.label, one.where) for one in outcome.findings] == [("AC103:w", "row 25")]
