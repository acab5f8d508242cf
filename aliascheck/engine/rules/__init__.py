"""Primitives and layers with their rules, one file for each family: importing this declares them all."""

from aliascheck.engine.rules import (
    convolution,
    decompositions,
    elementwise,
    indexing,
    joining,
    layers,
    linalg,
    losses,
    nn,
    norms,
    ordering,
    reductions,
    repeating,
    shaping,
)

__all__ = [
    "convolution",
    "decompositions",
    "elementwise",
    "indexing",
    "joining",
    "layers",
    "linalg",
    "losses",
    "nn",
    "norms",
    "ordering",
    "reductions",
    "repeating",
    "shaping",
]
