"""Differentiate a function: explicitly by its arguments, or implicitly by the objects it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from aliascheck.engine.capture import followed
from aliascheck.engine.params import Grads, Params
from aliascheck.engine.parts import Argument, GlobalRead
from aliascheck.engine.tape import Ledger, Tape, walk_back
from aliascheck.engine.tracer import Tracer, kind_of, primal
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, MixedTangentsError, dense, identity

_recording: list[Tape] = []


@contextmanager
def _on(tape: Tape) -> Iterator[None]:
    _recording.append(tape)
    try:
        yield
    finally:
        _recording.pop()


class Bindings:
    """Named values whose reads are followed: what Zygote's implicit mode calls globals.

    main = Bindings(x=x, xt=adjoint(x))
    gradient(lambda: np.sum(main.xt * main.x), Params([x]))
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__["_values"] = values

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            raise AttributeError(name)
        value = self._values[name]
        return read_global(_recording[-1], name, value) if _recording else value

    def __setattr__(self, name: str, value: Any) -> None:
        if _recording:
            raise EngineError(f"'{name}' cannot be bound again while it is differentiated")
        self._values[name] = value


def read_global(tape: Tape, name: str, value: Any) -> Tracer:
    """A traced reading of a global name; each textual occurrence is one."""
    return Tracer(value, tape, tape.record(GlobalRead(name, value)), (name,))


def check_loss(value: Any) -> float:
    """The number that a loss gave. Raises EngineError where it is no real scalar."""
    number = dense(primal(value))
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | float | np.number | np.ndarray):
        raise EngineError(
            f"the loss is {kind_of(primal(value))}, not a number", hint="reduce it with sum(...)"
        )
    if np.ndim(number) != 0:
        shape = "(" + ", ".join(map(str, np.shape(number))) + ("," if np.ndim(number) == 1 else "") + ")"
        raise EngineError(
            f"the loss has shape {shape}, and must be a scalar", hint="reduce it with sum(...) or mean(...)"
        )
    if np.iscomplexobj(number):
        raise EngineError("the loss is complex", hint="take its real part")
    return float(number)


def _pull(tape: Tape, out: Any, seed: Any, ledger: Ledger) -> dict[Any, Any]:
    if not isinstance(out, Tracer) or out._index < 0 or seed is NOTHING:
        return {}
    seed = np.asarray(seed, float) if isinstance(seed, np.ndarray) else np.float64(seed)
    try:
        return walk_back(tape, out._index, seed, ledger)
    except MixedTangentsError as error:
        raise EngineError(str(error), hint="read it in one way only") from error


def pullback(function: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of a function, and its pullback from a cotangent of that value.

    With a single `Params`, the function takes no argument and the pullback gives `Grads`; else it gives
    a tuple with one gradient for each argument. A pullback may be called any number of times.
    """
    tape = Tape()
    if len(args) == 1 and isinstance(args[0], Params):
        params = args[0]
        with _on(tape):
            out = followed(function, tape)()
        watched = [identity(member) for member in params]

        def back_implicit(seed: Any = 1.0) -> Grads:
            ledger = Ledger(watched)
            _pull(tape, out, seed, ledger)
            return Grads(params, ledger.watched, ledger.globals)

        return primal(out), back_implicit
    tracers = [Tracer(arg, tape, tape.record(Argument(position))) for position, arg in enumerate(args)]
    with _on(tape):
        out = function(*tracers)

    def back_explicit(seed: Any = 1.0) -> tuple[Any, ...]:
        found = _pull(tape, out, seed, Ledger())
        return tuple(found.get(position, NOTHING) for position in range(len(args)))

    return primal(out), back_explicit


def withgradient(function: Callable[..., Any], *args: Any) -> tuple[float, Any]:
    """The value of a scalar function, and its gradient as `gradient` gives it."""
    value, back = pullback(function, *args)
    return check_loss(value), back(1.0)


def gradient(function: Callable[..., Any], *args: Any) -> Any:
    """The gradient of a scalar function.

    `gradient(f, a, b)` is explicit: a tuple with the gradient of each argument, mirroring it, `NOTHING`
    where the function does not depend on it. `gradient(f, Params([x, y]))` is implicit: f takes no
    argument, and x and y are credited wherever f meets them as those very objects. It meets them in its
    globals, in variables that it captured, in plain functions that it calls, and in `Bindings`.

    Raises: EngineError where the function gives no real scalar, or cannot be differentiated.
    Source: the two modes of FluxML/Zygote.jl.
    """
    return withgradient(function, *args)[1]
