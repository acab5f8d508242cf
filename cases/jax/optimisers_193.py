"""One array under two names, differentiated in two conventions."""

import jax
import jax.numpy as jnp


def added(params):
    """x + y."""
    return jnp.sum(params["x"]) + jnp.sum(params["y"])


in_cells = jax.custom_vjp(added)


def _whole_at_each(params, d_out):
    """What an engine of cells gives: the derivative of the shared array at each of its names."""
    return (jax.tree.map(lambda leaf: jnp.full_like(leaf, 2 * d_out), params),)


in_cells.defvjp(lambda params: (added(params), params), _whole_at_each)


def make(copied=False):
    """x and y, which are one array unless copied; audits name their loss."""
    x = jnp.array([1.0])
    return {"x": x, "y": jnp.array(x, copy=True) if copied else x}, added
