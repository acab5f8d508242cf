"""What a loss gives: a real scalar, or an error that says why it is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.engine.tracer import kind_of, primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense

NUMBERS = (np.float64, float)


def check_loss(value: Any) -> float:
    """The number that a loss gave. Raises EngineError where it is no real scalar."""
    number = dense(primal(value))
    if type(number) in NUMBERS:
        return float(number)
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
