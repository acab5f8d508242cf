"""The primitives in autograd's words. What is not here, autograd has not, or not its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval

from aliascheck.engine import Vocabulary
from aliascheck.subjects.composed import Composed, shown

composed = Composed(anp)


def where(condition: Any, x: Any, y: Any) -> Any:
    """As autograd's, which has no derivative by what is stretched: here nothing is."""
    shape = np.broadcast_shapes(condition.shape, x.shape, y.shape)
    return anp.where(condition != 0, *(shown(one, np.broadcast_to, shape) for one in (x, y)))


def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Numbers for what is none or infinite: those furthest out where none are given."""
    high = np.finfo(float).max if posinf is None else posinf
    low = np.finfo(float).min if neginf is None else neginf
    filling = np.where(numbers(x) > 0, high, np.where(numbers(x) < 0, low, nan))
    return anp.where(anp.isfinite(x), x, filling)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "negative": anp.negative,
    "positive": lambda x: 1.0 * x,
    "abs": anp.abs,
    "sign": anp.sign,
    "floor": anp.floor,
    "ceil": anp.ceil,
    "trunc": anp.trunc,
    "round": anp.round,
    "exp": anp.exp,
    "exp2": anp.exp2,
    "expm1": anp.expm1,
    "log": anp.log,
    "log2": anp.log2,
    "log10": anp.log10,
    "log1p": anp.log1p,
    "sqrt": anp.sqrt,
    "cbrt": composed.cbrt,
    "square": anp.square,
    "reciprocal": anp.reciprocal,
    "sin": anp.sin,
    "cos": anp.cos,
    "tan": anp.tan,
    "arcsin": anp.arcsin,
    "arccos": anp.arccos,
    "arctan": anp.arctan,
    "sinh": anp.sinh,
    "cosh": anp.cosh,
    "tanh": anp.tanh,
    "arcsinh": anp.arcsinh,
    "arccosh": anp.arccosh,
    "arctanh": anp.arctanh,
    "rad2deg": anp.rad2deg,
    "deg2rad": anp.deg2rad,
    "sinc": anp.sinc,
    "nan_to_num": nan_to_num,
    "sigmoid": composed.sigmoid,
    "log_sigmoid": composed.log_sigmoid,
    "softplus": composed.softplus,
    "relu": composed.relu,
    "leaky_relu": composed.leaky_relu,
    "elu": composed.elu,
    "selu": composed.selu,
    "gelu": composed.gelu,
    "silu": composed.silu,
    "hard_tanh": composed.hard_tanh,
    "clip": composed.clip,
    "add": anp.add,
    "subtract": anp.subtract,
    "multiply": anp.multiply,
    "divide": anp.divide,
    "power": anp.power,
    "mod": anp.mod,
    "floor_divide": anp.floor_divide,
    "maximum": anp.maximum,
    "minimum": anp.minimum,
    "fmax": anp.fmax,
    "fmin": anp.fmin,
    "heaviside": composed.heaviside,
    "hypot": composed.hypot,
    "arctan2": anp.arctan2,
    "logaddexp": anp.logaddexp,
    "logaddexp2": anp.logaddexp2,
    "where": where,
    "less": anp.less,
    "less_equal": anp.less_equal,
    "greater": anp.greater,
    "greater_equal": anp.greater_equal,
    "equal": anp.equal,
    "not_equal": anp.not_equal,
    "logical_and": anp.logical_and,
    "logical_or": anp.logical_or,
    "logical_xor": anp.logical_xor,
    "logical_not": anp.logical_not,
    "isnan": anp.isnan,
    "isinf": anp.isinf,
    "isfinite": anp.isfinite,
}

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": anp.sum,
    "mean": anp.mean,
    "prod": anp.prod,
    "max": anp.max,
    "min": anp.min,
    "ptp": composed.ptp,
    "median": composed.median,
    "var": composed.var,
    "std": composed.std,
    "logsumexp": composed.logsumexp,
    "softmax": composed.softmax,
    "log_softmax": composed.log_softmax,
    "cumsum": anp.cumsum,
    "cumprod": composed.cumprod,
    "argmax": anp.argmax,
    "argmin": anp.argmin,
    "norm": anp.linalg.norm,
    "sort": composed.sort,
    "argsort": anp.argsort,
    "searchsorted": anp.searchsorted,
}

SHAPES: dict[str, Callable[..., Any]] = {
    **composed.aliases(),
    **composed.rearranging(),
    "copy": lambda x: 1.0 * x,
    "stop_gradient": lambda x: getval(x),
    "getindex": composed.picked,
    "take": composed.take,
    "gather": composed.gather,
    "take_along_axis": composed.take_along_axis,
    "pad": composed.pad,
    "concatenate": lambda arrays, axis=0: anp.concatenate(
        [array.reshape((-1,)) for array in arrays] if axis is None else arrays, axis or 0
    ),
    "stack": anp.stack,
    "hstack": anp.hstack,
    "vstack": anp.vstack,
}

LINEAR: dict[str, Callable[..., Any]] = {
    "matmul": anp.matmul,
    "dot": anp.dot,
    "inner": anp.inner,
    "tensordot": anp.tensordot,
    "outer": composed.outer,
    "kron": composed.kron,
    "trace": composed.trace,
    "diag": composed.diag,
    "tril": composed.tril,
    "triu": composed.triu,
    "einsum": lambda *arrays, spec, optimize=False: anp.einsum(spec, *arrays),
    "det": anp.linalg.det,
    "slogdet": lambda x: tuple(anp.linalg.slogdet(x)),
    "inv": anp.linalg.inv,
    "pinv": anp.linalg.pinv,
    "solve": anp.linalg.solve,
    "solve_triangular": composed.solve_triangular,
    "cholesky": lambda x: anp.linalg.cholesky(composed.symmetric(x)),
    "eigvalsh": lambda x, UPLO="L": anp.linalg.eigh(composed.symmetric(x, UPLO))[0],
    "svdvals": lambda x: anp.linalg.svd(x, full_matrices=False)[1],
    "conv1d": composed.convolved,
    "conv2d": composed.convolved,
}


def numbers(array: Any) -> Any:
    """The numbers of an array that counts or picks something; nothing flows back to it."""
    while hasattr(array, "_value"):
        array = array._value
    return np.asarray(array)


def real(array: Any) -> Any:
    """An array as one of floats."""
    return array if array.dtype.kind == "f" else anp.asarray(array, float)


VOCABULARY = Vocabulary(
    engine="autograd",
    functions={**ELEMENTWISE, **REDUCTIONS, **SHAPES, **LINEAR, **composed.for_every_engine()},
    array=lambda value: np.asarray(value, float),
    real=real,
    whole=lambda array: whole(numbers(array)),
    numbers=numbers,
)


def whole(array: Any) -> Any:
    """An index of whole numbers, or a mask."""
    return array.astype(np.int64) if array.dtype.kind == "f" else array
