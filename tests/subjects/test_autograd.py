"""Models of autograd: NumPy arrays that share memory, in containers and in closures."""

from __future__ import annotations

import sys
from collections import namedtuple

import numpy as np
import pytest

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.errors import AliascheckError
from aliascheck.subjects import autograd as subjects
from tests.subjects.outcomes import errors, labels, words

autograd = pytest.importorskip("autograd")
anp = pytest.importorskip("autograd.numpy")
extend = pytest.importorskip("autograd.extend")
tracer = pytest.importorskip("autograd.tracer")
getval = tracer.getval

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 6))
GIVEN = RNG.normal(size=(6, 3))


@pytest.fixture
def w() -> np.ndarray:
    return GIVEN.copy()


@pytest.fixture
def square() -> np.ndarray:
    return GIVEN[:3].copy()


def run(tree, loss, contract="sum", stops="report", **options) -> Outcome:
    subject = subjects.make_subject(tree, loss, **options)
    (outcome,) = audit(subject, ["explicit"], Settings(contract=contract, stops=stops))
    return outcome


def found(tree, loss, contract="sum", stops="report", **options) -> list[str]:
    return labels(run(tree, loss, contract, stops, **options))


def autoencoder(enc, dec):
    return anp.mean((anp.tanh(anp.dot(X, enc)) @ dec - X) ** 2)


def of_pair(tree):
    return autoencoder(tree[0], tree[1])


class TestViews:
    def test_a_transpose_as_the_second_argument(self, w):
        outcome = run((w, w.T), of_pair)
        assert not outcome.findings
        assert words(outcome) == {"[0]": "split", "[1]": "split"}

    def test_under_each(self, w):
        assert found((w, w.T), of_pair, "each") == ["AC103:[0]", "AC103:[1]"]

    def test_under_owner(self, w):
        assert found((w, w.T), of_pair, "owner:[0]") == ["AC102:[1]"]

    def test_the_default_contract_is_the_sum(self):
        assert subjects.DEFAULT_CONTRACT == "sum"

    def test_one_array_twice(self, w):
        outcome = run({"enc": w, "dec": w}, lambda tree: autoencoder(tree["enc"], tree["dec"].T))
        assert not outcome.findings
        assert words(outcome) == {"enc": "split", "dec": "split"}

    def test_a_copy(self, w):
        outcome = run((w, w.T.copy()), of_pair)
        assert not outcome.findings
        assert words(outcome) == {"[0]": "total", "[1]": "total"}

    def test_slices_that_overlap(self):
        flat = RNG.normal(size=28)
        tree = [flat[:18].reshape(6, 3), flat[10:].reshape(3, 6)]
        assert found(tree, of_pair) == []
        assert found(tree, of_pair, "each") == ["AC103:[0]", "AC103:[1]"]

    def test_slices_that_do_not_overlap(self):
        flat = RNG.normal(size=36)
        outcome = run([flat[:18].reshape(6, 3), flat[18:].reshape(3, 6)], of_pair, "each")
        assert not outcome.findings
        assert set(words(outcome).values()) == {"total"}

    def test_declared_ties(self, w):
        tree = {"enc": w, "dec": w.copy()}

        def loss(tree):
            return autoencoder(tree["enc"], tree["dec"].T)

        assert words(run(tree, loss, ties=[("enc", "dec")])) == {"enc": "split", "dec": "split"}
        assert found(tree, loss, "each", ties=[("enc", "dec")]) == ["AC103:enc", "AC103:dec"]


class TestCaptured:
    def test_a_view(self, w):
        view = w.T
        outcome = run(w, lambda enc: autoencoder(enc, view))
        assert labels(outcome) == ["AC103:tree"]
        assert outcome.findings[0].cause == "unlisted"
        assert words(outcome) == {"tree": "partial"}

    def test_a_copy_of_the_view_is_none(self, w):
        copy = w.T.copy()
        assert found(w, lambda enc: autoencoder(enc, copy)) == []

    def test_all_that_the_loss_reads(self, w):
        assert found({"w": w}, lambda tree: anp.sum(w**2) + 0.0 * anp.sum(tree["w"])) == ["AC103:w"]

    def test_a_leaf_outside_the_set(self, w):
        outcome = run(
            {"enc": w, "dec": w.T}, lambda tree: autoencoder(tree["enc"], tree["dec"]), params=["enc"]
        )
        assert labels(outcome) == ["AC103:enc"]
        assert outcome.findings[0].cause == "alias not in the set"

    def test_in_single_precision(self):
        """A model cast to float64 would lose what the loss captured: it is not."""
        w = GIVEN.astype(np.float32)
        view = w.T
        outcome = run([w], lambda tree: autoencoder(tree[0], view))
        assert errors(outcome) == ["AC103:[0]"]
        assert any("could not be audited in float64" in note for note in outcome.notes)
        assert w.tobytes() == GIVEN.astype(np.float32).tobytes()


