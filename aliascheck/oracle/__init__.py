"""Finite differences: what the derivative is, with a bound, from values of the loss alone."""

from aliascheck.oracle.blocks import Block
from aliascheck.oracle.conclusion import Kind, Location
from aliascheck.oracle.confirmation import FAINT, Confirmation, Verdict, confirm
from aliascheck.oracle.directions import smallest_fault_seen
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.localisation import localise
from aliascheck.oracle.measured import ROUNDING, Measured, collect
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.oracle import AccessView, Oracle
from aliascheck.oracle.perturbation import MemoryBlock
from aliascheck.oracle.stencil import derivative
from aliascheck.oracle.truth import (
    Truth,
    first_step,
    measure_noise,
    measure_path,
    measure_total,
    measure_truth,
)

__all__ = [
    "FAINT",
    "ROUNDING",
    "AccessView",
    "Block",
    "Confirmation",
    "Estimate",
    "Kind",
    "Location",
    "Measured",
    "MemoryBlock",
    "Oracle",
    "Status",
    "Truth",
    "Verdict",
    "collect",
    "confirm",
    "derivative",
    "first_step",
    "localise",
    "measure_noise",
    "measure_path",
    "measure_total",
    "measure_truth",
    "noise_level",
    "smallest_fault_seen",
]
