"""Indices, as arrays and containers take them."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from aliascheck.engine import Foreign, is_foreign, primal, read_item
from aliascheck.errors import EngineError
from aliascheck.language.allocate import whole_number
from aliascheck.memory import dense, is_array


def read_key(holder: Any, key: str) -> Any:
    """The value at a dict's `key`. Raises EngineError where `holder` is no dict or lacks it."""
    if not isinstance(primal(holder), dict):
        raise EngineError("only a dict is indexed by a key in quotes")
    return read_item(holder, key)


def make_slice(start: Any, stop: Any, step: Any) -> slice:
    """A slice of whole numbers or None. Raises EngineError for anything else."""
    if any(is_array(bound) or isinstance(bound, tuple | list) for bound in (start, stop, step)):
        raise EngineError("a slice is made of whole numbers")
    return slice(start, stop, step)


def is_constant_index(node: ast.AST | None) -> bool:
    """Whether an index is settled before anything is evaluated."""
    if isinstance(node, ast.Tuple):
        return all(is_constant_index(part) for part in node.elts)
    if isinstance(node, ast.Slice):
        return all(is_constant_index(bound) for bound in (node.lower, node.upper, node.step))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return node is None or isinstance(node, ast.Constant)


def index_part(value: Any) -> Any:
    """An index as arrays and containers take it: numbers as integers, lists as arrays, nothing traced."""
    value = primal(value)
    if isinstance(value, Foreign):
        return value
    if isinstance(value, tuple):
        return tuple([index_part(part) for part in value])
    if isinstance(value, list) and not is_foreign(value):
        return _index_array(np.asarray(value))
    if is_array(value):
        return _index_array(dense(value))
    if isinstance(value, bool | np.bool_):
        raise EngineError("true and false are no indices")
    return whole_number(value, "an index")


def _index_array(numbers: Any) -> Any:
    """Whole numbers or a mask. A single number is an integer."""
    if numbers.dtype.kind == "b":
        return numbers
    if numbers.ndim == 0:
        return whole_number(numbers, "an index")
    if numbers.dtype.kind not in "iuf" or not np.array_equal(numbers, np.round(numbers)):
        raise EngineError("an index array holds whole numbers")
    return numbers.astype(np.int64)