def stops_by_a_local_import(w):
    from autograd.tracer import getval as value_of

    return anp.sum(value_of(w) * w**2)


def made_with(stop):
    return lambda w: anp.sum(stop(w) * w**2)


STOPPED = {
    "by name": lambda w: anp.sum(getval(w) * w**2),
    "by its module": lambda w: anp.sum(tracer.getval(w) * w**2),
    "by a local import": stops_by_a_local_import,
    "by a variable of an enclosing function": made_with(getval),
}


class TestStops:
    @pytest.mark.parametrize("name", STOPPED)
    def test_getval(self, name, square):
        outcome = run(square, STOPPED[name])
        assert labels(outcome) == ["AC103:tree"]
        assert outcome.findings[0].cause == "stopped"
        assert outcome.findings[0].share == pytest.approx(1 / 3, rel=1e-6)
        assert tracer.getval is getval

    @pytest.mark.parametrize("name", STOPPED)
    def test_getval_as_a_constant(self, name, square):
        assert found(square, STOPPED[name], stops="constant") == []

    def test_functions_without_a_gradient_are_no_stops(self, square):
        subject = subjects.make_subject(square, lambda w: anp.sum(anp.floor(w) * w**2))
        subject.base()
        assert not subject.has_stops()
        assert found(square, lambda w: anp.sum(anp.floor(w) * w**2)) == []

    def test_all_that_a_leaf_has(self, square):
        assert found([square, square + 1], lambda tree: anp.sum(getval(tree[0]) * tree[1])) == ["AC101:[0]"]


Affine = namedtuple("Affine", "w b")


class TestTrees:
    def test_names(self, w):
        tree = {"layers": [Affine(w, w[0]), 3], "c d": (w, 0.5), 7: w, "text": "x"}
        names = list(words(run(tree, lambda tree: anp.sum(tree["layers"][0].w ** 2))))
        assert names == ["layers[0][0]", "layers[0][1]", "['c d'][0]", "[7]"]

    def test_what_is_not_read(self, w, square):
        assert words(run([w, square], lambda tree: anp.sum(tree[0] ** 2))) == {
            "[0]": "total",
            "[1]": "unused",
        }

    def test_nothing_depends_on_anything(self, w):
        assert words(run([w], lambda tree: 1.0)) == {"[0]": "unused"}

    def test_integers_are_let_be(self, w):
        outcome = run([w, np.arange(3)], lambda tree: anp.sum(tree[0][tree[1]] ** 2))
        assert words(outcome) == {"[0]": "total"}

    def test_nothing_to_audit(self):
        with pytest.raises(AliascheckError, match="no arrays of floats"):
            subjects.make_subject([np.arange(3)], lambda tree: 0.0)

    def test_memory_that_cannot_be_moved(self, w):
        w.flags.writeable = False
        with pytest.raises(AliascheckError, match=r"enc: the array is read-only"):
            subjects.make_subject({"enc": w}, lambda tree: anp.sum(tree["enc"] * w))
        outcome = run([w, w.T], lambda tree: anp.sum(anp.sin(tree[0] @ tree[1])), contract="each")
        assert labels(outcome) == ["AC103:[0]", "AC103:[1]"]
        assert not w.flags.writeable

    @pytest.mark.parametrize("contract", ["each", "sum"])
    def test_memory_that_can_be_moved_elsewhere(self, w, contract):
        """A bias spread out, its memory shown by another leaf: read-only, and yet moved."""
        bias = w[0].copy()
        tree = {"w": w, "bias": bias, "spread": np.broadcast_to(bias, (4, bias.size))}

        def loss(tree):
            return anp.sum(anp.sin(tree["w"][0] * tree["bias"])) + anp.sum(anp.cos(tree["spread"]) ** 2)

        outcome = run(tree, loss, contract=contract)
        faults = [] if contract == "sum" else ["AC103:bias", "AC103:spread"]
        assert labels(outcome) == faults
        assert not tree["spread"].flags.writeable
        assert words(run(tree, loss, contract="sum", params=["w"])) == {"w": "total"}

    @pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
    def test_arrays_of_another_kind(self, w, kind):
        with pytest.raises(AliascheckError, match=rf"enc: the array is a {kind.__name__} of NumPy"):
            subjects.make_subject({"enc": w.view(kind)}, lambda tree: 0.0)


