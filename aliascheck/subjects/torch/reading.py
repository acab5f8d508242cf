"""Which tensors a loss reads, seen from the functions that it calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

NUMBERS = frozenset({"item", "tolist", "numpy", "__float__", "__int__", "__bool__", "__array__", "equal"})


def leaves_in(value: Any) -> Iterator[Any]:
    """What stands in the lists, tuples and dicts of arguments, or results, of a function."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from leaves_in(part)
    elif isinstance(value, dict):
        yield from leaves_in(list(value.values()))
    else:
        yield value


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors among arguments, or results, of a function."""
    return (part for part in leaves_in(value) if isinstance(part, torch.Tensor))


def map_leaves(change: Callable[[Any], Any], value: Any) -> Any:
    """Arguments or results, rebuilt with each leaf changed, in the order of `leaves_in`."""
    if isinstance(value, list | tuple):
        parts = [map_leaves(change, part) for part in value]
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value
        try:
            return type(value)(parts)
        except TypeError:  # a named tuple
            return type(value)(*parts)
    if isinstance(value, dict):
        return {key: map_leaves(change, part) for key, part in value.items()}
    return change(value)


class Reads(TorchFunctionMode):  # type: ignore[misc]
    """Notes the tensors whose numbers some function takes; asking for a shape is no reading."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[int] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in NUMBERS or next(tensors_in(out), None) is not None:
            self.ids.update(map(id, tensors_in(args)))
            self.ids.update(map(id, tensors_in(kwargs)))
        return out
