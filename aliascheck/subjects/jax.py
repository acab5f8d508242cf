"""Models whose parameters are the leaves of a pytree, differentiated by jax.

Arrays of jax cannot be moved. Each has a mirror in NumPy memory, one for all that show the same memory: the
same array at two leaves, arrays over one NumPy buffer, leaves that are declared tied, and what the loss
captures of them. The loss reads the mirrors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError, EngineError, IncompleteError
from aliascheck.memory import Array, Cast, Data, Field, Path, field
from aliascheck.subjects.jaxprs import Evaluation, constants, has_stop, is_deliberate_stop
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.trees import (
    CAPTURED,
    Name,
    bindings_of,
    captured_values,
    chosen,
    key_step,
    path_of,
    tied,
)

DEFAULT_CONTRACT = "each"
DEFAULT_STOPS = "report"

Loss = Callable[[Any], Any]


def make_subject(
    tree: Any,
    loss: Loss,
    *,
    ties: Iterable[Iterable[Name]] | None = None,
    params: Iterable[Name] | None = None,
    seed: int = 0,
) -> JaxSubject:
    """A pytree with a loss of it, audited through `jax.grad`.

    `ties` lists leaves that are one parameter although each has an array of its own; `params` are the
    leaves in the set, all arrays of floats without it. Python numbers are settings, not parameters. `seed`
    is there for likeness with other engines: losses of jax draw from keys.

    Raises: AliascheckError where the tree has no such leaves, and where the loss is no scalar.
    """
    model = _model_of(_engine(), tree, loss, ties or (), params)
    return JaxSubject(model, wide=False)


def _engine() -> Any:
    try:
        import jax
    except ImportError:
        raise IncompleteError("jax is not installed", hint="pip install 'aliascheck[jax]'") from None
    return jax


class Model(Data, frozen=True, eq=False):
    """A tree taken apart: the arrays of floats at some of its leaves, and how it is put together again.

    `hosts` show the memory of the arrays; `stands_for` names for a tied leaf the first of the tie.
    """

    jax: Any
    loss: Loss
    leaves: tuple[Any, ...]
    structure: Any
    positions: tuple[int, ...]
    paths: tuple[Path, ...]
    hosts: tuple[Array, ...]
    members: tuple[Path, ...]
    stands_for: dict[Path, Path] = field(default_factory=dict)

    def evaluate(self, values: Sequence[Any]) -> Any:
        """The loss with other arrays at the leaves."""
        leaves = list(self.leaves)
        for position, value in zip(self.positions, values, strict=True):
            leaves[position] = value
        return self.loss(self.structure.unflatten(leaves))


def _model_of(
    jax: Any, tree: Any, loss: Loss, ties: Iterable[Iterable[Name]], params: Iterable[Name] | None
) -> Model:
    flat, structure = jax.tree_util.tree_flatten_with_path(tree)
    positions = [number for number, (_, leaf) in enumerate(flat) if _is_parameter(jax, leaf)]
    if not positions:
        raise AliascheckError("the tree has no arrays of floats", hint="pass the tree of parameters")
    paths = [path_of([_step(key) for key in flat[number][0]]) for number in positions]
    hosts = [np.asarray(flat[number][1]) for number in positions]
    return Model(
        jax,
        loss,
        tuple(leaf for _, leaf in flat),
        structure,
        tuple(positions),
        tuple(paths),
        tuple(hosts),
        tuple(paths if params is None else chosen(params, paths)),
        tied(ties, dict(zip(paths, hosts, strict=True))),
    )


def _is_parameter(jax: Any, leaf: Any) -> bool:
    is_array = isinstance(leaf, jax.Array | np.ndarray)
    return is_array and bool(jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating))


def _step(key: Any) -> Any:
    if hasattr(key, "name"):
        return Field(key.name)
    return int(key.idx) if hasattr(key, "idx") else key_step(key.key)


class JaxSubject:
    """A pytree on trial; `wide` where it is evaluated in float64, whatever its arrays are in.

    A loss that cannot be traced (its course depends on its numbers) is evaluated as it is: then nothing
    is known of its stops, nor of what it captures.
    """

    key = None

    def __init__(self, model: Model, *, wide: bool) -> None:
        self._model = model
        self._wide = wide
        self.members = model.members
        kept = model.jax.dtypes.canonicalize_dtype
        self._dtypes = [np.dtype(np.float64) if wide else kept(host.dtype) for host in model.hosts]
        traced = self._traced([np.zeros(host.shape, np.float64) for host in model.hosts])
        captured = [] if traced is None else _captured(model.jax, traced, model.hosts)
        mirror = _mirrors([*model.hosts, *(host for _, _, host in captured)], kept, wide=wide)
        first = dict(zip(model.paths, model.hosts, strict=True))
        self._mirrors = [mirror(first[model.stands_for.get(path, path)]) for path in model.paths]
        self._captured = [mirror(host) for _, _, host in captured]
        names = _names_of(model.loss, [host for _, _, host in captured])
        self._paths = [*model.paths, *((CAPTURED, Field(name)) for name in names)]
        self._places = list(zip(self._paths, [*self._mirrors, *self._captured], strict=True))
        self.bindings = bindings_of(self._places)
        self._compile(traced, [constant for constant, _, _ in captured])
        self._base: list[Any] = []

    def _precision(self) -> AbstractContextManager[Any]:
        if not self._wide:
            return nullcontext()
        jax = self._model.jax
        if hasattr(jax, "enable_x64"):
            switched: AbstractContextManager[Any] = jax.enable_x64(True)
        else:
            switched = jax.experimental.enable_x64()
        return switched

    def _traced(self, likes: Sequence[Array]) -> Any:
        """The loss as a jaxpr of the leaves; None where it cannot be traced."""
        jax = self._model.jax
        shapes = [
            jax.ShapeDtypeStruct(like.shape, dtype) for like, dtype in zip(likes, self._dtypes, strict=True)
        ]
        with self._precision():
            try:
                traced = jax.make_jaxpr(lambda values: self._model.evaluate(values))(shapes)
            except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError):
                return None
        shapes = [getattr(result, "shape", None) for result in traced.out_avals]
        if shapes != [()]:
            what = "several values" if len(shapes) != 1 else f"of shape {shapes[0]}"
            raise AliascheckError(
                f"the loss is {what}, and must be a scalar", hint="reduce it with jnp.sum(...)"
            )
        return traced

    def _compile(self, traced: Any, captured: Sequence[Any]) -> None:
        """Make the functions of the leaves' values that an audit calls."""
        jax, library = self._model.jax, os.path.dirname(self._model.jax.__file__)
        compiled = (lambda function: function) if traced is None else jax.jit

        def is_stop(equation: Any) -> bool:
            return is_deliberate_stop(equation, library)

        def evaluated(values: Sequence[Any], others: Sequence[Any], stops: Callable[[Any], bool]) -> Any:
            swaps = {id(constant): value for constant, value in zip(captured, others, strict=True)}
            return Evaluation(jax.lax, swaps, stops).run(traced.jaxpr, traced.consts, values)[0][0]

        def whole(values: Sequence[Any], others: Sequence[Any]) -> Any:
            if not captured:
                return self._model.evaluate(values)
            return evaluated([(value, value) for value in values], others, lambda equation: False)

        def live(now: Any, held: Any) -> Any:
            values, others = (list(zip(*pair, strict=True)) for pair in zip(now, held, strict=True))
            return evaluated(values, others, is_stop)

        members = [self._model.paths.index(path) for path in self.members]
        gate = _gate(jax)

        def gated(of: Sequence[Any], values: Sequence[Any], others: Sequence[Any], gates: Any) -> Any:
            merged = list(values)
            for position, value in zip(members, of, strict=True):
                merged[position] = gate(value, gates[position])
            return whole(merged, others)

        self._has_stops = traced is not None and has_stop(traced.jaxpr, is_stop)
        self._evaluate_whole = compiled(whole)
        self._evaluate_live = compiled(live)
        self._differentiate = compiled(jax.grad(gated))
        self._member_positions = members

    def places(self) -> list[tuple[Path, Array]]:
        """The mirrors, of the leaves in the order of the tree, and of what the loss captures."""
        return self._places

    def accesses(self) -> dict[Path, Any]:
        """Every place: each is an argument of the loss, or a constant in it."""
        return dict(self._places)

    def _values(self, arrays: Sequence[Array]) -> tuple[list[Any], list[Any]]:
        """What the loss is given: the leaves in their own precision, and what it captures."""
        leaves = [
            array if array.dtype == dtype else array.astype(dtype)
            for array, dtype in zip(arrays, self._dtypes, strict=False)
        ]
        return leaves, list(arrays[len(leaves) :])

    def _now(self) -> list[Array]:
        return [array for _, array in self._places]

    def base(self) -> float:
        """The loss at the memory as it is; stops hold what they held here."""
        self._base = [array.copy() for array in self._now()]
        return self.loss()

    def has_stops(self) -> bool:
        """Whether the loss stops gradients deliberately; stops of jax's own library do not count."""
        return self._has_stops

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now."""
        return self._loss_of(self._now(), through_stops)

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one access reading a private array of its shape."""
        arrays = [private if path == access else array for path, array in self._places]
        return self._loss_of(arrays, through_stops)

    def _loss_of(self, arrays: Sequence[Array], through_stops: bool) -> float:
        with self._precision():
            if through_stops or not self._has_stops:
                value = self._evaluate_whole(*self._values(arrays))
            else:
                value = self._evaluate_live(self._values(arrays), self._values(self._base))
            number = np.asarray(value)
        if number.shape or number.dtype.kind == "c":
            raise EngineError(
                f"the loss is {number.dtype} of shape {number.shape}, and must be a real scalar"
            )
        return float(number)

    def widened(self) -> JaxSubject | None:
        """The same model in float64; None where the loss does not take it, as one made for float32 only."""
        try:
            wide = JaxSubject(self._model, wide=True)
            wide.base()
        except (AliascheckError, ArithmeticError, TypeError, ValueError, RuntimeError):
            return None
        return wide

    def analytic(self) -> None:
        """Losses are not tried with complex numbers."""

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What `jax.grad` gives for the members, each leaf behind its gate.

        Raises: EngineError where jax cannot differentiate the loss.
        """
        if mode != "explicit":
            raise EngineError(f"jax has no {mode} mode", hint="audit it in explicit mode")
        leaves, others = self._values(self._now())
        factors = [1.0 if gates is None else gates.get(path, 1.0) for path in self._model.paths]
        of = [leaves[position] for position in self._member_positions]
        try:
            with self._precision():
                tangents = self._differentiate(of, leaves, others, np.array(factors, np.float64))
                arrays = [_in_numpy(tangent) for tangent in tangents]
        except Exception as error:
            raise EngineError(f"jax cannot differentiate the loss: {_first_line(error)}") from error
        return Gradients(dict(zip(self.members, arrays, strict=True)))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _in_numpy(tangent: Any) -> Array:
    array = np.asarray(tangent)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def _gate(jax: Any) -> Callable[[Any, Any], Any]:
    """The identity whose pullback multiplies: zero by selection where closed, so that no infinity passes."""

    def pull_back(s: Any, d_out: Any) -> Any:
        scaled = jax.numpy.where(s == 0, jax.numpy.zeros_like(d_out), d_out * s.astype(d_out.dtype))
        return scaled, jax.numpy.zeros_like(s)

    gate: Any = jax.custom_vjp(lambda x, s: x)
    gate.defvjp(lambda x, s: (x, s), pull_back)
    return gate  # type: ignore[no-any-return]


def _captured(jax: Any, traced: Any, hosts: Sequence[Array]) -> list[tuple[Any, int, Array]]:
    """The constants of a traced loss that lie in the memory of a leaf, each once."""
    found: dict[int, tuple[Any, int, Array]] = {}
    for constant in constants(traced.jaxpr, traced.consts):
        dtype = getattr(constant, "dtype", None)
        if dtype is None or not jax.numpy.issubdtype(dtype, jax.numpy.floating):
            continue
        host = np.asarray(constant)
        if any(np.may_share_memory(host, leaf) and np.shares_memory(host, leaf) for leaf in hosts):
            found.setdefault(id(constant), (constant, id(constant), host))
    return list(found.values())


def _names_of(loss: Loss, hosts: Sequence[Array]) -> list[str]:
    """The variables that hold what a loss captures; those without one are numbered."""
    variables = {
        _view(np.asarray(value)): name
        for name, value in captured_values(loss)
        if hasattr(value, "dtype") and hasattr(value, "__array__")
    }
    names: list[str] = []
    for host in hosts:
        name = variables.get(_view(host), "array")
        same = sum(known.rstrip("0123456789") == name for known in names)
        names.append(f"{name}{same + 1}" if same else name)
    return names


def _view(array: Array) -> tuple[object, ...]:
    return array.ctypes.data, array.shape, array.strides


def _mirrors(hosts: Sequence[Array], kept: Callable[[Any], Any], *, wide: bool) -> Callable[[Array], Array]:
    """Counterparts of arrays in memory that can be moved, aliased alike."""
    casts = {}
    for dtype in {host.dtype for host in hosts}:
        alike = [host for host in hosts if host.dtype == dtype]
        held = np.float64 if wide else kept(dtype)
        casts[dtype] = Cast(alike, held if np.dtype(held).kind == "f" else np.float32)
    return lambda host: casts[host.dtype].array(host) if host.size else np.zeros(host.shape)
