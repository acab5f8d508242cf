"""Weight normalisation of a layer that still has its weight."""

import jax.numpy as jnp

X = jnp.array([[1.0, -2.0], [0.5, 3.0]])


def make(kept):
    """Direction and length, and the layer with its old weight where it is kept."""
    v = jnp.array([3.0, 4.0])
    layer = {"bias": jnp.array(0.5), **({"weight": v} if kept else {})}
    return {"v": v, "g": jnp.array(2.0), "layer": layer}, loss


def loss(params):
    """The mean square of a layer whose weight has length g and the direction of v."""
    weight = params["g"] * params["v"] / jnp.linalg.norm(params["v"])
    return jnp.mean((X @ weight + params["layer"]["bias"]) ** 2)
