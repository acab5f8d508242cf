"""Rules against differences: every primitive's pullback, tested from its declaration alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.engine.alias import Alias
from aliascheck.engine.examples import Example, examples
from aliascheck.engine.primitive import ContainerPrimitive, Primitive
from aliascheck.engine.recording import pullback
from aliascheck.engine.stops import Stops, recorded, replayed
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Array, Data, Scattered, dense, settled

TOLERANCE = 1e-9
STEP = 5e-4
DIRECTIONS = 2
STENCIL = ((1, 0.75), (2, -0.15), (3, 1.0 / 60.0))


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
    those given. The seed is random and not constant, so that a transposed rule shows; several results
    get one seed each. A pullback must neither write to what it is given nor hand out what it keeps.

    The stencil has order 6 and step h = 5e-4: its truncation error `h^6/140 f'''''''` is below 1e-10 of
    the derivative for a function no wilder than `x^-2` at 0.2, and rounding adds about `eps/h = 4e-13` of
    the value. So 1e-9, relative to the sum of the magnitudes of value and derivative, is met by every
    right rule, and missed by a rule that is wrong by a millionth in one element.

    Raises: AssertionError naming the call, the operand and both numbers.
    """
    rng = np.random.default_rng(seed)
    if operands is None:
        tried: Iterator[Example] = examples(primitive, rng)
    else:
        tried = iter([Example(tuple(operands), tuple(static), settings or {})])
    for example in tried:
        try:
            _check(primitive, example, rng)
        except (EngineError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            if not (example.may_refuse and isinstance(error, EngineError)):
                raise AssertionError(f"{example.describe(primitive)}: {error}") from error


def _check(primitive: Primitive, example: Example, rng: np.random.Generator) -> None:
    operands = example.operands[:1] if example.repeated else example.operands
    moving = [position for position, operand in enumerate(operands) if _is_real(operand)]
    stops = Stops()

    def apply(*moved: Any) -> Any:
        values = list(operands)
        for position, value in zip(moving, moved, strict=True):
            values[position] = value
        values = values * 2 if example.repeated else values
        return primitive.apply(values, example.static, dict(example.settings))

    points = [operands[position] for position in moving]
    with recorded(stops):
        out, back = pullback(apply, *points)
    weights = _weights(_in_a_row(out), rng)
    before = _copied([weights, *operands])
    tangents = back(_seed(out, weights))
    _demand(_same(before, [weights, *operands]), primitive, example, "the rule writes to what it was given")
    if not primitive.differentiable:
        nothing = all(tangent is NOTHING for tangent in tangents)
        _demand(nothing, primitive, example, "it is not differentiable, and has a rule")
        return
    if not isinstance(primitive, Alias):
        _check_gifts(primitive, example, _seed(out, before[0]))
        _demand(_same(before[1:], operands), primitive, example, "the rule gives an operand away")
    for order, (position, tangent) in enumerate(zip(moving, tangents, strict=True)):
        _check_shape(primitive, example, operands[position], tangent)

        def value_at(moved: Any, order: int = order) -> Any:
            with replayed(stops):
                return _in_a_row(primal(apply(*points[:order], moved, *points[order + 1 :])))

        for _ in range(DIRECTIONS):
            _compare(primitive, example, position, _Line(value_at, points[order], weights, tangent), rng)


def _is_real(operand: Any) -> bool:
    """Whether derivatives are taken by it: truth values and integers in arrays are constants."""
    return isinstance(operand, tuple | list | int) or np.asarray(operand).dtype.kind == "f"


def _weights(values: Any, rng: np.random.Generator) -> Array:
    return np.asarray(rng.uniform(0.5, 1.5, np.shape(values)) * rng.choice((-1.0, 1.0), np.shape(values)))


def _in_a_row(out: Any) -> Any:
    """The result of a primitive as one array: several results are one row of numbers."""
    if isinstance(out, tuple | list):
        return np.concatenate([np.ravel(dense(part)) for part in out])
    return dense(out)


def _seed(out: Any, weights: Array) -> Any:
    """`weights` as a cotangent of the result: views of the row, one for each of several results."""
    if not isinstance(out, tuple | list):
        return weights
    ends = np.cumsum([np.size(dense(part)) for part in out])[:-1]
    parts = np.split(weights, ends)
    return type(out)(part.reshape(np.shape(dense(one))) for part, one in zip(parts, out, strict=True))


def _check_gifts(primitive: Primitive, example: Example, seed: Any) -> None:
    """Scribble over what each rule gives, and ask again: the engine adds to what it gets."""
    if isinstance(primitive, ContainerPrimitive):
        arrays: list[Any] = [[dense(part) for part in operand] for operand in example.operands]
    else:
        arrays = [primitive.see(operand) for operand in example.operands * (1 + example.repeated)]
    _, rules = primitive.compute(arrays, example.static, dict(example.settings))
    for rule in rules:
        if rule is None:
            continue
        given = rule(_copied(seed))
        noted = _copied(settled(given))
        _scribble(given)
        again = settled(rule(_copied(seed)))
        _demand(_same(noted, again), primitive, example, "the rule gives an array that it keeps")


def _scribble(tangent: Any) -> None:
    if isinstance(tangent, Scattered):
        _scribble([piece for _, piece in tangent.pieces])
    elif isinstance(tangent, tuple | list):
        for part in tangent:
            _scribble(part)
    elif isinstance(tangent, np.ndarray) and tangent.flags.writeable:
        tangent[...] = -7.25


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
    names = list(inspect.signature(primitive.forward).parameters)
    name = names[min(position, len(names) - 1)]
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


def _copied(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(map(_copied, value))
    return value if value is NOTHING else np.array(value)


def _same(old: Any, now: Any) -> bool:
    if isinstance(old, tuple | list):
        return all(map(_same, old, now))
    if old is NOTHING or now is NOTHING:
        return old is now
    return bool(np.array_equal(old, now, equal_nan=True))
