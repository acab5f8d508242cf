"""A training state in which one array hides twice."""

import jax.numpy as jnp

X = jnp.array([[1.0, -2.0], [0.5, 3.0]])


def make(copied):
    """Weights and their running average, which begins as the weights themselves unless copied."""
    kernel = jnp.array([[0.5, -1.0], [0.25, 0.75]])
    average = jnp.array(kernel, copy=True) if copied else kernel
    state = {
        "params": [{"kernel": kernel, "bias": jnp.zeros(2)}],
        "extra": {"ema": [{"kernel": average}]},
    }
    return state, loss


def loss(state):
    """How far the model is from that of the running average."""
    (layer,), (teacher,) = state["params"], state["extra"]["ema"]
    return jnp.mean((jnp.tanh(X @ layer["kernel"] + layer["bias"]) - 0.5 * X @ teacher["kernel"]) ** 2)
