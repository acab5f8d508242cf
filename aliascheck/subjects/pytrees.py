"""Pytrees taken apart: which leaves are parameters, what they are called, and the memory that they show.

The engine is handed in, and not imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.errors import AliascheckError, EngineError
from aliascheck.memory import Array, Cast, Data, Field, Path, field, format_path
from aliascheck.subjects.jaxprs import constants
from aliascheck.subjects.nnx import keys_as_in, split
from aliascheck.subjects.ties import tied
from aliascheck.subjects.trees import Name, captured_values, chosen, key_step, path_of, without_leaves

Loss = Callable[[Any], Any]


class Model(Data, frozen=True, eq=False):
    """A tree taken apart: the arrays of floats at some of its leaves, and how it is put together again.

    `hosts` show the memory of the arrays; `stands_for` names for a tied leaf the first of the tie. What is
    `small` takes longer to be compiled than to be evaluated, however that is done.
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
    numbers: dict[Path, int] = field(default_factory=dict)  # Python's, by their positions
    small: bool = False

    def evaluate(self, values: Sequence[Any], numbers: Mapping[Path, float] | None = None) -> Any:
        """The loss with other arrays at the leaves, and other numbers at some."""
        leaves = list(self.leaves)
        for position, value in zip(self.positions, values, strict=True):
            leaves[position] = value
        for path, number in (numbers or {}).items():
            leaves[self.numbers[path]] = number
        loss = self.loss(self.structure.unflatten(leaves))
        if not self.jax.tree_util.all_leaves([loss]):
            hint = "give the number alone, as jax.grad wants it"
            raise EngineError(f"the loss gives a {type(loss).__name__}, and must be a scalar", hint=hint)
        return loss


def model_of(
    jax: Any, tree: Any, loss: Loss, ties: Iterable[Iterable[Name]], params: Iterable[Name] | None
) -> Model:
    """A tree, its loss, its ties and its set. Raises: AliascheckError where they do not fit."""
    state, loss = split(jax, tree, loss)
    flat, structure = jax.tree_util.tree_flatten_with_path(state)
    positions = [number for number, (_, leaf) in enumerate(flat) if _is_parameter(jax, leaf)]
    if not positions:
        raise without_leaves(tree)
    keys = keys_as_in(jax, tree, [keys for keys, _ in flat])
    all_paths = [path_of(list(map(_step, steps))) for steps in keys]
    paths = [all_paths[number] for number in positions]
    for number, path in zip(positions, paths, strict=True):
        if isinstance(flat[number][1], jax.core.Tracer):
            raise AliascheckError(
                "the array is a tracer of jax, and has no numbers to be moved",
                where=format_path(path),
                hint="audit outside of jax.jit, jax.grad and jax.vmap",
            )
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
        {all_paths[number]: number for number, (_, leaf) in enumerate(flat) if type(leaf) is float},
    )


def _is_parameter(jax: Any, leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic) and _is_of_floats(jax, leaf)


def _is_of_floats(jax: Any, value: Any) -> bool:
    return hasattr(value, "dtype") and bool(jax.numpy.issubdtype(value.dtype, jax.numpy.floating))


def _step(key: Any) -> Any:
    if hasattr(key, "name"):
        return Field(key.name)
    return int(key.idx) if hasattr(key, "idx") else key_step(getattr(key, "key", key))


def captured_of(jax: Any, traced: Any, hosts: Sequence[Array]) -> list[tuple[Any, Array]]:
    """The constants of a traced loss that lie in the memory of a leaf, each once, with what shows it."""
    found: dict[int, tuple[Any, Array]] = {}
    for constant in constants(traced.jaxpr, traced.consts):
        if _is_of_floats(jax, constant):
            host = np.asarray(constant)
            if any(np.may_share_memory(host, leaf) and np.shares_memory(host, leaf) for leaf in hosts):
                found.setdefault(id(constant), (constant, host))
    return list(found.values())


def names_of(jax: Any, loss: Loss, hosts: Sequence[Array]) -> list[str]:
    """The variables that hold what a loss captures: `array` where none does, numbered where several would."""
    variables = {
        _view(np.asarray(value)): name
        for name, value in captured_values(loss)
        if isinstance(value, jax.Array | np.ndarray) and _is_of_floats(jax, value)
    }
    names = [variables.get(_view(host), "array") for host in hosts] if hosts else []
    counts = [names[:number].count(name) for number, name in enumerate(names)]
    return [f"{name}_{count + 1}" if count else name for name, count in zip(names, counts, strict=True)]


def _view(array: Array) -> tuple[object, ...]:
    return array.ctypes.data, array.shape, array.strides


def mirrors(hosts: Sequence[Array], kept: Callable[[Any], Any], *, wide: bool) -> Callable[[Array], Array]:
    """Counterparts of arrays in memory that can be moved, aliased alike."""
    casts = {}
    for dtype in {host.dtype for host in hosts}:
        alike = [host for host in hosts if host.dtype == dtype]
        held = np.float64 if wide else kept(dtype)
        casts[dtype] = Cast(alike, held if np.dtype(held).kind == "f" else np.float32)
    return lambda host: casts[host.dtype].array(host) if host.size else np.zeros(host.shape)