class TestLossesOfAllKinds:
    def test_random_numbers_are_the_same_in_every_evaluation(self, w):
        before = np.random.get_state()[1].tobytes()
        outcome = run([w], lambda tree: anp.sum(tree[0] ** 2 * np.random.rand(6, 3)))
        assert not outcome.findings
        assert np.random.get_state()[1].tobytes() == before

    def test_a_loss_that_changes_its_argument(self, w):
        def loss(tree):
            tree[0][0] += 1.0
            return anp.sum(tree[0] ** 2)

        before = w.copy()
        assert found([w], loss) == ["AC203"]
        assert np.array_equal(w, before)

    def test_an_engine_that_raises(self, w):
        @extend.primitive
        def ruleless(x):
            return x

        assert found([w], lambda tree: anp.sum(ruleless(tree[0]))) == ["AC109"]

    def test_not_a_number(self, w):
        values = np.array([1.0, -1.0, 4.0])
        outcome = run(
            [values, w],
            lambda tree: anp.sum(anp.where(tree[0] > 0, anp.sqrt(tree[0]), 0.0)) + anp.sum(tree[1]),
        )
        assert labels(outcome) == ["AC107:[0]"]
        assert words(outcome) == {"[0]": "nonfinite", "[1]": "total"}

    @pytest.mark.parametrize(
        ("values", "loss"),
        [
            ([0.0, 0.0, 0.0, 1.0, -1.0, 0.5], lambda x: anp.sum(anp.maximum(x, 0))),
            ([0.0, 0.0, 0.0, 1.0, -1.0, 0.5], lambda x: anp.sum(anp.abs(x))),
            ([2.0, 2.0, 1.0], anp.max),
            ([2.0, 2.0, 2.0, 1.0], anp.max),
        ],
        ids=["maximum", "abs", "max of two", "max of three"],
    )
    def test_kinks_are_no_faults(self, values, loss):
        assert errors(run([np.array(values)], lambda tree: loss(tree[0]))) == []

    @pytest.mark.parametrize("scale", [1e8, 1e-8])
    def test_scales(self, scale, w):
        assert found((w, w.T), lambda tree: scale * of_pair(tree)) == []
        assert len(found((w, w.T), lambda tree: scale * of_pair(tree), "each")) == 2

    def test_single_precision_is_audited_in_double(self):
        w = GIVEN.astype(np.float32)
        outcome = run((w, w.T), of_pair)
        assert not outcome.findings
        assert outcome.notes == ("the model is in float32, and was audited in float64",)


def with_fault(fault):
    """`tanh(X @ enc) @ dec` with a rule written by hand, and a fault in it."""

    @extend.primitive
    def code(enc, dec):
        return np.tanh(X @ enc) @ dec

    def hidden(enc):
        return np.tanh(X @ enc)

    extend.defvjp(
        code,
        lambda out, enc, dec: lambda d: fault(X.T @ ((d @ dec.T) * (1 - hidden(enc) ** 2)), None)[0],
        lambda out, enc, dec: lambda d: fault(None, hidden(enc).T @ d)[1],
    )
    return lambda tree: anp.mean((code(tree[0], tree[1]) - X) ** 2)


def edited(values, place, factor):
    if values is None:
        return None
    values = values.copy()
    values[place] *= factor
    return values


FAULTS = {
    "none": (lambda enc, dec: (enc, dec), []),
    "drops the second": (lambda enc, dec: (enc, edited(dec, ..., 0)), ["AC101:[1]"]),
    "drops the first": (lambda enc, dec: (edited(enc, ..., 0), dec), ["AC101:[0]"]),
    "sign": (lambda enc, dec: (edited(enc, ..., -1), dec), ["AC105:[0]"]),
    "one element": (lambda enc, dec: (enc, edited(dec, (1, 2), 1.01)), ["AC105:[1]"]),
    "one row": (lambda enc, dec: (edited(enc, 2, -1), dec), ["AC105:[0]"]),
    "scale": (lambda enc, dec: (enc, edited(dec, ..., 1.001)), ["AC105:[1]"]),
}


@pytest.mark.parametrize("aliased", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_rules_are_found_at_their_leaf(fault, aliased, w):
    rule, expected = FAULTS[fault]
    assert found([w, w.T if aliased else w.T.copy()], with_fault(rule)) == expected


def test_the_model_is_not_changed(w):
    before = w.tobytes()
    for contract in ("sum", "each"):
        run({"enc": w, "dec": w.T}, lambda tree: autoencoder(tree["enc"], tree["dec"]), contract)
    assert w.tobytes() == before


def test_a_missing_engine(monkeypatch, w):
    monkeypatch.setitem(sys.modules, "autograd", None)
    with pytest.raises(
        AliascheckError, match=r"autograd is not installed \(pip install 'aliascheck\[autograd\]'\)"
    ):
        subjects.make_subject([w], lambda tree: 0.0)


def test_named_tuples_are_audited_in_float64():
    a = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    outcome = run(
        {"layer": Affine(a, a.T)}, lambda tree: anp.sum(anp.tanh(tree["layer"].w) @ tree["layer"].b)
    )
    assert "the model is in float32, and was audited in float64" in outcome.notes
    assert not outcome.findings
