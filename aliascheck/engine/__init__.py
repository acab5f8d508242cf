"""The bundled reverse-mode engine, usable on its own: `from aliascheck.engine import gradient, Params`."""

from importlib import import_module
from typing import Any

from aliascheck.engine import rules
from aliascheck.engine.foreign import Foreign, LacksPrimitiveError, Vocabulary, is_foreign
from aliascheck.engine.layer import LAYERS, Layer
from aliascheck.engine.operators import install
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
    read_global,
    read_item,
)
from aliascheck.engine.primitive import REGISTRY, Meter, Primitive, charge, metered, primitive
from aliascheck.engine.real import check_loss
from aliascheck.engine.tape import Ledger, Tape, walk_back
from aliascheck.engine.tracer import Tracer, primal
from aliascheck.memory import NOTHING

install()

_HOMES = {  # what Python users need, and the audits of case files do not: imported when it is asked for
    "Bindings": "capture",
    "Grads": "params",
    "Params": "params",
    "WithGradient": "recording",
    "check_rule": "checking",
    "custom": "user_primitive",
    "gradient": "recording",
    "jacobian": "jacobians",
    "pullback": "recording",
    "withgradient": "recording",
    "withjacobian": "jacobians",
}


def __getattr__(name: str) -> Any:
    """What is imported late; and every primitive and layer by its name: `import adjoint, Dense`."""
    if name in _HOMES:
        found = getattr(import_module(f"aliascheck.engine.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
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
    "Foreign",
    "Grads",
    "LacksPrimitiveError",
    "Layer",
    "Ledger",
    "Meter",
    "Params",
    "Primitive",
    "Rebuilt",
    "Tape",
    "Tracer",
    "Vocabulary",
    "WithGradient",
    "call",
    "charge",
    "check_loss",
    "check_rule",
    "custom",
    "gradient",
    "is_foreign",
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
