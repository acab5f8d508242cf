"""What derivatives are taken of and by: real numbers, or an error that says why it is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine.tracer import Tracer, kind_of, mixed_tapes, primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense, is_array

NUMBERS = (np.float64, float)


def check_loss(value: Any) -> float:
    """The number that a loss gave. Raises EngineError where it is no real scalar."""
    if type(value) in NUMBERS:
        return float(value)
    number = dense(primal(value))
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | float | np.number | np.ndarray):
        raise EngineError(
            f"the loss is {kind_of(primal(value))}, not a number", hint="reduce it with sum(...)"
        )
    if np.ndim(number) != 0:
        hint = "reduce it with sum(...) or mean(...)"
        raise EngineError(f"the loss has shape {np.shape(number)}, and must be a scalar", hint=hint)
    if np.iscomplexobj(number):
        raise EngineError("the loss is complex", hint="take its real part")
    return float(number)


def check_real(value: Any, what: str) -> None:
    """Raise EngineError where `value` is an array or number that no derivative is taken by."""
    if type(value) is Tracer:
        raise mixed_tapes()
    array = dense(value)
    if type(array) is np.ndarray and array.dtype.kind == "f":
        return
    if isinstance(array, np.matrix | np.ma.MaskedArray):
        raise EngineError(
            f"{what} is a {type(array).__name__}, whose arithmetic is its own", hint="give np.asarray(x)"
        )
    kind = np.asarray(array).dtype.kind if is_array(value) or isinstance(array, np.generic) else ""
    if isinstance(array, bool) or kind == "b":
        name, instead = "boolean", "x.astype(float)"
    elif isinstance(array, complex) or kind == "c":
        name, instead = "complex", "x.real and x.imag apart"
    elif kind in ("i", "u") and is_array(value):
        name, instead = "integer", "x.astype(float)"
    elif kind and kind not in "iuf":
        name, instead = f"of dtype {np.asarray(array).dtype}", "x.astype(float)"
    else:
        return
    raise EngineError(f"{what} is {name}, and derivatives are taken by real numbers", hint=f"give {instead}")
