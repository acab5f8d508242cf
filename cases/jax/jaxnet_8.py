"""A module that two parents share."""

import jax
import jax.numpy as jnp

X = jnp.array([[1.0, -2.0], [0.5, 3.0]])


def make(hoisted):
    """The parameters of two parents with the layer in each of them, or beside them."""
    shared = {"shared": {"kernel": jnp.array([[0.5, -1.0], [0.25, 0.75]])}}
    second = {"bias": jnp.array([0.1, -0.2])}
    if hoisted:
        return {"first": {}, "second": second, **shared}, jax.jit(loss)
    return {"first": shared, "second": {**second, **shared}}, jax.jit(loss)


def loss(params):
    """The mean square after both parents, each of which calls the shared layer."""
    first, second = ({**params, **params[parent]}["shared"]["kernel"] for parent in ("first", "second"))
    hidden = jnp.tanh(X @ first)
    return jnp.mean((jnp.tanh(hidden @ second) + params["second"]["bias"]) ** 2)
