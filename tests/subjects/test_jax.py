"""Models of jax: who is told of memory that leaves, closures and NumPy buffers share."""

from __future__ import annotations

import itertools
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import format_path
from aliascheck.subjects import jax as subjects
from aliascheck.subjects import traced
from aliascheck.subjects.trees import CAPTURED
from tests.subjects.gpt import gpt
from tests.subjects.outcomes import errors, labels, words

jax = pytest.importorskip("jax")
jnp = jax.numpy

RNG = np.random.default_rng(3)
A = RNG.normal(size=(6, 3)).astype(np.float32)
S = RNG.normal(size=(3, 3)).astype(np.float32)
X = jnp.asarray(RNG.normal(size=(5, 6)), jnp.float32)


def array(values) -> Any:
    """A new array of jax, in float32 as everything is by default."""
    return jnp.array(values, jnp.float32)


def run(tree, loss, contract="each", stops="report", **options) -> Outcome:
    subject = subjects.make_subject(tree, loss, **options)
    (outcome,) = audit(subject, ["explicit"], Settings(contract=contract, stops=stops))
    return outcome


def found(tree, loss, contract="each", stops="report", **options) -> list[str]:
    return labels(run(tree, loss, contract, stops, **options))


def autoencoder(enc, dec) -> Any:
    """`dec` is shaped as `enc` is."""
    return jnp.mean((jnp.tanh(X @ enc) @ dec.T - X) ** 2)


def of_pair(tree) -> Any:
    return autoencoder(tree["enc"]["w"], tree["dec"]["w"])


def pair(enc, dec) -> dict[str, Any]:
    return {"enc": {"w": enc}, "dec": {"w": dec}}


PAIR = ("dec['w']", "enc['w']")  # pytrees sort their keys


class TestOneArrayTwice:
    def test_under_each(self):
        w = array(A)
        outcome = run(pair(w, w), of_pair)
        assert labels(outcome) == [f"AC103:{name}" for name in PAIR]
        assert words(outcome) == dict.fromkeys(PAIR, "partial")

    def test_under_sum(self):
        w = array(A)
        outcome = run(pair(w, w), of_pair, "sum")
        assert not outcome.findings
        assert words(outcome) == dict.fromkeys(PAIR, "split")

    def test_under_owner(self):
        w = array(A)
        assert found(pair(w, w), of_pair, f"owner:{PAIR[1]}") == [f"AC102:{PAIR[0]}"]

    def test_two_arrays_of_the_same_numbers(self):
        outcome = run(pair(array(A), array(A)), of_pair)
        assert not outcome.findings
        assert words(outcome) == dict.fromkeys(PAIR, "total")

    def test_compiled(self):
        w = array(A)
        assert found(pair(w, w), jax.jit(of_pair)) == [f"AC103:{name}" for name in PAIR]

    def test_donated(self):
        """A call would raise, or take the arrays away; an audit does neither."""
        w = array(A)
        donating = jax.jit(of_pair, donate_argnums=0)
        assert found(pair(w, w), donating) == [f"AC103:{name}" for name in PAIR]
        assert np.array_equal(w, A)

    def test_the_default_contract_is_each(self):
        assert subjects.DEFAULT_CONTRACT == "each"


class TestDeclaredTies:
    def test_leaves_that_are_one_parameter(self):
        tree = pair(array(A), array(A))
        assert found(tree, of_pair, ties=[PAIR]) == [f"AC103:{name}" for name in PAIR]
        assert words(run(tree, of_pair, "sum", ties=[PAIR])) == dict.fromkeys(PAIR, "split")

    def test_leaves_with_different_numbers(self):
        with pytest.raises(AliascheckError, match=r"declared tied, and hold different"):
            subjects.make_subject(pair(array(A), array(A + 1)), of_pair, ties=[PAIR])

    def test_leaves_that_are_not_there(self):
        with pytest.raises(AliascheckError, match=r"no array at 'enc\['v'\]'"):
            subjects.make_subject(pair(array(A), array(A)), of_pair, ties=[("enc['v']", PAIR[0])])


