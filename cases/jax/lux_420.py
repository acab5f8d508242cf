"""A coupling layer, and its exact inverse with the same parameters."""

import jax.numpy as jnp

X = jnp.array([[1.0, -2.0], [0.5, 3.0]])
FACTORS = jnp.array([3.0, 4.0])


def make(leaves):
    """The parameters at one leaf or two, and a loss of what comes back."""
    theta = jnp.array([0.5, -1.0])
    params = {"block": theta, "inverse": theta} if leaves == 2 else {"both": theta}
    return params, loss


def loss(params):
    """A weighted square of what the block and its inverse make of the data: the data, again."""
    block, inverse = (params[name if name in params else "both"] for name in ("block", "inverse"))
    return jnp.sum(FACTORS * coupled(coupled(X, block, 1), inverse, -1) ** 2)


def coupled(x, theta, sign):
    """The first column as it is, the second one shifted by what it says."""
    shift = jnp.tanh(theta[0] * x[:, 0] + theta[1])
    return jnp.stack([x[:, 0], x[:, 1] + sign * shift], axis=1)
