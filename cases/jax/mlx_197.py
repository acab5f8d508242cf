"""One layer under two names, called through the second."""

import jax.numpy as jnp

X = jnp.array([2.0, 4.0])


def make(listed_twice):
    """The layer in a sequence and, where listed twice, by itself."""
    layer = {"weight": jnp.array([[1.0, 2.0]])}
    tree = {"seq": [layer]}
    if listed_twice:
        tree["lin"] = layer
    return tree, lambda tree: jnp.sum(jnp.sin(tree["seq"][0]["weight"] @ X))
