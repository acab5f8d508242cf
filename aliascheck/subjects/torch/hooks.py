"""Hooks of a tensor on its counterpart in float64."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch

from aliascheck.subjects.torch.keeping import kept_numbers

Hook = Callable[[Any], Any]
ROUNDINGS = 8  # by which a hook's results in float64 and below may be apart


def with_hooks(old: Any, new: Any) -> Any:
    """A leaf with the hooks of the one that it stands for."""
    for hook in (old._backward_hooks or {}).values():
        new.register_hook(hook)
    for hook in (getattr(old, "_post_accumulate_grad_hooks", None) or {}).values():
        new.register_post_accumulate_grad_hook(_of_old(hook, old))
    return new


def _of_old(hook: Hook, old: Any) -> Hook:
    """A hook that is shown the model's own tensor, since optimizers that step in it know no other."""

    def called(new: Any) -> None:
        if new.grad.layout is not torch.strided:
            hook(new)
            return
        given, exact = new.grad.to(old.device, old.dtype), new.grad.clone()
        left = _left_by(hook, old, given)
        if left is None:
            new.grad = None
        elif not torch.equal(left, given):
            with suppress(Exception):  # a hook that knows its own tensor only
                hook(new)
            near = ROUNDINGS * torch.finfo(left.dtype).eps
            if new.grad is None or not torch.allclose(new.grad.to(left), left, near, 0.0):
                new.grad = torch.where((left == given).to(exact.device), exact, left.to(exact))

    return called


def _left_by(hook: Hook, old: Any, given: Any) -> Any:
    """What a hook makes of a gradient of its own tensor, of which everything else is put back."""
    before, old.grad = old.grad, given.clone()
    try:
        with kept_numbers([old]):
            hook(old)
        return old.grad
    finally:
        old.grad = before