def aligned(values) -> np.ndarray:
    """The same numbers in NumPy memory that jax takes over without a copy."""
    raw = np.zeros(values.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    buffer = raw[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    buffer[...] = values
    return buffer


class TestNumpyMemory:
    @pytest.mark.parametrize("take", [jax.device_put, jnp.from_dlpack], ids=["device_put", "from_dlpack"])
    def test_two_arrays_over_one_buffer(self, take):
        buffer = aligned(A)
        tree = pair(take(buffer), take(buffer))
        assert tree["enc"]["w"].unsafe_buffer_pointer() == buffer.ctypes.data
        assert found(tree, of_pair) == [f"AC103:{name}" for name in PAIR]
        assert found(tree, of_pair, "sum") == []
        assert buffer.tobytes() == A.tobytes()

    @pytest.mark.parametrize("compiled", [False, True])
    def test_a_captured_view_of_the_buffer_of_a_leaf(self, compiled):
        buffer = aligned(A)
        view = buffer.T

        def loss(tree):
            return jnp.mean((jnp.tanh(X @ tree["w"]) @ view - X) ** 2)

        outcome = run({"w": jax.device_put(buffer)}, jax.jit(loss) if compiled else loss)
        assert labels(outcome) == ["AC103:w"]
        assert outcome.findings[0].cause == "captured alias"
        assert outcome.findings[0].accesses == (f"{CAPTURED}.view",)

    def test_leaves_of_numpy(self):
        w = A.copy()
        assert found([w, w.T], lambda tree: autoencoder(tree[0], tree[1].T)) == ["AC103:[0]", "AC103:[1]"]
        assert found([w], lambda tree: autoencoder(tree[0], w)) == ["AC103:[0]"]
        assert w.tobytes() == A.tobytes()

    def test_slices_that_overlap(self):
        flat = RNG.normal(size=28).astype(np.float32)
        tree = [flat[:18].reshape(6, 3), flat[10:].reshape(6, 3)]
        outcome = run(tree, lambda tree: autoencoder(*tree), "sum")
        assert not outcome.findings
        assert set(words(outcome).values()) == {"split"}
        assert found(tree, lambda tree: autoencoder(*tree)) == ["AC103:[0]", "AC103:[1]"]

    def test_slices_that_do_not_overlap(self):
        flat = RNG.normal(size=36).astype(np.float32)
        tree = [flat[:18].reshape(6, 3), flat[18:].reshape(6, 3)]
        outcome = run(tree, lambda tree: autoencoder(*tree))
        assert not outcome.findings
        assert set(words(outcome).values()) == {"total"}


class TestCaptured:
    @pytest.mark.parametrize("compiled", [False, True])
    def test_the_array_of_a_leaf(self, compiled):
        w = array(A)

        def loss(tree):
            return autoencoder(tree["w"], w)

        outcome = run({"w": w}, jax.jit(loss) if compiled else loss, "sum")
        assert labels(outcome) == ["AC103:w"]
        assert words(outcome) == {"w": "partial"}
        assert outcome.findings[0].cause == "captured alias"
        assert outcome.groups[0].columns == ("w", f"{CAPTURED}.w")

    def test_all_that_the_loss_reads(self):
        w = array(A)
        assert found({"w": w}, lambda tree: jnp.sum(w**2) + 0 * jnp.sum(tree["w"])) == ["AC103:w"]

    def test_a_transpose_is_a_copy(self):
        w = array(A)
        transposed = w.T
        outcome = run({"w": w}, lambda tree: jnp.mean((jnp.tanh(X @ tree["w"]) @ transposed - X) ** 2))
        assert not outcome.findings
        assert words(outcome) == {"w": "total"}

    @pytest.mark.parametrize("compiled", [False, True])
    def test_inside_loops_and_branches(self, compiled):
        w = array(S)

        def loss(tree):
            state, _ = jax.lax.scan(lambda x, _: (jnp.tanh(w @ x), None), tree["w"], None, length=2)
            return jax.lax.cond(state[0, 0] > -9, lambda x: jnp.sum(x), lambda x: jnp.sum(w * x), state)

        outcome = run({"w": w}, jax.jit(loss) if compiled else loss)
        assert labels(outcome) == ["AC103:w"]
        assert outcome.findings[0].cause == "captured alias"

    def test_in_an_object_and_in_a_function_called(self):
        w = array(A)

        class Holder:
            kept = w

        def decode(h):
            return h @ Holder.kept.T

        outcome = run({"w": w}, lambda tree: jnp.mean((decode(jnp.tanh(X @ tree["w"])) - X) ** 2))
        assert labels(outcome) == ["AC103:w"]
        assert outcome.findings[0].accesses == (f"{CAPTURED}.array",)

    def test_something_else_is_no_alias(self):
        other = array(A)
        assert not run({"w": array(A)}, lambda tree: autoencoder(tree["w"], other)).findings


STOPPED = {
    "plainly": lambda w: jnp.sum(jax.lax.stop_gradient(w) * w**2),
    "compiled": jax.jit(lambda w: jnp.sum(jax.lax.stop_gradient(w) * w**2)),
    "compiled below": lambda w: jnp.sum(jax.jit(jax.lax.stop_gradient)(w) * w**2),
    "mapped": lambda w: jnp.sum(jax.vmap(lambda row: jax.lax.stop_gradient(row) * row**2)(w)),
    "recomputed": jax.checkpoint(lambda w: jnp.sum(jax.lax.stop_gradient(w) * w**2)),
    "in a loop": lambda w: jax.lax.scan(
        lambda sum_, row: (sum_ + jnp.sum(jax.lax.stop_gradient(row) * row**2), row[0]), 0.0 * w[0, 0], w
    )[0],
    "in a branch": lambda w: jax.lax.cond(
        w[0, 0] > 0,
        lambda w: jnp.sum(jax.lax.stop_gradient(w) * w**2),
        lambda w: jnp.sum(w**2 * jax.lax.stop_gradient(w)),
        w,
    ),
    "handed to a tree": lambda w: jnp.sum(jax.tree.map(jax.lax.stop_gradient, {"w": w})["w"] * w**2),
    "handed to a map": lambda w: jnp.sum(jax.vmap(jax.lax.stop_gradient)(w) * w**2),
    "handed to a loop": lambda w: jnp.sum(jax.lax.map(jax.lax.stop_gradient, w) * w**2),
    "handed to all of them": lambda w: jnp.sum(
        jax.jit(jax.vmap(lambda w: jax.tree.map(jax.vmap(jax.lax.stop_gradient), w)))(w[None])[0] * w**2
    ),
    "in a package named alike": lambda w: jnp.sum(elsewhere(jax.__path__[0] + "opt/_src/loss.py")(w) * w**2),
}


def elsewhere(file) -> Any:
    """A function that stops, as if it were written in another file."""
    space: dict[str, Any] = {"lax": jax.lax}
    exec(compile("def stopped(x): return lax.stop_gradient(x)", file, "exec"), space)
    return space["stopped"]


class TestStops:
    @pytest.mark.parametrize("name", STOPPED)
    def test_stops_are_reported_or_constant(self, name):
        w = array(S)
        report = run([w], lambda tree: STOPPED[name](tree[0]))
        assert labels(report) == ["AC103:[0]"]
        assert report.findings[0].cause == "stopped"
        assert report.findings[0].share == pytest.approx(1 / 3, rel=1e-6)
        constant = run([w], lambda tree: STOPPED[name](tree[0]), stops="constant")
        assert not constant.findings
        assert words(constant) == {"[0]": "total"}

    def test_one_of_many_large_leaves(self):
        """The others are looked at together, with the stop and through it."""
        tree = [array(RNG.normal(size=(20, 20)) / 4) for _ in range(12)]

        def loss(tree):
            x = jnp.ones(20)
            for number, w in enumerate(tree):
                x = jnp.tanh(w @ x + (jax.lax.stop_gradient(w) @ x if number == 5 else 0))
            return jnp.sum(x**2)

        outcome = run(tree, loss)
        assert labels(outcome) == ["AC103:[5]"]
        assert outcome.findings[0].cause == "stopped"
        assert outcome.evaluations < 1000

    def test_all_that_a_leaf_has(self):
        tree = [array(S), array(S + 1)]
        assert found(tree, lambda tree: jnp.sum(jax.lax.stop_gradient(tree[0]) * tree[1])) == ["AC101:[0]"]

    @pytest.mark.parametrize(
        "function",
        [
            jax.nn.softmax,
            jax.nn.log_softmax,
            jax.nn.logsumexp,
            jnp.linalg.norm,
            jax.nn.standardize,
            jax.vmap(jax.nn.softmax),
            lambda w: jax.tree.map(jax.nn.softmax, w),
            lambda w: jax.lax.map(jax.checkpoint(jax.nn.softmax), w),
            lambda w: jax.vmap(lambda row: jax.lax.cond(row[0] > 0, jnp.sin, jnp.cos, row))(w),
        ],
        ids=["softmax", "log_softmax", "logsumexp", "norm", "standardize", "vmap", "tree", "loop", "branch"],
    )
    def test_stops_of_the_library_are_its_own_business(self, function):
        def loss(tree):
            return jnp.sum(jnp.sin(function(tree[0])))

        assert not subjects.make_subject([array(S)], loss).has_stops()
        outcome = run([array(S)], loss)
        assert not outcome.findings
        assert words(outcome) == {"[0]": "total"}


class Affine(NamedTuple):
    w: Any
    b: Any


class TestLeaves:
    def test_a_leaf_that_is_not_read(self):
        outcome = run([array(A), array(S)], lambda tree: autoencoder(tree[0], tree[0]))
        assert not outcome.findings
        assert words(outcome) == {"[0]": "total", "[1]": "unused"}

    def test_what_is_no_array_of_floats_is_let_be(self):
        tree = {
            "w": array(A),
            "steps": jnp.arange(3),
            "on": jnp.array(True),
            "key": jax.random.key(0),
            "rate": 0.5,
            "none": None,
        }
        outcome = run(tree, lambda tree: tree["rate"] * autoencoder(tree["w"], tree["w"]) + tree["steps"][1])
        assert words(outcome) == {"w": "total"}
        assert not outcome.findings

    def test_names(self):
        w = array(S)
        tree = {"a": [Affine(w, w), None, Affine(w, w)], "b": {"c d": w}, "c": {3: w}}
        names = [format_path(path) for path, _ in subjects.make_subject(tree, lambda tree: 0.0).places()]
        assert names == ["a[0].w", "a[0].b", "a[2].w", "a[2].b", "b['c d']", "c[3]"]
        (place, *_) = subjects.make_subject(Affine(w, w), lambda tree: tree.w[0, 0]).places()
        assert format_path(place[0]) == "w"
        (place, *_) = subjects.make_subject(({"x": w},), lambda tree: tree[0]["x"][0, 0]).places()
        assert format_path(place[0]) == "[0]['x']"
        (place,) = subjects.make_subject(w + 0, lambda tree: tree[0, 0]).places()
        assert format_path(place[0]) == "tree"

    def test_a_node_of_ones_own(self):
        class Node:
            def __init__(self, *parts):
                self.parts = parts

        jax.tree_util.register_pytree_node(
            Node, lambda node: (node.parts, None), lambda _, parts: Node(*parts)
        )
        w = array(A)
        tree = {"node": Node(w, None, w)}
        assert found(tree, lambda tree: autoencoder(tree["node"].parts[0], tree["node"].parts[2])) == [
            "AC103:node[0]",
            "AC103:node[2]",
        ]

    def test_a_set_that_is_a_part_of_the_tree(self):
        w = array(A)
        tree = {"enc": Affine(w, array(S[0])), "dec": w}

        def loss(tree):
            return jnp.mean((jnp.tanh(X @ tree["enc"].w + tree["enc"].b) @ tree["dec"].T - X) ** 2)

        outcome = run(tree, loss, "sum", params=["enc"])
        assert labels(outcome) == ["AC103:enc.w"]
        assert outcome.findings[0].cause == "alias not in the set"
        assert words(outcome) == {"enc.w": "partial", "enc.b": "total"}

    def test_nothing_to_audit(self):
        with pytest.raises(AliascheckError, match="no arrays of floats"):
            subjects.make_subject({"steps": jnp.arange(3)}, lambda tree: 0.0)

    def test_a_loss_that_is_no_scalar(self):
        with pytest.raises(EngineError, match=r"the loss has shape \(3, 3\)"):
            subjects.make_subject([array(S)], lambda tree: tree[0])

    @pytest.mark.parametrize("form", [dict, tuple])
    def test_a_loss_in_a_container(self, form):
        def loss(tree):
            value = jnp.sum(tree[0])
            return {"loss": value} if form is dict else (value, None)

        with pytest.raises(EngineError, match=rf"the loss gives a {form.__name__}.*scalar \(give the number"):
            subjects.make_subject([array(S)], loss)

    def test_keys_that_are_plain_strings(self):
        class Node:
            def __init__(self, w):
                self.w = w

        jax.tree_util.register_pytree_with_keys(
            Node, lambda node: ((("w", node.w),), None), lambda _, parts: Node(*parts)
        )
        assert words(run({"n": Node(array(S))}, lambda tree: jnp.sum(tree["n"].w ** 2))) == {
            "n['w']": "total"
        }

    def test_where_the_model_is_traced(self):
        def inside(w):
            subjects.make_subject({"w": w}, lambda tree: jnp.sum(tree["w"]))

        for transformed in (jax.jit(inside), jax.grad(inside)):
            with pytest.raises(AliascheckError, match=r"^w: the array is a tracer of jax.*\(audit outside"):
                transformed(array(S))

    def test_scalars_and_empty_arrays(self):
        tree = [array(2.0), array(np.zeros((0, 3)))]
        outcome = run(tree, lambda tree: tree[0] ** 2 + jnp.sum(tree[1]))
        assert not outcome.findings
        assert words(outcome)["[0]"] == "total"


class TestLossesOfAllKinds:
    def test_mapped_over_a_batch(self):
        w = array(A)

        def loss(tree):
            each = jax.vmap(lambda x: jnp.sum((jnp.tanh(x @ tree[0]) @ tree[1].T - x) ** 2))
            return jnp.mean(each(X))

        assert found([w, w], jax.jit(loss)) == ["AC103:[0]", "AC103:[1]"]
        assert found([w, w], loss, "sum") == []

    def test_a_course_that_depends_on_numbers(self):
        """It cannot be traced, and is evaluated as it is."""
        w = array(A)

        def loss(tree):
            out = autoencoder(tree[0], tree[1].at[0].add(0.5))
            return out * 2 if out > 0 else out

        assert found([w, w], loss) == ["AC103:[0]", "AC103:[1]"]
        assert found([w, w], loss, "sum") == []

    def test_numbers_drawn_from_elsewhere(self):
        """They would be frozen in a trace."""
        drawn = itertools.count(1)
        w = array(S)
        assert found([w], lambda tree: jnp.sum(tree[0] ** 2) * next(drawn)) == ["AC202"]

    def test_numbers_drawn_from_a_generator_are_drawn_again(self):
        drawn = np.random.default_rng(0)
        before = drawn.bit_generator.state
        assert found([array(S)], lambda tree: jnp.sum(tree[0] ** 2) * drawn.uniform()) == []
        assert drawn.bit_generator.state == before

    def test_numbers_drawn_from_a_key(self):
        def loss(tree):
            return jnp.sum(jnp.where(jax.random.bernoulli(tree["key"], 0.5, (3, 3)), tree["w"] ** 2, 0))

        assert errors(run({"w": array(S), "key": jax.random.key(3)}, loss)) == []

    def test_a_rule_whose_course_depends_on_numbers(self):
        @jax.custom_vjp
        def square(x):
            return jnp.sum(x * x)

        square.defvjp(lambda x: (square(x), x), lambda x, d: (2 * x * d if d > 0 else 0 * x,))
        assert found([array(S)], lambda tree: square(tree[0])) == []

    def test_an_engine_that_raises(self):
        @jax.custom_vjp
        def square(x):
            return jnp.sum(x * x)

        def refuse(x, d_out):
            raise NotImplementedError("no rule")

        square.defvjp(lambda x: (square(x), x), refuse)
        outcome = run([array(S)], lambda tree: square(tree[0]))
        assert labels(outcome) == ["AC109"]
        assert "no rule" in str(outcome.findings[0])

    def test_not_a_number(self):
        def loss(tree):
            x = tree[0]
            return jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 0.0)) + jnp.sum(tree[1] ** 2)

        outcome = run([array([1.0, -1.0, 4.0]), array(S)], loss)
        assert labels(outcome) == ["AC107:[0]"]
        assert words(outcome) == {"[0]": "nonfinite", "[1]": "total"}

    def test_an_infinity_stays_where_it_is(self):
        """The gate of another leaf selects zeros: no infinity times zero."""
        w = array([0.0, 1.0])
        outcome = run([w, array(S)], lambda tree: jnp.sum(jnp.sqrt(tree[0])) + jnp.sum(tree[1] ** 2))
        assert labels(outcome)[:1] == ["AC107:[0]"]
        assert words(outcome)["[1]"] == "total"

    @pytest.mark.parametrize(
        ("values", "loss"),
        [
            ([0.0, 0.0, 0.0, 1.0, -1.0, 0.5], lambda x: jnp.sum(jax.nn.relu(x))),
            ([0.0, 0.0, 0.0, 1.0, -1.0, 0.5], lambda x: jnp.sum(jnp.abs(x))),
            ([0.0, 0.0, 0.0, 1.0, -1.0, 0.5], lambda x: jnp.sum(jnp.maximum(x, 0))),
            ([2.0, 2.0, 1.0], jnp.max),
            ([2.0, 2.0, 2.0, 1.0], jnp.max),
        ],
        ids=["relu", "abs", "maximum", "max of two", "max of three"],
    )
    def test_kinks_are_no_faults(self, values, loss):
        outcome = run([array(values)], lambda tree: loss(tree[0]))
        assert errors(outcome) == []

    @pytest.mark.parametrize("scale", [1e8, 1.0, 1e-8])
    def test_scales(self, scale):
        w = array(A)
        assert found([w, w], lambda tree: scale * autoencoder(*tree), "sum") == []
        assert len(found([w, w], lambda tree: scale * autoencoder(*tree))) == 2

    def test_a_loss_that_sits_high(self):
        w = array(A)
        assert found([w, w], lambda tree: 1e8 + autoencoder(*tree), "sum") == []


