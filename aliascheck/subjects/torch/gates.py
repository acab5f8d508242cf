"""What a name shows, handed on unchanged, its cotangent changed on the way back."""

from __future__ import annotations

from typing import Any

import torch

Factors = dict[str, float]


class Gate(torch.autograd.Function):  # type: ignore[misc]
    """Shows the same memory; backward multiplies by the factor that its name has by then.

    A name without a factor is transparent, also for gradients that the loss itself takes. A factor of 0
    selects: nothing is multiplied by infinity.
    """

    @staticmethod
    def forward(ctx: Any, value: Any, name: str, factors: Factors) -> Any:
        ctx.name, ctx.factors = name, factors
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, None, None]:
        (cotangent,) = cotangents
        factor = ctx.factors.get(ctx.name, 1.0)
        if factor == 1.0:
            return cotangent, None, None
        return torch.zeros_like(cotangent) if factor == 0.0 else cotangent * factor, None, None


class Stale(torch.autograd.Function):  # type: ignore[misc]
    """Shows memory that has nothing to do with a base, whose elements `elements` get the gradient of it."""

    @staticmethod
    def forward(ctx: Any, base: Any, shown: Any, elements: Any) -> Any:
        ctx.shape = base.shape
        ctx.save_for_backward(elements)
        own = torch.empty(0, dtype=shown.dtype, device=shown.device)  # no view to torch: memory may be moved
        return own.set_(shown.untyped_storage(), shown.storage_offset(), shown.size(), shown.stride())

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> tuple[Any, None, None]:
        (elements,) = ctx.saved_tensors
        credited = cotangent.new_zeros(ctx.shape.numel())
        credited = credited.index_add(0, elements.flatten(), cotangent.flatten())
        return credited.view(ctx.shape), None, None


def stale_view(view: Any, base: Any, shown: Any) -> Any:
    """`shown` as torch differentiates a view whose base has left the memory that it shows."""
    elements = torch.arange(base.numel(), device=base.device).view(base.shape)
    return Stale.apply(base, shown, view._view_func_unsafe(elements))
