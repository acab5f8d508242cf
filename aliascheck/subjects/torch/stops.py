"""What a loss stops gradients at: values taken out of the graph, recorded at a base and replayed.

A function that takes something with a gradient and gives floats without one is a stop: `detach`, `.data`,
`item`, anything computed or written under `no_grad`, a Parameter made of it. Each of its results is looked
at by itself: one that is an argument, or shows the memory of one that had no gradient, is none. Not seen are
stops inside torch's own functions written in Python (`gumbel_softmax`), inside `autograd.Function` and
`torch.func` transforms, and gradients that the loss takes without `create_graph`: what they remove shows as
AC105.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from aliascheck.subjects.torch.given import Given
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
        if not self._looks():
            return func(*args, **kwargs)
        given = Given((args, kwargs))
        out = func(*args, **kwargs)
        if not given.live:
            return out
        name = getattr(func, "__name__", "")
        if name == "detach_" and given.had_graph:
            out.data = self._hold(out.data)
        elif name == "__setitem__":
            self._hold_stopped(args[0], given)
        elif name in AS_NUMBERS:
            return self._hold(out)
        elif self._may_stop(func, name):
            return self._hold_stopped(out, given)
        return out

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

    def _may_stop(self, func: Any, name: str) -> bool:
        if name == "__get__" and func != torch.Tensor.data.__get__ and not self._is_off():
            return False
        return not any(part in name for part in OF_SHAPE_ONLY)

    def _hold_stopped(self, out: Any, given: Given) -> Any:
        """Results, those among them held that have left the graph; the others are what they are now."""
        if not any(given.stops(tensor) for tensor in tensors_in(out)):
            return out
        parts = iter(self._held_now([part for part in leaves_in(out) if not given.keeps(part)]))
        return map_leaves(lambda part: part if given.keeps(part) else given.written(part, next(parts)), out)

    def _hold(self, out: Any) -> Any:
        parts = iter(self._held_now(list(leaves_in(out))))
        return map_leaves(lambda _: next(parts), out)

    def _held_now(self, parts: list[Any]) -> list[Any]:
        """The parts themselves when they are recorded; what was recorded when that is replayed."""
        if self._replayed is None:
            self.held.append([_frozen(part) for part in parts])
            return parts
        if self._position >= len(self._replayed):
            raise RuntimeError("the loss stops gradients at other places than at the given point")
        held = self._replayed[self._position]
        self._position += 1
        if [_shape(part) for part in held] != [_shape(part) for part in parts]:
            raise RuntimeError("the loss stops gradients at other values than at the given point")
        return [_frozen(part) for part in held]


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


def _shape(part: Any) -> Any:
    return part.shape if isinstance(part, torch.Tensor) else None


def _frozen(part: Any) -> Any:
    if not isinstance(part, torch.Tensor):
        return part
    return part.detach().clone().requires_grad_(part.requires_grad)