def with_fault(fault):
    """`tanh(x @ enc) @ dec.T` with a pullback written by hand, and a fault in it."""

    @jax.custom_vjp
    def code(enc, dec):
        return jnp.tanh(X @ enc) @ dec.T

    def forward(enc, dec):
        h = jnp.tanh(X @ enc)
        return h @ dec.T, (h, dec)

    def pull_back(kept, d_out):
        h, dec = kept
        d_enc, d_dec = X.T @ ((d_out @ dec) * (1 - h * h)), d_out.T @ h
        return fault(d_enc, d_dec)

    code.defvjp(forward, pull_back)
    return lambda tree: jnp.mean((code(tree["enc"]["w"], tree["dec"]["w"]) - X) ** 2)


DEC, ENC = PAIR
FAULTS = {
    "none": (lambda enc, dec: (enc, dec), []),
    "drops the decoder": (lambda enc, dec: (enc, 0 * dec), [f"AC101:{DEC}"]),
    "drops the encoder": (lambda enc, dec: (0 * enc, dec), [f"AC101:{ENC}"]),
    "twice": (lambda enc, dec: (enc, 2 * dec), [f"AC105:{DEC}"]),
    "sign": (lambda enc, dec: (-enc, dec), [f"AC105:{ENC}"]),
    "one element": (lambda enc, dec: (enc, dec.at[2, 1].multiply(1.01)), [f"AC105:{DEC}"]),
    "one element, barely": (lambda enc, dec: (enc.at[0, 0].multiply(1 + 1e-4), dec), [f"AC105:{ENC}"]),
    "one row": (lambda enc, dec: (enc, dec.at[1].multiply(-1)), [f"AC105:{DEC}"]),
    "scale": (lambda enc, dec: (enc * 1.001, dec), [f"AC105:{ENC}"]),
}


