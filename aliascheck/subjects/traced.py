"""A loss of jax as functions that an audit calls, compiled where it can be traced.

The engine is handed in, and not imported.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from aliascheck.errors import EngineError
from aliascheck.memory import Array
from aliascheck.subjects.jaxprs import (
    AsTraced,
    Carrier,
    Evaluation,
    constants,
    has_equation,
    is_deliberate_stop,
    wants_numbers,
)
from aliascheck.subjects.pytrees import Model
from aliascheck.subjects.variables import Variable, exchanged


def trace(model: Model, dtypes: Sequence[Any]) -> tuple[Any, str]:
    """The loss as a jaxpr of the leaves; None and why, where it cannot be traced, or not twice alike.

    A loss that draws numbers from elsewhere than a key would be frozen in its trace.

    Raises: EngineError where the loss is no real scalar.
    """
    jax = model.jax
    shapes = [
        jax.ShapeDtypeStruct(host.shape, dtype) for host, dtype in zip(model.hosts, dtypes, strict=True)
    ]
    try:
        traced, again = (jax.make_jaxpr(lambda values: model.evaluate(values))(shapes) for _ in range(2))
    except wants_numbers(jax) as error:
        return None, str(error).splitlines()[0].rstrip(".")
    check_scalar([(result.shape, result.dtype) for result in traced.out_avals])
    return (traced, "") if _is_alike(traced, again) else (None, "two traces of it differ")


def _is_alike(traced: Any, again: Any) -> bool:
    """Whether two traces have the same equations and the same constants."""
    ours, theirs = (list(constants(one.jaxpr, one.consts)) for one in (traced, again))
    return (
        len(ours) == len(theirs)
        and all(one is other or _is_equal(one, other) for one, other in zip(ours, theirs, strict=True))
        and ADDRESS.sub("", str(traced)) == ADDRESS.sub("", str(again))
    )


ADDRESS = re.compile(r"0x[0-9a-f]+")


def _is_equal(one: Any, other: Any) -> bool:
    if not isinstance(getattr(one, "dtype", None), np.dtype):
        return True  # keys, and what else has no numbers to be compared
    return one.dtype == other.dtype and np.asarray(one).tobytes() == np.asarray(other).tobytes()


QUICK: dict[str, Any] = {"xla_backend_optimization_level": 0}
QUICKEST = {**QUICK, "xla_cpu_use_fusion_emitters": False}


@functools.cache
def _has_options(jax: Any) -> bool:
    """Whether the compiler of this version knows what the quickest way is told by."""
    try:
        jax.jit(lambda x: x, compiler_options=QUICKEST)(0.0)
    except Exception:  # noqa: BLE001  whatever it raises, it does without
        return False
    return True


class Functions:
    """What an audit evaluates: functions of the leaves' values, and of those of what the loss captured.

    They are compiled where the loss can be traced; where not, what it captured is exchanged in its
    `variables`, and nothing in it is compiled, which would remember what they held.
    A `carrier` carries out what was traced in its own way.
    """

    def __init__(
        self,
        model: Model,
        traced: Any,
        captured: Sequence[Any],
        *,
        carrier: Carrier | None = None,
        variables: Sequence[Sequence[Variable]] = (),
    ) -> None:
        self._model = model
        self.traced = traced
        self._captured = captured
        self._carrier = carrier
        self._variables = variables
        self._library = os.path.dirname(model.jax.__file__)
        self._gate = _gate(model.jax)
        self._members = [model.paths.index(path) for path in model.members]
        self.has_stops = traced is not None and has_equation(traced.jaxpr, self._is_stop)
        self.whole = self._compiled(self._whole)
        self.live = self._compiled(self._live)
        self._gradient = self._compiled(self._gradient_of_gated)

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function compiled where it can be; not thoroughly, which takes longer than what it is for."""
        if self.traced is None:
            return function
        jax = self._model.jax
        options = QUICK if jax.default_backend() == "cpu" else {}
        if options and self._model.small and _has_options(jax):
            options = QUICKEST
        compiled: Callable[..., Any] = jax.jit(function, compiler_options=options)
        return compiled

    def _is_stop(self, equation: Any) -> bool:
        return is_deliberate_stop(equation, self._library)

    def _whole(self, leaves: Sequence[Any], others: Sequence[Any]) -> Any:
        """The loss as the engine has it."""
        if self._variables:
            return self._with_variables(leaves, others)
        if self._carrier is None and not self._captured:
            return self._model.evaluate([self._model.jax.numpy.asarray(leaf) for leaf in leaves])
        return self._run(list(zip(leaves, leaves, strict=True)), others, lambda equation: False)

    def _with_variables(self, leaves: Sequence[Any], others: Sequence[Any]) -> Any:
        jax = self._model.jax
        pairs = [
            (one, jax.numpy.asarray(value) if isinstance(one.value, jax.Array) else value)
            for variables, value in zip(self._variables, others, strict=True)
            for one in variables
        ]
        with exchanged(pairs), jax.disable_jit():
            return self._model.evaluate([jax.numpy.asarray(leaf) for leaf in leaves])

    def _live(self, now: Any, held: Any) -> Any:
        """The loss with stops that give what they gave for other values."""
        leaves, others = (list(zip(*pair, strict=True)) for pair in zip(now, held, strict=True))
        return self._run(leaves, others, self._is_stop)

    def _run(self, leaves: Sequence[Any], others: Sequence[Any], is_stop: Callable[[Any], bool]) -> Any:
        swaps = {id(constant): value for constant, value in zip(self._captured, others, strict=True)}
        evaluation = Evaluation(self._model.jax.lax, swaps, is_stop, self._carrier or AsTraced())
        return evaluation.run(self.traced.jaxpr, self.traced.consts, leaves)[0][0]

    def gradient(self, leaves: Sequence[Any], others: Sequence[Any], gates: Array) -> Any:
        """The gradient by the members, each leaf behind its gate."""
        try:
            return self._gradient(leaves, others, gates)
        except wants_numbers(self._model.jax):  # a rule written by hand may want them
            self._gradient = self._gradient_of_gated
            return self._gradient(leaves, others, gates)

    def trace_gradient(self, leaves: Sequence[Any], others: Sequence[Any]) -> None:
        """Raises: what jax raises where it cannot take the gradient, whatever the numbers are."""
        gates = np.ones(len(leaves))
        with suppress(*wants_numbers(self._model.jax)):
            self._model.jax.eval_shape(self._gradient, leaves, others, gates)

    def _gradient_of_gated(self, leaves: Sequence[Any], others: Sequence[Any], gates: Any) -> Any:
        def gated(members: Sequence[Any]) -> Any:
            values = list(leaves)
            for position, value in zip(self._members, members, strict=True):
                values[position] = self._gate(value, gates[position])
            return self._whole(values, others)

        return self._model.jax.grad(gated)([leaves[position] for position in self._members])


def check_scalar(results: Sequence[tuple[tuple[int, ...], Any]]) -> None:
    """Raises: EngineError where a loss is not one real number."""
    if len(results) != 1:
        raise EngineError(f"the loss gives {len(results)} values, and must be a scalar")
    ((shape, dtype),) = results
    if shape:
        hint = "reduce it with jnp.sum(...) or jnp.mean(...)"
        raise EngineError(f"the loss has shape {shape}, and must be a scalar", hint=hint)
    if np.issubdtype(dtype, np.complexfloating):
        raise EngineError("the loss is complex", hint="take its real part")


def _gate(jax: Any) -> Callable[[Any, Any], Any]:
    """The identity whose pullback multiplies: zero by selection where closed, so that no infinity passes."""

    def pull_back(s: Any, d_out: Any) -> Any:
        scaled = jax.numpy.where(s == 0, jax.numpy.zeros_like(d_out), d_out * s.astype(d_out.dtype))
        return scaled, jax.numpy.zeros_like(s)

    gate: Any = jax.custom_vjp(lambda x, s: x)
    gate.defvjp(lambda x, s: (x, s), pull_back)
    return gate  # type: ignore[no-any-return]
