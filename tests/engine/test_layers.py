"""Layers: values by loops written out here, gradients by differences, ties, gates, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from aliascheck.engine import LAYERS, NOTHING, REGISTRY, check_rule, gradient, metered, primal
from aliascheck.engine.primitive import Primitive
from aliascheck.errors import EngineError
from aliascheck.language import ExpressionError, parse
from aliascheck.language.limits import Meter
from aliascheck.memory import dense
from tests.engine.tangents import matches
from tests.engine.test_gates import MODES, check_laws, program_of
from tests.language.bindings import evaluate, let

PROJECTIONS = ", ".join(f"normal(4, 4, seed={seed})" for seed in range(4))
SINGLE = {  # a model m, its inputs, and how it is called
    "Dense": ("Dense(normal(3, 4), normal(3), tanh)", "m(x)", (4,)),
    "Dense of rows": ("Dense(normal(3, 4), normal(3), tanh)", "m(x)", (2, 4)),
    "Bilinear": ("Bilinear(normal(2, 4, 4), normal(2), tanh)", "m(x, exp(x))", (4,)),
    "Bilinear of one": ("Bilinear(normal(2, 4, 4))", "m(x)", (3, 4)),
    "Chain": ("Chain(Dense(normal(4, 4), zeros(4)), tanh)", "m(m(x))", (4,)),
    "Conv1d": ("Conv1d(normal(2, 3, 2), normal(2), stride=2)", "m(x)", (2, 3, 5)),
    "Conv2d": (
        "Conv2d(normal(4, 1, 2, 2), normal(4), stride=(1, 2), padding=1, groups=2)",
        "m(x)",
        (2, 4, 4),
    ),
    "Conv2d of a batch": ("Conv2d(normal(2, 2, 2, 2), dilation=2, padding=(1, 2))", "m(x)", (2, 2, 4, 3)),
    "MaxPool": ("MaxPool(2, stride=1, padding=1)", "m(x)", (2, 3, 4)),
    "MaxPool of one axis": ("MaxPool((3,))", "m(x)", (2, 7)),
    "AvgPool": ("AvgPool((2, 3), padding=(0, 1))", "m(x)", (2, 4, 4)),
    "LayerNorm": ("LayerNorm(normal(4), normal(4))", "m(x)", (3, 4)),
    "LayerNorm of two axes": ("LayerNorm(normal(3, 4), eps=0.1)", "m(x)", (2, 3, 4)),
    "RMSNorm": ("RMSNorm(normal(4), eps=0.01)", "m(x)", (3, 4)),
    "BatchNorm": (
        "BatchNorm(normal(3), normal(3), normal(3), uniform(3, low=1), eps=0.01)",
        "m(x)",
        (2, 3, 4),
    ),
    "BatchNorm of rows": ("BatchNorm(normal(3), normal(3), normal(3), ones(3))", "m(x)", (2, 3)),
    "Dropout": ("Dropout(0.4, 3)", "m(x)", (5, 4)),
    "RNNCell": ("RNNCell(normal(3, 4), normal(3, 3, seed=1), normal(3))", "m(x, m(x, zeros(3)))", (4,)),
    "RNNCell of rows": (
        "RNNCell(normal(3, 4), normal(3, 3), ones(3), sin)",
        "m(x, m(x, ones(2, 3)))",
        (2, 4),
    ),
    "GRUCell": (
        "GRUCell(normal(9, 4), normal(9, 3, seed=1), normal(9), ones(9))",
        "m(x, m(x, ones(3)))",
        (4,),
    ),
    "GRUCell of rows": ("GRUCell(normal(9, 4), normal(9, 3))", "m(x, m(x, ones(2, 3)))", (2, 4)),
    "LSTMCell": (
        "LSTMCell(normal(8, 4), normal(8, 2, seed=1), normal(8))",
        "m(x, m(x, (ones(2), zeros(2))))[0] + m(x, (ones(2), ones(2)))[1]",
        (4,),
    ),
    "MultiHeadAttention": (
        f"MultiHeadAttention({PROJECTIONS}, heads=2, causal=true)",
        "m(x)",
        (2, 3, 4),
    ),
    "MultiHeadAttention of three": (
        f"MultiHeadAttention({PROJECTIONS}, heads=4)",
        "m(x, sin(x)[1:], cos(x)[1:])",
        (3, 4),
    ),
    "Parallel": (
        "Parallel(add, Dense(normal(3, 4)), Dense(normal(3, 4, seed=1), ones(3), tanh))",
        "m(x)",
        (4,),
    ),
    "Parallel, joined": ("Parallel(concatenate, tanh, Dense(normal(3, 4)), exp)", "m(x)", (4,)),
    "Parallel of three": ("Parallel(multiply, tanh, sin, Dense(normal(4, 4)))", "m(x, exp(x), cos(x))", (4,)),
    "SkipConnection": (
        "SkipConnection(Dense(normal(4, 4), ones(4), tanh), lambda y, x: y * exp(x))",
        "m(x)",
        (4,),
    ),
    "Maxout": (
        "Maxout(Dense(normal(3, 4)), Dense(normal(3, 4, seed=1)), Dense(normal(3, 4, seed=2)))",
        "m(x)",
        (4,),
    ),
}


def bindings(name, seed=0):
    model, call, shape = SINGLE[name]
    x = np.random.default_rng(seed).uniform(-1.5, 1.5, shape)
    return let(x=x, m=model), call


def test_every_layer_is_here():
    named = " ".join(model for model, _, _ in SINGLE.values())
    assert {name for name in LAYERS if f"{name}(" not in named} == {"Embedding"}


# Values, by loops.


def value_of(name, seed=0):
    env, call = bindings(name, seed)
    found = parse(call).evaluate(env)
    fields = {key: dense(value) for key, value in env.values["m"].fields.items()}
    return np.asarray(dense(found)), env.values["x"], fields


def slow_convolution(x, weight, bias, stride, padding, dilation, groups):
    """(C, H, W) and (out, C / groups, h, w), one product at a time."""
    padded = np.pad(x, [(0, 0), *((p, p) for p in padding)])
    out, within, height, width = weight.shape
    extents = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, d, s in zip(padded.shape[1:], (height, width), dilation, stride, strict=True)
    ]
    result = np.zeros((out, *extents))
    for o, r, c in np.ndindex(*result.shape):
        group = o // (out // groups)
        for i, a, b in np.ndindex(within, height, width):
            row, column = r * stride[0] + a * dilation[0], c * stride[1] + b * dilation[1]
            result[o, r, c] += weight[o, i, a, b] * padded[group * within + i, row, column]
    return result + bias[:, None, None]


CONVOLUTIONS = list(itertools.product((1, 2, 3), (0, 2), (1, 2), (1, 2)))


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), CONVOLUTIONS)
def test_convolutions_by_loops(stride, padding, dilation, groups):
    rng = np.random.default_rng(1)
    x, w, b = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(6, 4 // groups, 3, 2)), rng.normal(size=6)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    pairs = {name: (value, value) for name, value in settings.items() if name != "groups"}
    expected = [slow_convolution(sample, w, b, **pairs, groups=groups) for sample in x]
    layer = LAYERS["Conv2d"](w, b, **settings)
    call = REGISTRY["conv2d"]
    np.testing.assert_allclose(call(x, w, **settings) + b[:, None, None], expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(evaluate("m(x)", m=layer, x=x[0]), expected[0], rtol=1e-12, atol=1e-13)
    line = slow_convolution(x[0][:, :1], w[:, :, :1], b, (1, stride), (0, padding), (1, dilation), groups)
    found = evaluate("m(x)", m=LAYERS["Conv1d"](w[:, :, 0], b, **settings), x=x[0][:, 0])
    np.testing.assert_allclose(found, line[:, 0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "reduce", "filling"), [("MaxPool", np.max, -np.inf), ("AvgPool", np.mean, 0.0)]
)
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, None, 0), (3, 1, 1), ((2, 3), (3, 1), (1, 0))])
def test_pools_by_loops(name, reduce, filling, size, stride, padding):
    x = np.random.default_rng(2).normal(size=(2, 3, 6, 7))
    wide, steps, around = (
        value if isinstance(value, tuple) else (value, value) for value in (size, stride or size, padding)
    )
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in around)], constant_values=filling)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(padded.shape[2:], wide, steps, strict=True))
    expected = np.zeros((2, 3, rows, columns))
    for r, c in np.ndindex(rows, columns):
        window = padded[:, :, r * steps[0] :, c * steps[1] :][:, :, : wide[0], : wide[1]]
        expected[:, :, r, c] = reduce(window, axis=(2, 3))
    settings = {"padding": padding} | ({} if stride is None else {"stride": stride})
    found = evaluate("m(x)", m=LAYERS[name](size, **settings), x=x)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_max_pool_hands_on_what_is_not_a_number_and_the_first_of_equals():
    assert np.isnan(evaluate("max_pool(x)", x=[[1.0, np.nan], [2.0, 3.0]] * np.ones((2, 2)))).all()
    (found,) = gradient(lambda x: np.sum(REGISTRY["max_pool"](x)), np.ones((2, 2)))
    assert matches(found, [[1, 0], [0, 0]])


def test_norms_by_loops():
    found, x, m = value_of("LayerNorm")
    for row, out in zip(x, found, strict=True):
        deviation = math.sqrt(sum((v - row.mean()) ** 2 for v in row) / 4 + 1e-5)
        expected = [
            (v - row.mean()) / deviation * w + b for v, w, b in zip(row, m["weight"], m["bias"], strict=True)
        ]
        np.testing.assert_allclose(out, expected, rtol=1e-12)
    found, x, m = value_of("LayerNorm of two axes")
    for plane, out in zip(x, found, strict=True):
        np.testing.assert_allclose(out, (plane - plane.mean()) / np.sqrt(plane.var() + 0.1) * m["weight"])
    found, x, m = value_of("RMSNorm")
    for row, out in zip(x, found, strict=True):
        np.testing.assert_allclose(out, row / math.sqrt(sum(v * v for v in row) / 4 + 0.01) * m["weight"])
    found, x, m = value_of("BatchNorm")
    for channel in range(3):
        scale = m["weight"][channel] / math.sqrt(m["variance"][channel] + 0.01)
        expected = (x[:, channel] - m["mean"][channel]) * scale + m["bias"][channel]
        np.testing.assert_allclose(found[:, channel], expected, rtol=1e-12)


def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


def test_cells_by_their_equations():
    _, x, m = value_of("RNNCell")
    h = np.zeros(3)
    for _ in range(2):
        h = np.tanh(m["Wi"] @ x + m["Wh"] @ h + m["bias"])
    np.testing.assert_allclose(value_of("RNNCell")[0], h, rtol=1e-12)

    found, x, m = value_of("GRUCell")
    h = np.ones(3)
    for _ in range(2):
        (xr, xz, xn), (hr, hz, hn) = (
            (m["Wi"] @ x + m["bias"]).reshape(3, 3),
            (m["Wh"] @ h + 1).reshape(3, 3),
        )
        r, z = logistic(xr + hr), logistic(xz + hz)
        h = (1 - z) * np.tanh(xn + r * hn) + z * h
    np.testing.assert_allclose(found, h, rtol=1e-12)

    def step(h, c):
        i, f, g, o = (m["Wi"] @ x + m["Wh"] @ h + m["bias"]).reshape(4, 2)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        return logistic(o) * np.tanh(c), c

    found, x, m = value_of("LSTMCell")
    expected = step(*step(np.ones(2), np.zeros(2)))[0] + step(np.ones(2), np.ones(2))[1]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["GRUCell", "RNNCell"])
def test_cells_take_rows_one_by_one(name):
    _, x, _ = value_of(f"{name} of rows")
    env, _ = bindings(f"{name} of rows")
    together = parse("m(x, ones(2, 3))").evaluate(env)
    for row, out in zip(x, together, strict=True):
        env.values["x"] = row
        np.testing.assert_allclose(out, parse("m(x, ones(3))").evaluate(env), rtol=1e-12)


def slow_attention(q, k, v, m, heads, seen):
    """One query, one head and one key at a time."""
    q, k, v = q @ m["query"].T, k @ m["key"].T, v @ m["value"].T
    width = q.shape[1] // heads
    joined = np.zeros(q.shape)
    for head, i in np.ndindex(heads, len(q)):
        part = slice(head * width, (head + 1) * width)
        weights = [math.exp(q[i, part] @ k[j, part] / math.sqrt(width)) * seen(i, j) for j in range(len(k))]
        joined[i, part] = sum(w * v[j, part] for j, w in enumerate(weights)) / sum(weights)
    return joined @ m["output"].T


def test_attention_by_loops():
    found, x, m = value_of("MultiHeadAttention")
    for sample, out in zip(x, found, strict=True):
        expected = slow_attention(sample, sample, sample, m, 2, lambda i, j: j <= i)
        np.testing.assert_allclose(out, expected, rtol=1e-10)
    found, x, m = value_of("MultiHeadAttention of three")
    expected = slow_attention(x, np.sin(x)[1:], np.cos(x)[1:], m, 4, lambda i, j: True)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_an_attention_mask_is_a_constant():
    mask = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    env = let(
        x=np.random.default_rng(0).normal(size=(3, 4)),
        mask=mask,
        m=f"MultiHeadAttention({PROJECTIONS}, 2, mask=mask)",
    )
    m = {key: dense(value) for key, value in env.values["m"].fields.items()}
    x = env.values["x"]
    expected = slow_attention(x, x, x, m, 2, lambda i, j: mask[i, j])
    np.testing.assert_allclose(parse("m(x)").evaluate(env), expected, rtol=1e-10)
    program = program_of("sum(m(x))", ("m.mask", "m.query"), **env.values)
    assert program.gradients("explicit").members[("m", "mask")] is NOTHING


def test_layers_of_layers():
    x = np.array([0.5, -1.0, 2.0])
    assert matches(evaluate("Parallel(add, exp, tanh, sin)(x)", x=x), np.exp(x) + np.tanh(x) + np.sin(x))
    assert matches(evaluate("Parallel(stack, exp, tanh)(x)", x=x), np.stack([np.exp(x), np.tanh(x)]).tolist())
    two = "Parallel(lambda a, b: a * b, exp, tanh)(x, 2 * x)"
    assert matches(evaluate(two, x=x), np.exp(x) * np.tanh(2 * x))
    assert matches(evaluate("SkipConnection(exp, subtract)(x)", x=x), np.exp(x) - x)
    assert matches(
        evaluate("Maxout(sin, cos, exp)(x)", x=x), np.max([np.sin(x), np.cos(x), np.exp(x)], axis=0)
    )
    found, x, m = value_of("Bilinear")
    expected = [np.tanh(x @ m["weight"][k] @ np.exp(x) + m["bias"][k]) for k in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_dropout_is_seeded():
    x = np.ones((100, 100))
    first, again, other = (evaluate(f"Dropout(0.25, {seed})(x)", x=x) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert set(np.unique(first)) == {0.0, 1 / 0.75} and abs(np.mean(first) - 1) < 0.05
    assert np.array_equal(first > 0, np.random.Generator(np.random.PCG64(1)).random(x.shape) >= 0.25)
    assert matches(evaluate("Dropout(0)(x)", x=x), x)


# Losses.

X, Y = np.array([[0.2, 0.7], [0.5, 0.9]]), np.array([[0.0, 1.0], [0.25, 0.5]])
BINARY = -(Y * np.log(X) + (1 - Y) * np.log(1 - X))
LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
LOGS = LOGITS - np.log(np.sum(np.exp(LOGITS), axis=1, keepdims=True))
LOSSES = {
    "mse(x, y)": np.mean((X - Y) ** 2),
    "mae(x, y, reduction='sum')": np.sum(np.abs(X - Y)),
    "huber(x, y, delta=0.3)": np.mean(
        np.where(np.abs(X - Y) <= 0.3, (X - Y) ** 2 / 2, 0.3 * (np.abs(X - Y) - 0.15))
    ),
    "binary_cross_entropy(x, y)": np.mean(BINARY),
    "binary_cross_entropy(x, y, reduction='none')": BINARY,
    "binary_cross_entropy_with_logits(log(x / (1 - x)), y)": np.mean(BINARY),
    "cross_entropy(z, array([2, 1], dtype='int'))": -(LOGS[0, 2] + LOGS[1, 1]) / 2,
    "cross_entropy(z, [[0.5, 0.5, 0], [0, 0, 1]] @ eye(3), reduction='sum')": -(
        (LOGS[0, 0] + LOGS[0, 1]) / 2 + LOGS[1, 2]
    ),
    "cross_entropy(transpose(z), array([2.0, 1.0]), axis=0, reduction='none')": -LOGS[[0, 1], [2, 1]],
}


@pytest.mark.parametrize("text", LOSSES)
def test_losses_by_their_formulas(text):
    text, expected = text.replace("[[0.5, 0.5, 0], [0, 0, 1]]", "t"), LOSSES[text]
    found = evaluate(text, x=X, y=Y, z=LOGITS, t=np.array([[0.5, 0.5, 0], [0, 0, 1]]))
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_losses_do_not_overflow():
    far = np.array([[1000.0, -1000.0]])
    assert evaluate("cross_entropy(z, array([1]))", z=far) == 2000.0
    assert evaluate("cross_entropy(z, array([0]))", z=far) == 0.0
    assert evaluate("binary_cross_entropy_with_logits(z, zeros(1, 2))", z=far) == 500.0
    sure = np.array([0.0, 1.0])
    assert evaluate("binary_cross_entropy(y, y)", y=sure) == 0.0
    (found,) = gradient(lambda x: REGISTRY["binary_cross_entropy"](x, sure, reduction="sum"), sure)
    assert matches(found, [1.0, -1.0])


def test_class_numbers_have_no_derivative_and_logits_have():
    cross_entropy, numbers = REGISTRY["cross_entropy"], np.array([2.0, 0.0, 1.0, 1.0])

    def of_logits(x, axis=-1, reduction="mean"):
        out, (by_logits, by_numbers) = cross_entropy.forward(x, numbers, axis, reduction)
        assert by_numbers is None
        return out, by_logits

    for settings in ({}, {"reduction": "none"}, {"reduction": "sum"}):
        operand = np.random.default_rng(0).normal(size=(4, 3))
        check_rule(Primitive(of_logits, "cross_entropy"), operands=(operand,), settings=settings)
    assert gradient(cross_entropy, np.ones((4, 3)), numbers)[1] is NOTHING


# Gradients, by differences of the whole program.


def leaves_of(value):
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind == "f" else []
    parts = getattr(value, "fields", value)
    if isinstance(parts, dict):
        parts = tuple(parts.values())
    return [leaf for part in parts for leaf in leaves_of(part)] if isinstance(parts, tuple | list) else []


def tangents_of(value, tangent):
    """The tangents of the leaves, in the same order; zeros where there is nothing."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "f":
            return []
        return [np.zeros(value.shape) if tangent is NOTHING else np.asarray(tangent)]
    parts = getattr(value, "fields", value)
    if isinstance(parts, dict):
        pairs = [
            (part, NOTHING if tangent is NOTHING else tangent.get(name, NOTHING))
            for name, part in parts.items()
        ]
    elif isinstance(parts, tuple | list):
        pairs = [(part, NOTHING if tangent is NOTHING else tangent[n]) for n, part in enumerate(parts)]
    else:
        pairs = []
    return [leaf for part, one in pairs for leaf in tangents_of(part, one)]


