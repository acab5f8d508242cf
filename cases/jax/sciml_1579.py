"""Parameters that a function captured when it was made."""

import jax.numpy as jnp

C = jnp.array([1.0, 5.0])


def make(passed):
    """Two numbers, and a loss that is given them, has captured them, or both."""
    theta = jnp.array([2.0, 3.0])

    def loss(params):
        other = params["theta"] if passed == "twice" else theta
        given = params["theta"] if passed != "never" else theta
        return jnp.sum(C * other * given)

    return {"theta": theta}, loss
