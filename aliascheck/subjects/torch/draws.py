"""Random draws of a model in float64, made as the model itself makes them: in its precision, on its device.

From one seed torch draws other numbers in other precisions, and the loss is another one. A draw is seen where
it is made: below functions written in Python, whose own calls no mode for functions is told of.

Not seen are the draws of fused attention, of cuDNN and of `rrelu`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from aliascheck.subjects.torch.reading import map_leaves, tensors_in

Kind = tuple[Any, Any]  # a precision, and a device

OVER = ("normal", "uniform", "exponential", "cauchy", "log_normal", "geometric", "random", "bernoulli")
MADE = ("rand", "randn", "randint", "rand_like", "randn_like", "randint_like")
OF_NUMBERS = ("normal", "bernoulli", "poisson", "binomial", "multinomial", "native_dropout")
DRAWS = frozenset(
    getattr(torch.ops.aten, name) for name in (*(f"{name}_" for name in OVER), *MADE, *OF_NUMBERS)
)
DROPS = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
LAYERS = ("lstm", "gru", "rnn_tanh", "rnn_relu", "scaled_dot_product_attention")
IN_PYTHON = ("torch.nn.functional", "torch.nn.init")
NAMES = frozenset((*(f"{name}_" for name in (*OVER, *DROPS)), *MADE, *OF_NUMBERS, *DROPS, *LAYERS))


def may_draw(function: Any) -> bool:
    """Whether a function of torch may draw random numbers, itself or in what it calls."""
    if isinstance(function, FunctionType) and function.__module__ in IN_PYTHON:
        return True
    return getattr(function, "__name__", "") in NAMES


class Draws:
    """The precision and the device of each draw that a model makes, by what draws how many numbers."""

    def __init__(self) -> None:
        self._kinds: dict[Any, set[Kind]] = {}

    def note(self, draw: Any, kind: Kind) -> None:
        """Remember a draw of the model."""
        self._kinds.setdefault(draw, set()).add(kind)

    def of(self, draw: Any, usual: Kind) -> Kind:
        """The kind of a draw, the usual one where the model made it in several, or never."""
        kinds = self._kinds.get(draw, set())
        return next(iter(kinds)) if len(kinds) == 1 else usual


class DrawsNoted(TorchFunctionMode):  # type: ignore[misc]
    """Notes the draws that functions make."""

    def __init__(self, draws: Draws) -> None:
        super().__init__()
        self._draws = draws

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not may_draw(func):
            return func(*args, **(kwargs or {}))
        with _Noting(self._draws):
            return func(*args, **(kwargs or {}))


class _Noting(TorchDispatchMode):  # type: ignore[misc]
    def __init__(self, draws: Draws) -> None:
        super().__init__()
        self._draws = draws

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket in DRAWS:
            self._draws.note(_draw(func, args), _kind(args, kwargs))
        return func(*args, **kwargs)


class DrawnAlike(TorchDispatchMode):  # type: ignore[misc]
    """Makes draws in float64 as a model made them, the others in the `usual` precision, and widens them."""

    def __init__(self, draws: Draws, usual: Any) -> None:
        super().__init__()
        self._draws, self._usual = draws, usual

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        asked = _kind(args, kwargs)
        if func.overloadpacket not in DRAWS or asked[0] is not torch.float64:
            return func(*args, **kwargs)
        kind = self._draws.of(_draw(func, args), (self._usual, asked[1]))
        if kind == asked:
            return func(*args, **kwargs)
        if func is torch.ops.aten.native_dropout.default:
            return _dropped(kind, *args)
        draw = _normal if func.overloadpacket is torch.ops.aten.normal else _drawn
        return draw(func, args, kwargs, kind, asked)


def _draw(func: Any, args: Sequence[Any]) -> Any:
    """What stands for a draw: the operator, and the shape of what it is given."""
    given = next(tensors_in(args), None)
    sizes = [part for part in args if isinstance(part, list | tuple)]
    shape = sizes[0] if given is None and sizes else () if given is None else given.shape
    return func.overloadpacket, tuple(shape)


def _kind(args: Sequence[Any], kwargs: dict[str, Any]) -> Kind:
    """The precision and device that a draw is asked for in; None for whole numbers."""
    given = next((part for part in tensors_in((args, kwargs)) if part.is_floating_point()), None)
    dtype = kwargs.get("dtype") or (torch.get_default_dtype() if given is None else given.dtype)
    device = kwargs.get("device") or (torch.device("cpu") if given is None else given.device)
    return dtype, device


def _drawn(func: Any, args: Sequence[Any], kwargs: dict[str, Any], kind: Kind, asked: Kind) -> Any:
    """A draw of a kind, widened to what was asked for; what is drawn into gets the numbers.

    Memory of the same strides stands for it: torch draws in another order where it is not contiguous.
    """
    dtype, device = kind
    target: Any = args[0] if func.overloadpacket.__name__.endswith("_") else kwargs.get("out")

    def narrow(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if value is target:
            return torch.empty_strided(value.size(), value.stride(), dtype=dtype, device=device)
        return value.to(device, dtype) if value.is_floating_point() else value.to(device)

    options = {name: one for name, one in (("dtype", dtype), ("device", device)) if name in kwargs}
    drawn = func(*map_leaves(narrow, args), **{**map_leaves(narrow, kwargs), **options})
    if target is None:
        return drawn.to(asked[1], asked[0] if drawn.is_floating_point() else drawn.dtype)
    if target.shape != drawn.shape:
        target.resize_(drawn.shape)
    return target.copy_(drawn)


def _normal(func: Any, args: Sequence[Any], kwargs: dict[str, Any], kind: Kind, asked: Kind) -> Any:
    """Normal numbers about tensors of means, or of deviations, which stay as exact as they are."""
    mean, deviation = (*args, 1.0)[:2]
    if not any(isinstance(part, torch.Tensor) for part in (mean, deviation)):
        return _drawn(func, args, kwargs, kind, asked)
    centre = torch.zeros_like(mean) if isinstance(mean, torch.Tensor) else 0.0
    unit = torch.ones_like(deviation) if isinstance(deviation, torch.Tensor) else deviation
    drawn = _drawn(func, (centre, unit), kwargs, kind, asked)
    return (drawn if unit is deviation else drawn.mul_(deviation)).add_(mean)


def _dropped(kind: Kind, numbers: Any, share: float, train: bool | None) -> Any:
    """Numbers without those that are left out, and which are left."""
    dtype, device = kind
    ones = torch.ones_like(numbers, dtype=dtype, device=device)
    _, left = torch.ops.aten.native_dropout(ones, share, train)
    left = left.to(numbers.device)
    scale = 1.0 if train is False or share == 1.0 else 1.0 / (1.0 - share)
    return numbers * left * scale, left
