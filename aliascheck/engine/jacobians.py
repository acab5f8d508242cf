"""Jacobians: a pullback for each element of a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from aliascheck.engine.params import Grads, Params
from aliascheck.engine.recording import WithGradient, pullback
from aliascheck.engine.tracer import kind_of
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, dense, identity, is_array


def withjacobian(function: Callable[..., Any], *args: Any) -> WithGradient:
    """The value of a function that gives a number or an array, and its Jacobian.

    The Jacobian by an array is a matrix: a row for each element of the value, a column for each element
    of the array, both in row-major order; by a number it is a vector. It is a tuple with one for each
    argument, or `Grads` for a single `Params`; an argument without influence has zeros.

    Shapes: (value.size, argument.size), or (value.size,) by a number.
    Raises: EngineError where the value is neither, and for arguments that are made of parts.
    """
    value, back = pullback(function, *args)
    if not is_array(value) and not isinstance(value, int | float | np.number):
        raise EngineError(f"a Jacobian is of a number or an array, not of {kind_of(value)}")
    implicit = len(args) == 1 and isinstance(args[0], Params)
    inputs = list(args[0]) if implicit else args
    for one in inputs:
        if not is_array(one) and not isinstance(one, int | float | np.number):
            raise EngineError(f"a Jacobian is by numbers and arrays, not by {kind_of(one)}")
    shape = np.shape(dense(value))
    rows: list[list[Any]] = []
    for position in range(np.size(dense(value))):
        seed = np.zeros(shape)
        seed.flat[position] = 1.0
        rows.append(_in_order(back(seed)))
    jacobians = [_stacked(one, [row[number] for row in rows]) for number, one in enumerate(inputs)]
    if not implicit:
        return WithGradient(value, tuple(jacobians))
    watched = {identity(member): found for member, found in zip(inputs, jacobians, strict=True)}
    return WithGradient(value, Grads(args[0], watched, {}))


def _in_order(found: Any) -> list[Any]:
    return found.values() if isinstance(found, Grads) else list(found)


def _stacked(one: Any, rows: Iterable[Any]) -> Any:
    """The Jacobian by `one`, from its gradient for each element of the value."""
    like = np.zeros(np.shape(dense(one)))
    flat = [np.ravel(like if row is NOTHING else row) for row in rows]
    matrix = np.array(flat).reshape(len(flat), like.size)
    return matrix if is_array(one) else matrix[:, 0]


def jacobian(function: Callable[..., Any], *args: Any) -> Any:
    """The Jacobian of a function that gives a number or an array, as `withjacobian` describes it."""
    return withjacobian(function, *args).grad
