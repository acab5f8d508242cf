"""Layers of one step, and layers of layers: structs with a call rule, in terms of the primitives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from aliascheck.engine.foreign import Foreign
from aliascheck.engine.layer import given, has_field, layer
from aliascheck.engine.parts import call, iterate, make_list, read_field, read_item
from aliascheck.engine.primitive import ContainerPrimitive, Primitive, charge
from aliascheck.engine.rules.elementwise import add, maximum, multiply
from aliascheck.engine.rules.layers import project, shape_of
from aliascheck.engine.rules.linalg import EINSUM
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense


def _finished(self: Any, out: Any) -> Any:
    """`out` with the bias and the activation of a layer that has them."""
    if has_field(self, "bias"):
        out = add(out, read_field(self, "bias"))
    return call(read_field(self, "activation"), out) if has_field(self, "activation") else out


@layer(fields=("weight", "bias", "activation"), required=1)
def Dense(self: Any, x: Any) -> Any:  # noqa: N802
    """activation(weight @ x + bias); for a batch of rows, x @ transpose(weight) + bias"""
    return _finished(self, project("Dense", read_field(self, "weight"), x))


@layer(fields=("weight", "bias", "activation"), required=1)
def Bilinear(self: Any, x: Any, y: Any = None) -> Any:  # noqa: N802
    """activation(x @ weight[k] @ y + bias[k]) for each k; weight (out, in, in); called with x, y is x"""
    weight, y = read_field(self, "weight"), x if y is None else y
    rows = shape_of(weight)
    if len(rows) != 3 or (shape_of(x)[-1:], shape_of(y)[-1:]) != (rows[1:2], rows[2:]):
        raise EngineError(
            f"Bilinear: inputs of shapes {shape_of(x)} and {shape_of(y)} do not fit a weight of shape {rows}",
            hint="the weight has the shape (out, in, in)",
        )
    by_x = EINSUM("kij,...i->...kj", weight, x)
    return _finished(self, EINSUM("...kj,...j->...k", by_x, y))


@layer(fields=("layers",), variadic=True)
def Chain(self: Any, x: Any) -> Any:  # noqa: N802
    """Layers and functions, one after the other"""
    layers = read_field(self, "layers")
    for step in iterate(layers):
        x = call(step, x)
    return x


def _joined(connection: Any, outs: Sequence[Any]) -> Any:
    """What the connection gives for all of `outs`: one list, a sum and the like two by two, or arguments."""
    function = primal(connection)
    if isinstance(function, ContainerPrimitive):
        return call(connection, make_list(outs))
    if isinstance(function, Primitive) and function.arity == 2:
        return reduce(lambda x, y: call(connection, x, y), outs)
    return call(connection, *outs)


@layer(fields=("connection", "layers"), required=2, variadic=True)
def Parallel(self: Any, *inputs: Any) -> Any:  # noqa: N802
    """connection(layer(x), ...) of the same input, or of an input for each layer: Parallel(add, f, g)"""
    layers = list(iterate(read_field(self, "layers")))
    if not layers:
        raise EngineError("Parallel needs a layer at least")
    if len(inputs) not in (1, len(layers)):
        raise EngineError(f"Parallel: {len(layers)} layers take 1 input or as many, not {len(inputs)}")
    inputs = inputs * len(layers) if len(inputs) == 1 else inputs
    outs = [call(step, x) for step, x in zip(layers, inputs, strict=True)]
    return _joined(read_field(self, "connection"), outs)


@layer(fields=("layer", "connection"), required=2)
def SkipConnection(self: Any, x: Any) -> Any:  # noqa: N802
    """connection(layer(x), x)"""
    return _joined(read_field(self, "connection"), [call(read_field(self, "layer"), x), x])


@layer(fields=("layers",), required=1, variadic=True)
def Maxout(self: Any, x: Any) -> Any:  # noqa: N802
    """The largest of what the layers give, element by element"""
    outs = [call(step, x) for step in iterate(read_field(self, "layers"))]
    if not outs:
        raise EngineError("Maxout needs a layer at least")
    return reduce(maximum, outs)


@layer(fields=("rate", "seed"), required=1)
def Dropout(self: Any, x: Any) -> Any:  # noqa: N802
    """x with a share of elements at 0, and the others / (1 - rate): the same at every call"""
    settings = given(self, ("rate", "seed"))
    rate, seed = dense(settings["rate"]), settings.get("seed", 0)
    if np.ndim(rate) or not 0 <= rate < 1:
        raise EngineError(f"Dropout: the rate must be a number from 0 to 1, 1 excluded, not {rate}")
    if np.ndim(seed) or seed < 0 or seed != int(seed):
        raise EngineError(f"Dropout: the seed must be a whole number, not {seed}")
    shape = shape_of(x)
    charge("Dropout", int(np.prod(shape, dtype=object)))
    kept = np.random.Generator(np.random.PCG64(int(seed))).random(shape) >= rate
    return multiply(x, kept / (1.0 - rate))


@layer(fields=("weight",), required=1)
def Embedding(self: Any, indices: Any) -> Any:  # noqa: N802
    """Rows of weight by number"""
    return read_item(read_field(self, "weight"), _row_numbers(indices))


def _row_numbers(indices: Any) -> Any:
    if isinstance(primal(indices), Foreign):
        return indices
    numbers = np.asarray(dense(primal(indices)))
    if numbers.dtype.kind == "f" and np.array_equal(numbers, np.round(numbers)):
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind not in "iu":
        raise EngineError("an Embedding is called with row numbers", hint='write array([0, 2], dtype="int")')
    return int(numbers) if numbers.ndim == 0 else numbers
