"""A primitive and its rule are one declaration.

    @primitive
    def tanh(x):
        out = np.tanh(x)
        return out, lambda d_out: d_out * (1.0 - out * out)

The function takes dense arrays (its parameters without defaults) and static settings (the others), and
returns the result with one pullback for each array, or a single pullback for a single array. A pullback
gives new memory, its cotangent, or a view of that: never an array that it keeps, since the engine adds to
what it gets. Several results are a tuple, with pullbacks made by `of_outputs`. Declared once, a primitive
is in the registry, and by that in the expression language, the listing and the tests.
"""

from __future__ import annotations

import inspect
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol, overload

import numpy as np
from msgspec.structs import astuple
from numpy import ndarray

from aliascheck.engine.domain import reals
from aliascheck.engine.foreign import Foreign, ForeignMetError
from aliascheck.engine.parts import extend_whole, is_named_number
from aliascheck.engine.tape import Node, Sweep
from aliascheck.engine.tracer import Tracer, kind_of, mixed_tapes, primal
from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Wrapper, dense, is_array, settled

REGISTRY: dict[str, Primitive] = {}
EVERYWHERE = reals()
AS_THEY_ARE = frozenset((np.ndarray, float, np.float64, int))  # what a rule takes as it is
_PLAIN_NUMBERS = AS_THEY_ARE - {np.ndarray}
NO_SETTINGS: Mapping[str, Any] = {}
_NUMBERS = (int, float, np.number, np.bool_)
_LISTS = frozenset((list, tuple))
_REAL_NUMBERS = frozenset((int, float, bool, np.float64))
WHOLE_SETTINGS = (
    *("axis", "axes", "axis1", "axis2", "k", "shift", "reps", "repeats", "kth", "offset", "decimals"),
    *("pad_width", "indices_or_sections"),
)
REAL_SETTINGS = ("constant_values", "nan", "posinf", "neginf", "ord")
INDEX_SETTINGS = ("key", "indices", "repeats")


class Meter(Protocol):
    """What counts primitive calls and the elements that they make."""

    def charge(self, name: str, elements: int) -> None:
        """Raise where one more call of this size is too much."""