STEP = 1e-4


def loss_moved(program, leaves, ways, distance):
    """The loss with the leaves moved, for a moment, along their ways."""
    kept = [leaf.copy() for leaf in leaves]
    for leaf, way in zip(leaves, ways, strict=True):
        leaf[...] += distance * way
    loss = program.loss()
    for leaf, before in zip(leaves, kept, strict=True):
        leaf[...] = before
    return loss


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SINGLE)
def test_gradients_by_differences(name, seed):
    """Central differences of order 4: wrong by some h^4 = 1e-16, and by rounding, some eps / h = 1e-11."""
    env, call = bindings(name, seed)
    program = program_of(f"sum(sin({call}) * 1.7)", ("x", "m"), **env.values)
    if name in ("MaxPool", "MaxPool of one axis", "AvgPool", "Dropout"):
        program = program_of(f"sum(sin({call}) * 1.7)", ("x",), **env.values)
    found = {path[0]: tangent for path, tangent in program.gradients("explicit").members.items()}
    rng = np.random.default_rng(seed)
    for slot, tangent in found.items():
        leaves = leaves_of(env.values[slot])
        ways = [rng.choice((-1.0, 1.0), leaf.shape) * rng.uniform(0.5, 1, leaf.shape) for leaf in leaves]
        given = sum(
            np.sum(part * way) for part, way in zip(tangents_of(env.values[slot], tangent), ways, strict=True)
        )
        values = [loss_moved(program, leaves, ways, steps * STEP) for steps in (1, -1, 2, -2)]
        expected = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * STEP)
        assert abs(given - expected) <= 1e-8 * (1 + abs(expected)), slot


