"""Sixteen families of random smooth losses with exact directional derivatives.

Each family draws a loss that works for any dtype, so that the truth comes from a complex step in extended
precision and shares nothing with a finite difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.generic]
Loss = Callable[[Array], np.generic]
Family = Callable[[Generator], tuple[int, Loss]]

FAMILIES: dict[str, Family] = {}


def family(draw: Family) -> Family:
    FAMILIES[draw.__name__] = draw
    return draw


@dataclass(frozen=True)
class Sample:
    """A loss, a point in its memory and a direction of the memory's size."""

    family: str
    seed: tuple[int, ...]
    loss: Loss
    point: NDArray[np.float64]
    direction: NDArray[np.float64]

    def phi(self, t: float) -> float:
        with np.errstate(all="ignore"):
            return float(self.loss(self.point + t * self.direction))

    def truth(self) -> np.longdouble:
        step = np.longdouble(2.0) ** -200
        along = self.point.astype(np.clongdouble) + np.clongdouble(1j) * step * self.direction
        with np.errstate(all="ignore"):
            return np.imag(self.loss(along)) / step


def draw_sample(name: str, *seed: int) -> Sample:
    """The sample of family `name` that belongs to `seed`, at a random scale of the loss and of the memory."""
    rng = np.random.default_rng(seed)
    cells, loss = FAMILIES[name](rng)
    scale = 10.0 ** rng.uniform(-12, 12)
    unit = 10.0 ** rng.uniform(-3, 3) if rng.random() < 0.3 else 1.0
    point = unit * rng.standard_normal(cells)
    if name == "power":
        point = np.abs(point) + 0.05 * unit
    size = np.sqrt(np.mean(point * point))
    direction = size * rng.choice([-1.0, 1.0], cells) * rng.uniform(0.5, 1.5, cells)
    return Sample(name, seed, lambda b: scale * loss(b / unit), point, direction)


def draw_samples(count: int, seed: int, names: list[str] | None = None) -> Iterator[Sample]:
    """`count` samples, the families in turn."""
    names = names or sorted(FAMILIES)
    for index in range(count):
        turn, place = divmod(index, len(names))
        yield draw_sample(names[place], seed, sorted(FAMILIES).index(names[place]), turn)


def log_sum_exp(z: Array) -> np.generic:
    top = z.real.max()
    return top + np.log(np.sum(np.exp(z - top)))


@family
def polynomial(rng: Generator) -> tuple[int, Loss]:
    cells, degree = int(rng.integers(1, 6)), int(rng.integers(1, 13))
    coefficients = rng.standard_normal((degree + 1, cells)) * 10.0 ** rng.uniform(-2, 2, (degree + 1, 1))

    def loss(b: Array) -> np.generic:
        total = 0 * b
        for row in coefficients[::-1]:
            total = total * b + row
        return total.sum()

    return cells, loss


@family
def exponential(rng: Generator) -> tuple[int, Loss]:
    cells = int(rng.integers(1, 8))
    rates = rng.standard_normal(cells) * rng.uniform(0.1, 5)
    w = rng.standard_normal(cells)
    return cells, lambda b: (w * np.exp(rates * b) + w[::-1] * np.log(1 + b * b) + np.sin(3 * b)).sum()


@family
def mlp(rng: Generator) -> tuple[int, Loss]:
    hidden, inputs, gain = int(rng.integers(2, 6)), int(rng.integers(1, 5)), 10.0 ** rng.uniform(-1, 1)
    x, y = rng.standard_normal((4, inputs)), rng.standard_normal((4, hidden))
    split = inputs * hidden

    def loss(b: Array) -> np.generic:
        first = np.tanh(gain * (x @ b[:split].reshape(inputs, hidden)))
        residual = np.tanh(first @ b[split:].reshape(hidden, hidden)) - y
        return (residual * residual).sum()

    return split + hidden * hidden, loss


@family
def cross_entropy(rng: Generator) -> tuple[int, Loss]:
    inputs, classes = int(rng.integers(2, 6)), int(rng.integers(2, 8))
    x = 10.0 ** rng.uniform(-1, 1.5) * rng.standard_normal((3, inputs))
    labels = rng.integers(0, classes, 3)

    def loss(b: Array) -> np.generic:
        logits = x @ b.reshape(inputs, classes)
        return sum(log_sum_exp(row) - row[label] for row, label in zip(logits, labels, strict=True))

    return inputs * classes, loss


