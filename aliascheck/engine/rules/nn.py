"""Layers: structs with a call rule, written in terms of the primitives; and losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine.domain import Reals, reals
from aliascheck.engine.layer import layer
from aliascheck.engine.parts import call, iterate, read_field, read_item
from aliascheck.engine.primitive import primitive
from aliascheck.engine.rules.elementwise import add
from aliascheck.engine.rules.linalg import matmul
from aliascheck.engine.rules.shaping import transpose
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense


@layer(fields=("weight", "bias", "activation"), required=1)
def Dense(self: Any, x: Any) -> Any:  # noqa: N802
    """activation(weight @ x + bias); for a batch of rows, x @ transpose(weight) + bias"""
    weight = read_field(self, "weight")
    out = matmul(weight, x) if np.ndim(dense(primal(x))) == 1 else matmul(x, transpose(weight))
    names = primal(self).field_names
    if "bias" in names:
        out = add(out, read_field(self, "bias"))
    return call(read_field(self, "activation"), out) if "activation" in names else out


@layer(fields=("layers",), variadic=True)
def Chain(self: Any, x: Any) -> Any:  # noqa: N802
    """Layers and functions, one after the other"""
    layers = read_field(self, "layers")
    for step in iterate(layers):
        x = call(step, x)
    return x


@layer(fields=("weight",), required=1)
def Embedding(self: Any, indices: Any) -> Any:  # noqa: N802
    """Rows of weight by number"""
    return read_item(read_field(self, "weight"), _row_numbers(indices))


def _row_numbers(indices: Any) -> Any:
    numbers = np.asarray(dense(primal(indices)))
    if numbers.dtype.kind == "f" and np.array_equal(numbers, np.round(numbers)):
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind not in "iu":
        raise EngineError("an Embedding is called with row numbers", hint='write array([0, 2], dtype="int")')
    return int(numbers) if numbers.ndim == 0 else numbers


@primitive(domain=(reals(-3, 3, 5), reals(-3, 3, 5)))
def mse(x: Any, y: Any) -> Any:
    """Mean squared error of two arrays of one shape"""
    _same_shape("mse", x, y)
    scaled = np.subtract(x, y) * (2.0 / max(np.size(x), 1))
    return np.mean(np.square(np.subtract(x, y))), (
        lambda d_out: d_out * scaled,
        lambda d_out: -d_out * scaled,
    )


@primitive(domain=(reals(-3, 3, 5), Reals(-3, 3, (5,), between=True)))
def mae(x: Any, y: Any) -> Any:
    """Mean absolute error of two arrays of one shape"""
    _same_shape("mae", x, y)
    signs = np.sign(np.subtract(x, y)) / max(np.size(x), 1)
    return np.mean(np.abs(np.subtract(x, y))), (lambda d_out: d_out * signs, lambda d_out: -d_out * signs)


def _same_shape(name: str, x: Any, y: Any) -> None:
    if np.shape(x) != np.shape(y):
        raise EngineError(f"{name} takes two arrays of one shape, not {np.shape(x)} and {np.shape(y)}")