# Ties and gates.


def members(loss, params, mode, **texts):
    found = program_of(loss, params, **texts).gradients(mode).members
    return list(found.values())


def test_one_weight_in_two_layers():
    w, x = np.array([[0.5, -1.0], [1.0, 0.2]]), np.array([0.5, -0.3])
    texts = {"w": w, "x": x, "a": "Dense(w)", "b": "SkipConnection(Dense(w), subtract)"}
    by_a, by_b = np.outer(w @ x - x, x), np.outer(w @ x, x)  # of sum(w x * (w x - x))
    assert matches(members("sum(a(x) * b(x))", ("a.weight",), "implicit", **texts)[0], by_a + by_b)
    found = members("sum(a(x) * b(x))", ("a.weight", "b.layer.weight"), "explicit", **texts)
    assert matches(found[0], by_a) and matches(found[1], by_b)


def test_one_kernel_in_two_convolutions():
    texts = {"k": [[[2.0, 3.0]]], "x": [[1.0, 0.0, -1.0, 2.0]], "a": "Conv1d(k)", "b": "Conv1d(k)"}
    by_b = [[[2.0 - 3.0, -3.0 + 4.0]]]  # the sums over its windows of a(x) = (2, -3, 4)
    by_a = [
        [[2.0 * 1 + 5.0 * 0 + 3.0 * -1, 2.0 * 0 + 5.0 * -1 + 3.0 * 2]]
    ]  # of x, by its cotangent (2, 5, 3)
    both = np.add(by_a, by_b)
    assert matches(members("sum(b(a(x)))", ("a.weight",), "implicit", **texts)[0], both)
    assert matches(members("sum(b(a(x)))", ("a.weight",), "explicit", **texts)[0], by_a)


