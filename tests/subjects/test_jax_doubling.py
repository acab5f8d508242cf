"""Models of jax that compute in less than float64, whatever they are given: audited in float64 anyway."""

from __future__ import annotations

import functools
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
lax = jax.lax

KEY = jax.random.key(3)
X = jax.random.normal(KEY, (5, 4))
W = 0.5 * jax.random.normal(jax.random.key(4), (4, 4))
IN_DOUBLE = "the model is in float32, and was audited in float64"


@jax.custom_vjp
def slightly_wrong(w: Any) -> Any:
    return w * 1.0


slightly_wrong.defvjp(lambda w: (w * 1.0, None), lambda _, d_out: (d_out * 1.001,))


@jax.custom_jvp
def cubed(w: Any, times: int) -> Any:
    return w**3 * times


@cubed.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (w, times), (d_w, _) = primals, tangents
    return cubed(w, times), 3 * w**2 * times * d_w


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def called(w: Any, function: Callable[[Any], Any]) -> Any:
    return function(w)


called.defvjp(
    lambda w, function: (function(w), w), lambda function, w, d_out: (jax.vjp(function, w)[1](d_out)[0],)
)


@jax.custom_vjp
def positive_part(w: Any) -> Any:
    return jnp.maximum(w, 0)


positive_part.defvjp(
    lambda w: (jnp.maximum(w, 0), w), lambda w, d_out: (d_out * (w > 0) if jnp.any(d_out) else 0 * w,)
)


def narrowly(function: Callable[[Any], Any], kind: Any = jnp.bfloat16) -> Callable[[Any], Any]:
    return lambda w: function(w.astype(kind)).astype(jnp.float32)


def convolved(w: Any) -> Any:
    """Operands that must be of one type, one of which is data."""
    return lax.conv(X[None, None], w[None, None, :2, :2], (1, 1), "VALID")


def with_a_carry(w: Any) -> Any:
    return lax.scan(lambda h, row: (jnp.tanh(h @ w + row), None), jnp.zeros(4), X)[0]


def with_a_loop(w: Any) -> Any:
    """A loop whose carry is data, which is not differentiated."""
    factor = lax.while_loop(lambda x: x < 5.0, lambda x: x * jnp.float32(1.3), jnp.float32(1.0))
    return factor * lax.fori_loop(0, 3, lambda _, h: jnp.tanh(h @ w), X)


def by_branch(w: Any) -> Any:
    def of_row(row: Any) -> Any:
        return lax.cond(row[0] > 0, lambda: jnp.tanh(row @ w), lambda: jnp.zeros(4, jnp.float32) + row @ w)

    return lax.map(of_row, X)


def on_the_host(w: Any) -> Any:
    shape = jax.ShapeDtypeStruct(X.shape, jnp.float32)
    return X @ w * jax.pure_callback(lambda x: np.sin(x).astype(np.float32), shape, X)


COMPUTED: dict[str, Callable[[Any], Any]] = {
    "convolution": convolved,
    "carry": with_a_carry,
    "loop": with_a_loop,
    "branch": by_branch,
    "callback": on_the_host,
    "product in bfloat16": lambda w: narrowly(lambda w: X.astype(jnp.bfloat16) @ w)(w),
    "erf in bfloat16": narrowly(lambda w: jax.nn.gelu(w, approximate=False)),
    "logarithm in float16": narrowly(lambda w: jnp.log2(2 + jnp.tanh(w)), jnp.float16),
    "linear system": lambda w: jnp.linalg.solve(w @ w.T + jnp.eye(4), narrowly(jnp.tanh)(X.T)),
    "recomputed": lambda w: jax.checkpoint(narrowly(jnp.tanh))(w),
    "scatter": narrowly(lambda w: jnp.zeros((3, 4), w.dtype).at[jnp.array([0, 2, 2, 0])].add(w)),
    "largest": narrowly(lambda w: jnp.sort(w, axis=0)[2:].max(axis=1)),
    "a rule": lambda w: narrowly(lambda w: cubed(w, 2))(w),
    "a rule in a loop": lambda w: lax.scan(lambda h, row: (jnp.tanh(cubed(h, 1) + row @ w), h), X[0], X)[1],
    "a rule of a function": narrowly(lambda w: called(w, jnp.sin)),
    "a rule that wants numbers": lambda w: positive_part(w) + lax.reduce_precision(w, 8, 10),
    "made for one precision": lambda w: {np.dtype(np.float32): jnp.tanh}[w.dtype](w),
}


def run(tree: Any, loss: Any, stops: str = "report") -> Outcome:
    (outcome,) = audit(subjects.make_subject(tree, loss), ["explicit"], Settings(stops=stops))
    return outcome


def squares(function: Callable[[Any], Any], w: Any) -> Any:
    return jnp.sum(function(w) ** 2)


@pytest.mark.parametrize("name", COMPUTED)
def test_right_gradients(name):
    outcome = run([W], lambda tree: squares(COMPUTED[name], tree[0]))
    assert not outcome.findings
    assert words(outcome) == {"[0]": "total"}
    assert outcome.notes[0] == IN_DOUBLE


@pytest.mark.parametrize("name", ["convolution", "carry", "erf in bfloat16", "linear system", "a rule"])
def test_gradients_that_are_a_thousandth_off(name):
    outcome = run([W], lambda tree: squares(COMPUTED[name], slightly_wrong(tree[0])))
    assert labels(outcome) == ["AC105:[0]"]


def test_a_rule_that_is_wrong_in_bfloat16():
    @jax.custom_vjp
    def wrong(w: Any) -> Any:
        return jnp.tanh(w)

    wrong.defvjp(lambda w: (jnp.tanh(w), w), lambda w, d_out: (d_out * (1.0078125 - jnp.tanh(w) ** 2),))
    assert labels(run([W], lambda tree: squares(narrowly(wrong), tree[0]))) == ["AC105:[0]"]