class TestWrongRules:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_found_at_its_leaf(self, fault):
        rule, expected = FAULTS[fault]
        assert found(pair(array(A), array(A)), with_fault(rule)) == expected

    @pytest.mark.parametrize("fault", FAULTS)
    def test_found_where_the_leaves_are_tied(self, fault):
        rule, expected = FAULTS[fault]
        w = array(A)
        if fault == "twice":
            expected = [f"AC104:{DEC}"]
        assert found(pair(w, w), with_fault(rule), "sum") == expected

    def test_a_square_matrix_that_is_not_transposed(self):
        @jax.custom_vjp
        def product(x, w):
            return x @ w

        product.defvjp(lambda x, w: (x @ w, (x, w)), lambda kept, d: (d @ kept[1], kept[0].T @ d))

        def loss(tree):
            return jnp.sum(jnp.sin(product(jnp.tanh(tree["a"]), tree["b"])))

        outcome = run({"a": array(S), "b": array(S.T + 1)}, loss)
        assert labels(outcome) == ["AC105:a"]
        assert words(outcome) == {"a": "wrong", "b": "total"}


class TestNothingIsChanged:
    def test_the_model(self):
        buffer = aligned(A)
        tree = pair(jax.device_put(buffer), array(A))
        kept = [tree["enc"]["w"], tree["dec"]["w"]]
        run(tree, of_pair)
        assert tree["enc"]["w"] is kept[0]
        assert tree["dec"]["w"] is kept[1]
        assert all(np.asarray(leaf).tobytes() == A.tobytes() for leaf in (*kept, buffer))

    @pytest.mark.parametrize("enabled", [False, True])
    def test_the_configuration(self, enabled):
        with jax.enable_x64(enabled):
            before = dict(jax.config.values)
            run(pair(array(A), array(A)), of_pair)
            assert jax.config.jax_enable_x64 == enabled
            assert dict(jax.config.values) == before
            assert jnp.ones(2).dtype == (np.float64 if enabled else np.float32)


