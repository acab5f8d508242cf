"""Which engine a model belongs to, told from its type: no engine is imported for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from aliascheck.errors import UsageError

ENGINES = ("torch", "jax", "autograd")
MODES = {"torch": ("implicit", "explicit"), "jax": ("explicit",), "autograd": ("explicit",)}
TREES = ("equinox", "flax", "jax", "jaxlib", "haiku", "chex", "optax")
DEEP = 8  # objects within objects: beyond, nobody looks for an array


def engine_of(model: Any) -> str:
    """The engine that differentiates a model.

    Raises: UsageError where its type does not tell.
    """
    roots = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    if "torch" in roots and hasattr(model, "named_parameters"):
        return "torch"
    if roots & set(TREES):
        return "jax"
    kinds = {_kind(leaf) for leaf in _leaves(model, 0, {})}
    if kinds & {"jax", "jaxlib"}:
        return "jax"
    if "torch" in kinds:
        hint = "put the tensors in a torch.nn.Module (torch.nn.ParameterDict holds named ones)"
        raise UsageError("the model is a container of tensors, and no module", hint=hint)
    if "numpy" in kinds:
        return "autograd"
    raise UsageError(
        f"a model of type {type(model).__name__} belongs to no engine that is known",
        hint="a torch module, a pytree of jax arrays, or containers of NumPy arrays; or say engine=...",
    )


def _kind(leaf: Any) -> str:
    module = type(leaf).__module__ if not isinstance(leaf, np.ndarray) else "numpy"
    return module.partition(".")[0]


def _leaves(value: Any, depth: int, seen: dict[int, Any]) -> Iterator[Any]:
    """What is in containers, and in objects, and the objects themselves."""
    if depth > DEEP or id(value) in seen:
        return
    seen[id(value)] = value
    if isinstance(value, Mapping):
        parts: Any = value.values()
    elif isinstance(value, tuple | list):
        parts = value
    elif hasattr(value, "__dict__") and not isinstance(value, np.ndarray | type):
        yield value
        parts, depth = vars(value).values(), depth + 1
    else:
        yield value
        return
    for part in parts:
        yield from _leaves(part, depth, seen)