def test_a_gradient_that_is_forgotten_in_bfloat16():
    @jax.custom_vjp
    def layer(x: Any, w: Any) -> Any:
        return jnp.tanh(x @ w)

    layer.defvjp(lambda x, w: (layer(x, w), (x, w)), lambda kept, d: (d @ kept[1].T, jnp.zeros_like(kept[1])))
    outcome = run([W], lambda tree: squares(narrowly(lambda w: layer(X.astype(w.dtype), w)), tree[0]))
    assert labels(outcome) == ["AC101:[0]"]


def test_what_was_computed_in_less_is_told():
    outcome = run([W], lambda tree: squares(narrowly(jnp.tanh), tree[0]))
    assert outcome.notes == (IN_DOUBLE, "what the loss computes in bfloat16 was computed in float64")


def test_memory_that_is_shared_and_captured():
    def loss(tree: Any) -> Any:
        return squares(lambda w: narrowly(jnp.tanh)(w) @ narrowly(jnp.sin)(W), tree[0])

    outcome = run([W], loss)
    assert labels(outcome) == ["AC103:[0]"]
    assert outcome.findings[0].cause == "captured alias"


def test_a_stop_in_a_loop_in_bfloat16():
    def loss(tree: Any) -> Any:
        w = tree[0].astype(jnp.bfloat16)
        rows = lax.map(lambda row: row @ w * lax.stop_gradient(row @ w), X.astype(jnp.bfloat16))
        return jnp.sum(rows.astype(jnp.float32))

    assert labels(run([W], loss)) == ["AC103:[0]"]
    assert not run([W], loss, "constant").findings


def test_numbers_of_a_draw_are_those_of_the_loss():
    """A draw whose rounding cannot be seen through: it is made in the precision that it is in."""
    subject = subjects.make_subject(
        [W], lambda tree: jnp.sum(tree[0] * jax.random.normal(KEY, (4, 4), jnp.float16))
    )
    wide, _ = in_double(subject)
    assert wide.base() == pytest.approx(subject.base(), rel=1e-6)


def test_memory_of_numpy_in_float64_is_found_where_it_is_captured():
    """jax copies it into float32, and a trace in that precision does not show it."""
    w = np.asarray(W, np.float64)
    outcome = run([w], lambda tree: jnp.sum(X @ tree[0] * jnp.tanh(X @ w)))
    assert labels(outcome) == ["AC103:[0]"]


class TestWhatStandsInTheWay:
    @staticmethod
    def doubled(w: Any) -> Any:
        """A kernel made for float32."""
        pallas = pytest.importorskip("jax.experimental.pallas")

        def kernel(given: Any, result: Any) -> None:
            result[...] = given[...] * 2

        shape = jax.ShapeDtypeStruct((4, 4), jnp.float32)
        double = jax.custom_vjp(lambda w: pallas.pallas_call(kernel, out_shape=shape, interpret=True)(w))
        double.defvjp(lambda w: (double(w), None), lambda _, d_out: (d_out * 2,))
        return double(w)

    def test_is_named(self):
        outcome = run([W], lambda tree: jnp.sum(self.doubled(tree[0]) ** 2 * jnp.exp(tree[0])))
        assert "'pallas_call' is made for the precision that it is given" in outcome.notes[0]
        (found,) = outcome.findings
        assert found.code == "AC206"
        assert found.remedy.startswith("let the loss be computed in float64")

    def test_another_loss(self):
        outcome = run(
            [W], lambda tree: squares(lambda w: narrowly(lambda h: h, jnp.float8_e4m3fn)(X @ w), tree[0])
        )
        assert "could not be audited in float64 (its loss is " in outcome.notes[0]


def test_models_of_linen_in_bfloat16():
    linen = pytest.importorskip("flax.linen")

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            x = linen.LayerNorm(dtype=jnp.bfloat16)(linen.Dense(8, dtype=jnp.bfloat16)(x))
            return linen.Dense(3, dtype=jnp.bfloat16)(linen.gelu(x))

    variables = Net().init(KEY, X)
    outcome = run(variables, lambda tree: jnp.sum(Net().apply(tree, X).astype(jnp.float32) ** 2))
    assert not outcome.findings
    assert set(words(outcome).values()) == {"total"}


def test_recurrent_models_of_linen():
    linen = pytest.importorskip("flax.linen")
    layer = linen.RNN(linen.LSTMCell(3))
    variables = layer.init(KEY, X[None])
    outcome = run(variables, lambda tree: jnp.sum(layer.apply(tree, X[None]) ** 2))
    assert not outcome.findings
    assert set(words(outcome).values()) == {"total"}
    assert outcome.notes[0] == IN_DOUBLE


def test_convolutions_of_equinox():
    eqx = pytest.importorskip("equinox")
    layer = eqx.nn.Conv2d(1, 2, 3, key=KEY)
    images = jax.random.normal(KEY, (2, 1, 6, 6))
    outcome = run(layer, lambda layer: jnp.sum(jnp.tanh(jax.vmap(layer)(images))))
    assert not outcome.findings
    assert outcome.notes[0] == IN_DOUBLE


def test_a_stop_that_jumps():
    """Rounding that a gradient passes straight through: what is meant is the loss with its stops held."""

    def loss(tree: Any) -> Any:
        return squares(lambda w: X @ (w + lax.stop_gradient(jnp.round(w) - w)), tree[0])

    (found,) = run([W], loss).findings
    assert found.code == "AC202"
    assert "through its stops" in found.message
    assert 'stop_gradient = "constant"' in found.remedy
    assert not run([W], loss, "constant").findings
