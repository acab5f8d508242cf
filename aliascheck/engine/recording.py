"""Differentiate a function: explicitly by its arguments, or implicitly by the objects it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from aliascheck.engine.capture import Follower
from aliascheck.engine.loss import NUMBERS, check_loss
from aliascheck.engine.objects import mirrored
from aliascheck.engine.params import Grads, Params
from aliascheck.engine.parts import is_constant, make_dict, make_list, make_tuple
from aliascheck.engine.tape import Ledger, Tape, walk_back
from aliascheck.engine.tracer import Tracer, kind_of, mixed_tapes
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Fields, MixedTangentsError, Struct, children, dense, identity, is_array


class WithGradient(NamedTuple):
    """What a function gave, and its gradient."""

    val: Any
    grad: Any


class Recording:
    """A function's value on a tape, to be pulled back to the arguments or the set that it was taken for."""

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
            out = function(*arguments)
        self.value = deep_primal(out)
        self.out = _joined(out)
        if isinstance(self.out, Tracer) and self.out._tape is not self.tape:
            raise mixed_tapes()

    def _argument(self, position: int, arg: Any) -> Any:
        check_real(arg, f"argument {position}")
        if is_constant(arg):
            return arg
        return self.follower.argument(position, arg)

    def pull_back(self, seed: Any = 1.0, *, last: bool = False) -> Any:
        """The gradients for a cotangent of the value; after the `last` time the tape is gone."""
        ledger = Ledger(() if self.params is None else map(identity, self.params))
        found = self._walk(seed, ledger, last)
        taken = set(_ids(seed))
        if self.params is None:
            owned = [_owned(found.get(position, NOTHING), taken) for position in range(len(self.args))]
            return tuple(map(mirrored, self.args, owned))
        entries = {key: _owned(tangent, taken) for key, tangent in ledger.watched.items()}
        names = {name: _owned(tangent, taken) for name, tangent in ledger.globals.items()}
        return Grads(self.params, entries, names)

    def _walk(self, seed: Any, ledger: Ledger, last: bool) -> dict[Any, Any]:
        if seed is NOTHING:
            return {}
        cotangent = _as_cotangent(self.value, seed)
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
    return _copied(recording.value), lambda seed=1.0: recording.pull_back(seed)


def _copied(value: Any) -> Any:
    """A value in arrays of its own: pullbacks hold those that were computed."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    if isinstance(value, tuple):
        parts = map(_copied, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [_copied(part) for part in value]
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return value


def _ids(seed: Any) -> Iterator[int]:
    """The identities of all arrays of a seed."""
    if isinstance(seed, tuple | list | dict):
        for part in seed.values() if isinstance(seed, dict) else seed:
            yield from _ids(part)
    else:
        yield id(seed)


def check_real(value: Any, what: str) -> None:
    """Raise EngineError where `value` is an array or number that no derivative is taken by."""
    if type(value) is Tracer:
        raise mixed_tapes()
    array = dense(value)
    if type(array) is np.ndarray and array.dtype.kind == "f":
        return
    if isinstance(array, np.matrix | np.ma.MaskedArray):
        raise EngineError(
            f"{what} is a {type(array).__name__}, whose arithmetic is its own", hint="give np.asarray(x)"
        )
    kind = np.asarray(array).dtype.kind if is_array(value) or isinstance(array, np.generic) else ""
    if isinstance(array, bool) or kind == "b":
        name, instead = "boolean", "x.astype(float)"
    elif isinstance(array, complex) or kind == "c":
        name, instead = "complex", "x.real and x.imag apart"
    elif kind in ("i", "u") and is_array(value):
        name, instead = "integer", "x.astype(float)"
    elif kind and kind not in "iuf":
        name, instead = f"of dtype {np.asarray(array).dtype}", "x.astype(float)"
    else:
        return
    raise EngineError(f"{what} is {name}, and derivatives are taken by real numbers", hint=f"give {instead}")


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


def deep_primal(out: Any) -> Any:
    """A result without tracers, in the containers that it was given in."""
    if type(out) is Tracer:
        return out._value
    if isinstance(out, tuple):
        parts = map(deep_primal, out)
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    if isinstance(out, list):
        return [deep_primal(part) for part in out]
    if isinstance(out, dict):
        return {key: deep_primal(part) for key, part in out.items()}
    return out


def _as_cotangent(value: Any, seed: Any) -> Any:
    """`seed` as floating-point numbers of the shape of `value`, part by part."""
    if type(seed) is float and type(value) in NUMBERS:
        return np.float64(seed)
    if seed is NOTHING:
        return NOTHING
    if isinstance(value, tuple | list):
        if not isinstance(seed, tuple | list) or len(seed) != len(value):
            raise _not_shaped(f"it is {kind_of(value)} of {len(value)}")
        kind = list if isinstance(value, list) else tuple
        return kind(_as_cotangent(one, part) for one, part in zip(value, seed, strict=True))
    if isinstance(value, dict | Struct):
        parts = {str(step): part for step, part in children(value)}
        if not isinstance(seed, dict) or not seed.keys() <= parts.keys():
            raise _not_shaped(f"it has {', '.join(parts)}")
        made = {key: _as_cotangent(parts[key], part) for key, part in seed.items()}
        return made if isinstance(value, dict) else Fields(made)
    if not is_array(value) and not isinstance(value, int | float | np.number):
        return seed
    given = np.asarray(seed)
    if given.dtype.kind not in "biuf":
        raise _not_shaped("it is of real numbers")
    if given.shape != np.shape(dense(value)):
        raise _not_shaped(f"the cotangent has shape {given.shape}, and the value {np.shape(dense(value))}")
    return np.asarray(seed, float) if given.ndim else np.float64(seed)


def _not_shaped(what: str) -> EngineError:
    return EngineError(
        f"a cotangent is not shaped as the value: {what}",
        hint="a pullback takes what is shaped as the function's value",
    )


def _owned(tangent: Any, taken: set[int]) -> Any:
    """`tangent` in arrays that nothing else holds: results may be written to."""
    if not isinstance(tangent, np.ndarray):
        if isinstance(tangent, dict):
            return type(tangent)({key: _owned(part, taken) for key, part in tangent.items()})
        if isinstance(tangent, tuple | list):
            return type(tangent)(_owned(part, taken) for part in tangent)
        return tangent
    if tangent.base is not None or not tangent.flags.writeable or id(tangent) in taken:
        return np.array(tangent)
    taken.add(id(tangent))
    return tangent


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
