"""Finite differences: what the derivative is, with a bound, from values of the loss alone."""

from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.perturbation import MemoryBlock
from aliascheck.oracle.stencil import derivative
from aliascheck.oracle.truth import (
    ROUNDING,
    AccessView,
    Measured,
    Oracle,
    Truth,
    collect,
    measure_noise,
    measure_path,
    measure_total,
    measure_truth,
)

__all__ = [
    "ROUNDING",
    "AccessView",
    "Estimate",
    "Measured",
    "MemoryBlock",
    "Oracle",
    "Status",
    "Truth",
    "collect",
    "derivative",
    "measure_noise",
    "measure_path",
    "measure_total",
    "measure_truth",
    "noise_level",
]