class TestPrecision:
    def test_single_precision_is_audited_in_double(self):
        outcome = run([array(A)], lambda tree: autoencoder(tree[0], tree[0]))
        assert "the model is in float32, and was audited in float64" in outcome.notes

    def test_half_precision(self):
        w = jnp.array(A, jnp.bfloat16)
        outcome = run([w, w], lambda tree: autoencoder(*tree))
        assert labels(outcome) == ["AC103:[0]", "AC103:[1]"]

    def test_double_precision(self):
        with jax.enable_x64(True):
            w, x = jnp.array(A, jnp.float64), jnp.array(X, jnp.float64)
            outcome = run([w, w], lambda tree: jnp.mean((jnp.tanh(x @ tree[0]) @ tree[1].T - x) ** 2))
        assert labels(outcome) == ["AC103:[0]", "AC103:[1]"]
        assert not outcome.notes

    def test_double_precision_of_numpy_that_jax_takes_as_single(self):
        outcome = run([A.astype(np.float64)], lambda tree: autoencoder(tree[0], tree[0]))
        assert not outcome.findings
        assert "the model is in float32, and was audited in float64" in outcome.notes

    def test_a_loss_made_for_single_precision(self):
        """It refuses other numbers; its equations do not."""

        def loss(tree):
            if tree[0].dtype != jnp.float32:
                raise TypeError("float32 only")
            return autoencoder(*tree)

        w = array(A)
        outcome = run([w, w], loss)
        assert "the model is in float32, and was audited in float64" in outcome.notes
        assert errors(outcome) == ["AC103:[0]", "AC103:[1]"]
        assert errors(run([w, w], loss, "sum")) == []

    def test_a_loss_made_for_single_precision_that_cannot_be_traced(self):
        """Differences in float32 still see what is grossly wrong."""

        def loss(tree):
            if tree[0].dtype != jnp.float32 or tree[0][0, 0] < -9:
                raise TypeError("float32 only")
            return autoencoder(*tree)

        w = array(A)
        outcome = run([w, w], loss)
        assert any("could not be audited in float64" in note for note in outcome.notes)
        assert any("TypeError: float32 only" in note for note in outcome.notes)
        assert not any("gates" in note for note in outcome.notes)
        assert errors(outcome) == ["AC103:[0]", "AC103:[1]"]
        assert errors(run([w, w], loss, "sum")) == []

    def test_a_loss_that_rounds_to_single_precision(self):
        def loss(tree):
            return autoencoder(tree[0].astype(jnp.float32), tree[1].astype(jnp.float32))

        w = array(A)
        assert errors(run([w, w], loss, "sum")) == []


