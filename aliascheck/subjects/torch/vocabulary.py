"""The primitives in torch's words, on tensors of float64. What is not here, torch has not."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from aliascheck.engine import Vocabulary
from aliascheck.subjects.composed import Composed, as_index, thawed
from aliascheck.subjects.torch import namespace as ns

composed = Composed(sys.modules[ns.__name__])

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "negative": torch.negative,
    "positive": torch.positive,
    "abs": torch.abs,
    "sign": torch.sign,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "trunc": torch.trunc,
    "round": composed.round,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "log": torch.log,
    "log2": torch.log2,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
    "cbrt": composed.cbrt,
    "square": torch.square,
    "reciprocal": torch.reciprocal,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "arcsin": torch.arcsin,
    "arccos": torch.arccos,
    "arctan": torch.arctan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "arcsinh": torch.arcsinh,
    "arccosh": torch.arccosh,
    "arctanh": torch.arctanh,
    "rad2deg": torch.rad2deg,
    "deg2rad": torch.deg2rad,
    "sinc": torch.sinc,
    "nan_to_num": torch.nan_to_num,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": functional.logsigmoid,
    "softplus": composed.softplus,
    "relu": torch.relu,
    "leaky_relu": lambda x, slope=0.01: functional.leaky_relu(x, slope),
    "elu": functional.elu,
    "selu": torch.selu,
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "hard_tanh": functional.hardtanh,
    "clip": composed.clip,
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "divide": torch.divide,
    "power": torch.pow,
    "mod": torch.remainder,
    "fmod": torch.fmod,
    "floor_divide": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "heaviside": composed.heaviside,
    "hypot": torch.hypot,
    "arctan2": torch.arctan2,
    "logaddexp": torch.logaddexp,
    "logaddexp2": torch.logaddexp2,
    "copysign": torch.copysign,
    "where": lambda condition, x, y: torch.where(condition != 0, x, y),
    "less": torch.less,
    "less_equal": torch.less_equal,
    "greater": torch.greater,
    "greater_equal": torch.greater_equal,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
    "logical_not": torch.logical_not,
    "isnan": torch.isnan,
    "isinf": torch.isinf,
    "isfinite": torch.isfinite,
}


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean of the two in the middle: torch's own takes the lower one."""
    axes = [a % x.ndim for a in ns.axes_of(x, axis)]
    kept = [a for a in range(x.ndim) if a not in axes]
    lead, joined_up = [x.shape[a] for a in kept], math.prod(x.shape[a] for a in axes)
    rows = x.permute(*kept, *axes).reshape(*lead, joined_up) if x.ndim else x.reshape(1)
    ordered, _ = torch.sort(rows, dim=-1, stable=True)
    count = ordered.shape[-1]
    out = torch.mean(ordered[..., (count - 1) // 2 : count // 2 + 1], -1)
    return out.reshape([1 if a in axes else x.shape[a] for a in range(x.ndim)]) if keepdims else out


def over_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of torch over one axis as one over several, or all of them joined."""

    def apply(x: Any, axis: Any = -1) -> Any:
        if not x.ndim:
            return function(x.reshape(1), 0).reshape(())
        axes = [a % x.ndim for a in ns.axes_of(x, axis)]
        kept = [a for a in range(x.ndim) if a not in axes]
        moved = x.permute(*kept, *axes)
        rows = moved.reshape(*(x.shape[a] for a in kept), math.prod(x.shape[a] for a in axes))
        out = function(rows, -1).reshape(moved.shape)
        return out.permute(*(int(a) for a in np.argsort([*kept, *axes])))

    return apply


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = ns.axes_of(x, axis)
    return torch.logsumexp(x, axes, keepdim=keepdims) if axes else x.clone()


def sorted_row(x: Any, axis: Any = -1) -> Any:
    return ns.along(lambda row, one: torch.sort(row, dim=one, stable=True)[0], x, axis)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": ns.sum,
    "mean": ns.mean,
    "prod": ns.prod,
    "max": ns.max,
    "min": ns.min,
    "ptp": composed.ptp,
    "median": median,
    "var": composed.var,
    "std": composed.std,
    "logsumexp": logsumexp,
    "softmax": over_axes(torch.softmax),
    "log_softmax": over_axes(torch.log_softmax),
    "cumsum": lambda x, axis=None: ns.along(torch.cumsum, x, axis),
    "cumprod": lambda x, axis=None: ns.along(torch.cumprod, x, axis),
    "argmax": lambda x, axis=None, keepdims=False: ns.position(torch.argmax, x, axis, keepdims),
    "argmin": lambda x, axis=None, keepdims=False: ns.position(torch.argmin, x, axis, keepdims),
    "norm": lambda x, ord=None, axis=None, keepdims=False: torch.linalg.norm(x, ord, axis, keepdim=keepdims),
    "sort": sorted_row,
    "argsort": lambda x, axis=-1, kind=None: ns.along(
        lambda row, one: torch.argsort(row, dim=one, stable=True), x, axis
    ),
    "searchsorted": lambda x, y, side="left": torch.searchsorted(x.contiguous(), y.contiguous(), side=side),
}


def scatter(x: Any, indices: Any = None, size: int = 0, axis: int = 0) -> Any:
    """Zeros, with the rows of x added at indices along an axis."""
    at = torch.as_tensor(as_index(indices))
    first = axis % max(x.ndim - at.ndim + 1, 1)
    rows = x.reshape(*x.shape[:first], -1, *x.shape[first + at.ndim :])
    whole = torch.zeros(*x.shape[:first], size, *x.shape[first + at.ndim :], dtype=x.dtype)
    return whole.index_add(first, at.reshape(-1) % size, rows)


def joined(at_least: Callable[..., Any], axis_of: Callable[[int], int]) -> Callable[..., Any]:
    """Tensors joined, once they have so many axes at least."""

    def apply(parts: Any) -> Any:
        raised = [at_least(part) for part in parts]
        return torch.cat(raised, axis_of(raised[0].ndim))

    return apply


SHAPES: dict[str, Callable[..., Any]] = {
    **composed.aliases(),
    **composed.rearranging(),
    "slice": lambda x, key: ns.indexed(x, thawed(key)),
    "diagonal": torch.diagonal,
    "broadcast_to": torch.broadcast_to,
    "copy": lambda x: x.clone(memory_format=torch.contiguous_format),
    "stop_gradient": lambda x: x.detach(),
    "getindex": ns.indexed,
    "take": composed.take,
    "gather": composed.gather,
    "scatter": scatter,
    "take_along_axis": composed.take_along_axis,
    "pad": composed.pad,
    "concatenate": ns.concatenate,
    "stack": ns.stack,
    "hstack": joined(torch.atleast_1d, lambda ndim: 0 if ndim == 1 else 1),
    "vstack": joined(torch.atleast_2d, lambda ndim: 0),
}


def dot(x: Any, y: Any) -> Any:
    if not x.ndim or not y.ndim:
        return x * y
    return x @ y if x.ndim <= 2 and y.ndim <= 2 else torch.tensordot(x, y, ([-1], [max(y.ndim - 2, 0)]))


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        return torch.tensordot(x, y, axes)
    left, right = ((one,) if isinstance(one, int) else tuple(one) for one in axes)
    return torch.tensordot(x, y, (left, right))


def inner(x: Any, y: Any) -> Any:
    return x * y if not x.ndim or not y.ndim else torch.tensordot(x, y, ([-1], [-1]))


LINEAR: dict[str, Callable[..., Any]] = {
    "matmul": torch.matmul,
    "dot": dot,
    "inner": inner,
    "tensordot": tensordot,
    "outer": composed.outer,
    "kron": composed.kron,
    "trace": composed.trace,
    "diag": lambda x, k=0: torch.diag(x, k),
    "tril": lambda x, k=0: torch.tril(x, k),
    "triu": lambda x, k=0: torch.triu(x, k),
    "einsum": lambda *arrays, spec, optimize=False: torch.einsum(spec, *arrays),
    "det": torch.linalg.det,
    "slogdet": lambda x: tuple(torch.linalg.slogdet(x)),
    "inv": torch.linalg.inv,
    "pinv": torch.linalg.pinv,
    "solve": torch.linalg.solve,
    "solve_triangular": composed.solve_triangular,
    "cholesky": lambda x: torch.linalg.cholesky(composed.symmetric(x)),
    "eigvalsh": lambda x, UPLO="L": torch.linalg.eigvalsh(composed.symmetric(x, UPLO)),
    "svdvals": torch.linalg.svdvals,
    "conv1d": functional.conv1d,
    "conv2d": functional.conv2d,
}


def real(tensor: Any) -> Any:
    """A tensor as one of floats."""
    return tensor if tensor.dtype == torch.float64 else tensor.to(torch.float64)


VOCABULARY = Vocabulary(
    engine="torch",
    functions={**ELEMENTWISE, **REDUCTIONS, **SHAPES, **LINEAR, **composed.for_every_engine()},
    array=ns.floats,
    real=real,
    whole=lambda tensor: tensor.long() if tensor.is_floating_point() else tensor,
    numbers=lambda tensor: tensor.detach().numpy(),
)
