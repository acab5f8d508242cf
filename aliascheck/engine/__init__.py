"""The bundled reverse-mode engine, usable on its own: `from aliascheck.engine import gradient, Params`."""

from typing import Any

from aliascheck.engine import rules
from aliascheck.engine.capture import Bindings, read_global
from aliascheck.engine.checking import check_rule
from aliascheck.engine.custom import custom
from aliascheck.engine.gradient import (
    WithGradient,
    check_loss,
    gradient,
    pullback,
    withgradient,
)
from aliascheck.engine.jacobian import jacobian, withjacobian
from aliascheck.engine.layer import LAYERS, Layer
from aliascheck.engine.operators import install
from aliascheck.engine.params import Grads, Params
from aliascheck.engine.parts import (
    Argument,
    Rebuilt,
    call,
    make_dict,
    make_list,
    make_record,
    make_struct,
    make_tuple,
    read_field,
    read_item,
)
from aliascheck.engine.primitive import REGISTRY, Meter, Primitive, charge, metered, primitive
from aliascheck.engine.tape import Ledger, Tape, walk_back
from aliascheck.engine.tracer import Tracer, primal
from aliascheck.memory import NOTHING

install()


def __getattr__(name: str) -> Any:
    """Every primitive and layer by its name: `from aliascheck.engine import adjoint, Dense`."""
    found = REGISTRY.get(name) or LAYERS.get(name)
    if found is None:
        raise AttributeError(f"module 'aliascheck.engine' has no attribute '{name}'")
    return found


__all__ = [
    "LAYERS",
    "NOTHING",
    "REGISTRY",
    "Argument",
    "Bindings",
    "Grads",
    "Layer",
    "Ledger",
    "Meter",
    "Params",
    "Primitive",
    "Rebuilt",
    "Tape",
    "Tracer",
    "WithGradient",
    "call",
    "charge",
    "check_loss",
    "check_rule",
    "custom",
    "gradient",
    "jacobian",
    "make_dict",
    "make_list",
    "make_record",
    "make_struct",
    "make_tuple",
    "metered",
    "primal",
    "primitive",
    "pullback",
    "read_field",
    "read_global",
    "read_item",
    "rules",
    "walk_back",
    "withgradient",
    "withjacobian",
]