def test_a_model_of_a_million_parameters():
    tree, loss = gpt()
    assert sum(leaf.size for leaf in jax.tree.leaves(tree)) > 1_000_000
    outcome = run(tree, jax.jit(loss), "sum")
    assert not outcome.findings
    assert outcome.evaluations < 400
    assert words(outcome)["wte"] == words(outcome)["head"] == "split"
    assert "the model is in float32, and was audited in float64" in outcome.notes


class TestEquinox:
    eqx = property(lambda self: pytest.importorskip("equinox"))

    def test_shared_is_one_leaf(self):
        eqx = self.eqx

        class Model(eqx.Module):
            shared: Any

            def __init__(self, key):
                enc, dec = eqx.nn.Linear(6, 3, key=key), eqx.nn.Linear(3, 6, key=key)
                self.shared = eqx.nn.Shared(
                    (enc, dec), lambda pair: pair[1].weight, lambda pair: pair[0].weight.T
                )

            def __call__(self, x):
                enc, dec = self.shared()
                return dec(jnp.tanh(enc(x)))

        model = Model(jax.random.key(0))
        outcome = run(model, lambda model: jnp.mean((jax.vmap(model)(X) - X) ** 2))
        assert not outcome.findings
        assert set(words(outcome).values()) == {"total"}
        assert "shared.pytree[0].weight" in words(outcome)

    def test_one_array_in_two_modules(self):
        eqx = self.eqx
        enc, dec = (eqx.nn.Linear(4, 4, key=jax.random.key(seed)) for seed in (0, 1))
        model = [enc, eqx.tree_at(lambda layer: layer.weight, dec, enc.weight)]

        @eqx.filter_jit
        def loss(model):
            return jnp.mean(jax.vmap(lambda x: model[1](jnp.tanh(model[0](x))))(X[:, :4]) ** 2)

        assert found(model, loss) == ["AC103:[0].weight", "AC103:[1].weight"]
        assert found(model, loss, "sum") == []

    def test_leaves_that_are_functions_and_settings(self):
        eqx = self.eqx
        model = eqx.nn.MLP(6, 6, 4, 1, activation=jax.nn.gelu, key=jax.random.key(0))
        outcome = run(model, lambda model: jnp.mean((jax.vmap(model)(X) - X) ** 2))
        assert not outcome.findings
        assert list(words(outcome)) == [f"layers[{n}].{name}" for n in (0, 1) for name in ("weight", "bias")]


