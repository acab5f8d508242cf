"""Traced losses, evaluated equation by equation where they hold what an engine's own evaluation hides.

A traced loss is a list of equations (a jaxpr). Evaluating it ourselves shows two things: the arrays that
the loss captured, which can be given other numbers, and the stops, which can be made to hold what they held
at another point. Every other equation is carried out by the engine. No engine is imported here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

INLINED = ("jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint")
OPENED = (*INLINED, "scan", "cond")  # a rule written by hand is one equation, whatever is inside

Pair = tuple[Any, Any]  # the value now, and at the point where stops hold theirs


class Carrier(Protocol):
    """How equations are carried out that hold nothing of interest."""

    def constant(self, value: Any) -> Any:
        """What is computed with in the place of a constant of the trace."""

    def __call__(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        """The results of an equation."""


def subjaxprs(equation: Any) -> Iterator[tuple[Any, Sequence[Any]]]:
    """The jaxprs inside an equation that can be opened, with their constants."""
    if equation.primitive.name not in OPENED:
        return
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if hasattr(part, "jaxpr"):
                yield part.jaxpr, part.consts
            elif hasattr(part, "eqns"):
                yield part, ()


def every_equation(jaxpr: Any) -> Iterator[Any]:
    """The equations of a jaxpr, and those of all that is inside of them, opened or not."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for part in value if isinstance(value, tuple | list) else (value,):
                inside = getattr(part, "jaxpr", part)
                if hasattr(inside, "eqns"):
                    yield from every_equation(inside)


def constants(jaxpr: Any, consts: Sequence[Any]) -> Iterator[Any]:
    """The arrays that a traced loss holds, in every part that can be opened."""
    yield from consts
    for equation in jaxpr.eqns:
        for part in subjaxprs(equation):
            yield from constants(*part)


def has_equation(jaxpr: Any, is_sought: Callable[[Any], bool]) -> bool:
    """Whether there is an equation of a kind in a traced loss."""
    return any(
        is_sought(equation) or any(has_equation(part, is_sought) for part, _ in subjaxprs(equation))
        for equation in jaxpr.eqns
    )


MACHINERY = (  # what of the engine's library applies functions that it is given, and knows none of its own
    "tree.py",
    "tree_util.py",
    "api.py",
    "api_util.py",
    "linear_util.py",
    "traceback_util.py",
    "ad_checkpoint.py",
    "custom_batching.py",
    "custom_derivatives.py",
    "pjit.py",
    "core.py",
    "util.py",
    "interpreters/",
    "lax/control_flow/loops.py",
    "numpy/vectorize.py",
)


def is_deliberate_stop(equation: Any, library: str) -> bool:
    """Whether an equation is a stop that was written outside of the engine's own library.

    The library stops what a result does not depend on, such as the largest element in a softmax. A stop that
    it was handed, to be mapped over a tree or a batch, is written where it was handed on.
    """
    if equation.primitive.name != "stop_gradient":
        return False
    trace = equation.source_info.traceback
    frames = list(trace.frames) if trace is not None else []
    places = [_place(frame.file_name, library) for frame in frames]
    calls = [n for n, place in enumerate(places) if place and frames[n].function_name == "stop_gradient"]
    callers = places[calls[-1] + 1 :] if calls else []
    return next((place for place in callers if not (place or "").startswith(MACHINERY)), None) is None


def _place(file: str, library: str) -> str | None:
    """Where a file lies in the library, below the folder of its private parts; None outside."""
    if not file.startswith(library + os.sep):
        return None
    return file[len(library) + 1 :].replace(os.sep, "/").removeprefix("_src/")


def wants_numbers(jax: Any) -> tuple[type[Exception], ...]:
    """What jax raises where the course of a function depends on its numbers."""
    return (
        jax.errors.ConcretizationTypeError,
        jax.errors.NonConcreteBooleanIndexError,
        jax.errors.TracerArrayConversionError,
        jax.errors.TracerIntegerConversionError,
    )


def carry_out(
    jaxpr: Any,
    consts: Sequence[Any],
    values: Sequence[Any],
    *,
    constant: Callable[[Any], Any],
    apply: Callable[[Any, list[Any]], Sequence[Any]],
) -> list[Any]:
    """The results of a jaxpr whose constants and equations stand for what `constant` and `apply` give."""
    known = dict(zip(jaxpr.constvars, map(constant, consts), strict=True))
    known.update(zip(jaxpr.invars, values, strict=True))

    def read(atom: Any) -> Any:
        return constant(atom.val) if hasattr(atom, "val") else known[atom]

    for equation in jaxpr.eqns:
        results = apply(equation, [read(atom) for atom in equation.invars])
        known.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


