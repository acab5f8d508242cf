"""Equations of a trace whose derivative is a rule written by hand, carried out in float64 with their rule.

The rule is traced in the precision of the loss, and its own equations are carried out in float64. It cannot
be called with wider numbers: it may name types, and its engine compares them. No engine is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from aliascheck.subjects.jaxprs import bind

RULES = ("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "custom_linear_solve")

Run = Callable[[Any, Sequence[Any], Sequence[Any]], list[Any]]


class Ruled:
    """One such equation. `run` carries out a jaxpr in float64, `narrow` is the setting of the loss."""

    def __init__(
        self,
        jax: Any,
        equation: Any,
        run: Run,
        narrow: Callable[[], AbstractContextManager[Any]],
        wants_numbers: tuple[type[Exception], ...],
    ) -> None:
        self._jax = jax
        self._equation = equation
        self._run = run
        self._narrow = narrow
        self._wants_numbers = wants_numbers
        self._floats = self._places_of_floats(equation.invars)
        self._smooth = self._places_of_floats(equation.outvars)

    def _places_of_floats(self, atoms: Sequence[Any]) -> list[int]:
        kinds = self._jax.numpy
        return [place for place, atom in enumerate(atoms) if kinds.issubdtype(atom.aval.dtype, kinds.inexact)]

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The results, which are differentiated by the rule."""
        ruled = self._jax.custom_vjp(lambda *operands: self._results(operands))
        ruled.defvjp(lambda *operands: (self._results(operands), operands), self._pulled_back)
        results: list[Any] = ruled(*map(self._jax.numpy.asarray, values))
        return results

    def _results(self, values: Sequence[Any]) -> list[Any]:
        params = self._equation.params
        if "jaxprs" in params:  # a linear system, which says how it is solved
            lengths, solve = params["const_lengths"], params["jaxprs"].solve
            start = lengths.matvec + lengths.vecmat
            operands = [*values[start : start + lengths.solve], *values[sum(lengths) :]]
            return self._run(solve.jaxpr, solve.consts, operands)
        closed = params["call_jaxpr"] if "call_jaxpr" in params else params["fun_jaxpr"]
        return self._run(closed.jaxpr, closed.consts, values)

    def _pulled_back(self, values: Sequence[Any], d_outs: Sequence[Any]) -> tuple[Any, ...]:
        """The cotangents of the operands; whole numbers have none."""
        d_smooth = [d_outs[place] for place in self._smooth]
        found: list[Any] = [np.zeros(np.shape(value), self._jax.dtypes.float0) for value in values]
        for place, cotangent in zip(self._floats, self._by_rule(values, d_smooth), strict=True):
            found[place] = self._jax.numpy.asarray(cotangent, values[place].dtype)
        return tuple(found)

    def _by_rule(self, values: Sequence[Any], d_smooth: Sequence[Any]) -> Sequence[Any]:
        """What the rule gives: as it is traced, or for numbers that it wants, in its own precision."""
        smooth = [self._equation.outvars[place] for place in self._smooth]
        shapes = (self._shapes(self._equation.invars), self._shapes(smooth))
        with self._narrow():
            try:
                traced = self._jax.make_jaxpr(self._rule)(*shapes)
            except self._wants_numbers:
                return self._rule(_cast(values, self._equation.invars), _cast(d_smooth, smooth))
        return self._run(traced.jaxpr, traced.consts, [*values, *d_smooth])

    def _rule(self, operands: Sequence[Any], d_smooth: Sequence[Any]) -> Sequence[Any]:
        def of_floats(*floats: Any) -> list[Any]:
            given = dict(zip(self._floats, floats, strict=True))
            results = bind(self._equation, [given.get(place, value) for place, value in enumerate(operands)])
            return [results[place] for place in self._smooth]

        _, pull_back = self._jax.vjp(of_floats, *(operands[place] for place in self._floats))
        pulled: Sequence[Any] = pull_back(list(d_smooth))
        return pulled

    def _shapes(self, atoms: Sequence[Any]) -> list[Any]:
        return [self._jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in atoms]


def _cast(values: Sequence[Any], atoms: Sequence[Any]) -> list[Any]:
    return [value.astype(atom.aval.dtype) for value, atom in zip(values, atoms, strict=True)]
