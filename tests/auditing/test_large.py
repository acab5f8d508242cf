"""Groups too large to be measured cell by cell are judged like small ones, in few evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.auditing import Outcome, audit
from aliascheck.engine import transpose
from aliascheck.language import parse
from aliascheck.memory import NOTHING, parse_path
from aliascheck.subjects.program import Plain, Program
from tests.auditing.test_wrong_engines import Faulty, plus

SMALL, LARGE = 4, 36  # 16 and 1,296 cells


def run(size: int, post, mode: str = "explicit") -> Outcome:
    rng = np.random.default_rng(7)
    w, c = rng.normal(size=(size, size)) / size, rng.normal(size=(size, 3))
    bindings = {"w": w, "wt": transpose(w), "c": c}
    program = Faulty(bindings, parse("sum(tanh(wt @ c)) + mean((w @ c) ** 2)").evaluate, [("w",), ("wt",)])
    program.post = post
    (outcome,) = audit(program, [mode])
    return outcome


def turned(tangent):
    return tangent if tangent is NOTHING else tangent.T


FAULTS = {
    "right": (lambda a, b: (a, b), []),
    "dropped": (lambda a, b: (a, NOTHING), ["AC101:wt"]),
    "moved": (lambda a, b: (plus(a, turned(b)), NOTHING), ["AC101:wt", "AC102:w"]),
    "swapped": (lambda a, b: (turned(b), turned(a)), ["AC102:w", "AC102:wt"]),
    "twice": (lambda a, b: (2 * a, b), ["AC104:w"]),
    "copied": (lambda a, b: (plus(a, turned(b)), b), ["AC104:w"]),
    "total at each": (lambda a, b: (plus(a, turned(b)), plus(b, turned(a))), ["AC104:w", "AC104:wt"]),
    "scaled": (lambda a, b: (a, 1.0001 * b), ["AC105:wt"]),
    "scaled by 1 + 1e-6": (lambda a, b: ((1 + 1e-6) * a, b), ["AC105:w"]),
    "half": (lambda a, b: (a, 0.5 * b), ["AC105:wt"]),
    "negative": (lambda a, b: (-a, b), ["AC105:w"]),
    "a row's sign": (lambda a, b: (a * np.where(np.arange(len(a)) == 1, -1, 1)[:, None], b), ["AC105:w"]),
    "a missing transpose": (lambda a, b: (a, turned(b)), ["AC105:wt"]),
    "not a number": (lambda a, b: (a, b * np.where(np.eye(len(b)) > 0, np.nan, 1)), ["AC107:wt"]),
    "another shape": (lambda a, b: (a[:1], b), ["AC108:w"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_findings_do_not_depend_on_the_size(fault):
    post, expected = FAULTS[fault]
    for size in (SMALL, LARGE):
        outcome = run(size, post)
        assert sorted(finding.label for finding in outcome.findings) == expected, size
        assert sorted(slot.word for slot in outcome.slots) == sorted(
            slot.word for slot in run(SMALL, post).slots
        )


def test_cost_does_not_grow_with_the_number_of_cells():
    right = FAULTS["right"][0]
    assert run(40, right).evaluations < 300
    assert run(120, right).evaluations < 1.3 * run(40, right).evaluations


# Slots that show parts of a large memory: atoms of a single cell, of a row, and of what is left.
PARTS = {"x": np.linspace(-1, 1, 1200), "head": "x[0:1]", "row": "x[0:20]", "every": "x[::2]"}


@pytest.mark.parametrize(
    ("loss", "params", "explicit", "implicit"),
    [
        ("sum(x * x)", ("x", "head"), [], []),
        ("sum(tanh(x)) + sum(head ** 2)", ("x", "head"), [], []),
        ("sum(tanh(x)) + sum(head ** 2)", ("x",), ["AC103:x"], ["AC103:x"]),
        ("sum(tanh(x)) + 3.0 * sum(row * row) + sum(head)", ("x", "row", "head"), [], []),
        ("sum(tanh(x)) + 3.0 * sum(row * row) + sum(head)", ("x", "row"), ["AC103:x"], ["AC103:x"]),
        ("sum(every * every) + sum(exp(row))", ("row",), ["AC103:row"], ["AC103:row"]),
        ("sum(every.parent[1::2] ** 2)", ("every",), ["AC106:every"], ["AC106:every"]),
        ("sum(every * every.parent[1::2])", ("every",), ["AC109"], ["AC109"]),
    ],
)
def test_parts_of_a_large_memory(loss, params, explicit, implicit):
    for mode, expected in (("explicit", explicit), ("implicit", implicit)):
        bindings = {"x": PARTS["x"].copy()}
        for name, text in list(PARTS.items())[1:]:
            bindings[name] = parse(text).evaluate(Plain(bindings))
        program = Program(bindings, parse(loss).evaluate, [parse_path(name) for name in params])
        (outcome,) = audit(program, [mode])
        assert sorted(finding.label for finding in outcome.findings) == expected, mode
