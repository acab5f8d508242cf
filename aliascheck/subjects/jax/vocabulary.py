"""The primitives in jax's words. What is not here, jax has not: its arrays are in float64 while this runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from aliascheck.engine import Vocabulary
from aliascheck.subjects.composed import Composed, as_index

composed = Composed(jnp)

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "negative": jnp.negative,
    "positive": jnp.positive,
    "abs": jnp.abs,
    "sign": jnp.sign,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "trunc": jnp.trunc,
    "round": composed.round,
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log2": jnp.log2,
    "log10": jnp.log10,
    "log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "cbrt": jnp.cbrt,
    "square": jnp.square,
    "reciprocal": jnp.reciprocal,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tan": jnp.tan,
    "arcsin": jnp.arcsin,
    "arccos": jnp.arccos,
    "arctan": jnp.arctan,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": jnp.tanh,
    "arcsinh": jnp.arcsinh,
    "arccosh": jnp.arccosh,
    "arctanh": jnp.arctanh,
    "rad2deg": jnp.rad2deg,
    "deg2rad": jnp.deg2rad,
    "sinc": jnp.sinc,
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: jnp.nan_to_num(
        x, nan=nan, posinf=posinf, neginf=neginf
    ),
    "sigmoid": jax.nn.sigmoid,
    "log_sigmoid": jax.nn.log_sigmoid,
    "softplus": jax.nn.softplus,
    "relu": jax.nn.relu,
    "leaky_relu": lambda x, slope=0.01: jax.nn.leaky_relu(x, slope),
    "elu": lambda x, alpha=1.0: jax.nn.elu(x, alpha),
    "selu": jax.nn.selu,
    "gelu": lambda x: jax.nn.gelu(x, approximate=True),
    "silu": jax.nn.silu,
    "hard_tanh": jax.nn.hard_tanh,
    "clip": composed.clip,
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "power": jnp.power,
    "mod": jnp.mod,
    "fmod": jnp.fmod,
    "floor_divide": jnp.floor_divide,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "fmax": jnp.fmax,
    "fmin": jnp.fmin,
    "heaviside": jnp.heaviside,
    "hypot": jnp.hypot,
    "arctan2": jnp.arctan2,
    "logaddexp": jnp.logaddexp,
    "logaddexp2": jnp.logaddexp2,
    "copysign": jnp.copysign,
    "where": lambda condition, x, y: jnp.where(condition != 0, x, y),
    "less": jnp.less,
    "less_equal": jnp.less_equal,
    "greater": jnp.greater,
    "greater_equal": jnp.greater_equal,
    "equal": jnp.equal,
    "not_equal": jnp.not_equal,
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_xor": jnp.logical_xor,
    "logical_not": jnp.logical_not,
    "isnan": jnp.isnan,
    "isinf": jnp.isinf,
    "isfinite": jnp.isfinite,
}

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": jnp.sum,
    "mean": jnp.mean,
    "prod": jnp.prod,
    "max": jnp.max,
    "min": jnp.min,
    "ptp": jnp.ptp,
    "median": jnp.median,
    "var": composed.var,
    "std": composed.std,
    "logsumexp": lambda x, axis=None, keepdims=False: jax.nn.logsumexp(x, axis=axis, keepdims=keepdims),
    "softmax": lambda x, axis=-1: jax.nn.softmax(x, axis if x.ndim else None),
    "log_softmax": lambda x, axis=-1: jax.nn.log_softmax(x, axis if x.ndim else None),
    "cumsum": jnp.cumsum,
    "cumprod": jnp.cumprod,
    "argmax": jnp.argmax,
    "argmin": jnp.argmin,
    "norm": jnp.linalg.norm,
    "sort": jnp.sort,
    "argsort": lambda x, axis=-1, kind=None: jnp.argsort(x, axis=axis),
    "searchsorted": lambda x, y, side="left": jnp.searchsorted(x, y, side=side),
}


def scatter(x: Any, indices: Any = None, size: int = 0, axis: int = 0) -> Any:
    """Zeros, with the rows of x added at indices along an axis."""
    at = as_index(indices)
    first = axis % max(x.ndim - at.ndim + 1, 1)
    whole = (*x.shape[:first], size, *x.shape[first + at.ndim :])
    return jnp.zeros(whole).at[(*(slice(None),) * first, at)].add(x)


SHAPES: dict[str, Callable[..., Any]] = {
    **composed.aliases(),
    **composed.rearranging(),
    "copy": jnp.array,
    "stop_gradient": jax.lax.stop_gradient,
    "getindex": composed.picked,
    "take": composed.take,
    "gather": composed.gather,
    "scatter": scatter,
    "take_along_axis": composed.take_along_axis,
    "pad": composed.pad,
    "concatenate": jnp.concatenate,
    "stack": jnp.stack,
    "hstack": jnp.hstack,
    "vstack": jnp.vstack,
}

LINEAR: dict[str, Callable[..., Any]] = {
    "matmul": jnp.matmul,
    "dot": jnp.dot,
    "inner": jnp.inner,
    "tensordot": jnp.tensordot,
    "outer": jnp.outer,
    "kron": jnp.kron,
    "trace": jnp.trace,
    "diag": jnp.diag,
    "tril": jnp.tril,
    "triu": jnp.triu,
    "einsum": lambda *arrays, spec, optimize=False: jnp.einsum(spec, *arrays),
    "det": jnp.linalg.det,
    "slogdet": lambda x: tuple(jnp.linalg.slogdet(x)),
    "inv": jnp.linalg.inv,
    "pinv": jnp.linalg.pinv,
    "solve": jnp.linalg.solve,
    "solve_triangular": composed.solve_triangular,
    "cholesky": lambda x: jnp.linalg.cholesky(composed.symmetric(x), symmetrize_input=False),
    "eigvalsh": lambda x, UPLO="L": jnp.linalg.eigvalsh(composed.symmetric(x, UPLO), symmetrize_input=False),
    "svdvals": lambda x: jnp.linalg.svd(x, compute_uv=False),
    "conv1d": composed.convolved,
    "conv2d": composed.convolved,
}


def real(array: Any) -> Any:
    """An array as one of floats."""
    return array if array.dtype == jnp.float64 else array.astype(jnp.float64)


VOCABULARY = Vocabulary(
    engine="jax",
    functions={**ELEMENTWISE, **REDUCTIONS, **SHAPES, **LINEAR, **composed.for_every_engine()},
    array=lambda value: jnp.asarray(value, jnp.float64),
    real=real,
    whole=lambda array: array if array.dtype.kind in "bi" else array.astype(jnp.int64),
    numbers=np.asarray,
)
