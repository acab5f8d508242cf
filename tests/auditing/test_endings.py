"""What ends an audit before an engine is blamed, large groups, stops, and declared ties."""

import itertools

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from aliascheck.engine import adjoint
from aliascheck.language import parse
from aliascheck.memory import parse_path
from aliascheck.subjects.program import Program
from tests.auditing.test_wrong_engines import Faulty, flat, plus

X, XT = parse_path("x"), parse_path("xt")


def program(loss, kind=Program, members=(X,), **bindings):
    if not bindings:
        x = np.array([0.5, -1.25])
        bindings = {"x": x, "xt": adjoint(x)}
    return kind(bindings, parse(loss).evaluate, list(members))


class Mutating(Program):
    def loss(self, **settings):
        value = super().loss(**settings)
        self.bindings["x"][0] += 1.0
        return value


class Noisy(Program):
    noise = itertools.count()

    def loss(self, **settings):
        return super().loss(**settings) + 1e-9 * next(self.noise)


@pytest.mark.parametrize(("kind", "code"), [(Mutating, "AC203"), (Noisy, "AC202"), (Program, None)])
def test_a_loss_that_cannot_be_measured_ends_the_audit(kind, code):
    subject = program("sum(x * x)", kind)
    before = subject.bindings["x"].copy()
    (outcome,) = audit(subject, ["implicit"])
    assert [finding.label for finding in outcome.findings] == ([code] if code else [])
    assert np.array_equal(subject.bindings["x"], before)


@pytest.mark.parametrize(
    ("stops", "found", "cause"), [("constant", [], None), ("report", ["AC103:x"], "stopped")]
)
def test_a_deliberate_stop_is_a_finding_only_where_it_is_asked_for(stops, found, cause):
    (outcome,) = audit(program("sum(stop_gradient(x) * x)"), ["explicit"], Settings(stops=stops))
    assert [finding.label for finding in outcome.findings] == found
    assert [finding.cause for finding in outcome.findings] == ([cause] if cause else [])


def test_declared_ties_are_held_against_memory():
    x = np.array([1.0])
    bindings = {"x": x, "xt": adjoint(x), "y": x.copy()}
    tie = Settings(ties=((X, XT),))
    assert not audit(program("sum(x)", **bindings), ["implicit"], tie)[0].findings
    apart = Settings(ties=((X, parse_path("y")),))
    assert [f.label for f in audit(program("sum(x)", **bindings), ["implicit"], apart)[0].findings] == [
        "AC302"
    ]


def large(post):
    x = np.random.default_rng(0).normal(size=2000)
    subject = program("sum(xt * x) + sum(tanh(x))", Faulty, (X, XT), x=x, xt=adjoint(x))
    subject.post = post
    return subject


@pytest.mark.parametrize(
    ("post", "found"),
    [
        (lambda a, b: (a, b), []),
        (lambda a, b: (a, 0 * b), ["AC101:xt"]),
        (lambda a, b: (plus(a, flat(b)), 0 * b), ["AC101:xt", "AC102:x"]),
        (lambda a, b: (2 * a, b), ["AC104:x"]),
        (lambda a, b: (a, 1.001 * b), ["AC105:xt"]),
        (lambda a, b: (a * np.where(np.arange(2000) == 7, -1, 1), b), ["AC105:x"]),
    ],
)
def test_large_groups_are_judged_alike_and_cheaply(post, found):
    (outcome,) = audit(large(post), ["explicit"])
    assert sorted(finding.label for finding in outcome.findings) == found
    assert outcome.evaluations < (700 if found == ["AC105:x"] else 400 if found else 120)
    assert any("random directions" in note for note in outcome.notes)


@pytest.mark.parametrize("loss", ["sum(adjoint(transpose(x)) * x)", "sum(tanh(transpose(transpose(x))))"])
def test_a_wrapper_that_the_loss_undoes_is_a_path_like_any_other(loss):
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    for outcome in audit(program(loss, x=x), ["implicit", "explicit"]):
        assert not outcome.findings
