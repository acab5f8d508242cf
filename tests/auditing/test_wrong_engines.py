"""Deliberately wrong engines: each fault is named with the right code at the right slot."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from aliascheck.engine import REGISTRY, adjoint, transpose
from aliascheck.language import parse
from aliascheck.memory import NOTHING, parse_path
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Gradients

X, XT = parse_path("x"), parse_path("xt")
Post = Callable[[Any, Any], tuple[Any, Any]]


class Faulty(Program):
    """An engine whose every gradient, gated ones included, goes through a fault."""

    post: Post

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        first, second = self.members
        left, other = self.post(right.members[first], right.members[second])
        return Gradients({first: left, second: other}, right.globals)


def plus(left, right):
    return left if right is NOTHING else right if left is NOTHING else left + right


def flat(tangent):
    return tangent if tangent is NOTHING else np.asarray(tangent).ravel()


def row(tangent):
    return tangent if tangent is NOTHING else np.asarray(tangent)[None, :]


def only(position, factor):
    """The tangent with one element times a factor."""

    def apply(tangent):
        changed = np.array(tangent, float)
        changed.flat[position] *= factor
        return changed

    return apply


# On sum(xt * x) with x of three elements: numbers alone cannot tell these apart.
SYMMETRIC: dict[str, tuple[Post, list[str]]] = {
    "right": (lambda a, b: (a, b), []),
    "the alias's contribution dropped": (lambda a, b: (a, NOTHING), ["AC101:xt"]),
    "its own contribution dropped": (lambda a, b: (NOTHING, b), ["AC101:x"]),
    "zeros for a value": (lambda a, b: (a, 0 * b), ["AC101:xt"]),
    "swapped": (lambda a, b: (flat(b), row(a)), ["AC102:x", "AC102:xt"]),
    "moved to the other slot": (lambda a, b: (plus(a, flat(b)), NOTHING), ["AC101:xt", "AC102:x"]),
    "moved, zeros left behind": (lambda a, b: (plus(a, flat(b)), 0 * b), ["AC101:xt", "AC102:x"]),
    "everything twice": (lambda a, b: (2 * a, 2 * b), ["AC104:x", "AC104:xt"]),
    "its own twice, the alias dropped": (lambda a, b: (2 * a, NOTHING), ["AC101:xt", "AC104:x"]),
    "the alias's twice, its own dropped": (
        lambda a, b: (2 * flat(b), NOTHING),
        ["AC101:xt", "AC103:x", "AC104:x"],
    ),
    "the total at each": (lambda a, b: (plus(a, flat(b)), plus(b, row(a))), ["AC104:x", "AC104:xt"]),
    "the alias copied": (lambda a, b: (plus(a, flat(b)), b), ["AC104:x"]),
    "half": (lambda a, b: (0.5 * a, b), ["AC105:x"]),
    "negative": (lambda a, b: (-a, b), ["AC105:x"]),
    "three times": (lambda a, b: (3 * a, b), ["AC105:x"]),
    "averaged": (lambda a, b: ((a + flat(b)) / 2, (b + row(a)) / 2), ["AC105:x", "AC105:xt"]),
    "one element off by 1e-6": (lambda a, b: (only(1, 1 + 1e-6)(a), b), ["AC105:x"]),
    "scaled by 1 + 1e-6": (lambda a, b: (a, b * (1 + 1e-6)), ["AC105:xt"]),
    "one element's sign": (lambda a, b: (a, only(2, -1)(b)), ["AC105:xt"]),
    "an element not-a-number": (lambda a, b: (only(0, np.nan)(a), b), ["AC107:x"]),
    "an element infinite": (lambda a, b: (a, only(0, np.inf)(b)), ["AC107:xt"]),
    "another shape": (lambda a, b: (a, b.T), ["AC108:xt"]),
    "a longer shape": (lambda a, b: (np.append(a, 0.0), b), ["AC108:x"]),
}


def found(program: Program, contract: str = "sum", mode: str = "explicit") -> list[str]:
    (outcome,) = audit(program, [mode], Settings(contract=contract))
    return sorted(finding.label for finding in outcome.findings)


def symmetric(post: Post) -> Faulty:
    x = np.array([0.5, -1.25, 2.0])
    program = Faulty({"x": x, "xt": adjoint(x)}, parse("sum(xt * x)").evaluate, [X, XT])
    program.post = post
    return program


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
@pytest.mark.parametrize("fault", SYMMETRIC)
def test_fault_is_named_at_its_slot_where_numbers_cannot_tell(fault, mode):
    post, expected = SYMMETRIC[fault]
    assert found(symmetric(post), mode=mode) == expected


# On sum((wt @ w) * c) with a square w: transposition and rows matter.
SQUARE: dict[str, tuple[Post, list[str], str]] = {
    "right": (lambda a, b: (a, b), [], ""),
    "a missing transpose": (lambda a, b: (a, b.T), ["AC105:wt"], "transposed"),
    "a row's sign": (lambda a, b: (a * [[1.0, 1], [-1, -1]], b), ["AC105:w"], "row 1"),
    "a column's sign": (lambda a, b: (a, b * [[1.0, -1], [1, -1]]), ["AC105:wt"], "column 1"),
    "one element": (lambda a, b: (only(3, 1.01)(a), b), ["AC105:w"], "element [1, 1]"),
    "a scale": (lambda a, b: (1.5 * a, b), ["AC105:w"], "scaled by 1.5"),
    "dropped": (lambda a, b: (a, NOTHING), ["AC101:wt"], ""),
    "moved": (lambda a, b: (plus(a, b if b is NOTHING else b.T), NOTHING), ["AC101:wt", "AC102:w"], ""),
}


@pytest.mark.parametrize("fault", SQUARE)
def test_fault_is_named_at_its_place(fault):
    post, expected, where = SQUARE[fault]
    w = np.array([[0.5, 1.2], [-0.7, 0.3]])
    bindings = {"w": w, "wt": transpose(w), "c": np.array([[1.0, 2.0], [3.0, 5.0]])}
    program = Faulty(bindings, parse("sum((wt @ w) * c)").evaluate, [parse_path("w"), parse_path("wt")])
    program.post = post
    (outcome,) = audit(program, ["explicit"], Settings())
    assert sorted(finding.label for finding in outcome.findings) == expected
    assert all(where in (finding.where or "") for finding in outcome.findings if finding.code == "AC105")


@pytest.mark.parametrize(
    ("contract", "fault", "expected"),
    [
        ("each", "the total at each", []),
        ("each", "right", ["AC103:x", "AC103:xt"]),
        ("each", "moved to the other slot", ["AC101:xt"]),
        ("each", "the alias copied", ["AC103:xt"]),
        ("owner", "moved to the other slot", []),
        ("owner", "right", ["AC102:xt"]),
        ("owner", "the total at each", ["AC104:xt"]),
        ("owner:xt", "moved to the other slot", ["AC101:xt", "AC102:x"]),
    ],
)
def test_contract_decides_what_is_a_fault(contract, fault, expected):
    assert found(symmetric(SYMMETRIC[fault][0]), contract) == expected


def clipped(a, b):
    norm = np.sqrt(sum(np.sum(np.square(t)) for t in (a, b) if t is not NOTHING))
    return tuple(t if t is NOTHING else t * min(1.0, 1.0 / norm) if norm else t for t in (a, b))


def deduplicated(a, b):
    same = a is not NOTHING and b is not NOTHING and np.array_equal(flat(a), flat(b))
    return (a, NOTHING) if same else (a, b)


@pytest.mark.parametrize("post", [clipped, deduplicated])
def test_an_engine_that_is_not_linear_is_never_silently_clean(post):
    (outcome,) = audit(symmetric(post), ["explicit"], Settings())
    assert any("gates cannot be trusted" in note for note in outcome.notes)
    assert {finding.code for finding in outcome.findings} & {"AC101", "AC103", "AC105", "AC205"}


@pytest.mark.parametrize(
    ("name", "factor", "code"),
    [("tanh", 1 + 1e-6, "AC105"), ("tanh", -1.0, "AC105"), ("tanh", 0.0, "AC101"), ("tanh", np.nan, "AC107")],
)
def test_a_wrong_rule_is_caught(name, factor, code, monkeypatch):
    primitive = REGISTRY[name]
    right = primitive.forward

    def wrong(x):
        out, rule = right(x)
        return out, lambda d_out: factor * rule(d_out)

    monkeypatch.setattr(primitive, "forward", wrong)
    program = Program({"x": np.array([0.3, -0.7])}, parse("sum(tanh(x) * x)").evaluate, [X])
    if code == "AC101":
        program = Program({"x": np.array([0.3, -0.7])}, parse("sum(tanh(x))").evaluate, [X])
    assert found(program) == [f"{code}:x"]


def test_a_rule_wrong_by_exactly_two_reads_as_double_and_says_so(monkeypatch):
    primitive = REGISTRY["multiply"]
    right = primitive.forward

    def wrong(x, y):
        out, (first, second) = right(x, y)
        return out, (lambda d_out: 2 * first(d_out), second)

    monkeypatch.setattr(primitive, "forward", wrong)
    x = np.array([1.0, 2.0])
    program = Program({"x": x, "xt": adjoint(x)}, parse("sum(xt * x)").evaluate, [X, XT])
    (outcome,) = audit(program, ["explicit"], Settings())
    (finding,) = outcome.findings
    assert finding.label == "AC104:xt"
    assert "wrong by exactly 2" in finding.message


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
def test_a_contribution_from_unrelated_memory_is_wrong_not_unseen(mode):
    """x and y share nothing: what of x stands in y is in none of y's own accesses."""
    bindings = {"x": np.array([1.0, 2.0]), "y": np.array([3.0, 5.0])}
    members = [X, parse_path("y")]

    def leaky(post):
        program = Faulty(bindings, parse("sum(x * x) + sum(sin(y))").evaluate, members)
        program.post = post
        return program

    assert found(leaky(lambda a, b: (a, b)), mode=mode) == []
    assert found(leaky(lambda a, b: (a, a + b)), mode=mode) == ["AC105:y"]
    assert {"AC105:x", "AC105:y"} <= set(found(leaky(lambda a, b: (b, a)), mode=mode))
