"""Programs of the bundled engine: a model of named values, and a loss that reads them by name."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np

from aliascheck.engine import (
    Argument,
    Ledger,
    Rebuilt,
    Tape,
    Tracer,
    check_loss,
    primal,
    read_global,
    walk_back,
)
from aliascheck.engine.primitive import complex_numbers
from aliascheck.engine.stops import Stops, recorded, replayed
from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import (
    NOTHING,
    Array,
    Cast,
    Path,
    identity,
    is_array,
    lookup,
    walk,
)
from aliascheck.subjects.subject import Gradients, narrow_names


class Environment(Protocol):
    """Where a loss reads its names."""

    def read(self, name: str) -> Any:
        """The value of a name. Raises KeyError where there is none."""

    def names(self) -> Iterable[str]:
        """All names."""


Loss = Callable[[Environment], Any]


class Plain:
    """Names as they are bound."""

    def __init__(self, bindings: Mapping[str, Any]) -> None:
        self._bindings = bindings

    def read(self, name: str) -> Any:
        return self._bindings[name]

    def names(self) -> Iterable[str]:
        return self._bindings


class Traced(Plain):
    """Names whose reading is followed by a tape, each occurrence for itself."""

    def __init__(self, bindings: Mapping[str, Any], tape: Tape) -> None:
        super().__init__(bindings)
        self._tape = tape

    def read(self, name: str) -> Any:
        return read_global(self._tape, name, self._bindings[name])


class Replaced(Traced):
    """As Traced, with arguments of explicit mode in the place of members."""

    def __init__(self, bindings: Mapping[str, Any], tape: Tape, members: Sequence[Path]) -> None:
        super().__init__(bindings, tape)
        self._arguments = {
            path: Tracer(lookup(bindings, path), tape, tape.record(Argument(path)), path) for path in members
        }
        self._roots = {path[0] for path in members}

    def _rebuild(self, name: str) -> Tracer:
        """The argument for a whole binding, or the binding rebuilt around arguments below it."""
        if (name,) in self._arguments:
            return self._arguments[name,]
        parts = {path[1:]: arg._index for path, arg in self._arguments.items() if path[0] == name}
        value = self._bindings[name]
        return Tracer(value, self._tape, self._tape.record(Rebuilt(value, parts)), (name,))

    def read(self, name: str) -> Any:
        return self._rebuild(name) if name in self._roots else super().read(name)


class ComplexTwin:
    """A program some of whose memory holds complex numbers."""

    def __init__(self, loss: Loss, bindings: Mapping[str, Any], arrays: Sequence[Array]) -> None:
        self.arrays = arrays
        self._evaluate = loss
        self._bindings = bindings

    def loss(self) -> complex:
        """The loss at the twin's memory as it is now."""
        return _complex_value(self._evaluate, Plain(self._bindings))


