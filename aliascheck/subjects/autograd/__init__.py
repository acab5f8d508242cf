"""Models in containers of NumPy arrays, differentiated by autograd.

Their arrays really share memory: views, transposes and slices are moved in place by moving what they are
views of, those among them that a loss captured, too.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from aliascheck.engine import check_loss
from aliascheck.engine.stops import Stops, hold, recorded, replayed
from aliascheck.errors import AliascheckError, EngineError, IncompleteError
from aliascheck.memory import Array, Cast, Field, Path, Struct, format_path, is_identical, lookup
from aliascheck.subjects.counters import Counters
from aliascheck.subjects.evaluation import seeded, told
from aliascheck.subjects.generators import generators_in
from aliascheck.subjects.interpretation import Interpretation
from aliascheck.subjects.numbers import unaudited
from aliascheck.subjects.program import Loss as Program
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.ties import tied
from aliascheck.subjects.trees import (
    Name,
    TreeSubject,
    bindings_of,
    captured_functions,
    captured_values,
    chosen,
    content,
    key_step,
    path_of,
    without_leaves,
)
from aliascheck.subjects.writable import writable

DEFAULT_CONTRACT = "sum"
DEFAULT_STOPS = "report"

Loss = Callable[[Any], Any]


def make_subject(
    tree: Any,
    loss: Loss,
    *,
    ties: Iterable[Iterable[Name]] | None = None,
    params: Iterable[Name] | None = None,
    seed: int = 0,
) -> AutogradSubject:
    """An array, or tuples, lists and dicts of arrays, with a loss of it, audited through `autograd.grad`.

    `ties` lists leaves that are one parameter although each has an array of its own; `params` are the
    leaves in the set, all arrays and NumPy numbers of floats without it. Python numbers are settings, not
    parameters. Global random numbers, of Python and NumPy, begin at `seed` in every evaluation.

    Raises: AliascheckError where the tree has no such leaves, and where an array cannot be moved.
    """
    _engine()
    paths = dict(_leaves(tree))
    if not paths:
        raise without_leaves(tree)
    scalars = [path for path, value in paths.items() if not isinstance(value, np.ndarray)]
    _check_kinds(paths)
    arrays = {path: np.asarray(value) for path, value in paths.items()}
    moved = writable(arrays, (value for _, value in captured_values(loss)))
    arrays.update(moved)
    first_of = tied(ties or (), arrays)
    new = {path: arrays[first_of.get(path, path)] for path in [*scalars, *moved, *first_of]}
    members = list(paths) if params is None else chosen(params, list(paths))
    return AutogradSubject(_replaced(tree, new), loss, members, seed, scalars)


def make_program(
    bindings: Mapping[str, Any], loss: Program, members: Sequence[Path], *, stop_gradient: str, seed: int = 0
) -> AutogradSubject:
    """A program of a case file, audited through `autograd.grad`: its arrays share memory as they do there.

    `stop_gradient` and `seed` are there for likeness with other engines.

    Raises: LacksPrimitiveError where autograd has not what the loss does.
    """
    _engine()
    from aliascheck.subjects.autograd.vocabulary import VOCABULARY

    program = Interpretation(VOCABULARY, bindings, loss, members)
    arrays = program.arrays()
    cast = Cast(list(arrays.values()), np.float64)
    tree = bindings_of((path, cast.array(array)) for path, array in arrays.items())

    def evaluate(values: Any) -> Any:
        return program.result(lambda path: lookup(values, path))

    evaluate(tree)
    return AutogradSubject(tree, evaluate, program.members, None, names_read=program.names_read)


def _engine() -> Any:
    try:
        import autograd
    except ImportError:
        raise IncompleteError(
            "autograd is not installed", hint="pip install 'aliascheck[autograd]'"
        ) from None
    return autograd


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, Struct):
        return value.fields.items()
    return enumerate(value) if isinstance(value, tuple | list) else ()


def _step(container: Any, key: Any) -> Any:
    if isinstance(container, Struct):
        return Field(key)
    return key_step(key) if isinstance(container, dict) else key


def _found(
    value: Any, steps: tuple[Any, ...], is_sought: Callable[[Any], bool]
) -> Iterator[tuple[Path, Any]]:
    """What is sought at the leaves, in order."""
    if is_sought(value):
        yield path_of(steps), value
    for key, part in _parts(value):
        yield from _found(part, (*steps, _step(value, key)), is_sought)


def _leaves(tree: Any) -> Iterator[tuple[Path, Any]]:
    """Every array of floats, and every number of NumPy that is one."""
    return _found(tree, (), lambda value: isinstance(value, ARRAYS) and value.dtype.kind == "f")


def _numbers(tree: Any) -> Iterator[tuple[Path, float]]:
    """Every number of Python with a fraction."""
    return _found(tree, (), lambda value: type(value) is float)


ARRAYS = (np.ndarray, np.generic)


def _replaced(value: Any, new: Mapping[Path, Any], steps: tuple[Any, ...] = ()) -> Any:
    """A tree with other values at some leaves; containers are made anew."""
    if isinstance(value, (*ARRAYS, float)):
        return new.get(path_of(steps), value)
    made = {key: _replaced(part, new, (*steps, _step(value, key))) for key, part in _parts(value)}
    if isinstance(value, dict):
        copied = copy(value)
        copied.update(made)
        return copied
    if isinstance(value, Struct):
        return Struct(value.name, made)
    if isinstance(value, tuple | list):
        kind: Any = type(value)
        return kind(*made.values()) if hasattr(value, "_fields") else kind(made.values())
    return value


class AutogradSubject(TreeSubject):
    """A tree of NumPy arrays on trial."""

    def __init__(
        self,
        tree: Any,
        loss: Loss,
        members: list[Path],
        seed: int | None,
        scalars: Iterable[Path] = (),
        counters: Counters | None = None,
        names_read: Collection[str] | None = None,
    ) -> None:
        self.members = members
        self._names_read = names_read
        self._tree = tree
        self._evaluate = loss
        self._seed = seed
        self._scalars = frozenset(scalars)  # in memory as arrays; the loss is given numbers
        self._places = list(_leaves(tree))
        held = [] if seed is None else [tree, *(value for _, value in captured_values(loss))]
        self._generators = generators_in(held)
        self._counters = (
            Counters(held, [array for _, array in self._places]) if counters is None else counters
        )
        self.bindings = bindings_of(self._places)
        self._stops = Stops()
        self._getval = Interception(loss)

    def base(self) -> float:
        """The loss at the memory as it is; what its stops hold is kept for perturbed evaluations."""
        with recorded(self._stops), self._getval.intercepted():
            return self._value(self._given({}), thorough=True)

    def has_stops(self) -> bool:
        """Whether the loss stops gradients deliberately, as seen when `base` was evaluated."""
        return bool(self._stops.values)

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now."""
        return self._loss_of(self._given({}), through_stops)

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one access reading a private array of its shape."""
        return self._loss_of(self._given({access: private}), through_stops)

    def _given(self, new: Mapping[Path, Any]) -> Any:
        """The tree as a loss is given it, with other values at some leaves.

        Its containers are the loss's own, which may change them; programs change none.
        """
        if self._seed is None and not new:
            return self._tree
        values = {path: array for path, array in self._places if path in self._scalars}
        values.update(new)
        read = {path: value[()] if path in self._scalars else value for path, value in values.items()}
        return _replaced(self._tree, read)

    def _loss_of(self, tree: Any, through_stops: bool) -> float:
        if through_stops or not self._stops.values:
            return self._value(tree)
        with replayed(self._stops), self._getval.intercepted():
            return self._value(tree)

    def remarks(self) -> tuple[str, ...]:
        """The Python numbers that the loss depends on: they are no parameters."""
        return unaudited(dict(_numbers(self._tree)), self._loss_with)

    def _loss_with(self, numbers: Mapping[Path, float]) -> float:
        copies = {path: array.copy() for path, array in self._places}  # which a loss may change
        return self._value(self._given({**copies, **numbers}))

    def _value(self, tree: Any, *, thorough: bool = False) -> float:
        with self._evaluating(thorough), told():
            value = self._evaluate(tree)
            if type(value).__module__.partition(".")[0] in ("jax", "jaxlib"):
                hint = "say engine='jax'"
                raise EngineError("the loss is an array of jax, and the model is one of NumPy", hint=hint)
            return check_loss(value)

    @contextmanager
    def _evaluating(self, thorough: bool) -> Iterator[None]:
        with seeded(self._seed, self._generators), self._counters.kept(all_of_them=thorough):
            yield

    def widened(self) -> AutogradSubject | None:
        """The same model in float64; None where the loss does not take it, or reads its memory elsewhere.

        What a loss captured of the memory would stay behind: it is moved, to see whether the loss follows.
        """
        try:
            cast = Cast([array for _, array in self._places], np.float64)
            tree = cast.value(self._tree)
            wide = AutogradSubject(
                tree, self._evaluate, self.members, self._seed, self._scalars, self._counters
            )
        except ValueError:
            return None
        before = [array.copy() for _, array in self._places]
        try:
            loss = wide.base()
            for _, array in self._places:
                array[...] = array * 1.25 + 0.125
            follows = np.array_equal(wide.base(), loss, equal_nan=True)
        except AliascheckError:
            follows = False
        finally:
            for (_, array), values in zip(self._places, before, strict=True):
                array[...] = values
        return wide if follows else None

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What `autograd.grad` gives for the members, each leaf behind its gate.

        Raises: EngineError where autograd cannot differentiate the loss.
        """
        if mode != "explicit":
            raise EngineError(f"autograd has no {mode} mode", hint="audit it in explicit mode")
        autograd, gate = _engine(), _gate()
        places = dict(self._places)
        before = [(array, array.copy()) for array in places.values()]

        def loss_of(values: Any) -> Any:
            arguments = dict(zip(self.members, values, strict=True))
            if gates is not None:
                arguments = {path: gate(value, gates.get(path, 1.0)) for path, value in arguments.items()}
            return self._evaluate(self._given(arguments))

        try:
            with self._evaluating(True), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Output seems independent of input")
                tangents = autograd.grad(loss_of)(tuple(places[path] for path in self.members))
        except Exception as error:
            text = str(error) or type(error).__name__
            raise EngineError(f"autograd cannot differentiate the loss: {text.splitlines()[0]}") from error
        finally:
            changed = not all(is_identical(array, kept) for array, kept in before)
            for array, kept in before if changed else ():
                array[...] = kept
        if changed:
            raise EngineError("the loss changes its memory while autograd differentiates it")
        return Gradients(dict(zip(self.members, tangents, strict=True)))


