"""Models whose parameters are the leaves of a pytree, differentiated by jax.

Arrays of jax cannot be moved. Each has a mirror in NumPy memory, one for all that show the same memory: the
same array at two leaves, arrays over one NumPy buffer, leaves that are declared tied, and what the loss
captures of them. The loss reads the mirrors.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError, EngineError, IncompleteError
from aliascheck.memory import Array, Field, Path
from aliascheck.subjects.counters import Counters
from aliascheck.subjects.doubling import Doubling, is_narrow_anywhere, narrower
from aliascheck.subjects.evaluation import seeded, told
from aliascheck.subjects.generators import generators_in
from aliascheck.subjects.interpretation import Interpretation
from aliascheck.subjects.jaxprs import wants_numbers
from aliascheck.subjects.numbers import unaudited
from aliascheck.subjects.program import Loss as Program
from aliascheck.subjects.pytrees import Model, captured_of, mirrors, model_of, names_of
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.traced import Functions, check_scalar, trace
from aliascheck.subjects.trees import CAPTURED, Name, TreeSubject, bindings_of, captured_values
from aliascheck.subjects.variables import in_memory_of

DEFAULT_CONTRACT = "each"
DEFAULT_STOPS = "report"

UNTRACED = (
    "the loss cannot be traced ({why}): stops inside it are not seen, and arrays of the model that it "
    "captures were looked for in its variables only"
)


def make_subject(
    tree: Any,
    loss: Callable[[Any], Any],
    *,
    ties: Iterable[Iterable[Name]] | None = None,
    params: Iterable[Name] | None = None,
    seed: int = 0,
) -> JaxSubject:
    """A pytree with a loss of it, audited through `jax.grad`.

    `ties` lists leaves that are one parameter although each has an array of its own; `params` are the
    leaves in the set, all arrays and NumPy numbers of floats without it. Python numbers are settings, not
    parameters. Global random numbers, of Python and NumPy, begin at `seed` in every evaluation; those of jax
    come from keys.

    Raises: AliascheckError where the tree has no such leaves, and where the loss is no scalar.
    """
    model = model_of(_engine(), tree, loss, ties or (), params)
    return JaxSubject(model, wide=False, seed=seed)


def make_program(
    bindings: Mapping[str, Any], loss: Program, members: Sequence[Path], *, stop_gradient: str, seed: int = 0
) -> JaxSubject:
    """A program of a case file in float64, audited through `jax.grad`: each object is an array of its own.

    `stop_gradient` and `seed` are there for likeness with other engines.

    Raises: LacksPrimitiveError where jax has not what the loss does.
    """
    jax = _engine()
    from aliascheck.subjects.jax.vocabulary import VOCABULARY

    program = Interpretation(VOCABULARY, bindings, loss, members)
    copies: dict[int, Array] = {}
    hosts = [copies.setdefault(id(array), np.array(array)) for array in program.arrays().values()]
    paths = tuple(program.held)

    def evaluate(values: Any) -> Any:
        with _wanting_numbers(jax):
            return program.result(dict(zip(paths, values, strict=True)).__getitem__)

    structure = jax.tree_util.tree_structure(hosts)
    return JaxSubject(
        Model(
            jax=jax,
            loss=evaluate,
            leaves=tuple(hosts),
            structure=structure,
            positions=tuple(range(len(hosts))),
            paths=paths,
            hosts=tuple(hosts),
            members=tuple(dict.fromkeys(program.members)),
            small=True,
        ),
        wide=True,
        names_read=program.names_read,
    )


@contextmanager
def _wanting_numbers(jax: Any) -> Iterator[None]:
    """What jax raises where it wants numbers, without what the language of expressions makes of it."""
    try:
        yield
    except AliascheckError as error:
        if isinstance(error.__cause__, wants_numbers(jax)):
            raise error.__cause__ from None
        raise


def _engine() -> Any:
    try:
        import jax
    except ImportError:
        raise IncompleteError("jax is not installed", hint="pip install 'aliascheck[jax]'") from None
    return jax


class JaxSubject(TreeSubject):
    """A pytree on trial; `wide` where it is evaluated in float64, whatever its arrays are in.

    One that `follows` the trace of a loss carries its equations out in float64, which was traced in less.
    A loss that cannot be traced (its course depends on its numbers, or it is another one each time) is
    evaluated as it is: then nothing is known of its stops, and of what it captures what its variables hold.
    """

    def __init__(
        self,
        model: Model,
        *,
        wide: bool,
        seed: int | None = None,
        follows: Any = None,
        names_read: Collection[str] | None = None,
    ) -> None:
        self._model = model
        self._names_read = names_read
        self._seed = seed
        held = [] if seed is None else [model.leaves, *(value for _, value in captured_values(model.loss))]
        self._generators = generators_in(held)
        self._counters = Counters(held, model.hosts)
        self._wide = wide
        self._follows = follows
        self._untraced = ""
        self._is_wide_outside = bool(model.jax.config.jax_enable_x64)
        self.members = model.members
        kept = model.jax.dtypes.canonicalize_dtype
        self._dtypes = [np.dtype(np.float64) if wide else kept(host.dtype) for host in model.hosts]
        self._ready: Functions | None = None
        views = [host for _, host in self._trace()]
        mirror = mirrors([*model.hosts, *views], kept, wide=wide)
        host_at = dict(zip(model.paths, model.hosts, strict=True))
        leaves = [mirror(host_at[model.stands_for.get(path, path)]) for path in model.paths]
        names = [(CAPTURED, Field(name)) for name in names_of(model.jax, model.loss, views)]
        self._places = [
            *zip(model.paths, leaves, strict=True),
            *zip(names, map(mirror, views), strict=True),
        ]
        self.bindings = bindings_of(self._places)
        self._base: list[Array] = []

    def _trace(self) -> list[tuple[Any, Array]]:
        """Trace the loss; what it captured of the leaves' memory."""
        model = self._model
        traced = self._follows
        if traced is None:
            with self._evaluating(thorough=True), told():
                traced, self._untraced = trace(model, self._dtypes)
        variables = in_memory_of(model.jax, model.loss, model.hosts) if traced is None else []
        if traced is None:
            captured = [(held[0].value, np.asarray(held[0].value)) for held in variables]
        else:
            captured = captured_of(model.jax, traced, model.hosts)
        constants = [constant for constant, _ in captured]
        carrier = None if self._follows is None else Doubling(model.jax, self._as_outside)
        self._ready = Functions(model, traced, constants, carrier=carrier, variables=variables)
        return captured

    @property
    def _functions(self) -> Functions:
        if self._ready is None:
            self._trace()
        assert self._ready is not None
        return self._ready

    def _precision(self) -> AbstractContextManager[Any]:
        return self._switched(True) if self._wide else nullcontext()

    def _as_outside(self) -> AbstractContextManager[Any]:
        """The setting that the user's own code runs in."""
        return self._switched(self._is_wide_outside)

    def _switched(self, is_wide: bool) -> AbstractContextManager[Any]:
        jax = self._model.jax
        switch = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
        switched: AbstractContextManager[Any] = switch(is_wide)
        return switched

    @contextmanager
    def _evaluating(self, *, thorough: bool = False) -> Iterator[None]:
        seeding = seeded(self._seed, self._generators)
        with self._precision(), seeding, self._counters.kept(all_of_them=thorough):
            yield

    def _values(self, arrays: Sequence[Array]) -> tuple[list[Any], list[Any]]:
        """What the loss is given: the leaves in their own precision, and what it captures."""
        count = len(self._dtypes)
        leaves = [np.asarray(array, dtype) for array, dtype in zip(arrays[:count], self._dtypes, strict=True)]
        return leaves, list(arrays[count:])

    def _now(self) -> list[Array]:
        return [array for _, array in self._places]

    def base(self) -> float:
        """The loss at the memory as it is; stops hold what they held here."""
        self._base = [array.copy() for array in self._now()]
        return self.loss()

    def has_stops(self) -> bool:
        """Whether the loss stops gradients deliberately; stops of jax's own library do not count."""
        return self._functions.has_stops

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now."""
        return self._loss_of(self._now(), through_stops)

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one access reading a private array of its shape."""
        arrays = [private if path == access else array for path, array in self._places]
        return self._loss_of(arrays, through_stops)

    def _loss_of(self, arrays: Sequence[Array], through_stops: bool) -> float:
        with self._evaluating(), told():
            if through_stops or not self.has_stops():
                value = self._functions.whole(*self._values(arrays))
            else:
                value = self._functions.live(self._values(arrays), self._values(self._base))
            number = np.asarray(value)
        check_scalar([(number.shape, number.dtype)])
        return float(number)

    def remarks(self) -> tuple[str, ...]:
        """What the trace of the loss does not show, and the Python numbers that the loss depends on."""
        model = self._model
        numbers = {path: model.leaves[position] for path, position in model.numbers.items()}
        return (*self._on_its_trace(), *unaudited(numbers, self._loss_with))

    def _loss_with(self, numbers: Mapping[Path, float]) -> float:
        leaves: Sequence[Any] = self._values(self._now())[0]
        if self._follows is not None:  # the loss itself may take nothing wider
            leaves = self._model.hosts
        setting = nullcontext() if self._follows is None else self._as_outside()
        with self._evaluating(), setting, told():
            asarray = self._model.jax.numpy.asarray
            return float(self._model.evaluate([asarray(leaf) for leaf in leaves], numbers))

    def widened(self) -> JaxSubject:
        """The same model in float64: its loss for arrays of float64, or the equations of its loss.

        The equations are those of the loss as it is. They are taken where it computes in less whatever it
        is given, draws numbers, which are others for wider types, or does not take float64 at all.

        Raises: EngineError that says what stands in the way.
        """
        traced = self._functions.traced if self._keeps_precision() else None
        # jax keeps NumPy arrays that a loss captured in the precision of the first trace that it remembers.
        self._ready = None
        self._model.jax.clear_caches()
        gc.collect()
        repeated = None
        try:
            repeated = JaxSubject(self._model, wide=True, seed=self._seed)
            if traced is None or repeated.is_wide_throughout():
                repeated.base()
                return repeated
        except AliascheckError as error:
            reason, repeated = error.message, None
        if traced is not None:
            try:
                return self._following(traced)
            except AliascheckError as error:
                reason = error.message
        with suppress(AliascheckError):
            if repeated is not None:
                repeated.base()
                return repeated
        raise EngineError(reason)

    def _on_its_trace(self) -> tuple[str, ...]:
        """What is not seen of a loss that cannot be traced; what is computed in more than the loss says."""
        if self._untraced:
            return (UNTRACED.format(why=self._untraced),)
        if self._follows is None:
            return ()
        jaxpr, jax = self._follows.jaxpr, self._model.jax
        below = " and ".join(sorted(narrower(jax, jaxpr) - {host.dtype.name for host in self._model.hosts}))
        return (f"what the loss computes in {below} was computed in float64",) if below else ()

    def _following(self, traced: Any) -> JaxSubject:
        wide = JaxSubject(self._model, wide=True, seed=self._seed, follows=traced)
        wide.check_gradient()
        wide.base()
        return wide

    def _keeps_precision(self) -> bool:
        """Whether jax takes the leaves as they are: NumPy's own float64 it would copy, wherever captured."""
        kept = self._model.jax.dtypes.canonicalize_dtype
        return all(kept(host.dtype) == host.dtype for host in self._model.hosts)

    def is_wide_throughout(self) -> bool:
        """Whether all that the loss computes is in float64, and nothing that it draws depends on that."""
        traced = self._functions.traced
        return traced is not None and not is_narrow_anywhere(self._model.jax, traced.jaxpr)

    def check_gradient(self) -> None:
        """Raises: EngineError where it is seen without any numbers that jax has no gradient of the loss."""
        try:
            with self._evaluating():
                self._functions.trace_gradient(*self._values(self._now()))
        except AliascheckError:
            raise
        except Exception as error:
            raise EngineError(f"jax cannot differentiate the loss: {_first_line(error)}") from error

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What `jax.grad` gives for the members, each leaf behind its gate.

        Raises: EngineError where jax cannot differentiate the loss.
        """
        if mode != "explicit":
            raise EngineError(f"jax has no {mode} mode", hint="audit it in explicit mode")
        factors = [1.0 if gates is None else gates.get(path, 1.0) for path in self._model.paths]
        try:
            with self._evaluating(thorough=True):
                tangents = self._functions.gradient(*self._values(self._now()), np.array(factors))
                arrays = [_in_numpy(tangent) for tangent in tangents]
        except Exception as error:
            raise EngineError(f"jax cannot differentiate the loss: {_first_line(error)}") from error
        return Gradients(dict(zip(self.members, arrays, strict=True)))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _in_numpy(tangent: Any) -> Array:
    array = np.asarray(tangent)
    return array if array.dtype.kind == "f" else array.astype(np.float32)
