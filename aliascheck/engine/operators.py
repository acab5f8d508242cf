"""Python's operators and NumPy's functions on traced values: each is a primitive of the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aliascheck.engine.primitive import REGISTRY
from aliascheck.engine.tracer import Tracer
from aliascheck.errors import EngineError, did_you_mean

_BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "mod": "mod",
    "matmul": "matmul",
}
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
_NUMPY_NAMES = {
    np.absolute: "abs",
    np.remainder: "mod",
    np.linalg.norm: "norm",
    np.linalg.det: "det",
    np.linalg.inv: "inv",
    np.linalg.solve: "solve",
}


def _forward(name: str) -> Callable[[Any, Any], Any]:
    primitive = REGISTRY[name]
    return lambda self, other: primitive(self, other)


def _reflected(name: str) -> Callable[[Any, Any], Any]:
    primitive = REGISTRY[name]
    return lambda self, other: primitive(other, self)


def _primitive_for(function: Any) -> Any:
    name = _NUMPY_NAMES.get(function, getattr(function, "__name__", ""))
    if name not in REGISTRY:
        raise EngineError(f"NumPy's {name} has no rule here", hint=did_you_mean(name, REGISTRY))
    return REGISTRY[name]


def _array_ufunc(self: Tracer, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
    if "out" in settings:
        raise EngineError("a traced value cannot be written into an array", hint="write y = y + x for y += x")
    if method != "__call__" or settings:
        raise EngineError(f"np.{ufunc.__name__}.{method} is not traced", hint="call the function plainly")
    return _primitive_for(ufunc)(*inputs)


def _array_function(self: Tracer, function: Any, types: Any, args: Any, settings: Any) -> Any:
    if function is np.linalg.norm and (len(args) > 1 or "ord" in settings):
        raise EngineError("NumPy's norm of a given order has no rule here", hint="leave ord out")
    return _primitive_for(function)(*args, **settings)


def install() -> None:
    """Give tracers Python's operators and NumPy's dispatch."""
    methods: dict[str, Any] = {
        "__neg__": lambda self: REGISTRY["negative"](self),
        "__pos__": lambda self: self,
        "__abs__": lambda self: REGISTRY["abs"](self),
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
        "__hash__": object.__hash__,
    }
    for operator, name in _BINARY.items():
        methods[f"__{operator}__"] = _forward(name)
        methods[f"__r{operator}__"] = _reflected(name)
    for operator, name in _COMPARISONS.items():
        methods[f"__{operator}__"] = _forward(name)
    for name, method in methods.items():
        setattr(Tracer, name, method)
