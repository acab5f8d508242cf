"""Modules of flax's nnx, which are graphs: a variable at two places is one, as in `nnx.grad`.

As a pytree of jax a module forgets that. nnx splits it into a definition and a state, and knows it again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

Keys = tuple[Any, ...]


def split(jax: Any, tree: Any, loss: Callable[[Any], Any]) -> tuple[Any, Callable[[Any], Any]]:
    """The state of what holds modules of nnx, and the loss of a state; anything else is what it is."""
    nnx = sys.modules.get("flax.nnx")  # whoever made a module has imported it
    if nnx is None:
        return tree, loss
    parts = jax.tree_util.tree_leaves(tree, is_leaf=lambda part: isinstance(part, nnx.Module))
    if not any(isinstance(part, nnx.Module) for part in parts):
        return tree, loss
    definition, state = nnx.split(tree)
    return state, lambda state: loss(nnx.merge(definition, state))


def keys_as_in(jax: Any, tree: Any, keys: Sequence[Keys]) -> list[Keys]:
    """The keys of leaves as they are in a tree, for those of its state, which is all of mappings."""
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    known = {tuple(map(_plain, path)): path for path, _ in flat}
    return [known.get(tuple(map(_plain, path)), path) for path in keys]


def _plain(key: Any) -> Any:
    return next((getattr(key, part) for part in ("name", "idx", "key") if hasattr(key, part)), key)
