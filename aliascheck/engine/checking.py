"""Rules against differences: every primitive's pullback, tested from its declaration alone."""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.engine.alias import Alias
from aliascheck.engine.domain import Reals, reals
from aliascheck.engine.gradient import pullback
from aliascheck.engine.primitive import Primitive
from aliascheck.engine.stops import Stops, recorded, replayed
from aliascheck.engine.tracer import Tracer, primal
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Array, Data, dense, field

TOLERANCE = 1e-9
STEP = 5e-4
DIRECTIONS = 2
STENCIL = ((1, 0.75), (2, -0.15), (3, 1.0 / 60.0))

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


def check_rule(
    primitive: Primitive,
    seed: int = 0,
    *,
    operands: Sequence[Any] | None = None,
    static: Sequence[Any] = (),
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Compare a primitive's rule with differences of the primitive, at random operands of its domain.

    Numbers, vectors, matrices, broadcast pairs, one array as both operands, empty, strided, transposed
    and reversed operands, and the settings that the signature names are tried; with `operands`, only
    those given. The seed is random and not constant, so that a transposed rule shows.

    The stencil has order 6 and step h = 5e-4: its truncation error `h^6/140 f'''''''` is below 1e-10 of
    the derivative for a function no wilder than `x^-2` at 0.2, and rounding adds about `eps/h = 4e-13` of
    the value. So 1e-9, relative to the sum of the magnitudes of value and derivative, is met by every
    right rule, and missed by a rule that is wrong by a millionth in one element.

    Raises: AssertionError naming the call, the operand and both numbers.
    """
    rng = np.random.default_rng(seed)
    if operands is None:
        examples: Iterator[Example] = _examples(primitive, rng)
    else:
        examples = iter([Example(tuple(operands), tuple(static), settings or {})])
    for example in examples:
        try:
            _check(primitive, example, rng)
        except EngineError as error:
            if not example.may_refuse:
                raise AssertionError(f"{example.describe(primitive)}: {error}") from error


def _check(primitive: Primitive, example: Example, rng: np.random.Generator) -> None:
    operands = example.operands[:1] if example.repeated else example.operands
    stops = Stops()

    def apply(*values: Any) -> Any:
        values = values * 2 if example.repeated else values
        return primitive.apply(values, example.static, dict(example.settings))

    with recorded(stops):
        out, back = pullback(apply, *operands)
    if not primitive.differentiable:
        _demand(not isinstance(out, Tracer), primitive, example, "its result is traced")
        return
    weights = rng.uniform(0.5, 1.5, np.shape(dense(out))) * rng.choice((-1.0, 1.0), np.shape(dense(out)))
    before = [weights.copy(), *(_copied(operand) for operand in operands)]
    tangents = back(weights)
    for old, now in zip(before, [weights, *operands], strict=True):
        _demand(_same(old, now), primitive, example, "the rule writes to what it was given")
    for position, (operand, tangent) in enumerate(zip(operands, tangents, strict=True)):
        _check_shape(primitive, example, operand, tangent)

        def value_at(moved: Any, position: int = position) -> Any:
            with replayed(stops):
                return dense(primal(apply(*operands[:position], moved, *operands[position + 1 :])))

        for _ in range(DIRECTIONS):
            _compare(primitive, example, position, _Line(value_at, operand, weights, tangent), rng)


class _Line(Data, frozen=True):
    value_at: Callable[[Any], Any]
    operand: Any
    weights: Array
    tangent: Any


def _compare(
    primitive: Primitive, example: Example, position: int, line: _Line, rng: np.random.Generator
) -> None:
    direction = _direction(line.operand, rng)
    given, size = _inner(line.tangent, direction)
    differences = np.zeros(np.shape(line.weights))
    value = 0.0
    for steps, factor in STENCIL:
        ahead = line.value_at(_moved(line.operand, direction, steps * STEP))
        behind = line.value_at(_moved(line.operand, direction, -steps * STEP))
        differences = differences + factor * (np.asarray(ahead, float) - np.asarray(behind, float))
        value = max(value, float(np.abs(line.weights * ahead).sum()))
    terms = line.weights * differences / STEP
    expected = float(np.sum(terms))
    bound = TOLERANCE * (value + float(np.abs(terms).sum()) + size)
    name = list(inspect.signature(primitive.forward).parameters)[position]
    _demand(
        bool(np.isfinite(given)) and abs(given - expected) <= bound,
        primitive,
        example,
        f"along a direction of '{name}' the rule gives {given:.12g}, and differences give {expected:.12g} "
        f"(they may differ by {bound:.1g})",
    )


def _demand(holds: bool, primitive: Primitive, example: Example, complaint: str) -> None:
    if not holds:
        raise AssertionError(f"{example.describe(primitive)}: {complaint}")


def _check_shape(primitive: Primitive, example: Example, operand: Any, tangent: Any) -> None:
    if isinstance(operand, tuple | list):
        _demand(
            type(tangent) is type(operand) and len(tangent) == len(operand),
            primitive,
            example,
            f"the rule gives a {type(tangent).__name__} for a {type(operand).__name__} of {len(operand)}",
        )
        for part, part_tangent in zip(operand, tangent, strict=True):
            _check_shape(primitive, example, part, part_tangent)
    elif tangent is not NOTHING:
        _demand(
            np.shape(tangent) == np.shape(operand),
            primitive,
            example,
            f"the rule gives the shape {np.shape(tangent)} for an operand of shape {np.shape(operand)}",
        )


def _direction(operand: Any, rng: np.random.Generator) -> Any:
    if isinstance(operand, tuple | list):
        return [_direction(part, rng) for part in operand]
    return rng.uniform(0.5, 1.0, np.shape(operand)) * rng.choice((-1.0, 1.0), np.shape(operand))


def _moved(operand: Any, direction: Any, distance: float) -> Any:
    """`operand` moved along `direction`, lying in memory as before."""
    if isinstance(operand, tuple | list):
        return [_moved(part, way, distance) for part, way in zip(operand, direction, strict=True)]
    moved = operand + distance * direction
    return _like(moved, operand) if isinstance(operand, np.ndarray) else moved


def _like(values: Array, model: Array) -> Array:
    """`values` in memory that is strided as that of `model`."""
    starts = [min(0, (extent - 1) * step) for extent, step in zip(model.shape, model.strides, strict=True)]
    ends = [max(0, (extent - 1) * step) for extent, step in zip(model.shape, model.strides, strict=True)]
    if not model.size or model.flags.c_contiguous:
        return values
    memory = np.zeros((sum(ends) - sum(starts)) // values.itemsize + 1)
    placed = np.ndarray(model.shape, float, memory, -sum(starts), model.strides)
    placed[...] = values
    return placed if np.array_equal(placed, values) else values  # where elements share a cell they cannot


def _inner(tangent: Any, direction: Any) -> tuple[float, float]:
    """The derivative along `direction`, and the sum of the magnitudes of its terms."""
    if tangent is NOTHING:
        return 0.0, 0.0
    if isinstance(direction, list):
        parts = [_inner(part, way) for part, way in zip(tangent, direction, strict=True)]
        return sum(part[0] for part in parts), sum(part[1] for part in parts)
    terms = np.asarray(tangent) * direction
    return float(np.sum(terms)), float(np.abs(terms).sum())


def _copied(operand: Any) -> Any:
    if isinstance(operand, tuple | list):
        return [_copied(part) for part in operand]
    return np.array(operand)


def _same(old: Any, now: Any) -> bool:
    if isinstance(old, list):
        return all(map(_same, old, now))
    return bool(np.array_equal(old, now))


def _examples(primitive: Primitive, rng: np.random.Generator) -> Iterator[Example]:
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
    domain = primitive.domain if primitive.domain is not None else reals()
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
    "shift": lambda shape, default, tuples: [-2, 5],
    "times": lambda shape, default, tuples: [1, 3],
    "slope": lambda shape, default, tuples: [0.25],
    "alpha": lambda shape, default, tuples: [0.5],
    "low": lambda shape, default, tuples: [-0.505],
    "high": lambda shape, default, tuples: [0.505],
}
