"""Finite differences: what the derivative is, with a bound, from values of the loss alone."""

from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.perturbation import MemoryBlock, restored
from aliascheck.oracle.stencil import derivative
from aliascheck.oracle.truth import AccessView, Measured, Truth, measure_noise, measure_truth

__all__ = [
    "AccessView",
    "Estimate",
    "Measured",
    "MemoryBlock",
    "Status",
    "Truth",
    "derivative",
    "measure_noise",
    "measure_truth",
    "noise_level",
    "restored",
]
