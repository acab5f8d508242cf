"""Layers of several steps: normalisation, recurrent cells and attention, in terms of primitives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aliascheck.engine.domain import reals
from aliascheck.engine.foreign import Foreign
from aliascheck.engine.layer import given, has_field, layer
from aliascheck.engine.parts import call, make_tuple, read_field, read_item
from aliascheck.engine.primitive import REGISTRY, primitive
from aliascheck.engine.rules.elementwise import (
    add,
    divide,
    multiply,
    sigmoid,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from aliascheck.engine.rules.linalg import matmul
from aliascheck.engine.rules.reductions import mean, softmax
from aliascheck.engine.rules.shaping import reshape, swapaxes, transpose
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a raw or traced array or number. Raises EngineError for anything else."""
    seen = dense(primal(value))
    if not isinstance(seen, np.ndarray | int | float | np.number | Foreign):
        raise EngineError(f"an array is needed here, not {seen!r}")
    return np.shape(seen)


def project(name: str, weight: Any, x: Any) -> Any:
    """weight @ x; for a batch of rows, x @ transpose(weight). Raises EngineError where they do not fit."""
    rows, shape = shape_of(weight), shape_of(x)
    if len(rows) != 2:
        raise EngineError(f"{name}: a weight has the shape (out, in), not {rows}")
    if not shape or shape[-1] != rows[1]:
        raise EngineError(f"{name}: the shapes do not fit: input {shape}, weight {rows}")
    return matmul(weight, x) if len(shape) == 1 else matmul(x, transpose(weight))


