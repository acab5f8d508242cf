"""Wrong engines under every contract, wrong rules, and engines that are not linear.

The expected codes are read off the decision table by hand. Throughout, the loss reads `x` once and its
adjoint `xt` once, and a right engine splits the two contributions between the two slots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from aliascheck.cases.compare import compare_entries
from aliascheck.cases.literals import ArrayLiteral
from aliascheck.engine import REGISTRY
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Gradients
from tests.auditing.test_wrong_engines import Faulty, only, plus
from tests.programs import Text, random_program

Post = Callable[[Any, Any], tuple[Any, Any]]

SYMMETRIC = "sum(xt * x)"  # at every memory both paths are equal: numbers alone cannot tell
GENERAL = "sum(tanh(xt @ c) * (x + c))"
LET = {"x": [[0.5, -1.25], [2.0, 0.75]], "xt": "adjoint(x)", "c": [[0.2, 0.4], [-0.3, 0.1]]}


def flip(tangent: Any) -> Any:
    """What one slot holds, as the other would show it."""
    return tangent if tangent is NOTHING else tangent.T


def zero(tangent: Any) -> Any:
    return 0.0 * tangent


# name: fault, findings under sum, each, owner (the slot that holds most, `x` on a tie)
FAULTS: dict[str, tuple[Post, list[str], list[str], list[str]]] = {
    "right": (lambda a, b: (a, b), [], ["AC103:x", "AC103:xt"], ["AC102:xt"]),
    "dropped": (lambda a, b: (a, NOTHING), ["AC101:xt"], ["AC101:xt", "AC103:x"], ["AC103:x"]),
    "zeros": (lambda a, b: (a, zero(b)), ["AC101:xt"], ["AC101:xt", "AC103:x"], ["AC103:x"]),
    "all dropped": (
        lambda a, b: (NOTHING, NOTHING),
        ["AC101:x", "AC101:xt"],
        ["AC101:x", "AC101:xt"],
        ["AC101:x"],
    ),
    "moved": (lambda a, b: (plus(a, flip(b)), zero(b)), ["AC101:xt", "AC102:x"], ["AC101:xt"], []),
    "swapped": (
        lambda a, b: (flip(b), flip(a)),
        ["AC102:x", "AC102:xt"],
        ["AC103:x", "AC103:xt"],
        ["AC102:xt"],
    ),
    "twice": (lambda a, b: (a, 2 * b), ["AC104:xt"], ["AC103:x", "AC103:xt", "AC104:xt"], ["AC104:xt"]),
    "copied": (lambda a, b: (plus(a, flip(b)), b), ["AC104:x"], ["AC103:xt"], ["AC104:xt"]),
    "total at each": (
        lambda a, b: (plus(a, flip(b)), plus(b, flip(a))),
        ["AC104:x", "AC104:xt"],
        [],
        ["AC104:xt"],
    ),
    "half": (lambda a, b: (a, 0.5 * b), ["AC105:xt"], ["AC103:x", "AC103:xt", "AC105:xt"], ["AC105:xt"]),
    "negative": (
        lambda a, b: (-a, b),
        ["AC105:x"],
        ["AC103:x", "AC103:xt", "AC105:x"],
        ["AC102:xt", "AC105:x"],
    ),
    "scaled by 1 + 1e-6": (
        lambda a, b: (a, (1 + 1e-6) * b),
        ["AC105:xt"],
        ["AC103:x", "AC103:xt", "AC105:xt"],
        ["AC105:xt"],
    ),
    "one element off by 1e-6": (
        lambda a, b: (only(2, 1 + 1e-6)(a), b),
        ["AC105:x"],
        ["AC103:x", "AC103:xt", "AC105:x"],
        ["AC102:xt", "AC105:x"],
    ),
    "a row's sign": (
        lambda a, b: (a, b * [[1.0], [-1.0]]),
        ["AC105:xt"],
        ["AC103:x", "AC103:xt", "AC105:xt"],
        ["AC105:xt"],
    ),
    "a missing transpose": (
        lambda a, b: (a, flip(b)),
        ["AC105:xt"],
        ["AC103:x", "AC103:xt", "AC105:xt"],
        ["AC105:xt"],
    ),
    "not a number": (
        lambda a, b: (a, only(1, np.nan)(b)),
        ["AC107:xt"],
        ["AC103:x", "AC107:xt"],
        ["AC103:x", "AC107:xt"],
    ),
    "infinite": (
        lambda a, b: (only(3, -np.inf)(a), b),
        ["AC107:x"],
        ["AC103:xt", "AC107:x"],
        ["AC103:xt", "AC107:x"],
    ),
    "another shape": (
        lambda a, b: (a, b[:1]),
        ["AC108:xt"],
        ["AC103:x", "AC108:xt"],
        ["AC103:x", "AC108:xt"],
    ),
}


def subject(post: Post, loss: str) -> Faulty:
    program = Text(LET, loss, ("x", "xt")).program(Faulty)
    program.post = post
    return program


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
@pytest.mark.parametrize("loss", [SYMMETRIC, GENERAL])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_under_each_contract(fault, loss, mode):
    post, *expected = FAULTS[fault]
    got = []
    for contract in ("sum", "each", "owner"):
        (outcome,) = audit(subject(post, loss), [mode], Settings(contract=contract))
        got.append(sorted(finding.label for finding in outcome.findings))
        assert not outcome.notes, "gates hold for a linear fault"
    assert got == expected


def test_every_wrong_number_is_an_error_of_its_own_slot():
    """The near miss of every fault: the right engine, with the rounding of a sum in another order."""
    (outcome,) = audit(subject(lambda a, b: (a * (1 + 2e-16), b), GENERAL), ["explicit"])
    assert not outcome.findings


# Wrong rules: primitive, how its pullbacks are changed, the loss, findings.
def transposed_right(rules):
    left, right = rules
    return left, lambda d_out: right(d_out).T


def negated_row(rules):
    left, right = rules
    return lambda d_out: left(d_out) * np.array([[1.0], [-1.0]]), right


def without_sum(rules):
    left, right = rules
    return left, lambda d_out: right(d_out)[:1] * 1.0


WRONG_RULES = {
    "a missing transpose": ("matmul", transposed_right, "sum((xt @ x) * c)", ["AC105:x"], "transposed"),
    "a row's sign": ("matmul", negated_row, "sum((xt @ x) * c)", ["AC105:xt"], "row 1"),
    "the other operand's": (
        "matmul",
        lambda rules: rules[::-1],
        "sum((xt @ x) * c)",
        ["AC105:x", "AC105:xt"],
        "",
    ),
    "no derivative": ("matmul", lambda rules: (rules[0], None), "sum((xt @ x) * c)", ["AC101:x"], ""),
    "scaled": (
        "multiply",
        lambda rules: (rules[0], lambda d: 1.000001 * rules[1](d)),
        SYMMETRIC,
        ["AC105:x"],
        "1.000001",
    ),
    "not a number": (
        "multiply",
        lambda rules: (lambda d: rules[0](d) / 0.0, rules[1]),
        SYMMETRIC,
        ["AC107:xt"],
        "",
    ),
    "only where it is used": ("sin", lambda rule: lambda d: 2.5 * rule(d), GENERAL, [], ""),
}


@pytest.mark.parametrize("fault", WRONG_RULES)
def test_a_wrong_rule_is_named_at_the_slots_that_it_reaches(fault, monkeypatch):
    name, change, loss, expected, where = WRONG_RULES[fault]
    primitive = REGISTRY[name]
    right = primitive.forward

    def wrong(*args, **settings):
        out, rules = right(*args, **settings)
        return out, change(rules)

    monkeypatch.setattr(primitive, "forward", wrong)
    (outcome,) = audit(Text(LET, loss, ("x", "xt")).program(), ["explicit"])
    assert sorted(finding.label for finding in outcome.findings) == expected
    assert all(where in (finding.where or "") for finding in outcome.findings)
    assert all(finding.accesses == (finding.slot,) for finding in outcome.findings if finding.code == "AC105")


def clip_elements(tangents):
    return [t if t is NOTHING else np.clip(t, -0.3, 0.3) for t in tangents]


def clip_norm(tangents):
    norm = np.sqrt(sum(np.sum(np.square(t)) for t in tangents if t is not NOTHING))
    return [t if t is NOTHING or norm <= 0.5 else t * (0.5 / norm) for t in tangents]


def deduplicate(tangents):
    """An array of the same numbers is taken for the same array, and reported once."""
    seen: set[bytes] = set()
    kept = []
    for tangent in tangents:
        numbers = b"" if tangent is NOTHING else np.sort(np.ravel(tangent)).tobytes()
        kept.append(NOTHING if numbers in seen else tangent)
        seen.add(numbers)
    return kept


class Unlinear(Program):
    """An engine that does something to all gradients together."""

    change: Any

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        return Gradients(
            dict(zip(right.members, self.change(right.members.values()), strict=True)), right.globals
        )


@pytest.mark.parametrize("change", [clip_elements, clip_norm])
def test_an_engine_that_is_not_linear_is_never_clean_where_its_numbers_are_wrong(change):
    wrong = 0
    for seed in range(60):
        text = random_program(seed)
        arrays = [
            name for name in text.let if isinstance(getattr(text.bindings()[name], "shape", None), tuple)
        ]
        program = text.with_params(*arrays).program(Unlinear)
        program.change = change
        try:
            right = Program.gradients(program, "explicit").members.values()
        except EngineError:
            continue
        (outcome,) = audit(program, ["explicit"])
        reported = program.gradients("explicit").members.values()
        if all(
            a is b or (b is not NOTHING and np.array_equal(a, b))
            for a, b in zip(right, reported, strict=True)
        ):
            continue
        wrong += 1
        assert {finding.code for finding in outcome.findings} & {"AC101", "AC103", "AC105", "AC205"}, text
    assert wrong > 10


@pytest.mark.parametrize(
    ("change", "loss", "expected"),
    [
        (clip_elements, GENERAL, ["AC105:x", "AC105:xt"]),
        (clip_norm, SYMMETRIC, ["AC105:x", "AC105:xt"]),
        (deduplicate, SYMMETRIC, ["AC101:xt"]),
    ],
)
def test_numbers_decide_where_gates_fail(change, loss, expected):
    program = Text(LET, loss, ("x", "xt")).program(Unlinear)
    program.change = change
    (outcome,) = audit(program, ["explicit"])
    assert sorted(finding.label for finding in outcome.findings) == expected
    assert any("gates cannot be trusted" in note for note in outcome.notes)


def test_an_engine_that_fails_with_gates_is_judged_by_numbers():
    class Ungated(Program):
        def gradients(self, mode, gates=None):
            if gates is not None:
                raise EngineError("no gates here")
            return super().gradients(mode)

    (outcome,) = audit(Text(LET, GENERAL, ("x", "xt")).program(Ungated), ["explicit"])
    assert not outcome.findings
    assert [slot.word for slot in outcome.slots] == ["split", "split"]
    assert any("no gates here" in note for note in outcome.notes)
    at_zero = Text({"x": [0.0, 0.0], "y": "x[::-1]"}, "sum(x * y * y)", ("x", "y")).program(Ungated)
    assert not audit(at_zero, ["explicit"])[0].findings


class BrokenNearby(Program):
    """An engine that fails at every other memory than the one it is given, in one way or another."""

    instead: Any

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        if not self.bindings["x"].any():
            return right
        if isinstance(self.instead, Exception):
            raise self.instead
        return Gradients(dict.fromkeys(right.members, self.instead), right.globals)


@pytest.mark.parametrize(
    ("instead", "codes"),
    [
        (np.full(2, np.nan), {"AC105"}),
        (NOTHING, {"AC101"}),
        (EngineError("not there"), set()),
    ],
)
def test_what_fails_nearby_is_a_finding_where_the_given_point_does_not_tell(instead, codes):
    program = Text({"x": [0.0, 0.0], "y": "x[::-1]"}, "sum(x * y * y)", ("x", "y")).program(BrokenNearby)
    program.instead = instead
    (outcome,) = audit(program, ["explicit"])
    assert {finding.code for finding in outcome.findings} == codes
    assert all("jittered point" in finding.message for finding in outcome.findings)
    assert not program.bindings["x"].any()


class Replaced(Program):
    """An engine that reports something else for one member."""

    instead: dict[Any, Any]

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        return Gradients({**right.members, **self.instead}, right.globals)


@pytest.mark.parametrize("loss", ["sum(x * x)", "sum(x * x) + sum(0.0 * z)"])
@pytest.mark.parametrize("let", [{"z": [1.0, 3.0]}, {"z": [1.0, 3.0], "w": "z"}])
def test_a_gradient_of_what_the_loss_does_not_read_is_wrong(loss, let):
    program = Text({"x": [1.0, 2.0], **let}, loss, ("x", "z")).program(Replaced)
    program.instead = {("z",): np.ones(2)}
    (outcome,) = audit(program, ["explicit"])
    assert [finding.label for finding in outcome.findings] == ["AC105:z"]
    assert [slot.word for slot in outcome.slots] == ["total", "wrong"]
    assert [group.judgement.attribution.conserved for group in outcome.groups] == [True, False]


@pytest.mark.parametrize(
    ("loss", "instead", "right"),
    [("sum(x * x)", np.zeros(2), NOTHING), ("sum(x * x) + sum(0.0 * z)", NOTHING, ArrayLiteral(np.zeros(2)))],
)
def test_zero_for_nothing_is_no_finding_and_no_expected_entry(loss, instead, right):
    """What an audit accepts, since nobody is misled by it, an expectation of gradients still catches."""
    program = Text({"x": [1.0, 2.0], "z": [1.0, 3.0]}, loss, ("x", "z")).program(Replaced)
    expected = {"x": ArrayLiteral(np.array([2.0, 4.0])), "z": right}
    for program.instead, differs in (({}, []), ({("z",): instead}, ["z"])):
        (outcome,) = audit(program, ["explicit"])
        assert not outcome.findings
        found = compare_entries(expected, outcome.entries, lambda expression: expression)
        assert [mismatch.path for mismatch in found] == differs
