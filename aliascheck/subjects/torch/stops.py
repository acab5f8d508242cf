"""What a loss stops gradients at: values taken out of the graph, recorded at a base and replayed.

A function that takes something with a gradient and gives floats without one is a stop: `detach`, `.data`,
`item`, anything computed under `no_grad`, a Parameter made of it. Not seen are stops inside torch's own
functions written in Python (`gumbel_softmax`), inside `autograd.Function` and `torch.func` transforms, and
gradients that the loss takes without `create_graph`: what they remove shows as AC105.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from aliascheck.subjects.torch.reading import leaves_in, map_leaves, tensors_in

AS_NUMBERS = frozenset({"item", "tolist", "__float__", "__array__", "numpy"})
OF_SHAPE_ONLY = ("_like", "new_")


class Stops(TorchFunctionMode):  # type: ignore[misc]
    """Records the values of stops, in order; given those of another evaluation, replays them instead."""

    def __init__(self, replayed: list[Any] | None = None) -> None:
        super().__init__()
        self.held: list[Any] = []
        self._replayed = replayed
        self._position = 0
        self._disabled = False
        self._makes: Any = None

    def __enter__(self) -> Any:
        self._makes = parameters_made(self._make_parameter)
        self._makes.__enter__()
        return super().__enter__()

    def __exit__(self, *reason: Any) -> None:
        super().__exit__(*reason)
        self._makes.__exit__(None, None, None)

    def _make_parameter(self, make: Any, cls: Any, data: Any = None, requires_grad: Any = True) -> Any:
        """A Parameter made within the loss: of what has a gradient, it is a stop."""
        made = make(cls, data, requires_grad)
        if not isinstance(data, torch.Tensor) or not data.requires_grad or not self._looks():
            return made
        held = self._hold(made)
        return made if held is made else make(cls, held.detach(), requires_grad)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch._C._set_grad_enabled:
            self._follow(bool(args[0]))
            return func(*args, **kwargs)
        given = [tensor for tensor in tensors_in((args, kwargs)) if tensor.requires_grad]
        had_graph = bool(given) and given[0].grad_fn is not None
        out = func(*args, **kwargs)
        if not given or not self._looks():
            return out
        if getattr(func, "__name__", "") == "detach_" and had_graph:
            out.data = self._hold(out.data)
            return out
        return self._hold(out) if self._stops(func, out, given) else out

    def _follow(self, enabled: bool) -> None:
        """Whether the loss has switched gradients off.

        That torch has, in the forward of an autograd.Function, is none of its business.
        """
        if enabled:
            self._disabled = False
        elif torch.is_grad_enabled():
            self._disabled = True

    def _is_off(self) -> bool:
        return self._disabled or bool(torch.is_inference_mode_enabled())

    def _looks(self) -> bool:
        """Whether a function is called by the loss itself, and not by something that torch transforms."""
        transformed = torch._C._functorch.peek_interpreter_stack() is not None
        return (self._is_off() or torch.is_grad_enabled()) and not transformed

    def _stops(self, func: Any, out: Any, given: list[Any]) -> bool:
        name = getattr(func, "__name__", "")
        if name in AS_NUMBERS:
            return True
        if name == "__get__" and func != torch.Tensor.data.__get__ and not self._is_off():
            return False
        if any(part in name for part in OF_SHAPE_ONLY):
            return False
        return any(_is_free(tensor) and all(tensor is not one for one in given) for tensor in tensors_in(out))

    def _hold(self, out: Any) -> Any:
        if self._replayed is None:
            self.held.append([_frozen(part) for part in leaves_in(out)])
            return out
        if self._position >= len(self._replayed):
            raise RuntimeError("the loss stops gradients at other places than at the given point")
        held = self._replayed[self._position]
        self._position += 1
        if [_shape(part) for part in held] != [_shape(part) for part in leaves_in(out)]:
            raise RuntimeError("the loss stops gradients at other values than at the given point")
        left = iter(held)
        return map_leaves(lambda part: _thawed(next(left), part), out)


@contextmanager
def parameters_made(observe: Callable[..., Any]) -> Iterator[None]:
    """Let `observe(make, cls, ...)` make the Parameters of the body: torch tells no mode of them."""
    make = torch.nn.Parameter.__new__

    def made(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return observe(make, cls, *args, **kwargs)

    torch.nn.Parameter.__new__ = staticmethod(made)
    try:
        yield
    finally:
        torch.nn.Parameter.__new__ = staticmethod(make)


def _is_free(tensor: Any) -> bool:
    """Whether a result has left the graph; views made under `no_grad` say that they require a gradient."""
    return bool(tensor.is_floating_point() and tensor.grad_fn is None)


def _shape(part: Any) -> Any:
    return part.shape if isinstance(part, torch.Tensor) else None


def _is_live(part: Any) -> bool:
    return isinstance(part, torch.Tensor) and part.grad_fn is not None


def _frozen(part: Any) -> Any:
    if not isinstance(part, torch.Tensor) or _is_live(part):
        return part
    return part.detach().clone().requires_grad_(part.requires_grad)


def _thawed(held: Any, now: Any) -> Any:
    """What a stop gave; a part that is none is what it is now."""
    if _is_live(now):
        return now
    if not isinstance(held, torch.Tensor):
        return held
    return held.detach().clone().requires_grad_(held.requires_grad)