class Evaluation:
    """How a traced loss is evaluated: which equations are held stops, which constants have other values.

    `lax` is the engine's module of control flow; `swaps` maps identities of constants to their values.
    """

    def __init__(
        self, lax: Any, swaps: Mapping[int, Any], is_stop: Callable[[Any], bool], carrier: Carrier
    ) -> None:
        self._lax = lax
        self._swaps = swaps
        self._is_stop = is_stop
        self._carrier = carrier
        self._concerned: dict[int, bool] = {}

    def run(self, jaxpr: Any, consts: Sequence[Any], values: Sequence[Pair]) -> list[Pair]:
        """The results of a jaxpr."""
        return carry_out(jaxpr, consts, values, constant=self._constant, apply=self._apply)

    def _constant(self, constant: Any) -> Pair:
        if id(constant) not in self._swaps:
            value = self._carrier.constant(constant)
            return value, value
        value = self._swaps[id(constant)]
        return value if isinstance(value, tuple) else (value, value)

    def _apply(self, equation: Any, values: list[Pair]) -> list[Pair]:
        name = equation.primitive.name
        if self._is_stop(equation):
            return [(held, held) for _, held in values]
        if not any(self._concerns(*part) for part in subjaxprs(equation)):
            return _carried_out(lambda operands: self._carrier(equation, operands), values)
        if name == "scan":
            return self._scan(equation.params, values)
        if name == "cond":
            return self._cond(equation.params, values)
        ((jaxpr, consts),) = subjaxprs(equation)
        return self.run(jaxpr, consts, values)

    def _concerns(self, jaxpr: Any, consts: Sequence[Any]) -> bool:
        """Whether there is anything in a part that its engine's own evaluation would not do."""
        if id(jaxpr) not in self._concerned:
            self._concerned[id(jaxpr)] = has_equation(jaxpr, self._is_stop) or any(
                id(constant) in self._swaps for constant in constants(jaxpr, consts)
            )
        return self._concerned[id(jaxpr)]

    def _scan(self, params: Mapping[str, Any], values: list[Pair]) -> list[Pair]:
        closed, fixed, carried = params["jaxpr"], params["num_consts"], params["num_carry"]
        around, state, rows = values[:fixed], values[fixed : fixed + carried], values[fixed + carried :]

        def step(state: Any, row: Any) -> Any:
            results = self.run(closed.jaxpr, closed.consts, [*around, *state, *row])
            return results[:carried], results[carried:]

        state, rows = self._lax.scan(step, state, rows, length=params["length"], reverse=params["reverse"])
        return [*state, *rows]

    def _cond(self, params: Mapping[str, Any], values: list[Pair]) -> list[Pair]:
        """The branch of the values now; what is held is taken through it as well."""
        (number, _), *operands = values

        def branch(closed: Any) -> Callable[[list[Pair]], list[Pair]]:
            return lambda pairs: self.run(closed.jaxpr, closed.consts, pairs)

        taken = [branch(closed) for closed in params["branches"]]
        results: list[Pair] = self._lax.switch(number, taken, operands)
        return results


def _carried_out(operation: Callable[[Sequence[Any]], list[Any]], values: list[Pair]) -> list[Pair]:
    """What an operation gives: carried out once, where the values now are those that are held."""
    now = operation([now for now, _ in values])
    if all(now is held for now, held in values):
        return [(value, value) for value in now]
    return list(zip(now, operation([held for _, held in values]), strict=True))


def bind(equation: Any, values: Sequence[Any], params: Mapping[str, Any] | None = None) -> list[Any]:
    """The results of an equation for other operands, as its engine has it; with other parameters if given."""
    made = equation.primitive.get_bind_params(dict(equation.params if params is None else params))
    functions, params = made if isinstance(made, tuple) else ((), made)
    with equation.ctx.manager:
        results = equation.primitive.bind(*functions, *values, **params)
    return list(results) if equation.primitive.multiple_results else [results]


class AsTraced:
    """Equations carried out in the precision that they were traced in."""

    def constant(self, value: Any) -> Any:
        """The constant itself."""
        return value

    def __call__(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        """What the engine gives."""
        return bind(equation, values)
