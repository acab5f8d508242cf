"""Random draws of models in float32: those of the audit in float64 are the ones of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.auditing.bench import in_double
from aliascheck.subjects import jax as subjects
from tests.subjects.outcomes import labels, words

jax = pytest.importorskip("jax")
jnp = jax.numpy
random = jax.random

KEY = random.key(3)
SHAPE = (20, 3)
X = jnp.linspace(-1, 1, 80).reshape(20, 4) + 0.1
W = random.normal(KEY, (4, 3))
IN_DOUBLE = "the model is in float32, and was audited in float64"


def a_draw_for_each_row() -> Any:
    keys = random.split(KEY, 20)
    return jax.vmap(lambda key: random.normal(key, (3,)))(keys)


def a_draw_for_each_step() -> Any:
    def step(key: Any, _: Any) -> Any:
        key, now = random.split(key)
        return key, random.bernoulli(now, 0.7, (3,))

    return jax.lax.scan(step, KEY, None, length=20)[1]


def a_draw_on_one_branch() -> Any:
    return jax.lax.cond(X[0, 0] < 0, lambda: random.uniform(KEY, SHAPE), lambda: jnp.ones(SHAPE))


DRAWS: dict[str, Callable[[], Any]] = {
    "bernoulli": lambda: random.bernoulli(KEY, 0.7, SHAPE),
    "normal": lambda: random.normal(KEY, SHAPE),
    "uniform": lambda: random.uniform(KEY, SHAPE, minval=-2, maxval=3),
    "categorical": lambda: random.categorical(KEY, jnp.arange(4.0), shape=SHAPE),
    "gumbel": lambda: random.gumbel(KEY, SHAPE),
    "truncated_normal": lambda: random.truncated_normal(KEY, -1, 1, SHAPE),
    "rademacher": lambda: random.rademacher(KEY, SHAPE),
    "randint": lambda: random.randint(KEY, SHAPE, -3, 8),
    "choice": lambda: random.choice(KEY, jnp.arange(9.0), SHAPE),
    "permutation": lambda: random.permutation(KEY, 60).reshape(SHAPE),
    "a key of old": lambda: random.normal(random.PRNGKey(1), SHAPE),
    "another generator": lambda: random.normal(random.key(1, impl="rbg"), SHAPE),
    "in float32, as it says": lambda: random.normal(KEY, SHAPE, jnp.float32),
    "in float16": lambda: random.normal(KEY, SHAPE, jnp.float16),
    "compiled": jax.jit(lambda: random.bernoulli(KEY, 0.7, SHAPE)),
    "remembered": jax.checkpoint(lambda: random.bernoulli(KEY, 0.7, SHAPE)),
    "of each row": a_draw_for_each_row,
    "of each step": a_draw_for_each_step,
    "of a branch": a_draw_on_one_branch,
}


@jax.custom_vjp
def slightly_wrong(w: Any) -> Any:
    return w * 1.0


slightly_wrong.defvjp(lambda w: (w * 1.0, None), lambda _, d_out: (d_out.at[0, 0].multiply(1.02),))


def run(tree: Any, loss: Any) -> Outcome:
    (outcome,) = audit(subjects.make_subject(tree, loss), ["explicit"], Settings(stops="report"))
    return outcome


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_loss_is_the_same_in_double_precision(draw):
    subject = subjects.make_subject([W], lambda tree: jnp.sum((X @ tree[0] * draw()) ** 2))
    wide, (note,) = in_double(subject)
    assert note == IN_DOUBLE
    assert wide.base() == pytest.approx(subject.base(), rel=1e-5)


@pytest.mark.parametrize("name", ["bernoulli", "normal", "of each step"])
def test_a_small_fault_behind_a_draw(name):
    def loss(tree: Any) -> Any:
        return jnp.sum((X @ slightly_wrong(tree[0]) * DRAWS[name]()) ** 2)

    assert labels(run([W], loss)) == ["AC105:[0]"]


def test_a_right_gradient_behind_a_draw():
    outcome = run([W], lambda tree: jnp.sum((X @ tree[0] * random.bernoulli(KEY, 0.7, SHAPE)) ** 2))
    assert not outcome.findings
    assert words(outcome) == {"[0]": "total"}


def test_a_stop_behind_a_draw():
    def loss(tree: Any) -> Any:
        mask = random.bernoulli(KEY, 0.7, SHAPE)
        return jnp.sum(X @ tree[0] * mask * jax.lax.stop_gradient(X @ tree[0]))

    assert "AC103:[0]" in labels(run([W], loss))


def test_draws_of_a_model_that_is_mixed_with_double_precision():
    """Where the user draws in 64 bits, the audit does."""
    with jax.enable_x64(True):
        w = jnp.asarray(np.asarray(W), jnp.float32)
        subject = subjects.make_subject([w], lambda tree: jnp.sum(tree[0] * random.normal(KEY, (4, 3))))
        wide, (note,) = in_double(subject)
        assert note == IN_DOUBLE
        assert wide.base() == pytest.approx(subject.base(), rel=1e-5)


def test_draws_of_the_user_are_the_same_afterwards():
    def draw() -> Any:
        return np.asarray(random.uniform(KEY, (3,)))

    with jax.enable_x64(True):
        before = draw()
    run([W], lambda tree: jnp.sum(tree[0] ** 2 * random.uniform(KEY, (3,))))
    with jax.enable_x64(True):
        assert draw().tobytes() == before.tobytes()


def test_dropout_of_linen():
    linen = pytest.importorskip("flax.linen")
    layers = linen.Sequential([linen.Dense(6), linen.Dropout(0.3, deterministic=False), linen.Dense(3)])
    variables = layers.init({"params": KEY, "dropout": KEY}, X)

    def loss(tree: Any) -> Any:
        return jnp.sum(layers.apply(tree, X, rngs={"dropout": KEY}) ** 2)

    outcome = run(variables, loss)
    assert not outcome.findings
    assert IN_DOUBLE in outcome.notes


def test_dropout_of_equinox():
    eqx = pytest.importorskip("equinox")
    model = eqx.nn.Sequential([eqx.nn.Linear(4, 4, key=KEY), eqx.nn.Dropout(0.3)])
    outcome = run(model, lambda model: jnp.sum(model(X[0], key=KEY) ** 2))
    assert not outcome.findings
    assert IN_DOUBLE in outcome.notes


class TestDrawsThatCannotBeRepeated:
    """A gamma draw is one equation; the audit is one in float32, which says what it cannot see."""

    @staticmethod
    def loss(tree: Any) -> Any:
        return jnp.sum((X @ slightly_wrong(tree[0]) * random.gamma(KEY, 3.0, SHAPE)) ** 2)

    def test_a_small_fault(self):
        outcome = run([W], self.loss)
        assert any("could not be audited in float64" in note for note in outcome.notes)
        assert labels(outcome) == ["AC206:[0]"]
        assert words(outcome) == {"[0]": "undecided"}

    def test_a_gross_fault(self):
        def loss(tree: Any) -> Any:
            return self.loss([2 * tree[0]]) - 3 * self.loss(jax.lax.stop_gradient(tree))

        assert "AC103:[0]" in labels(run([W], loss))
