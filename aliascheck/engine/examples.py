"""Where a rule is tested: applications of a primitive, made from its declaration alone.

Numbers, vectors, matrices, broadcast pairs, one array as both operands, empty, strided, transposed and
reversed operands, and the settings that the signature names.
"""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.engine.alias import Alias
from aliascheck.engine.domain import Reals
from aliascheck.engine.primitive import Primitive
from aliascheck.errors import EngineError
from aliascheck.memory import Array, Data, field

SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (2, 3))
PAIRS: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (3,)),
    ((2, 1, 3), (4, 1)),
    ((1, 1), (1,)),
)
EMPTY: tuple[tuple[int, ...], ...] = ((0,), (0, 3), (2, 0))


class Example(Data, frozen=True):
    """One application of a primitive. `may_refuse`: an EngineError is an answer too."""

    operands: tuple[Any, ...]
    static: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    repeated: bool = False
    may_refuse: bool = False

    def describe(self, primitive: Primitive) -> str:
        """The call as an author would read it, with shapes for operands."""
        operands = self.operands[:1] * 2 if self.repeated else self.operands
        shown = [_shapes(operand) for operand in operands] + [repr(value) for value in self.static]
        shown += [f"{name}={value!r}" for name, value in self.settings.items()]
        again = ", both operands the same array" if self.repeated else ""
        return f"{primitive.name}({', '.join(shown)}){again}"


def _shapes(operand: Any) -> str:
    if isinstance(operand, tuple | list):
        return f"[{', '.join(map(_shapes, operand))}]"
    return "x".join(map(str, np.shape(operand))) or "number"


def examples(primitive: Primitive, rng: np.random.Generator) -> Iterator[Example]:
    """Applications of a primitive at random operands of its domain, the plainest first."""
    domains = _domains(primitive)
    for shapes in _shape_lists(primitive, domains):
        operands = tuple(_sample(domain, rng, shape) for domain, shape in zip(domains, shapes, strict=True))
        for turn, (static, settings) in enumerate(_settings(primitive, operands[0])):
            for lie in LAYOUTS if turn == 0 else LAYOUTS[turn % len(LAYOUTS) :][:1]:
                if lie is _as_is or any(_has_axes(operand) for operand in operands):
                    laid = tuple(_laid(operand, lie) for operand in operands)
                    refuse = isinstance(primitive, Alias) and lie is not _as_is
                    yield Example(laid, static, settings, may_refuse=refuse)
        if not any(_has_axes(operand) for operand in operands):
            yield Example(tuple(float(operand) for operand in operands))
    yield from _repeated(primitive, domains, rng)
    yield from _empty(primitive, domains)


def _domains(primitive: Primitive) -> tuple[Any, ...]:
    domain = primitive.domain
    return domain if isinstance(domain, tuple) else (domain,) * primitive.arity


def _is_free(domains: Sequence[Any]) -> bool:
    return all(isinstance(domain, Reals) and domain.shape is None for domain in domains)


def _shape_lists(primitive: Primitive, domains: Sequence[Any]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Shapes for all operands together; domains of one shape keep it."""
    if not _is_free(domains):
        yield ((),) * len(domains)
        return
    for shape in SHAPES:
        yield (shape,) * len(domains)
    for left, right in PAIRS if len(domains) > 1 else ():
        for pair in ((left, right), (right, left)):
            shapes = tuple(itertools.islice(itertools.cycle(pair), len(domains)))
            if primitive.broadcasts or _takes(primitive, [np.ones(shape) for shape in shapes], (), {}):
                yield shapes


def _takes(
    primitive: Primitive, operands: Sequence[Any], static: Sequence[Any], settings: Mapping[str, Any]
) -> bool:
    """Whether the primitive itself has a value there: what it refuses needs no rule."""
    try:
        with warnings.catch_warnings(action="error", category=RuntimeWarning):
            primitive.apply(operands, static, dict(settings))
    except (ValueError, RuntimeWarning, ZeroDivisionError, EngineError):
        return False
    return True


def _sample(domain: Any, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    if isinstance(domain, list):
        return [_sample(part, rng, shape) for part in domain]
    return domain.sample(rng, shape)


def _has_axes(operand: Any) -> bool:
    return isinstance(operand, list) or bool(np.ndim(operand))


def _repeated(primitive: Primitive, domains: Sequence[Any], rng: np.random.Generator) -> Iterator[Example]:
    if primitive.arity == 2 and domains[0] == domains[1]:
        for shape in SHAPES if _is_free(domains) else ((),):
            yield Example((domains[0].sample(rng, shape),), repeated=True)


def _empty(primitive: Primitive, domains: Sequence[Any]) -> Iterator[Example]:
    """Empty operands, where the primitive itself has a value for them."""
    if not _is_free(domains):
        return
    for shape in EMPTY:
        operands = (np.zeros(shape),) * len(domains)
        for static, settings in _settings(primitive, operands[0]):
            if _takes(primitive, operands, static, settings):
                yield Example(operands, static, settings)


def _as_is(values: Array) -> Array:
    return values


def _strided(values: Array) -> Array:
    wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]))
    wide[..., ::2] = values
    return wide[..., ::2]


def _transposed(values: Array) -> Array:
    return np.array(values.T, order="C").T


def _reversed(values: Array) -> Array:
    return np.array(values[::-1])[::-1]


LAYOUTS = (_as_is, _strided, _transposed, _reversed)


def _laid(operand: Any, lie: Callable[[Array], Array]) -> Any:
    if isinstance(operand, list):
        return [_laid(part, lie) for part in operand]
    return lie(operand) if operand.ndim else operand


def _settings(primitive: Primitive, operand: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every combination of the settings that are known by name, the defaults first."""
    if primitive.examples is not None:
        yield from (((), dict(settings)) for settings in primitive.examples)
        return
    parameters = list(primitive.signature.parameters.values())[primitive.arity :]
    reduces = "keepdims" in primitive.signature.parameters
    shape = np.shape(operand[0]) if isinstance(operand, list) else np.shape(operand)
    static: tuple[Any, ...] = ()
    named: dict[str, Sequence[Any]] = {}
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            static = shape
        elif parameter.name in SETTINGS and shape:
            values = SETTINGS[parameter.name](shape, parameter.default, reduces)
            named[parameter.name] = [parameter.default, *(v for v in values if v != parameter.default)]
    for combination in itertools.product(*named.values()):
        yield static, dict(zip(named, combination, strict=True))


def _axes(shape: tuple[int, ...], default: Any, tuples: bool) -> list[Any]:
    axes: list[Any] = [*range(len(shape)), -1]
    if tuples:
        axes += [tuple(range(len(shape))), (-1,)]
    return axes if default is None or len(shape) > 1 else axes[:1]


SETTINGS: dict[str, Callable[[tuple[int, ...], Any, bool], list[Any]]] = {
    "axis": _axes,
    "keepdims": lambda shape, default, tuples: [True],
    "ddof": lambda shape, default, tuples: [1] if min(shape) > 1 else [],
    "k": lambda shape, default, tuples: [1, -1],
    "offset": lambda shape, default, tuples: [1, -1],
    "shift": lambda shape, default, tuples: [-2, 5],
    "times": lambda shape, default, tuples: [1, 3],
    "slope": lambda shape, default, tuples: [0.25],
    "alpha": lambda shape, default, tuples: [0.5],
    "low": lambda shape, default, tuples: [-0.505],
    "high": lambda shape, default, tuples: [0.505],
}
