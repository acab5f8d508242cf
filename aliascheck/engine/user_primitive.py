"""Primitives of a user's own, declared from a function and its vector-Jacobian product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from aliascheck.engine.primitive import REGISTRY, Primitive
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING

Product = Callable[..., Any]


def custom(
    primal: Callable[..., Any],
    vjp: Product | Sequence[Product | None],
    *,
    name: str | None = None,
    **options: Any,
) -> Primitive:
    """A primitive that computes `primal(x, ...)` and is differentiated by `vjp`.

    `vjp(d_out, out, x, ...)` gives the cotangent of x; for several operands, a tuple with one for each,
    or `vjp` is a sequence of functions, one for each operand, None where there is no derivative. With a
    `name` the primitive is put in the registry, and by that in the expression language. `options` are those
    of `primitive`: with `domain`, `check_rule(p)` tests the rule where it is meant to hold.

        cube = custom(lambda x: x**3, lambda d_out, out, x: d_out * 3 * x**2)
        check_rule(cube)
        gradient(lambda x: np.sum(cube(x)), np.ones(2))

    Shapes: a cotangent is shaped as its operand, or as the result with `broadcasts=True`.
    Raises: EngineError for a name that is taken, and, when it is used, for a cotangent of another shape.
    """
    if name is not None and name in REGISTRY:
        raise EngineError(f"there is a primitive '{name}' already", hint="choose another name")

    @wraps(primal)
    def forward(*arrays: Any, **settings: Any) -> Any:
        out = primal(*arrays, **settings)
        operands = arrays[: made.arity]
        shapes = [np.shape(out) if made.broadcasts else np.shape(operand) for operand in operands]
        products = _products(vjp, len(operands), out, arrays)
        return out, tuple(
            None if product is None else _checked(made, product, shape)
            for product, shape in zip(products, shapes, strict=True)
        )

    made = Primitive(forward, name or getattr(primal, "__name__", "custom").strip("<>"), **options)
    made.arity = made.arity or _operands(primal, vjp)
    made.plain = made.applied_at_length()
    if name is not None:
        REGISTRY[name] = made
    return made


def _operands(primal: Any, vjp: Any) -> int:
    """How many operands a function takes whose signature does not tell."""
    return len(vjp) if not callable(vjp) else int(getattr(primal, "nin", 1))


def _products(vjp: Any, count: int, out: Any, arrays: Sequence[Any]) -> list[Callable[[Any], Any] | None]:
    """A pullback for each operand."""

    def together(position: int) -> Callable[[Any], Any]:
        return lambda d_out: vjp(d_out, out, *arrays)[position]

    def apart(one: Product) -> Callable[[Any], Any]:
        return lambda d_out: one(d_out, out, *arrays)

    if callable(vjp):
        return [apart(vjp)] if count == 1 else [together(position) for position in range(count)]
    if len(vjp) != count:
        raise EngineError(f"there are {len(vjp)} vector-Jacobian products for {count} operands")
    return [None if one is None else apart(one) for one in vjp]


def _checked(made: Primitive, product: Callable[[Any], Any], shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """A pullback whose result is new memory of the right shape, whatever the user's function keeps."""

    def pull(d_out: Any) -> Any:
        if isinstance(d_out, np.ndarray):  # which others may hold
            d_out = d_out.view()
            d_out.flags.writeable = False
        found = product(d_out)
        if found is None or found is NOTHING:
            return NOTHING
        if np.shape(found) != shape:
            raise EngineError(
                f"{made.name}: its vector-Jacobian product has shape {np.shape(found)}, "
                f"and the operand {shape}",
                hint="give one cotangent for each operand, shaped as it is",
            )
        return np.array(found, float) if np.ndim(found) else np.float64(found)

    return pull
