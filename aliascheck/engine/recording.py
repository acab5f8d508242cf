"""Differentiate a function: explicitly by its arguments, or implicitly by the objects it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from aliascheck.engine.capture import Follower
from aliascheck.engine.handover import as_cotangent, copied, each_part, identities, owned
from aliascheck.engine.objects import mirrored
from aliascheck.engine.params import Grads, Params
from aliascheck.engine.parts import Argument, is_constant, make_dict, make_list, make_tuple
from aliascheck.engine.real import NUMBERS, check_loss, check_real
from aliascheck.engine.tape import Ledger, Tape, walk_back
from aliascheck.engine.tracer import Tracer, mixed_tapes, primal
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Fields, MixedTangentsError, Struct, children, dense, identity


class WithGradient(NamedTuple):
    """What a function gave, and its gradient."""

    val: Any
    grad: Any


class Recording:
    """A function's value on a tape, to be pulled back to the arguments or the set that it was taken for."""

    __slots__ = ("args", "follower", "out", "params", "tape", "value")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.tape = Tape()
        self.params = args[0] if len(args) == 1 and isinstance(args[0], Params) else None
        if self.params is not None:
            for member in self.params:
                check_real(member, "a member of the set")
            args = ()
        self.args = args
        self.follower = Follower(self.tape, explicit=self.params is None)
        if self.params is not None:
            function = self.follower.function(function)
        arguments = [self._argument(position, arg) for position, arg in enumerate(args)]
        with self.follower:
            try:
                out = function(*arguments)
            except ValueError as error:  # by which NumPy hides ours where an element is set
                if not isinstance(error.__cause__, EngineError):
                    raise
                raise EngineError(
                    "y[...] = x: a traced value cannot be written into an array",
                    hint="collect the parts in a list, and join them with np.stack(...) or concatenate(...)",
                ) from error
        self.value = out._value if type(out) is Tracer else each_part(out, primal)
        self.out = _joined(out)
        if type(self.out) is Tracer and self.out._tape is not self.tape:
            raise mixed_tapes()

    def _argument(self, position: int, arg: Any) -> Any:
        if type(arg) is np.ndarray and arg.dtype.kind == "f":  # most are
            return Tracer(arg, self.tape, self.tape.record(Argument(position)))
        check_real(arg, f"argument {position}")
        if is_constant(arg):
            return arg
        return self.follower.argument(position, arg)

    def pull_back(self, seed: Any = 1.0, *, last: bool = False) -> Any:
        """The gradients for a cotangent of the value; after the `last` time the tape is gone."""
        ledger = Ledger(None if self.params is None else map(identity, self.params))
        found = self._walk(seed, ledger, last)
        taken = set(identities(seed)) if type(seed) is not float else set()
        if self.params is None:
            given = enumerate(self.args)
            return tuple(
                [mirrored(arg, owned(found.get(position, NOTHING), taken)) for position, arg in given]
            )
        entries = {key: owned(tangent, taken) for key, tangent in ledger.watched.items()}
        names = {name: owned(tangent, taken) for name, tangent in ledger.globals.items()}
        return Grads(self.params, entries, names)

    def _walk(self, seed: Any, ledger: Ledger, last: bool) -> dict[Any, Any]:
        if seed is NOTHING:
            return {}
        cotangent = as_cotangent(self.value, seed)
        if not isinstance(self.out, Tracer):
            return {}
        try:
            return walk_back(self.tape, self.out._index, cotangent, ledger, release=last)
        except MixedTangentsError as error:
            raise EngineError(str(error), hint="read it in one way only") from error


def pullback(function: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of a function, and its pullback from a cotangent of that value.

    With a single `Params`, the function takes no argument and the pullback gives `Grads`; else it gives
    a tuple with one gradient for each argument. A pullback may be called any number of times, and what it
    gives is the caller's: new arrays, shared with nothing.

    Raises: EngineError for arguments and members that are not made of real floating-point numbers, and for
    a cotangent that is not shaped as the value.
    """
    recording = Recording(function, args)
    return copied(recording.value), lambda seed=1.0: recording.pull_back(seed)


def _joined(out: Any) -> Any:
    """A result on the tape as one value, where a function gave a container of traced parts."""
    if type(out) is Tracer:
        return out
    if isinstance(out, tuple):
        return make_tuple(map(_joined, out))
    if isinstance(out, list):
        return make_list(map(_joined, out))
    if isinstance(out, dict):
        return make_dict({key: _joined(part) for key, part in out.items()})
    return out


def withgradient(function: Callable[..., Any], *args: Any) -> WithGradient:
    """The value of a function, `val`, and its gradient as `gradient` gives it, `grad`.

    Where the function gives a tuple or a struct, its first entry is the loss, and the others come along.
    """
    recording = Recording(function, args)
    value = recording.value
    if type(value) not in NUMBERS and isinstance(value, tuple | Struct) and list(children(value)):
        (first, loss), *others = children(value)
        check_loss(loss)
        one = np.ones(np.shape(dense(loss)))
        seed = Fields({first: one}) if isinstance(value, Struct) else (one, *[NOTHING] * len(others))
        return WithGradient(value, recording.pull_back(seed, last=True))
    return WithGradient(check_loss(value), recording.pull_back(last=True))


def gradient(function: Callable[..., Any], *args: Any) -> Any:
    """The gradient of a scalar function.

    `gradient(f, a, b)` is explicit: a tuple with the gradient of each argument, mirroring it, `NOTHING`
    where the function does not depend on it. `gradient(f, Params([x, y]))` is implicit: f takes no
    argument, and x and y are credited wherever f meets them as those very objects. It meets them in its
    globals, in variables that it captured, in plain functions and methods that it calls, in objects of a
    user's own classes, in modules, and in `Bindings`. Objects are met as copies, and do not change.

    Raises: EngineError where the function gives no real scalar, or cannot be differentiated.
    Source: the two modes of FluxML/Zygote.jl.
    """
    recording = Recording(function, args)
    check_loss(recording.value)
    return recording.pull_back(last=True)