class TestFlax:
    def test_a_linen_model(self):
        nn = pytest.importorskip("flax.linen")

        class Net(nn.Module):
            @nn.compact
            def __call__(self, x):
                lower = nn.Dense(3, name="lower")
                return nn.Dense(6, name="upper")(jnp.tanh(nn.LayerNorm()(lower(x))))

        net = Net()
        variables = net.init(jax.random.key(0), X)
        outcome = run(variables, lambda variables: jnp.mean((net.apply(variables, X) - X) ** 2))
        assert not outcome.findings
        assert "params['lower']['kernel']" in words(outcome)
        assert set(words(outcome).values()) == {"total"}

    @pytest.mark.parametrize("form", ["state", "module", "module in a list"])
    def test_variables_shared_by_reference_and_by_value(self, form):
        nnx = pytest.importorskip("flax.nnx")

        class Net(nnx.Module):
            def __init__(self, *, by_reference):
                self.enc, self.dec = (nnx.Linear(6, 6, rngs=nnx.Rngs(seed)) for seed in (0, 1))
                kernel = self.enc.kernel
                self.dec.kernel = kernel if by_reference else nnx.Param(kernel[...])

            def __call__(self, x):
                return self.dec(jnp.tanh(self.enc(x)))

        def audited(by_reference):
            net = Net(by_reference=by_reference)
            if form == "module":
                return run(net, lambda net: jnp.mean((net(X) - X) ** 2))
            if form == "module in a list":
                return run([net, net.enc], lambda nets: jnp.mean((nets[0](X) - nets[1](X)) ** 2))
            graph, state = nnx.split(net)
            return run(state, lambda state: jnp.mean((nnx.merge(graph, state)(X) - X) ** 2))

        outcome = audited(True)
        assert not outcome.findings
        root = "[0]" if form == "module in a list" else ""
        names = ["dec.bias.value", "dec.kernel.value", "enc.bias.value"]
        if form != "state":
            assert list(words(outcome)) == [f"{root}.{name}".lstrip(".") for name in names]
        assert set(words(outcome).values()) == {"total"} and len(words(outcome)) == 3
        by_value = audited(False)
        assert [one.code for one in by_value.findings] == ["AC103", "AC103"]

    def test_what_a_module_changes_is_changed_in_copies(self):
        nnx = pytest.importorskip("flax.nnx")

        class Net(nnx.Module):
            def __init__(self):
                self.lower, self.norm = nnx.Linear(6, 6, rngs=nnx.Rngs(0)), nnx.BatchNorm(6, rngs=nnx.Rngs(1))
                self.drop = nnx.Dropout(0.5, rngs=nnx.Rngs(2))

            def __call__(self, x):
                return self.drop(self.norm(self.lower(x)))

        net = Net()
        outcome = run(net, lambda net: jnp.mean((net(X) - X) ** 2))
        assert not errors(outcome)
        assert not np.asarray(net.norm.mean[...]).any() and net.drop.rngs.count[...] == 0


def test_a_compiler_that_does_not_know_the_quickest_way(monkeypatch):
    monkeypatch.setattr(traced, "QUICKEST", {**traced.QUICK, "xla_of_another_version": True})
    traced._has_options.cache_clear()
    try:
        subject = subjects.make_program(
            {"x": A}, lambda values: values.read("x").array.sum(), [("x",)], stop_gradient="report"
        )
        assert subject.base() == pytest.approx(A.astype(float).sum())
        assert not traced._has_options(jax)
    finally:
        traced._has_options.cache_clear()


def test_a_missing_engine(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(AliascheckError, match=r"jax is not installed \(pip install 'aliascheck\[jax\]'\)"):
        subjects.make_subject([A], lambda tree: 0.0)
