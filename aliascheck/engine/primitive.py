"""A primitive and its rule are one declaration.

    @primitive
    def tanh(x):
        out = np.tanh(x)
        return out, lambda d_out: d_out * (1.0 - out * out)

The function takes dense arrays (its parameters without defaults) and static settings (the others), and
returns the result with one pullback for each array, or a single pullback for a single array. Declared
once, a primitive is in the registry, and by that in the expression language, the listing and the tests.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, overload

import numpy as np

from aliascheck.engine.tape import Node, Sweep
from aliascheck.engine.tracer import Tracer, extend_whole, kind_of, make_list, make_tuple, primal
from aliascheck.errors import EngineError
from aliascheck.memory import dense, is_array

REGISTRY: dict[str, Primitive] = {}
_NUMBERS = (int, float, np.number, np.bool_)
INDEX_SETTINGS = ("key", "indices")


class Meter(Protocol):
    """What counts primitive calls and the elements that they make."""

    def charge(self, name: str, elements: int) -> None:
        """Raise where one more call of this size is too much."""


_meters: list[Meter] = []


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Charge every primitive call inside to `meter`, before it computes."""
    _meters.append(meter)
    try:
        yield
    finally:
        _meters.pop()


def charge(name: str, elements: int) -> None:
    """Charge one call to the meter in force."""
    if _meters:
        _meters[-1].charge(name, elements)


class Applied(Node):
    """A primitive's application: one edge for each traced operand."""

    __slots__ = ("edges",)

    def __init__(self, edges: list[tuple[int, Any, Callable[[Any], Any]]]) -> None:
        self.edges = edges

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        for index, access, rule in self.edges:
            sweep.add_gated(index, access, rule(d_out))


class AppliedToContainer(Node):
    """A primitive that consumes a container whole: gated element by element."""

    __slots__ = ("access", "index", "kind", "rule")

    def __init__(self, index: int, access: Any, kind: type, rule: Callable[[Any], Sequence[Any]]) -> None:
        self.index = index
        self.access = access
        self.kind = kind
        self.rule = rule

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        parts = [
            _gated(sweep, extend_whole(self.access, position), part)
            for position, part in enumerate(self.rule(d_out))
        ]
        sweep.add(self.index, self.kind(parts))


def _gated(sweep: Sweep, access: Any, tangent: Any) -> Any:
    gate = sweep.gates.get(access) if isinstance(access, tuple) else None
    if gate is None:
        return tangent
    return np.zeros_like(tangent) if gate == 0 else gate * tangent


