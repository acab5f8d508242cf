"""A tied autoencoder that reads its memory W as W, as W.T and as its first rows; faults of its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aliascheck.oracle.blocks import Block
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.stencil import derivative

Matrix = NDArray[np.float64]
ROUNDING = 256 * 2.0**-53


class Tied:
    """The model at a random point: its loss, its gradient by hand, and what a loss evaluation counts.

    Shapes: `memory` (rows, columns).
    """

    def __init__(self, rows: int, columns: int, seed: int, batch: int = 16) -> None:
        rng = np.random.default_rng(seed)
        self.head = max(1, rows // 3)
        self.memory = rng.standard_normal((rows, columns)) / math.sqrt(rows)
        self.data = rng.standard_normal((batch, rows))
        self.side = rng.standard_normal((batch, self.head))
        self.scale = math.sqrt(float(np.mean(self.memory**2)))
        self.evaluations = 0

    def loss(self, memory: Matrix) -> float:
        self.evaluations += 1
        rebuilt = np.tanh(self.data @ memory) @ memory.T - self.data
        side = np.sin(self.side @ memory[: self.head])
        return float(0.5 * np.mean(rebuilt**2) + 0.3 * np.mean(side**3 + side))

    def gradient(self) -> Matrix:
        hidden = np.tanh(self.data @ self.memory)
        rebuilt = hidden @ self.memory.T - self.data
        d_rebuilt = rebuilt / rebuilt.size
        angle = self.side @ self.memory[: self.head]
        d_angle = 0.3 * (3.0 * np.sin(angle) ** 2 + 1.0) * np.cos(angle) / angle.size
        d_memory = self.data.T @ ((d_rebuilt @ self.memory) * (1.0 - hidden**2)) + d_rebuilt.T @ hidden
        d_memory[: self.head] += self.side.T @ d_angle
        return d_memory


class Differences:
    """The residual of a reported gradient of a model, by finite differences of its memory."""

    def __init__(self, model: Tied, reported: Matrix) -> None:
        self._model = model
        self._reported = reported
        self._moved = model.memory.copy()
        self._base = model.loss(model.memory)
        signs = np.where(np.arange(reported.size) * math.sqrt(2.0) % 1.0 < 0.5, -1.0, 1.0)
        dense = model.scale * signs.reshape(reported.shape)
        self._noise = noise_level(lambda t: model.loss(model.memory + t * dense), self._base)

    def __call__(self, region: Block, weights: Matrix, accuracy: float) -> tuple[float, float]:
        part, base = self._moved[region.slices], self._model.memory[region.slices]

        def phi(t: float) -> float:
            np.multiply(weights, t, out=part)
            np.add(part, base, out=part)
            return self._model.loss(self._moved)

        spread = self._reported.size / np.count_nonzero(weights)
        first_step = 2.0**-3 * min(64.0, 2.0 ** math.floor(math.log2(spread) / 2.0))
        estimate = derivative(phi, self._base, self._noise, first_step)
        part[...] = base
        terms = weights * self._reported[region.slices]
        bound = 2.0 * estimate.bound + ROUNDING * float(np.linalg.norm(terms))
        return float(np.sum(terms, dtype=np.longdouble)) - estimate.value, bound


# Faults ------------------------------------------------------------------------------------------------

Fault = Callable[[Matrix, Generator], NDArray[np.bool_]]
"""Spoils a gradient in place and gives the cells that are wrong since."""


def add_to_elements(count: int, share: float) -> Fault:
    """Elements that are off by a share of the typical element."""

    def spoil(gradient: Matrix, rng: Generator) -> NDArray[np.bool_]:
        wrong = np.zeros(gradient.shape, bool)
        wrong.ravel()[rng.choice(wrong.size, count, replace=False)] = True
        gradient[wrong] += share * math.sqrt(float(np.mean(gradient**2)))
        return wrong

    return spoil


def flip_rows(count: int) -> Fault:
    """Rows of the wrong sign."""

    def spoil(gradient: Matrix, rng: Generator) -> NDArray[np.bool_]:
        wrong = np.zeros(gradient.shape, bool)
        wrong[rng.choice(len(wrong), count, replace=False)] = True
        gradient[wrong] *= -1.0
        return wrong

    return spoil


def zero_block(gradient: Matrix, rng: Generator) -> NDArray[np.bool_]:
    """A 64th of the matrix that got nothing."""
    wrong = np.zeros(gradient.shape, bool)
    height, width = (max(1, side // 8) for side in gradient.shape)
    top, left = (int(rng.integers(side - side // 8 + 1)) for side in gradient.shape)
    wrong[top : top + height, left : left + width] = True
    gradient[wrong] = 0.0
    return wrong


def rescale(gradient: Matrix, rng: Generator) -> NDArray[np.bool_]:
    """All of the matrix too large by a thousandth."""
    gradient *= 1.001
    return np.ones(gradient.shape, bool)


def keep(gradient: Matrix, rng: Generator) -> NDArray[np.bool_]:
    """No fault."""
    return np.zeros(gradient.shape, bool)


FAULTS: dict[str, Fault] = {
    "correct": keep,
    "element 1e-2": add_to_elements(1, 1e-2),
    "element 1e-4": add_to_elements(1, 1e-4),
    "element 1e-6": add_to_elements(1, 1e-6),
    "5 elements 1e-2": add_to_elements(5, 1e-2),
    "20 elements 1e-2": add_to_elements(20, 1e-2),
    "row sign": flip_rows(1),
    "3 rows sign": flip_rows(3),
    "block 1/64": zero_block,
    "scale 1.001": rescale,
}