METERS: list[Meter] = []


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Charge every primitive call inside to `meter`, before it computes."""
    METERS.append(meter)
    try:
        yield
    finally:
        METERS.pop()


def charge(name: str, elements: int) -> None:
    """Charge one call to the meter in force."""
    if METERS:
        METERS[-1].charge(name, elements)


class AppliedToContainer(Node):
    """A primitive that consumes a container whole: gated element by element."""

    __slots__ = ("access", "index", "kind", "rule")

    def __init__(self, index: int, access: Any, kind: type, rule: Callable[[Any], Sequence[Any]]) -> None:
        self.index = index
        self.access = access
        self.kind = kind
        self.rule = rule

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        parts = self.rule(settled(d_out))
        gated = [
            sweep.gated(extend_whole(self.access, position), part) for position, part in enumerate(parts)
        ]
        sweep.add(self.index, self.kind(gated))


class AppliedToParts(Node):
    """A primitive that consumes a list or tuple of traced parts: position, entry and access of each."""

    __slots__ = ("parts", "rule")

    def __init__(self, parts: Sequence[tuple[int, int, Any]], rule: Callable[[Any], Sequence[Any]]) -> None:
        self.parts = parts
        self.rule = rule

    def pull(self, d_out: Any, sweep: Sweep) -> None:
        d_parts = self.rule(settled(d_out))
        for position, index, access in self.parts:
            part = d_parts[position]
            sweep.add(index, sweep.gated(access, part) if sweep.gates else part)


class Primitive:
    """An operation on arrays with its derivative rule, callable on raw and traced values alike.

    `plain` applies it to its operands alone, without settings: what operators call. A primitive of one
    operand takes them too: `plain(x, static, settings)`.
    """

    container = False
    new_axis = False  # whether its setting 'axis' names one that the result has and the operands have not

    def __init__(
        self,
        forward: Callable[..., Any],
        name: str,
        *,
        domain: Any = None,
        broadcasts: bool = False,
        differentiable: bool = True,
        logical: bool = False,
        size: Callable[..., int] | None = None,
        examples: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.forward = forward
        self.name = name
        self.domain = EVERYWHERE if domain is None else domain
        self.broadcasts = broadcasts
        self.differentiable = differentiable
        self.logical = logical
        self.examples = examples
        self.summary = (forward.__doc__ or "").strip().partition("\n")[0]
        self._size = size
        self.arity = _arity(forward)
        self.plain = self._applied_plainly()

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def signature(self) -> inspect.Signature:
        """The operands and settings that it takes."""
        return inspect.signature(self.forward)

    @cached_property
    def setting_names(self) -> tuple[str, ...]:
        """The names of its settings, in order."""
        return tuple(self.signature.parameters)[self.arity :]

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if not settings and len(args) == self.arity:
            return self.plain(*args)
        operands, static = self.split(args, settings)
        if self.arity == 1:
            return self.plain(*operands, static, settings)
        return self.apply(operands, static, settings)

    def _applied_plainly(self) -> Callable[..., Any]:
        """The quickest way to apply it: most steps of most programs are one or two operands."""
        if self.arity == 2:
            return applied_to_two(self)
        if self.arity == 1 and self.differentiable:
            return applied_to_one(self)
        return self.applied_at_length()

    def applied_at_length(self) -> Callable[..., Any]:
        """A way to apply it that takes every kind of operand, and so is not the quickest."""
        if self.arity == 1:
            return lambda operand, *given: self.apply((operand,), *given)
        return lambda *operands: self.apply(operands)

    def apply(
        self, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Any:
        """The result for any number of operands and any settings."""
        try:
            tape, arrays, traced = self.look(operands)
        except ForeignMetError as met:
            return met.vocabulary.apply(self.name, operands, static, settings)
        out, rules = self.compute(arrays, static, settings)
        if tape is None or not self.differentiable:
            return out
        edges = []
        for position, index, access in traced:
            rule = rules[position]
            if rule is not None:
                fitted = fitted_to_operand(rule, arrays[position], out) if self.broadcasts else rule
                edges.append((fitted, index, access))
        return Tracer(out, tape, tape.record(edges))

    def split(self, args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Sequence[Any], tuple[Any, ...]]:
        """Operands, and static positional settings."""
        if len(args) < self.arity:
            args = self._fill_by_name(args, settings)
        given = args[self.arity :]
        static = tuple(
            self._setting(name, arg)
            for name, arg in itertools.zip_longest(self.setting_names[: len(given)], given)
        )
        for name, value in settings.items():
            settings[name] = self._setting(name, value)
        return args[: self.arity], static

    def _setting(self, name: str | None, value: Any) -> Any:
        """A setting, by which no derivative is taken.

        Raises: EngineError for an array that is no index, and for a traced number that is no count: but
        a name's number is taken as it is, since numbers are no memory.
        """
        if name not in INDEX_SETTINGS and is_array(primal(value)):
            raise EngineError(
                f"{self.name}: '{name or 'the last setting'}' must be a number, not an array",
                hint="settings are constants: the derivative by an array would be lost",
            )
        if name in INDEX_SETTINGS and isinstance(primal(value), list):
            return np.asarray(_static(value), None if len(primal(value)) else np.int64)
        for part in value if isinstance(value, tuple | list) else (value,):
            if name in WHOLE_SETTINGS and isinstance(primal(part), float) and not primal(part).is_integer():
                raise EngineError(f"{self.name}: '{name}' is a whole number, not {primal(part):g}")
            if type(part) is Tracer and not self._is_count(name, part) and not is_named_number(part):
                raise EngineError(
                    f"{self.name}: '{name or 'the last setting'}' is a constant, and this number is traced",
                    hint="its derivative would be lost: use stop_gradient(x) where a constant is meant",
                )
        return _static(value)

    def _is_count(self, name: str | None, value: Tracer) -> bool:
        """Whether a setting is a whole number that counts or names something: an axis, an extent."""
        if name in INDEX_SETTINGS:
            return True
        parameter = self.signature.parameters.get(name or "")
        real = name in REAL_SETTINGS or (parameter is not None and isinstance(parameter.default, float))
        number = dense(value._value)
        return not real and isinstance(number, int | float | np.number) and float(number).is_integer()

    def _fill_by_name(self, args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, ...]:
        for name in list(self.signature.parameters)[len(args) : self.arity]:
            if name not in settings:
                wanted = "1 array" if self.arity == 1 else f"{self.arity} arrays"
                raise EngineError(f"{self.name} takes {wanted}, and got {len(args)}")
            args = (*args, settings.pop(name))
        return args

    def look(self, operands: Sequence[Any]) -> tuple[Any, list[Any], list[tuple[int, int, Any]]]:
        """The tape of the operands or None, what the forward function gets for each, and those on the tape.

        The last are told by position, entry and access. Raises EngineError where there are two tapes.
        """
        tape: Any = None
        arrays, traced = [], []
        for position, operand in enumerate(operands):
            if type(operand) is Tracer:
                value, own, index, access = astuple(operand)
                if tape is not None and own is not tape:
                    raise mixed_tapes()
                tape = own
                traced.append((position, index, access))
                if access is None and type(value) is ndarray and value.dtype.kind == "f":
                    arrays.append(value)
                    continue
            arrays.append(self.see(operand))
        return tape, arrays, traced

    def see(self, operand: Any) -> Any:
        """The dense array or number that the forward function gets for an operand."""
        value = operand
        if type(operand) is Tracer:
            value, tape, _, access = astuple(operand)
            if access is not None:
                value = tape.look(access, number_or_array(self.name, value))
        if type(value) is ndarray:
            kind = value.dtype.kind
            if kind == "f" or (kind == "b" and self.logical):  # most are
                return value
            if kind == "b":
                return value.astype(float)
        elif type(value) in _PLAIN_NUMBERS:
            return value
        return _as_numbers(dense(number_or_array(self.name, value)))

    def compute(self, arrays: Sequence[Any], static: Sequence[Any], settings: Mapping[str, Any]) -> Any:
        """The result, and a pullback for each operand."""
        if static or settings:
            self.check_axis(arrays, static, settings)
        if METERS:
            self.charge(*arrays, *static, **settings)
        try:
            result = (
                self.forward(*arrays, *static, **settings) if static or settings else self.forward(*arrays)
            )
        except TypeError as error:
            raise self.misused(error) from error
        if not self.differentiable:
            return result, ()
        out, rules = result
        return result if type(rules) is tuple else (out, (rules,))

    @cached_property
    def _axis_position(self) -> int | None:
        """Where among the settings the one is that names an axis of the operand, if there is one."""
        names = self.setting_names
        return names.index("axis") if "axis" in names and not self.new_axis else None

    def check_axis(self, arrays: Sequence[Any], static: Sequence[Any], settings: Mapping[str, Any]) -> None:
        """Raise EngineError where an axis is named that the operand has not."""
        position = self._axis_position
        if position is None:
            return
        axis = static[position] if position < len(static) else settings.get("axis")
        if axis is None:
            return
        array = arrays[0][0] if self.container and arrays[0] else arrays[0]
        ndim = array.ndim if type(array) is ndarray else np.ndim(array)
        for one in axis if type(axis) is tuple else (axis,):
            if isinstance(one, int) and not -ndim <= one < ndim:
                raise EngineError(f"{self.name}: axis {one} is outside an array of shape {np.shape(array)}")

    def charge(self, *arrays: Any, **settings: Any) -> None:
        """Charge one call to the meter in force."""
        charge(self.name, self.result_size(*arrays, **settings))

    def misused(self, error: TypeError) -> EngineError:
        """What the forward function raises for operands and settings that it does not take."""
        text = str(error)
        return EngineError(f"{self.name}: {text.partition('() ')[2] or text}")

    def result_size(self, *arrays: Any, **settings: Any) -> int:
        """How many elements the result will have, or at most has, known before it is computed."""
        if self._size is not None:
            return int(self._size(*arrays, **settings))
        arrays = arrays[: self.arity]
        if self.broadcasts:
            sizes = [1, *np.broadcast_shapes(*(np.shape(array) for array in arrays))]
            return int(np.prod(sizes, dtype=object))
        return max((np.size(array) for array in arrays), default=0)


def _arity(forward: Callable[..., Any]) -> int:
    """How many parameters have no default: from the code where that tells, in a tenth of the time."""
    code = getattr(forward, "__code__", None)
    if code is not None and not hasattr(forward, "__wrapped__"):
        return int(code.co_argcount) - len(getattr(forward, "__defaults__", None) or ())
    return sum(
        parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        for parameter in inspect.signature(forward).parameters.values()
    )


def applied_to_one(primitive: Primitive) -> Callable[..., Any]:
    """The application of a primitive of one operand, quickest where that was computed."""

    def apply(x: Any, static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS) -> Any:
        if type(x) is not Tracer or METERS:
            return primitive.apply((x,), static, settings)
        value, tape, index, access = astuple(x)
        if type(value) is Wrapper:
            value = value.array
        if access is not None or type(value) not in AS_THEY_ARE:
            return primitive.apply((x,), static, settings)
        try:
            if static or settings:
                primitive.check_axis((value,), static, settings)
                out, rule = primitive.forward(value, *static, **settings)
            else:
                out, rule = primitive.forward(value)
        except TypeError as error:
            raise primitive.misused(error) from error
        entries = tape.entries
        entries.append((rule or _gives_nothing, index, None))
        return Tracer(out, tape, len(entries) - 1)

    return apply


def applied_to_two(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """The application of a primitive of two operands, quickest where those were computed or are constants."""
    broadcasts, differentiable = primitive.broadcasts, primitive.differentiable

    def apply(x: Any, y: Any) -> Any:
        left, tape_x, index_x, access_x = astuple(x) if type(x) is Tracer else (x, None, -1, None)
        right, tape_y, index_y, access_y = astuple(y) if type(y) is Tracer else (y, None, -1, None)
        if type(left) is Wrapper:
            left = left.array
        if type(right) is Wrapper:
            right = right.array
        kind, other, tape = type(left), type(right), tape_y if tape_x is None else tape_x
        noted = access_x is not None or access_y is not None or METERS
        if tape is None or noted or kind not in AS_THEY_ARE or other not in AS_THEY_ARE:
            return primitive.apply((x, y))
        if (tape_x is None and kind is ndarray and left.dtype.kind == "c") or (
            tape_y is None and other is ndarray and right.dtype.kind == "c"
        ):
            return primitive.apply((x, y))
        if tape_y is not tape and tape_y is not None:
            raise mixed_tapes()
        try:
            result = primitive.forward(left, right)
        except TypeError as error:
            raise primitive.misused(error) from error
        if not differentiable:
            return result
        out, (rule_x, rule_y) = result
        stretches = broadcasts and (kind is not other or (kind is ndarray and left.shape != right.shape))
        if stretches and other is ndarray and tape_x is not None:
            rule_x = fitted_to_operand(rule_x, left, out)
        if stretches and kind is ndarray and tape_y is not None:
            rule_y = fitted_to_operand(rule_y, right, out)
        entries = tape.entries
        if tape_y is None:
            entries.append((rule_x or _gives_nothing, index_x, None))
        elif tape_x is None:
            entries.append((rule_y or _gives_nothing, index_y, None))
        else:
            entries.append(
                [(rule_x or _gives_nothing, index_x, None), (rule_y or _gives_nothing, index_y, None)]
            )
        return Tracer(out, tape, len(entries) - 1)

    return apply


def _gives_nothing(d_out: Any) -> Any:
    return NOTHING


def fitted_to_operand(rule: Callable[[Any], Any] | None, array: Any, out: Any) -> Callable[[Any], Any] | None:
    """`rule`, with its cotangent summed to the shape of the operand where that was stretched."""
    if rule is None or type(out) is not np.ndarray:
        return rule
    shape = array.shape if type(array) is ndarray else np.shape(array)
    return rule if shape == out.shape else lambda d_out: unbroadcast(rule(d_out), shape)


class ContainerPrimitive(Primitive):
    """A primitive whose operand is a list or tuple of arrays, consumed whole."""

    container = True

    def _applied_plainly(self) -> Callable[..., Any]:
        return self.applied_at_length()

    def apply(
        self, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Any:
        (operand,) = operands
        value = primal(operand)
        if type(value) not in _LISTS and not isinstance(value, tuple | list):
            raise EngineError(
                f"{self.name} takes a list or tuple of arrays, not {kind_of(value)}",
                hint=f"write {self.name}([x, y])",
            )
        if operand is value:  # built where it is used, of parts that are traced themselves
            try:
                tape, arrays, parts = self.look(value)
            except ForeignMetError as met:
                return met.vocabulary.apply(self.name, operands, static, settings)
            if tape is None:
                arrays = [dense(number_or_array(self.name, part)) for part in value]
        else:
            tape, access = operand._tape, operand._access
            arrays = [
                tape.look(extend_whole(access, position), number_or_array(self.name, part))
                for position, part in enumerate(value)
            ]
        out, (rule,) = self.compute([arrays], static, settings)
        if tape is None:
            return out
        if operand is value:
            entry: Node = AppliedToParts(parts, rule)
        else:
            entry = AppliedToContainer(operand._index, access, type(value), rule)
        return Tracer(out, tape, tape.record(entry))

    def result_size(self, *arrays: Any, **settings: Any) -> int:
        if self._size is not None:
            return int(self._size(*arrays, **settings))
        return sum(np.size(part) for part in arrays[0])


def path_of(access: Any) -> Any:
    """The access whose gate is on an edge: none where the value was built or computed."""
    return access if type(access) is tuple else None


def of_outputs(outs: tuple[Any, ...], rule: Callable[..., Any]) -> Callable[[Any], Any]:
    """The pullback of a primitive with several results: one without a cotangent has zeros."""

    def pull(d_outs: Any) -> Any:
        return rule(
            *(
                np.zeros(np.shape(out)) if d_out is NOTHING else settled(d_out)
                for out, d_out in zip(outs, d_outs, strict=True)
            )
        )

    return pull


_REAL_AND_IMAGINARY = "compute with real and imaginary parts, each an array of its own"


class _Complex(threading.local):
    """Whether this thread lets primitives compute with complex numbers."""

    allowed = False


_complex = _Complex()


@contextmanager
def complex_numbers() -> Iterator[None]:
    """Let primitives take complex numbers inside: for the value of a loss, never for a gradient."""
    before, _complex.allowed = _complex.allowed, True
    try:
        yield
    finally:
        _complex.allowed = before


def number_or_array(name: str, value: Any) -> Any:
    """`value` where it is an array or a number.

    Raises: EngineError where a primitive cannot take it; ForeignMetError for an array of another engine.
    """
    if type(value) in _REAL_NUMBERS:
        return value
    if isinstance(value, _NUMBERS) or is_array(value):
        if np.iscomplexobj(dense(value)) and not _complex.allowed:
            raise EngineError(f"{name} takes real numbers, not complex ones", hint=_REAL_AND_IMAGINARY)
        return value
    if isinstance(value, Foreign):
        raise ForeignMetError(value.vocabulary)
    hint = None
    if isinstance(value, tuple | list | dict) or hasattr(value, "field_names"):
        hint = "name the part that is meant, such as m.weight or t[0]"
    raise EngineError(f"{name} takes arrays and numbers, not {kind_of(value)}", hint=hint)


def _as_numbers(seen: Any) -> Any:
    """What holds as 1 and what does not as 0: NumPy refuses to negate or subtract truth values."""
    if isinstance(seen, np.ndarray | np.bool_):
        return np.asarray(seen, float) if seen.dtype.kind == "b" else seen
    return float(seen) if type(seen) is bool else seen


def _static(value: Any) -> Any:
    """A setting as the forward function takes it: no tracers, whole numbers as integers."""
    value = primal(value)
    if isinstance(value, tuple | list):
        return tuple(_static(part) for part in value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return value


def unbroadcast(tangent: Any, shape: tuple[int, ...]) -> Any:
    """The sum of `tangent` over the axes along which an operand of `shape` was stretched."""
    tangent = np.asarray(tangent)
    if tangent.shape == shape:
        return tangent
    if not shape:
        return np.add.reduce(tangent, None)
    leading = tangent.ndim - len(shape)
    if leading > 0:
        tangent = np.add.reduce(tangent, tuple(range(leading)))
        if tangent.shape == shape:
            return tangent
    stretched = tuple(axis for axis, extent in enumerate(shape) if extent == 1 and tangent.shape[axis] != 1)
    if stretched:
        tangent = np.add.reduce(tangent, stretched, keepdims=True)
    return tangent if tangent.shape == shape else np.broadcast_to(tangent, shape)


@overload
def primitive(function: Callable[..., Any], *, name: str | None = None, **options: Any) -> Primitive: ...


@overload
def primitive(*, name: str | None = None, **options: Any) -> Callable[[Callable[..., Any]], Primitive]: ...


def primitive(function: Callable[..., Any] | None = None, *, name: str | None = None, **options: Any) -> Any:
    """Declare a primitive: put it in the registry under its name (a trailing underscore is dropped).

    Options: `domain` (where its rule is tested), `broadcasts` (pullbacks may return the broadcast shape;
    sums to the operands' shapes happen around them), `container` (the operand is a list or tuple of
    arrays), `differentiable` (False: results are constants), `logical` (arrays of truth values are taken as
    they are, and not as 1 and 0), `size` (elements of the result), `examples`
    (settings under which the rule is tested, where their names do not tell), `also` (its other names).
    """

    def declare(forward: Callable[..., Any]) -> Primitive:
        kind = ContainerPrimitive if options.pop("container", False) else Primitive
        also = options.pop("also", ())
        declared = kind(forward, name or forward.__name__.rstrip("_"), **options)
        REGISTRY.update(dict.fromkeys((declared.name, *also), declared))
        return declared

    return declare if function is None else declare(function)
