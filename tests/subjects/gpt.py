"""A small language model in jax whose embedding is its output layer as well."""

from __future__ import annotations

from typing import Any

VOCABULARY, WIDTH, LENGTH, BATCH, HEADS, BLOCKS = 5000, 128, 16, 2, 4, 2


def gpt() -> tuple[dict[str, Any], Any]:
    """The parameters in float32, and the loss: the cross-entropy of the next token."""
    import jax
    import jax.numpy as jnp

    keys = iter(jax.random.split(jax.random.key(0), 40))

    def normal(*shape):
        return jax.random.normal(next(keys), shape) / shape[-1] ** 0.5

    def norm():
        return {"scale": jnp.ones(WIDTH), "shift": jnp.zeros(WIDTH)}

    def block():
        return {
            "norm1": norm(),
            "qkv": normal(WIDTH, 3 * WIDTH),
            "out": normal(WIDTH, WIDTH),
            "norm2": norm(),
            "up": normal(WIDTH, 4 * WIDTH),
            "up_bias": jnp.zeros(4 * WIDTH),
            "down": normal(4 * WIDTH, WIDTH),
            "down_bias": jnp.zeros(WIDTH),
        }

    embedding = normal(VOCABULARY, WIDTH)
    tree = {
        "wte": embedding,
        "wpe": normal(LENGTH, WIDTH),
        "blocks": [block() for _ in range(BLOCKS)],
        "norm": norm(),
        "head": embedding,
    }
    tokens = jax.random.randint(next(keys), (BATCH, LENGTH + 1), 0, VOCABULARY)
    past = jnp.tril(jnp.ones((LENGTH, LENGTH), bool))

    def normed(x, layer):
        centred = x - x.mean(-1, keepdims=True)
        spread = jnp.mean(centred**2, -1, keepdims=True)
        return centred * jax.lax.rsqrt(spread + 1e-5) * layer["scale"] + layer["shift"]

    def attention(x, layer):
        split = (BATCH, LENGTH, 3, HEADS, WIDTH // HEADS)
        q, k, v = jnp.moveaxis((x @ layer["qkv"]).reshape(split), 2, 0)
        scores = jnp.einsum("bthd,bshd->bhts", q, k) / (WIDTH // HEADS) ** 0.5
        weights = jax.nn.softmax(jnp.where(past, scores, -jnp.inf))
        return jnp.einsum("bhts,bshd->bthd", weights, v).reshape(BATCH, LENGTH, WIDTH) @ layer["out"]

    def loss(tree):
        x = tree["wte"][tokens[:, :-1]] + tree["wpe"]
        for layer in tree["blocks"]:
            x = x + attention(normed(x, layer["norm1"]), layer)
            hidden = jax.nn.gelu(normed(x, layer["norm2"]) @ layer["up"] + layer["up_bias"])
            x = x + hidden @ layer["down"] + layer["down_bias"]
        chances = jax.nn.log_softmax(normed(x, tree["norm"]) @ tree["head"].T)
        return -jnp.mean(jnp.take_along_axis(chances, tokens[:, 1:, None], -1))

    return tree, loss