@pytest.mark.parametrize("mode", MODES)
def test_one_cell_at_two_steps_is_the_formula_written_twice(mode):
    texts = {
        "w": [[0.5, -1.0], [1.0, 0.2]],
        "u": [[1.0, 0.3], [-0.2, 0.1]],
        "x": [0.5, -0.3],
        "h": [1.0, 0.0],
    }
    formula = "sum(tanh(w @ sin(x) + u @ tanh(w @ x + u @ h)))"
    cell = {**texts, "m": "RNNCell(w, u)"}
    expected = members(formula, ("w", "u"), mode, **texts)
    found = members("sum(m(sin(x), m(x, h)))", ("m.Wi", "m.Wh"), mode, **cell)
    assert matches(found[0], expected[0]) and matches(found[1], expected[1])


@pytest.mark.parametrize("mode", MODES)
def test_fused_projections_are_slices_of_one_array(mode):
    texts = {"qkv": "normal(12, 4, seed=1)", "o": "normal(4, 4, seed=2)", "x": "normal(3, 4, seed=3)"}
    texts["m"] = "MultiHeadAttention(qkv[0:4], qkv[4:8], qkv[8:12], o, heads=2)"
    inside = f"sum({texts['m']}(x) ** 2)"
    (whole,) = members(inside, ("qkv",), mode, **texts)
    assert members("sum(m(x) ** 2)", ("qkv",), mode, **texts) == [NOTHING]
    parts = members("sum(m(x) ** 2)", ("m.query", "m.key", "m.value"), mode, **texts)
    assert matches(np.concatenate(parts), whole.tolist())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SINGLE)