@family
def chain(rng: Generator) -> tuple[int, Loss]:
    size, length = int(rng.integers(2, 5)), int(rng.integers(2, 7))
    start, goal = rng.standard_normal(size), rng.standard_normal(size)

    def loss(b: Array) -> np.generic:
        state = start
        for matrix in b.reshape(length, size, size):
            state = matrix @ state
        residual = state - goal
        return (residual * residual).sum()

    return length * size * size, loss


@family
def ill_conditioned(rng: Generator) -> tuple[int, Loss]:
    cells = int(rng.integers(2, 10))
    curvatures, centre = 10.0 ** rng.uniform(-8, 8, cells), rng.standard_normal(cells)
    return cells, lambda b: (curvatures * (b - centre) ** 2).sum() + (1e2 * (b[1:] - b[:-1] ** 2) ** 2).sum()


@family
def cancelling(rng: Generator) -> tuple[int, Loss]:
    offset, w = 10.0 ** rng.uniform(0, 8), rng.standard_normal(4)
    return 4, lambda b: (offset + np.sin(w * b).sum()) - offset


@family
def offset(rng: Generator) -> tuple[int, Loss]:
    constant, w = 10.0 ** rng.uniform(0, 8), rng.standard_normal(4)
    return 4, lambda b: constant + np.exp(0.3 * w * b).sum()


@family
def oscillating(rng: Generator) -> tuple[int, Loss]:
    w = 10.0 ** rng.uniform(0, 3)
    return 2, lambda b: np.sin(w * b[0]) + b[1] * b[1] + np.cos(0.3 * w * b[1])


@family
def runge(rng: Generator) -> tuple[int, Loss]:
    w = 10.0 ** rng.uniform(-3, 0)
    return 2, lambda b: w / (w * w + b[0] * b[0]) + np.exp(-((b[1] / w) ** 2)) + b.sum()


@family
def layer_norm(rng: Generator) -> tuple[int, Loss]:
    cells = int(rng.integers(3, 12))
    v = rng.standard_normal(cells)

    def loss(b: Array) -> np.generic:
        centred = b - b.mean()
        z = centred / np.sqrt((centred * centred).mean() + 1e-5)
        return (z * v).sum() + 0.1 * (z**3).sum() + np.sqrt((b * b).sum())

    return cells, loss


@family
def power(rng: Generator) -> tuple[int, Loss]:
    exponents = rng.uniform(-3, 3, 3)
    return 3, lambda b: np.exp(exponents * np.log(b)).sum()


@family
def cosine(rng: Generator) -> tuple[int, Loss]:
    v = rng.standard_normal(8)
    return 8, lambda b: (b * v).sum() / np.sqrt((b * b).sum() * (v * v).sum())


@family
def attention(rng: Generator) -> tuple[int, Loss]:
    x, sharpness = rng.standard_normal((4, 3)), 10.0 ** rng.uniform(-0.5, 0.7)

    def loss(b: Array) -> np.generic:
        queries, keys, values = (x @ block for block in b.reshape(3, 3, 3))
        scores = sharpness * (queries @ keys.T)
        weights = np.exp(scores - scores.real.max(1)[:, None])
        out = (weights / weights.sum(1)[:, None]) @ values
        return (out * out * x).sum()

    return 27, loss


@family
def tied_autoencoder(rng: Generator) -> tuple[int, Loss]:
    x, gain = rng.standard_normal((4, 5)), 10.0 ** rng.uniform(-1, 0.5)

    def loss(b: Array) -> np.generic:
        weight = gain * b.reshape(5, 3)
        residual = np.tanh(x @ weight) @ weight.T - x
        return (residual * residual).mean()

    return 15, loss


@family
def logistic(rng: Generator) -> tuple[int, Loss]:
    gain, w = 10.0 ** rng.uniform(-1, 1.6), rng.standard_normal(6)
    return 6, lambda b: np.log(1 + np.exp(-gain * (w * b).sum())) + (1 / (1 + np.exp(-gain * b))).sum()
