"""A kernel and what undoes it."""

import jax
import jax.numpy as jnp

X = jnp.array([1.0, -2.0, 0.5, 3.0, -1.0])


def make(stopped):
    """A kernel, and the error of what is decoded by it, or by a copy that stops gradients."""

    def loss(params):
        kernel = params["kernel"]
        decoder = jax.lax.stop_gradient(kernel) if stopped else kernel
        return jnp.mean((jnp.convolve(jnp.tanh(jnp.correlate(X, kernel, "valid")), decoder) - X) ** 2)

    return {"kernel": jnp.array([0.5, -0.75])}, loss