def test_gates_obey_their_laws_with_a_weight_tied(name, mode):
    env, call = bindings(name)
    tied = {"w": leaves[0]} if (leaves := leaves_of(env.values["m"])) else {}
    extra = " + sum(w * w)" if tied else ""
    params = ("w", "x") if tied else ("x",)
    check_laws(program_of(f"sum(sin({call})){extra}", params, **env.values, **tied), mode)


# What is refused.

REFUSED = {
    "Conv2d()": "Conv2d needs its field 'weight'",
    "Conv2d(w, strid=2)": "Conv2d has no field 'strid'",
    "LayerNorm(w, w, 1, 1)": "LayerNorm has the fields weight, bias, eps, and got 4 values",
    "Conv2d(w)(x)": "the weight has the shape (out, in, height, width), not (2, 3)",
    "Conv2d(ones(2, 3, 2, 2))(ones(4))": "the input has the shape (N, C, H, W) or (C, H, W), not (4,)",
    "Conv1d(ones(2, 3, 2))(ones(2, 9))": "2 channels in 1 groups do not fit a weight of shape (2, 3, 2)",
    "Conv1d(ones(3, 1, 2), groups=2)(ones(2, 9))": "do not fit a weight of shape (3, 1, 2)",
    "Conv1d(ones(2, 3, 2), ones(3))(ones(3, 9))": "the bias has the shape (3,), and the weight (2, 3, 2)",
    "Conv1d(ones(2, 3, 2), stride=1.5)(ones(3, 9))": "the stride must be whole and at least 1, not 1.5",
    "Conv1d(ones(2, 3, 2), stride=0)(ones(3, 9))": "the stride must be whole and at least 1, not 0",
    "Conv1d(ones(2, 3, 2), padding=(1, 2))(ones(3, 9))": "the padding has 2 numbers for 1 axes",
    "Conv1d(ones(2, 3, 2), stride=ones(1))(ones(3, 9))": "'stride' must be a number, not an array",
    "Conv1d(ones(2, 3, 5))(ones(3, 4))": "a window of (5,) does not fit into (4,)",
    "Conv1d(ones(2, 3, 2))(ones(3, 4), x)": "Conv1d is called with (x), and got 2 of them",
    "MaxPool(5)(w)": "a window of (5, 5) does not fit into (2, 3)",
    "MaxPool(2)(x)": "windows of (2, 2) do not slide over an input of shape (3,)",
    "MaxPool(2, padding=2)(w)": "the padding (2, 2) is over half of the size (2, 2)",
    "MaxPool(w)(w)": "'size' must be a number, not an array",
    "LayerNorm(ones(2))(x)": "an input of shape (3,) does not end in its weight's shape (2,)",
    "RMSNorm(w)(x)": "an input of shape (3,) does not end in its weight's shape (2, 3)",
    "BatchNorm(x, x, x, ones(2))(ones(4, 3))": "variance has the shape (2,)",
    "Dropout(1)(x)": "the rate must be a number from 0 to 1, 1 excluded, not 1",
    "Dropout(0.5, 0.5)(x)": "the seed must be a whole number, not 0.5",
    "RNNCell(w, w)(x, x)": "RNNCell: Wi of shape (2, 3) and Wh of shape (2, 3) do not fit",
    "RNNCell(w, eye(2))(x)": "RNNCell is called with (x, h), and got 1 of them",
    "RNNCell(w, eye(2))(x, x)": "RNNCell: a state of shape (3,) does not fit its size 2",
    "GRUCell(ones(6, 3), ones(6, 2))(ones(4), ones(2))": "the shapes do not fit: input (4,), weight (6, 3)",
    "LSTMCell(ones(8, 3), ones(8, 2))(x, ones(2))": "LSTMCell is called with (x, (h, c))",
    "MultiHeadAttention(i, i, i, i, 2)(ones(2, 3))": "has no width for 2 heads",
    "MultiHeadAttention(i, i, i, i)(x)": "inputs have the shape (..., length, width), not (3,)",
    "MultiHeadAttention(i, i, i, i, mask=zeros(2, 2))(w)": "a query may see no key at all",
    "MultiHeadAttention(i, i, i, i, mask=x)(w)": "a mask of shape (3,) for scores (2, 2)",
    "Parallel()": "Parallel needs its field 'connection'",
    "Parallel(add)(x)": "Parallel needs a layer at least",
    "Parallel(add, exp, sin)(x, x, x)": "2 layers take 1 input or as many, not 3",
    "Maxout()(x)": "Maxout needs a layer at least",
    "Bilinear(w)(x)": "inputs of shapes (3,) and (3,) do not fit a weight of shape (2, 3)",
    "Dense(w)(ones(2))": "Dense: the shapes do not fit: input (2,), weight (2, 3)",
    "mse(x, ones(2))": "mse takes two arrays of one shape, not (3,) and (2,)",
    "huber(x, x, delta=0)": "delta must be positive",
    "mse(x, x, reduction='men')": "there is no reduction 'men'",
    "cross_entropy(w, array([0, 3]))": "class numbers are whole, from 0 to 2",
    "cross_entropy(w, x)": "targets of shape (3,) for logits of shape (2, 3)",
    "binary_cross_entropy(2 * x, x)": "takes probabilities from 0 to 1",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_does_not_fit_is_refused_in_words(text):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, x=np.ones(3), w=np.ones((2, 3)), i=np.eye(3))
    assert REFUSED[text] in str(caught.value)


@pytest.mark.parametrize(
    "text", ["conv1d(ones(1, 2), ones(1, 1, 1), padding=p)", "max_pool(ones(2, 2), size=p, padding=p)"]
)
def test_padding_is_counted_before_it_is_allocated(text):
    with metered(Meter()), pytest.raises((EngineError, ExpressionError), match="elements"):
        parse(text.replace("size=p", "size=200000000000")).evaluate(let(p=1e11))


def test_settings_may_be_traced_numbers():
    texts = {"w": np.ones((1, 1, 2)), "x": np.ones((1, 4)), "s": 2.0}
    (found,) = members("sum(Conv1d(w, stride=s)(x))", ("w",), "implicit", **texts)
    assert matches(found, [[[2, 2]]])


def test_python_may_leave_a_field_empty():
    x, w = np.ones((1, 4)), np.ones((1, 1, 2))
    assert matches(dense(primal(evaluate("m(x)", m=LAYERS["Conv1d"](w, None, 2), x=x))), [[2, 2]])
