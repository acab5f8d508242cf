"""Random models that read one memory three times over, with their gradients by hand.

The memory is a matrix W; its readers are W, W.T and its first rows. A tied autoencoder with a side branch, at
any scale of memory, data and loss; sometimes with zeros, with units exactly at their kink, or with numbers
of six decades in one slot.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
Slots = tuple[Array, Array, Array]
SLOTS = range(3)


@dataclass(frozen=True)
class Activation:
    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def sigmoid(z: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -z))


ACTIVATIONS = (
    Activation("tanh", np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
    Activation("relu", lambda z: np.maximum(z, 0.0), lambda z: (z > 0.0).astype(float)),
    Activation("softplus", lambda z: np.logaddexp(0.0, z), sigmoid),
)


@dataclass(frozen=True)
class TiedModel:
    """A loss of three slots that share a memory. Shapes: memory (d, h), x (n, d), side (n, rows)."""

    activation: Activation
    memory: Array
    x: Array
    side: Array
    gain: float
    scale: float
    mixed: bool = False

    @property
    def unit(self) -> float:
        """The root mean square of the memory."""
        return float(np.sqrt(np.mean(self.memory**2))) or 1.0

    def views(self, memory: Array) -> Slots:
        return memory, memory.T, memory[: self.side.shape[1]]

    def scatter(self, slot: int, values: Array) -> Array:
        """The memory in which the slot shows `values` and the rest is 0."""
        memory = np.zeros_like(self.memory)
        self.views(memory)[slot][...] = values
        return memory

    def loss(self, slots: Slots) -> float:
        encoder, decoder, rows = slots
        hidden = self.activation.value(self.gain * (self.x @ encoder))
        rest = self.gain * (hidden @ decoder) - self.x
        wave = np.sin(self.gain * (self.side @ rows))
        return float(self.scale * (0.5 * np.mean(rest * rest) + 0.3 * np.mean(wave**3 + wave)))

    def gradients(self) -> Slots:
        """The gradient of each slot by itself."""
        encoder, decoder, rows = self.views(self.memory)
        gain = self.gain
        inner = gain * (self.x @ encoder)
        hidden = self.activation.value(inner)
        d_out = self.scale * gain * (gain * (hidden @ decoder) - self.x) / self.x.size
        d_inner = gain * (d_out @ decoder.T) * self.activation.slope(inner)
        phase = gain * (self.side @ rows)
        d_phase = gain * self.scale * 0.3 * (3.0 * np.sin(phase) ** 2 + 1.0) * np.cos(phase) / phase.size
        return self.x.T @ d_inner, hidden.T @ d_out, self.side.T @ d_phase

    def along(self, direction: Array) -> Callable[[float], float]:
        """The loss with the memory moved along a direction."""
        return lambda t: self.loss(self.views(self.memory + t * direction))

    def along_slot(self, slot: int, direction: Array) -> Callable[[float], float]:
        """The loss with one slot alone moved along a direction."""

        def phi(t: float) -> float:
            slots = list(self.views(self.memory))
            slots[slot] = slots[slot] + t * direction
            return self.loss((slots[0], slots[1], slots[2]))

        return phi

    def jittered(self, rng: Generator) -> TiedModel:
        """The model with its memory moved off any accident."""
        noise = rng.uniform(-1.0, 1.0, (2, *self.memory.shape))
        moved = self.memory * (1.0 + 0.25 * noise[0]) + 0.25 * self.unit * noise[1]
        return TiedModel(self.activation, moved, self.x, self.side, self.gain, self.scale, self.mixed)


def draw_model(rng: Generator) -> TiedModel:
    """A model at random scales."""
    d, h, n = int(rng.integers(2, 14)), int(rng.integers(1, 10)), int(rng.integers(1, 6))
    unit, x_unit = 10.0 ** rng.uniform(-6, 6), 10.0 ** rng.uniform(-3, 3)
    memory = unit * rng.standard_normal((d, h))
    x = x_unit * rng.standard_normal((n, d))
    mixed = rng.random() < 0.12
    if rng.random() < 0.15:
        memory[rng.random(memory.shape) < 0.3] = 0.0
    if rng.random() < 0.1:
        x[0] = 0.0
    if mixed:
        memory *= 10.0 ** rng.uniform(-3, 3, memory.shape)
    return TiedModel(
        activation=ACTIVATIONS[int(rng.integers(3))],
        memory=memory,
        x=x,
        side=rng.standard_normal((n, max(1, d // 3))),
        gain=10.0 ** rng.uniform(-1, 0.6) / (unit * math.sqrt(d) * x_unit),
        scale=10.0 ** rng.uniform(-12, 12),
        mixed=mixed,
    )


def draw_direction(rng: Generator, shape: tuple[int, ...], unit: float) -> Array:
    return np.asarray(unit * rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))
