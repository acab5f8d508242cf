"""Gates: what a name shows, handed on unchanged, its cotangent multiplied on the way back."""

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