@primitive(
    domain=reals(-3, 3, 2, 3, 4),
    examples=[{}, {"axis": 0}, {"axis": (1, 2), "eps": 0.1}, {"axis": (-1, -2), "eps": 0}],
)
def normalize(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(variance + eps) along an axis"""
    centred = x - np.mean(x, axis=axis, keepdims=True)
    scale = 1.0 / np.sqrt(np.mean(np.square(centred), axis=axis, keepdims=True) + eps)
    out = centred * scale

    def pull(d_out: Any) -> Any:
        along = np.mean(d_out * out, axis=axis, keepdims=True)
        return scale * (d_out - np.mean(d_out, axis=axis, keepdims=True) - out * along)

    return out, pull


def _last_axes(self: Any, x: Any) -> tuple[int, ...]:
    """The last axes of x, those of the weight's shape."""
    wanted, shape = shape_of(read_primal(self, "weight")), shape_of(x)
    if not wanted or shape[-len(wanted) :] != wanted:
        name = primal(self).name
        raise EngineError(f"{name}: an input of shape {shape} does not end in its weight's shape {wanted}")
    return tuple(range(-len(wanted), 0))


def read_primal(self: Any, name: str) -> Any:
    """A field as it is, without a reading on the tape: for its shape."""
    return primal(primal(self).get_field(name))


def _biased(self: Any, out: Any) -> Any:
    return add(out, read_field(self, "bias")) if has_field(self, "bias") else out


@layer(fields=("weight", "bias", "eps"), required=1)
def LayerNorm(self: Any, x: Any) -> Any:  # noqa: N802
    """normalize(x) * weight + bias, over the last axes: those of weight's shape. Source: Ba et al. 2016."""
    out = normalize(x, axis=_last_axes(self, x), **given(self, ("eps",)))
    return _biased(self, multiply(out, read_field(self, "weight")))


@layer(fields=("weight", "eps"), required=1)
def RMSNorm(self: Any, x: Any) -> Any:  # noqa: N802
    """x / sqrt(mean(x^2) + eps) * weight, as LayerNorm. Source: Zhang and Sennrich 2019."""
    eps = given(self, ("eps",)).get("eps", 1e-5)
    spread = sqrt(add(mean(square(x), axis=_last_axes(self, x), keepdims=True), eps))
    return multiply(divide(x, spread), read_field(self, "weight"))


@layer(fields=("weight", "bias", "mean", "variance", "eps"), required=4)
def BatchNorm(self: Any, x: Any) -> Any:  # noqa: N802
    """(x - mean) / sqrt(variance + eps) * weight + bias of each channel, axis 1: in evaluation"""
    shape = shape_of(x)
    channels = shape[1:2] if len(shape) > 1 else shape
    for name in ("weight", "bias", "mean", "variance"):
        if shape_of(read_primal(self, name)) != channels:
            raise EngineError(
                f"BatchNorm: {name} has the shape {shape_of(read_primal(self, name))}, "
                f"and an input of shape {shape} has the channels {channels}"
            )
    eps = given(self, ("eps",)).get("eps", 1e-5)
    scale = divide(read_field(self, "weight"), sqrt(add(read_field(self, "variance"), eps)))
    lie = (-1, *(1,) * (len(shape) - 2))
    centred = subtract(x, reshape(read_field(self, "mean"), *lie))
    return add(multiply(centred, reshape(scale, *lie)), reshape(read_field(self, "bias"), *lie))


CELL = ("Wi", "Wh", "bias")


def _hidden_size(self: Any, gates: int, h: Any) -> int:
    """The length of the state. Raises EngineError where weights or state do not have it."""
    name, by_x, by_h = primal(self).name, *(shape_of(read_primal(self, part)) for part in ("Wi", "Wh"))
    if len(by_h) != 2 or by_h[0] != gates * by_h[1] or by_x[:1] != by_h[:1]:
        many = "" if gates == 1 else f"{gates} * "
        raise EngineError(
            f"{name}: Wi of shape {by_x} and Wh of shape {by_h} do not fit",
            hint=f"Wi has the shape ({many}size, in), and Wh ({many}size, size)",
        )
    if shape_of(h)[-1:] != by_h[1:]:
        raise EngineError(f"{name}: a state of shape {shape_of(h)} does not fit its size {by_h[1]}")
    return by_h[1]


def _from_input(self: Any, x: Any) -> Any:
    return _biased(self, project(primal(self).name, read_field(self, "Wi"), x))


def _from_state(self: Any, h: Any) -> Any:
    return project(primal(self).name, read_field(self, "Wh"), h)


def _gate(rows: Any, number: int, size: int) -> Any:
    """The rows of one gate, where those of all gates lie one after the other."""
    return read_item(rows, (..., slice(number * size, (number + 1) * size)))


@layer(fields=(*CELL, "activation"), required=2)
def RNNCell(self: Any, x: Any, h: Any) -> Any:  # noqa: N802
    """h' = activation(Wi @ x + Wh @ h + bias); the activation is tanh if not given"""
    _hidden_size(self, 1, h)
    out = add(_from_input(self, x), _from_state(self, h))
    return call(read_field(self, "activation"), out) if has_field(self, "activation") else tanh(out)


@layer(fields=(*CELL, "hidden_bias"), required=2)
def GRUCell(self: Any, x: Any, h: Any) -> Any:  # noqa: N802
    """h' = (1 - z) * n + z * h, n = tanh(Wi @ x + bias + r * (Wh @ h + hidden_bias)); gates r, z, n"""
    size = _hidden_size(self, 3, h)
    by_x, by_h = _from_input(self, x), _from_state(self, h)
    if has_field(self, "hidden_bias"):
        by_h = add(by_h, read_field(self, "hidden_bias"))
    r = sigmoid(add(_gate(by_x, 0, size), _gate(by_h, 0, size)))
    z = sigmoid(add(_gate(by_x, 1, size), _gate(by_h, 1, size)))
    n = tanh(add(_gate(by_x, 2, size), multiply(r, _gate(by_h, 2, size))))
    return add(n, multiply(z, subtract(h, n)))


@layer(fields=CELL, required=2)
def LSTMCell(self: Any, x: Any, state: Any) -> Any:  # noqa: N802
    """(h', c') from x and (h, c): c' = f * c + i * g, h' = o * tanh(c'); gates i, f, g, o"""
    if not isinstance(primal(state), tuple | list) or len(primal(state)) != 2:
        raise EngineError("LSTMCell is called with (x, (h, c))", hint="write cell(x, (h, c))")
    h, c = read_item(state, 0), read_item(state, 1)
    size = _hidden_size(self, 4, h)
    rows = add(_from_input(self, x), _from_state(self, h))
    i, f, g, o = (_gate(rows, number, size) for number in range(4))
    c = add(multiply(sigmoid(f), c), multiply(sigmoid(i), tanh(g)))
    return make_tuple((multiply(sigmoid(o), tanh(c)), c))


def _split(x: Any, heads: int) -> Any:
    *lead, length, width = np.shape(x)
    return np.swapaxes(np.reshape(x, (*lead, length, heads, width // heads)), -2, -3)


def _merge(x: Any) -> Any:
    *lead, heads, length, width = np.shape(x)
    return np.reshape(np.swapaxes(x, -2, -3), (*lead, length, heads * width))


@primitive(domain=reals(-3, 3, 2, 3, 4), examples=[{"heads": 2}, {"heads": 4}, {"heads": 1}])
def split_heads(x: Any, heads: int = 1) -> Any:
    """(..., length, width) as (..., heads, length, width / heads)"""
    shape = np.shape(x)
    if isinstance(heads, bool) or not isinstance(heads, int) or heads < 1:
        raise EngineError(f"split_heads: the number of heads must be whole and at least 1, not {heads}")
    if len(shape) < 2 or shape[-1] % heads:
        raise EngineError(f"split_heads: an array of shape {shape} has no width for {heads} heads")
    return np.array(_split(x, heads), order="C"), _merge


@primitive(domain=reals(-3, 3, 2, 3, 4))
def merge_heads(x: Any) -> Any:
    """(..., heads, length, width) as (..., length, heads * width)"""
    if np.ndim(x) < 3:
        raise EngineError(f"merge_heads takes (..., heads, length, width), not {np.shape(x)}")
    heads = np.shape(x)[-3]
    return np.array(_merge(x)), lambda d_out: _split(d_out, heads)


def _hidden_scores(self: Any, queries: int, keys: int) -> Any:
    """What is added to the scores: -inf where a query may not see a key. None where all are seen."""
    seen = np.ones((queries, keys), bool)
    if given(self, ("causal",)).get("causal", False):
        seen = np.tril(seen)
    if has_field(self, "mask"):
        mask = dense(read_primal(self, "mask"))
        if isinstance(mask, Foreign):
            return where(multiply(seen, REGISTRY["greater"](mask, 0.5)), 0.0, -np.inf)
        if np.shape(mask)[-2:] != seen.shape:
            raise EngineError(f"MultiHeadAttention: a mask of shape {np.shape(mask)} for scores {seen.shape}")
        seen = seen & (np.asarray(mask) > 0.5)
    if not np.all(np.any(seen, axis=-1)):
        raise EngineError("MultiHeadAttention: a query may see no key at all")
    return None if np.all(seen) else np.where(seen, 0.0, -np.inf)


@layer(fields=("query", "key", "value", "output", "heads", "causal", "mask"), required=4)
def MultiHeadAttention(self: Any, query: Any, key: Any = None, value: Any = None) -> Any:  # noqa: N802
    """softmax(q @ k' / sqrt(d)) @ v in each head, of projections by weights; mask is 1 where a key is seen

    Shapes: inputs (..., length, width), weights (width, width). Called with one input, it attends to itself.
    Source: Vaswani et al. 2017.
    """
    name = primal(self).name
    key = query if key is None else key
    value = key if value is None else value
    inputs = {"query": query, "key": key, "value": value}
    if any(len(shape_of(one)) < 2 for one in inputs.values()):
        raise EngineError(f"{name}: inputs have the shape (..., length, width), not {shape_of(query)}")
    heads = given(self, ("heads",))
    q, k, v = (split_heads(project(name, read_field(self, part), x), **heads) for part, x in inputs.items())
    q = multiply(q, 1.0 / math.sqrt(shape_of(q)[-1]))
    scores = matmul(q, swapaxes(k))
    hidden = _hidden_scores(self, shape_of(q)[-2], shape_of(k)[-2])
    weights = softmax(scores if hidden is None else add(scores, hidden))
    return project(name, read_field(self, "output"), merge_heads(matmul(weights, v)))
