"""Traced losses of float32 and narrower numbers, carried out in float64: the same equations, wider numbers.

Every equation is carried out by the engine: what it is given is widened, and so are the types that it names.
Casts to a narrow type are followed into float64, so that a loss that computes in bfloat16 is smooth there.
What makes floats of bits, as random draws do, makes the narrow ones first. No engine is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from aliascheck.errors import EngineError
from aliascheck.subjects.jaxprs import INLINED, bind, carry_out, every_equation, wants_numbers
from aliascheck.subjects.ruled import RULES, Ruled

OF_BITS = ("bitcast_convert_type", "nextafter")  # their results depend on the type
ROUNDED_OR_DRAWN = ("reduce_precision", "random_bits")
OF_ITS_TYPE = (
    "random_gamma",
    "pallas_call",
    "ffi_call",
    "custom_partitioning",
    "tpu_custom_call",
)  # kernels and the like


def is_narrow_anywhere(jax: Any, jaxpr: Any) -> bool:
    """Whether a trace computes floats below float64, rounds, or draws numbers: others, for wider types."""
    return any(
        equation.primitive.name in ROUNDED_OR_DRAWN or any(_narrow_kinds(jax, equation))
        for equation in every_equation(jaxpr)
    )


def narrower(jax: Any, jaxpr: Any) -> set[str]:
    """The types below float32 that a trace computes in, by name."""
    kinds = {kind for equation in every_equation(jaxpr) for kind in _narrow_kinds(jax, equation)}
    return {kind.name for kind in kinds if kind.itemsize < 4}


def _narrow_kinds(jax: Any, equation: Any) -> Iterator[Any]:
    for atom in equation.outvars:
        dtype = getattr(atom.aval, "dtype", None)
        if dtype is not None and dtype != np.float64 and jax.numpy.issubdtype(dtype, jax.numpy.floating):
            yield dtype


class Doubling:
    """How equations of a narrow trace are carried out in float64.

    `narrow` gives the setting that the loss was traced in: rules written by hand are traced there too.
    """

    def __init__(self, jax: Any, narrow: Callable[[], AbstractContextManager[Any]]) -> None:
        self._jax = jax
        self._narrow = narrow
        self._widened: dict[int, tuple[Any, Any]] = {}
        self._by_hand: dict[str, Callable[[Any, Sequence[Any]], list[Any]]] = {
            **dict.fromkeys(INLINED, self._inlined),
            **dict.fromkeys(RULES, self._with_its_rule),
            **dict.fromkeys(OF_BITS, self._narrowly),
            **dict.fromkeys(OF_ITS_TYPE, _refuse),
            "reduce_precision": lambda equation, values: list(values),
            "scan": self._scan,
            "while": self._while,
            "cond": self._cond,
            "pure_callback": self._called_back,
        }

    def constant(self, value: Any) -> Any:
        """A constant of the trace, in float64; each is converted once."""
        if not self._is_narrow(getattr(value, "dtype", None)):
            return value
        if id(value) not in self._widened:
            self._widened[id(value)] = value, np.asarray(value).astype(self._wide(value.dtype))
        return self._widened[id(value)][1]

    def __call__(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        """The results of an equation. Raises: EngineError where it does not take wider numbers."""
        name = equation.primitive.name
        if name in self._by_hand:
            return self._by_hand[name](equation, values)
        try:
            params = {key: self._param(equation, key, part) for key, part in equation.params.items()}
            return [self._value(result) for result in bind(equation, values, params)]
        except (TypeError, ValueError, NotImplementedError) as error:
            words = (str(error) or type(error).__name__).splitlines()[0]
            raise EngineError(f"'{name}' does not take float64: {words}") from error

    def run(self, jaxpr: Any, consts: Sequence[Any], values: Sequence[Any]) -> list[Any]:
        """The results of a jaxpr."""
        return carry_out(jaxpr, consts, values, constant=self.constant, apply=self)

    def _closed(self, closed: Any) -> Callable[..., list[Any]]:
        return lambda *values: self.run(closed.jaxpr, closed.consts, values)

    def _is_narrow(self, dtype: Any) -> bool:
        return dtype is not None and self._wide(dtype) != dtype

    def _wide(self, dtype: Any) -> Any:
        """What a type of numbers is widened to: itself, for whole numbers, keys, and float64."""
        kinds = self._jax.numpy
        if kinds.issubdtype(dtype, kinds.floating):
            return np.dtype(np.float64)
        if kinds.issubdtype(dtype, kinds.complexfloating):
            return np.dtype(np.complex128)
        return dtype

    def _value(self, value: Any) -> Any:
        return value.astype(self._wide(value.dtype)) if self._is_narrow(value.dtype) else value

    def _in_type_of(self, atom: Any, value: Any) -> Any:
        """A value in the type that the trace has it in."""
        if not self._is_narrow(getattr(atom.aval, "dtype", None)):
            return value
        return self._jax.numpy.asarray(value).astype(atom.aval.dtype)

    def _aval(self, aval: Any) -> Any:
        if not self._is_narrow(getattr(aval, "dtype", None)):
            return aval
        return aval.update(dtype=self._wide(aval.dtype), weak_type=False)

    def _param(self, equation: Any, key: str, value: Any) -> Any:
        """A parameter of an equation, the types that it names widened, and the equations in it."""
        if key == "precision":
            return None  # it is of the narrow types
        if key.endswith(("dtype", "element_type")) and value is not None:
            return self._wide(value)
        if hasattr(value, "eqns"):
            return self._traced(value, ()).jaxpr
        if hasattr(value, "jaxpr") and hasattr(value, "consts"):
            return self._traced(value.jaxpr, value.consts)
        return value

    def _traced(self, jaxpr: Any, consts: Sequence[Any]) -> Any:
        avals = [self._aval(variable.aval) for variable in jaxpr.invars]
        return self._jax.make_jaxpr(lambda *values: self.run(jaxpr, consts, values))(*avals)

    def _inlined(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        if not any(self._varies(atom) for atom in equation.invars):
            return self._narrowly(equation, values)  # a draw, mostly: its numbers are those of the loss
        (part,) = (equation.params[key] for key in ("jaxpr", "call_jaxpr") if key in equation.params)
        is_closed = hasattr(part, "consts")
        return self.run(part.jaxpr if is_closed else part, part.consts if is_closed else (), values)

    def _varies(self, atom: Any) -> bool:
        """Whether an operand may be moved with the memory: floats that are no literals."""
        numpy = self._jax.numpy
        return not hasattr(atom, "val") and bool(numpy.issubdtype(atom.aval.dtype, numpy.inexact))

    def _narrowly(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        operands = map(self._in_type_of, equation.invars, values)
        return [self._value(result) for result in bind(equation, list(operands))]

    def _scan(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        params = equation.params
        body, fixed, carried = self._closed(params["jaxpr"]), params["num_consts"], params["num_carry"]
        around, state, rows = values[:fixed], values[fixed : fixed + carried], values[fixed + carried :]

        def step(state: Any, row: Any) -> Any:
            results = body(*around, *state, *row)
            return results[:carried], results[carried:]

        state, rows = self._jax.lax.scan(
            step, list(state), list(rows), length=params["length"], reverse=params["reverse"]
        )
        return [*state, *rows]

    def _while(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        params = equation.params
        going, body = self._closed(params["cond_jaxpr"]), self._closed(params["body_jaxpr"])
        first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
        of_condition, of_body, state = values[:first], values[first:second], values[second:]
        results: list[Any] = self._jax.lax.while_loop(
            lambda state: going(*of_condition, *state)[0],
            lambda state: body(*of_body, *state),
            list(state),
        )
        return results

    def _cond(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        number, *operands = values
        branches = [self._closed(branch) for branch in equation.params["branches"]]
        results: list[Any] = self._jax.lax.switch(number, branches, *operands)
        return results

    def _called_back(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        """What a function of NumPy gives for wider numbers, in float64 whatever it gives."""
        params: Mapping[str, Any] = equation.params
        avals = [self._aval(aval) for aval in params["result_avals"]]

        def call(*arrays: Any) -> Any:
            given = params["callback"](*map(np.asarray, arrays))
            return [np.asarray(one, aval.dtype) for one, aval in zip(given, avals, strict=True)]

        shapes = [self._jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
        results: list[Any] = self._jax.pure_callback(
            call, shapes, *values, vmap_method=params.get("vmap_method")
        )
        return results

    def _with_its_rule(self, equation: Any, values: Sequence[Any]) -> list[Any]:
        return Ruled(self._jax, equation, self.run, self._narrow, wants_numbers(self._jax))(values)


def _refuse(equation: Any, values: Sequence[Any]) -> list[Any]:
    raise EngineError(f"'{equation.primitive.name}' is made for the precision that it is given")
