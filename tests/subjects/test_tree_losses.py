"""Losses of trees that draw, raise, or change what they are given: nothing of it is left behind."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.errors import AliascheckError
from tests.subjects.outcomes import labels, words

GIVEN = np.random.default_rng(3).normal(size=(4, 3))
TOLD = "the loss cannot be evaluated: KeyError: 'absent'"


@pytest.fixture(params=["jax", "autograd"])
def engine(request: pytest.FixtureRequest) -> SimpleNamespace:
    name = request.param
    pytest.importorskip(name)
    if name == "jax":
        import jax.numpy as jnp

        from aliascheck.subjects import jax as subjects

        return SimpleNamespace(name=name, make=subjects.make_subject, np=jnp, array=jnp.array)
    import autograd.numpy as anp

    from aliascheck.subjects import autograd as subjects_of_autograd

    return SimpleNamespace(name=name, make=subjects_of_autograd.make_subject, np=anp, array=np.array)


def run(engine: SimpleNamespace, tree: Any, loss: Callable[[Any], Any], seed: int = 0) -> Outcome:
    (outcome,) = audit(engine.make(tree, loss, seed=seed), ["explicit"], Settings(stops="report"))
    return outcome


@pytest.fixture(autouse=True)
def world(engine: SimpleNamespace) -> Iterator[None]:
    """The global random numbers, which no test may leave another; importing jax draws some."""
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), str(np.random.get_state())
    yield
    assert (random.getstate(), str(np.random.get_state())) == before


@pytest.mark.parametrize("draw", [random.random, np.random.rand], ids=["python", "numpy"])
def test_global_random_numbers_are_the_same_in_every_evaluation(engine, draw):
    def loss(tree: Any) -> Any:
        return engine.np.sum(tree["w"] ** 2) * (1 + draw())

    outcome = run(engine, {"w": engine.array(GIVEN)}, loss)
    assert not outcome.findings
    assert words(outcome) == {"w": "total"}
    assert run(engine, {"w": engine.array(GIVEN)}, loss, seed=1).loss != outcome.loss


def test_global_random_numbers_of_a_loss_that_cannot_be_traced(engine):
    def loss(tree: Any) -> Any:
        factor = 2.0 if tree["w"][0, 0] > -9 else 1.0
        return engine.np.sum(tree["w"] ** 2) * (factor + random.random() + np.random.rand())

    assert not run(engine, {"w": engine.array(GIVEN)}, loss).findings


def test_a_seed_that_is_none_for_numpy(engine):
    """What has been seeded by then is put back: `world` sees it."""
    with pytest.raises((AliascheckError, ValueError), match="Seed must be between"):
        run(engine, {"w": engine.array(GIVEN)}, lambda tree: engine.np.sum(tree["w"]), seed=-1)


def test_a_loss_that_raises(engine):
    def loss(tree: Any) -> Any:
        return engine.np.sum(tree["w"] * random.random()) + tree["absent"]

    w = engine.array(GIVEN)
    before = np.array(w)
    with pytest.raises(AliascheckError) as raised:
        run(engine, {"w": w}, loss)
    assert str(raised.value) == TOLD
    assert np.asarray(w).tobytes() == before.tobytes()


@pytest.mark.parametrize("last", range(1, 9))
def test_a_loss_that_raises_later(engine, last):
    """Whenever it is: it is told of, or the audit ends with a finding, and nothing is changed."""
    left = iter(range(last))

    def loss(tree: Any) -> Any:
        if float(np.random.rand()) >= 0 and next(left, None) is None:
            raise KeyError("absent")
        return engine.np.sum(engine.np.sin(tree["w"])) * (1.0 if tree["w"][0, 0] > -9 else 2.0)

    w = engine.array(GIVEN)
    before = np.array(w)
    try:
        outcome = run(engine, {"w": w}, loss)
    except AliascheckError as error:
        assert str(error) == TOLD
    else:
        assert labels(outcome)
    assert np.asarray(w).tobytes() == before.tobytes()


def test_a_loss_that_takes_only_what_the_model_is_in(engine):
    def loss(tree: Any) -> Any:
        assert getattr(tree["w"], "dtype", np.float32) == np.float32
        return engine.np.sum(engine.np.sin(tree["w"])) + 1

    outcome = run(engine, {"w": engine.array(GIVEN.astype(np.float32))}, loss)
    how = "was audited in float64" if engine.name == "jax" else "could not be audited in float64"
    assert any(how in note for note in outcome.notes)
    assert not any(finding.severity == "error" for finding in outcome.findings)


def test_a_torch_module_is_no_tree(engine):
    torch = pytest.importorskip("torch")
    with pytest.raises(AliascheckError, match=r"the model is a torch module.*say engine='torch'"):
        engine.make(torch.nn.Linear(2, 3), lambda tree: 0.0)


class TestChangesInPlace:
    """Of arrays of autograd: those of jax cannot be changed."""

    @pytest.fixture
    def anp(self) -> Any:
        return pytest.importorskip("autograd.numpy")

    @pytest.fixture
    def getval(self) -> Any:
        return pytest.importorskip("autograd.tracer").getval

    @pytest.fixture
    def engine(self, anp: Any) -> Any:
        from aliascheck.subjects import autograd as subjects

        return SimpleNamespace(make=subjects.make_subject)

    @pytest.mark.parametrize("kind", [np.float64, np.float32])
    def test_through_getval(self, engine, anp, getval, kind):
        def loss(tree: Any) -> Any:
            getval(tree[0])[...] *= 1.01
            return anp.sum(tree[0] ** 2)

        w = GIVEN.astype(kind)
        assert labels(run(engine, [w], loss)) == ["AC203"]
        assert w.tobytes() == GIVEN.astype(kind).tobytes()

    def test_before_it_raises(self, engine, getval):
        def loss(tree: Any) -> Any:
            getval(tree[0])[...] *= 1.01
            raise KeyError("absent")

        w = GIVEN.copy()
        with pytest.raises(AliascheckError, match="cannot be evaluated"):
            run(engine, [w], loss)
        assert w.tobytes() == GIVEN.tobytes()

    def test_only_where_it_is_differentiated(self, engine, anp, getval):
        def loss(tree: Any) -> Any:
            if hasattr(tree[0], "_value"):
                tree[0]._value[...] *= 1.01
            return anp.sum(tree[0] ** 2)

        w = GIVEN.copy()
        assert labels(run(engine, [w], loss)) == ["AC109"]
        assert w.tobytes() == GIVEN.tobytes()

    def test_declared_ties_of_a_transpose(self, engine, anp):
        w = GIVEN.copy()
        subject = engine.make([w, w.T], lambda tree: anp.sum(tree[0] @ tree[1]), ties=[["[0]", "[1]"]])
        (outcome,) = audit(subject, ["explicit"], Settings(contract="sum"))
        assert words(outcome) == {"[0]": "split", "[1]": "split"}


@pytest.mark.parametrize("make", [np.random.default_rng, random.Random], ids=["NumPy", "Python"])
def test_generators_that_a_loss_holds_are_where_they_were(engine, make):
    one = make(3)

    def loss(tree: Any) -> Any:
        return engine.np.sum(tree["w"] ** 2) * (1 + one.random())

    outcome = run(engine, {"w": engine.array(GIVEN)}, loss)
    assert not outcome.findings and words(outcome) == {"w": "total"}
    assert one.random() == make(3).random()


class Counting:
    """A loss that is a method, and counts in arrays of its own and of the model."""

    def __init__(self, engine: SimpleNamespace, draw: Any = None) -> None:
        self.np, self.draw = engine.np, draw
        self.calls, self.sums = np.zeros(2, int), {"last": np.zeros(3)}

    def loss(self, tree: Any) -> Any:
        tree["steps"][...] += 1
        tree["n"] += tree["steps"][0]
        tree["last"] = tree["steps"].sum()
        self.sums["last"][1] = 0.5 + self.calls[0]
        self.count()
        drawn = 0.0 if self.draw is None else self.draw.random()
        return self.np.sum(self.np.sin(tree["w"])) * (
            tree["n"] + drawn + self.calls[0] + self.sums["last"][1]
        )

    def count(self) -> None:
        self.calls[0] += 1

    def __call__(self, tree: Any) -> Any:
        return self.loss(tree)


@pytest.mark.parametrize("is_traced", [True, False])
@pytest.mark.parametrize("form", ["method", "object", "partial"])
def test_arrays_that_a_loss_counts_in_are_what_they_were(engine, form, is_traced):
    counting = Counting(engine, np.random.default_rng(3))
    loss: Any = {"object": counting, "partial": functools.partial(Counting.loss, counting)}.get(
        form, counting.loss
    )

    def untraced(tree: Any) -> Any:
        return loss(tree) * (2.0 if tree["w"][0, 0] > -9 else 1.0)

    tree = {"w": engine.array(GIVEN), "steps": np.zeros(2, int), "n": 1, "on": np.array([True])}
    outcome = run(engine, tree, loss if is_traced else untraced)
    assert not outcome.findings and words(outcome) == {"w": "total"}
    assert not tree["steps"].any() and set(tree) == {"w", "steps", "n", "on"} and tree["n"] == 1
    assert not counting.calls.any() and not counting.sums["last"].any()
    assert counting.draw.random() == np.random.default_rng(3).random()


def test_an_array_is_put_back_where_the_loss_raises(engine):
    steps = np.zeros(1, int)

    def loss(tree: Any) -> Any:
        steps[0] += 1
        raise KeyError("absent")

    with pytest.raises(AliascheckError, match="absent"):
        engine.make({"w": engine.array(GIVEN)}, loss).base()
    assert not steps.any()


def squared(engine: SimpleNamespace, *, is_right: bool) -> Callable[[Any], Any]:
    """The square of a number, with a pullback that may forget the factor of two."""
    factor = 2.0 if is_right else 1.0
    if engine.name == "jax":
        import jax

        square = jax.custom_vjp(lambda s: s * s)
        square.defvjp(lambda s: (s * s, s), lambda s, d: (d * factor * s,))
        return square
    from autograd.extend import defvjp, primitive

    plain: Callable[[Any], Any] = primitive(lambda s: s * s)
    defvjp(plain, lambda out, s: lambda d: d * factor * s)
    return plain


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_numbers_of_numpy_are_places(engine, kind):
    for is_right in (True, False):
        square = squared(engine, is_right=is_right)

        def loss(tree: Any, square: Callable[[Any], Any] = square) -> Any:
            assert engine.name == "jax" or not isinstance(tree["s"], np.ndarray)
            return engine.np.sum(engine.np.sin(tree["w"])) * square(tree["s"])

        tree = {"w": engine.array(GIVEN), "s": kind(0.5)}
        outcome = run(engine, tree, loss)
        assert labels(outcome) == ([] if is_right else ["AC105:s"])
        assert words(outcome)["s"] == ("total" if is_right else "wrong")
        assert type(tree["s"]) is kind and tree["s"] == 0.5
        assert not any("setting" in note for note in outcome.notes)


def test_python_numbers_that_the_loss_depends_on_are_told_of(engine):
    def loss(tree: Any) -> Any:
        return engine.np.sum(engine.np.sin(tree["w"])) * tree["rates"][0] + 0 * tree["rates"][1]

    tree = {"w": engine.array(GIVEN), "rates": [0.5, 2.0], "steps": 3, "on": True}
    outcome = run(engine, tree, loss)
    assert "the Python number at rates[0] is a setting, and was not audited" in outcome.notes
    tree["rates"] = [0.5, 2.0, 3.0, 4.0]
    said = "Python numbers at rates[0], rates[1], rates[2] and 1 more are settings, and were not audited"
    assert said in run(engine, tree, loss).notes
    unread = run(engine, tree, lambda tree: engine.np.sum(engine.np.sin(tree["w"])))
    assert not any("Python number" in note for note in unread.notes)
