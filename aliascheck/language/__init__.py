"""The expressions of case files: parsed by a whitelist, compiled to closures, evaluated by the engine."""

from aliascheck.language.allocate import ALLOCATIONS, Allocation
from aliascheck.language.closures import Closure
from aliascheck.language.error import ExpressionError
from aliascheck.language.expression import Environment, Expression, parse
from aliascheck.language.limits import LIMITS, Limits, Meter
from aliascheck.language.vocabulary import CONSTANTS, vocabulary

__all__ = [
    "ALLOCATIONS",
    "CONSTANTS",
    "LIMITS",
    "Allocation",
    "Closure",
    "Environment",
    "Expression",
    "ExpressionError",
    "Limits",
    "Meter",
    "parse",
    "vocabulary",
]
