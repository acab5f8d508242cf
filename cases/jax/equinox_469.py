"""An autoencoder that decodes by the transpose of what encodes."""

import jax.numpy as jnp

X = jnp.array([[1.0, -2.0, 0.5], [0.5, 3.0, -1.0]])


def make(leaves):
    """The weight at two leaves, or at one from which the other is made."""
    weight = jnp.array([[0.5, -1.0], [0.25, 0.75], [2.0, 1.0]])
    return {"enc": weight, "dec": weight} if leaves == 2 else {"enc": weight}, loss


def loss(params):
    """The error of the reconstruction."""
    decoder = params.get("dec", params["enc"]).T
    return jnp.mean((jnp.tanh(X @ params["enc"]) @ decoder - X) ** 2)