class Program:
    """A loss over named values, differentiated by the bundled engine.

    `loss` evaluates with the names of an environment. `members` are the paths of the set. Programs with
    the same `key` are made of the same loss and the same model.
    """

    merges = ("implicit",)

    def __init__(
        self, bindings: Mapping[str, Any], loss: Loss, members: Sequence[Path], key: Hashable = None
    ) -> None:
        self.key = key
        self.members = tuple(dict.fromkeys(members))
        self.evaluate = loss
        self._bind(bindings)

    def _bind(self, bindings: Mapping[str, Any]) -> None:
        """Take memory, of which nothing has been recorded yet."""
        self.bindings = bindings
        self._stops = Stops()
        self._recordings: dict[str, tuple[Tape, Any]] = {}
        self._memory_of_recordings: bytes = b""
        self._places = [
            place
            for name, value in bindings.items()
            for place in walk(value, (name,))
            if place[1].dtype.kind == "f"
        ]

    def places(self) -> list[tuple[Path, Array]]:
        """Every place of a real array, in the order of the bindings."""
        return self._places

    def narrow(self) -> set[str]:
        """The precisions below float64 that the memory is in."""
        return narrow_names(self._places)

    def remarks(self) -> tuple[str, ...]:
        """Nothing: what there is to know about a program, its gradients tell."""
        return ()

    def accesses(self) -> dict[Path, Any]:
        """The array value that the loss consumes at each access."""
        tape = Tape(recording=False)
        self.evaluate(Traced(self.bindings, tape))
        return {path: value for path, value in tape.accesses.items() if is_array(value)}

    def base(self) -> float:
        """The loss at the memory as it is; what its stops hold is kept for perturbed evaluations."""
        with recorded(self._stops):
            return check_loss(self.evaluate(Plain(self.bindings)))

    def has_stops(self) -> bool:
        """Whether the loss stops gradients deliberately, as seen when `base` was evaluated."""
        return bool(self._stops.values)

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now."""
        return self._value(Plain(self.bindings), through_stops)

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one access reading `private` in place of its memory."""
        tape = Tape(recording=False, substitutes={access: private})
        return self._value(Traced(self.bindings, tape), through_stops)

    def widened(self) -> Program | None:
        """The same program in float64, its memory aliased alike; None where elements lie astray."""
        narrow = [array for _, array in self._places if array.dtype.itemsize < 8]
        try:
            bindings = Cast(narrow, np.float64).values(self.bindings)
        except ValueError:
            return None
        wide = copy(self)  # whatever engine it is
        wide._bind(bindings)
        return wide

    def analytic(self) -> Program | None:
        """The same loss for complex numbers, whether or not they mean a thing in it.

        None where it stops gradients: what a stop holds is real.
        """
        return None if self.has_stops() else self

    def complex_loss_reading(self, access: Path, private: Array) -> complex:
        """The loss with one access reading a private complex array of its shape."""
        tape = Tape(recording=False, substitutes={access: private})
        return _complex_value(self.evaluate, Traced(self.bindings, tape))

    def complex_twin(self, arrays: Sequence[Array]) -> ComplexTwin:
        """The model with complex memory in the place of that of some arrays."""
        cast = Cast(arrays, np.complex128)
        return ComplexTwin(self.evaluate, cast.values(self.bindings), [cast.array(array) for array in arrays])

    def _value(self, environment: Environment, through_stops: bool) -> float:
        if through_stops or not self._stops.values:
            return float(_scalar(self.evaluate(environment)))
        with replayed(self._stops):
            return float(_scalar(self.evaluate(environment)))

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What the engine reports in a mode, with gates on accesses.

        Raises: EngineError where the engine cannot differentiate the loss.
        """
        tape, out = self._recorded(mode)
        watched = {path: identity(lookup(self.bindings, path)) for path in self.members}
        ledger = Ledger(watched.values() if mode == "implicit" else None)
        arguments: dict[Any, Any] = {}
        if isinstance(out, Tracer) and out._index >= 0:
            try:
                arguments = walk_back(tape, out._index, np.float64(1.0), ledger, gates)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise EngineError(str(error)) from error
        if mode == "explicit":
            return Gradients({path: arguments.get(path, NOTHING) for path in self.members})
        return Gradients({path: ledger.watched[watched[path]] for path in self.members}, ledger.globals)

    def _fingerprint(self) -> bytes:
        """What tells the memory from itself with other numbers in it."""
        digest = blake2b(digest_size=16)
        for array in {id(array): array for _, array in self._places}.values():
            digest.update(np.ascontiguousarray(array).data)
        return digest.digest()

    def _recorded(self, mode: str) -> tuple[Tape, Any]:
        """One forward pass for each mode and state of the memory: gates act on the way back only."""
        memory = self._fingerprint()
        if memory != self._memory_of_recordings:
            self._recordings.clear()
            self._memory_of_recordings = memory
        if mode not in self._recordings:
            tape = Tape()
            environment = (
                Replaced(self.bindings, tape, self.members)
                if mode == "explicit"
                else Traced(self.bindings, tape)
            )
            self._recordings[mode] = tape, self.evaluate(environment)
        return self._recordings[mode]


def _complex_value(loss: Loss, environment: Environment) -> complex:
    """A loss for complex numbers; not-a-number where something in it does not take them."""
    try:
        with complex_numbers(), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            return complex(_scalar(loss(environment)))
    except (AliascheckError, ArithmeticError, TypeError, ValueError, np.exceptions.ComplexWarning):
        return complex(math.nan)


def _scalar(value: Any) -> Any:
    value = primal(value)
    return value.array if hasattr(value, "array") else value