def _check_kinds(arrays: Mapping[Path, Any]) -> None:
    for path, array in arrays.items():
        if isinstance(array, np.matrix | np.ma.MaskedArray):
            raise AliascheckError(
                f"the array is a {type(array).__name__} of NumPy, which autograd does not differentiate",
                where=format_path(path),
                hint="pass a plain array, as np.asarray gives it",
            )


def _gate() -> Callable[[Any, float], Any]:
    """The identity whose pullback multiplies: zero by selection where closed, so that no infinity passes."""
    from autograd.extend import defvjp, primitive, vspace

    gate: Callable[[Any, float], Any] = primitive(lambda x, s: x)
    defvjp(gate, lambda out, x, s: lambda d_out: d_out * s if s else vspace(x).zeros(), argnums=(0,))
    return gate


class Interception:
    """The ways in which a loss reaches autograd's `getval`, which stops a gradient.

    A function imported by name is out of reach of its module, so every variable that holds it is given
    another one for the length of an evaluation: those of all modules but autograd's own, those of the
    loss, and the one in `autograd.tracer`, where autograd's own calls are let through.
    """

    def __init__(self, loss: Loss) -> None:
        from autograd import tracer

        self._original = tracer.getval
        self._own: dict[str, Any] = vars(tracer)
        functions = list(captured_functions(loss))
        modules = [vars(module) for name, module in list(sys.modules.items()) if _is_foreign(name, module)]
        spaces = [self._own, *modules, *(function.__globals__ for function in functions)]
        self._variables = [
            (space, name)
            for space in {id(space): space for space in spaces}.values()
            for name, value in list(space.items())
            if value is self._original
        ]
        self._cells = [
            cell
            for function in functions
            for cell in function.__closure__ or ()
            if content(cell) is self._original
        ]

    @contextmanager
    def intercepted(self) -> Iterator[None]:
        """What `getval` gives is held while the body evaluates."""
        try:
            self._set(self._held)
            yield
        finally:
            self._set(self._original)

    def _held(self, value: Any) -> Any:
        given = self._original(value)
        if sys._getframe(1).f_globals is self._own:
            return given
        # The loss is given the memory itself: that it changes what it was given is for the audit to see.
        now = np.array(given)
        held = hold(now)
        return given if held is now else held.copy()

    def _set(self, function: Callable[[Any], Any]) -> None:
        for space, name in self._variables:
            space[name] = function
        for cell in self._cells:
            cell.cell_contents = function


def _is_foreign(name: str, module: Any) -> bool:
    return name.partition(".")[0] != "autograd" and hasattr(module, "__dict__")