class Primitive:
    """An operation on arrays with its derivative rule, callable on raw and traced values alike."""

    def __init__(
        self,
        forward: Callable[..., Any],
        name: str,
        *,
        domain: Any = None,
        broadcasts: bool = False,
        container: bool = False,
        differentiable: bool = True,
        size: Callable[..., int] | None = None,
        examples: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.forward = forward
        self.name = name
        self.domain = domain
        self.broadcasts = broadcasts
        self.container = container
        self.differentiable = differentiable
        self.examples = examples
        self.signature = inspect.signature(forward)
        self.summary = (forward.__doc__ or "").strip().partition("\n")[0]
        self._size = size
        parameters = self.signature.parameters.values()
        self.arity = sum(
            parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            for parameter in parameters
        )

    def __repr__(self) -> str:
        return self.name

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if settings or self.container or len(args) != self.arity:
            operands, static = self.split(args, settings)
        else:
            operands, static = args, ()
        tape = None
        for operand in operands:
            if isinstance(operand, Tracer):
                tape = operand.tape
        arrays = [self._see(operand, tape) for operand in operands]
        out, rules = self._compute(arrays, static, settings)
        if tape is None or not self.differentiable:
            return out
        if not tape.recording:
            return Tracer(out, tape, -1)
        return Tracer(out, tape, tape.record(self._node(operands, arrays, rules)))

    def apply(self, operands: Sequence[Any], static: Sequence[Any], settings: Mapping[str, Any]) -> Any:
        """The result for operands as the domain gives them, whatever the order in which authors write."""
        return self(*operands, *static, **settings)

    def split(self, args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Sequence[Any], tuple[Any, ...]]:
        """Operands, with containers of tracers made traced, and static positional settings."""
        if len(args) < self.arity:
            args = self._fill_by_name(args, settings)
        names = list(self.signature.parameters)[self.arity :]
        static = tuple(
            self._setting(name, arg)
            for name, arg in itertools.zip_longest(names[: len(args) - self.arity], args[self.arity :])
        )
        for name, value in settings.items():
            settings[name] = self._setting(name, value)
        return [_operand(arg) for arg in args[: self.arity]], static

    def _setting(self, name: str | None, value: Any) -> Any:
        """A setting, by which no derivative is taken. Raises EngineError for an array that is no index."""
        if name not in INDEX_SETTINGS and is_array(primal(value)):
            raise EngineError(
                f"{self.name}: '{name or 'the last setting'}' must be a number, not an array",
                hint="settings are constants: the derivative by an array would be lost",
            )
        return _static(value)

    def _fill_by_name(self, args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, ...]:
        for name in list(self.signature.parameters)[len(args) : self.arity]:
            if name not in settings:
                wanted = "1 array" if self.arity == 1 else f"{self.arity} arrays"
                raise EngineError(f"{self.name} takes {wanted}, and got {len(args)}")
            args = (*args, settings.pop(name))
        return args

    def _see(self, operand: Any, tape: Any) -> Any:
        """The dense array that the forward function gets for an operand; a list of such for a container."""
        kind = type(operand)
        if kind is float or (kind is np.ndarray and not self.container and operand.dtype.kind != "b"):
            return operand
        value, access = operand, None
        if isinstance(operand, Tracer):
            value, access = operand.value, operand.access
        if self.container:
            self._check_container(value)
            return [
                look(tape, extend_whole(access, position), number_or_array(self.name, part))
                for position, part in enumerate(value)
            ]
        return _as_numbers(look(tape, access, number_or_array(self.name, value)))

    def _check_container(self, value: Any) -> None:
        if not isinstance(value, tuple | list):
            raise EngineError(
                f"{self.name} takes a list or tuple of arrays, not {kind_of(value)}",
                hint=f"write {self.name}([x, y])",
            )

    def _compute(self, arrays: list[Any], static: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        if _meters:
            charge(self.name, self.result_size(arrays, static, settings))
        try:
            result = self.forward(*arrays, *static, **settings)
        except TypeError as error:
            raise EngineError(f"{self.name}: {_without_function_name(error)}") from error
        return result if self.differentiable else (result, ())

    def result_size(self, arrays: list[Any], static: tuple[Any, ...], settings: dict[str, Any]) -> int:
        """How many elements the result will have, or at most has, known before it is computed."""
        if self._size is not None:
            return int(self._size(*arrays, *static, **settings))
        if self.container:
            return sum(np.size(part) for part in arrays[0])
        if self.broadcasts:
            sizes = [1, *np.broadcast_shapes(*(np.shape(array) for array in arrays))]
            return int(np.prod(sizes, dtype=object))
        return max((np.size(array) for array in arrays), default=0)

    def _node(self, operands: Sequence[Any], arrays: list[Any], rules: Any) -> Node:
        if callable(rules) or rules is None:
            rules = (rules,)
        if isinstance(arrays[0], list):
            first = operands[0]
            return AppliedToContainer(first.index, first.access, type(first.value), rules[0])
        edges = []
        for operand, array, rule in zip(operands, arrays, rules, strict=True):
            if isinstance(operand, Tracer) and rule is not None:
                access = operand.access if isinstance(operand.access, tuple) else None
                pull = _unbroadcasting(rule, np.shape(array)) if self.broadcasts else rule
                edges.append((operand.index, access, pull))
        return Applied(edges)


def look(tape: Any, access: Any, value: Any) -> Any:
    """The dense array that is seen at `access`, on a tape or without one."""
    return dense(value) if tape is None else tape.look(access, value)


def number_or_array(name: str, value: Any) -> Any:
    """`value` where it is an array or a number. Raises EngineError where a primitive cannot take it."""
    if type(value) is np.ndarray or is_array(value) or isinstance(value, _NUMBERS):
        return value
    hint = None
    if isinstance(value, tuple | list | dict) or hasattr(value, "field_names"):
        hint = "name the part that is meant, such as m.weight or t[0]"
    raise EngineError(f"{name} takes arrays and numbers, not {kind_of(value)}", hint=hint)


_TRUTH = (bool, np.bool_)


def _is_mask(seen: Any) -> bool:
    return isinstance(seen, np.ndarray) and seen.dtype.kind == "b"


def _as_numbers(seen: Any) -> Any:
    """What holds as 1 and what does not as 0: NumPy refuses to negate or subtract truth values."""
    return np.asarray(seen, float) if isinstance(seen, _TRUTH) or _is_mask(seen) else seen


def _operand(value: Any) -> Any:
    if isinstance(value, tuple | list) and any(isinstance(part, Tracer) for part in value):
        return make_tuple(value) if isinstance(value, tuple) else make_list(value)
    return value


def _static(value: Any) -> Any:
    """A setting as the forward function takes it: no tracers, whole numbers as integers."""
    value = primal(value)
    if isinstance(value, tuple | list):
        return tuple(_static(part) for part in value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return value


def _without_function_name(error: TypeError) -> str:
    text = str(error)
    return text.partition("() ")[2] or text


def unbroadcast(tangent: Any, shape: tuple[int, ...]) -> Any:
    """The sum of `tangent` over the axes along which an operand of `shape` was stretched."""
    tangent = np.asarray(tangent)
    if tangent.shape == shape:
        return tangent
    leading = tangent.ndim - len(shape)
    if leading > 0:
        tangent = tangent.sum(axis=tuple(range(leading)))
    stretched = tuple(axis for axis, extent in enumerate(shape) if extent == 1 and tangent.shape[axis] != 1)
    if stretched:
        tangent = tangent.sum(axis=stretched, keepdims=True)
    return np.broadcast_to(tangent, shape)


def _unbroadcasting(rule: Callable[[Any], Any], shape: tuple[int, ...]) -> Callable[[Any], Any]:
    return lambda d_out: unbroadcast(rule(d_out), shape)


@overload
def primitive(function: Callable[..., Any], *, name: str | None = None, **options: Any) -> Primitive: ...


@overload
def primitive(*, name: str | None = None, **options: Any) -> Callable[[Callable[..., Any]], Primitive]: ...


def primitive(function: Callable[..., Any] | None = None, *, name: str | None = None, **options: Any) -> Any:
    """Declare a primitive: put it in the registry under its name (a trailing underscore is dropped).

    Options: `domain` (where its rule is tested), `broadcasts` (pullbacks may return the broadcast shape;
    sums to the operands' shapes happen around them), `container` (the operand is a list or tuple of
    arrays), `differentiable` (False: results are constants), `size` (elements of the result), `examples`
    (settings under which the rule is tested, where their names do not tell).
    """

    def declare(forward: Callable[..., Any]) -> Primitive:
        declared = Primitive(forward, name or forward.__name__.rstrip("_"), **options)
        REGISTRY[declared.name] = declared
        return declared

    return declare if function is None else declare(function)
