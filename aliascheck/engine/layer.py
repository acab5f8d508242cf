"""Layers: structs whose name has a call rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from aliascheck.engine.parts import CALL_RULES, call, make_record, make_tuple
from aliascheck.engine.tracer import primal
from aliascheck.errors import EngineError, did_you_mean
from aliascheck.memory import Struct

LAYERS: dict[str, Layer] = {}


class LayerStruct(Struct):
    """A struct that is called as its layer's rule says."""

    __slots__ = ()

    def __call__(self, *inputs: Any) -> Any:
        return call(self, *inputs)


class Layer:
    """A named struct with known fields and a rule for calling it.

    A `variadic` layer keeps its positional arguments, from that of its last field on, as one tuple there.
    """

    def __init__(
        self, rule: Callable[..., Any], fields: tuple[str, ...], required: int, variadic: bool
    ) -> None:
        self.name = rule.__name__
        self.rule = rule
        self.fields = fields
        self.required = required
        self.variadic = variadic
        self.summary = (rule.__doc__ or "").strip().partition("\n")[0]

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def inputs(self) -> list[inspect.Parameter]:
        """What it is called with."""
        return list(inspect.signature(self.rule).parameters.values())[1:]

    def build(self, *args: Any, **named: Any) -> Any:
        """The struct, from positional or named fields; traced where one of them is.

        Raises: EngineError for a missing or unknown field.
        """
        if self.variadic and not named:
            before = len(self.fields) - 1
            args = (*args[:before], make_tuple(args[before:])) if len(args) >= before else args
        if len(args) > len(self.fields):
            raise EngineError(
                f"{self.name} has the fields {', '.join(self.fields)}, and got {len(args)} values"
            )
        fields = dict(zip(self.fields, args, strict=False))
        for name, value in named.items():
            if name not in self.fields:
                hint = did_you_mean(name, self.fields) or f"fields: {', '.join(self.fields)}"
                raise EngineError(f"{self.name} has no field '{name}'", hint=hint)
            if name in fields:
                raise EngineError(f"{self.name} got its field '{name}' twice")
            fields[name] = value
        missing = [name for name in self.fields[: self.required] if name not in fields]
        if missing:
            raise EngineError(f"{self.name} needs its field '{missing[0]}'")
        present = {name: fields[name] for name in self.fields if name in fields}
        return make_record(lambda parts: LayerStruct(self.name, parts), present)

    __call__ = build

    def apply(self, this: Any, *inputs: Any) -> Any:
        """What calling the struct `this` gives. Raises EngineError for a wrong number of inputs."""
        least = sum(one.default is one.empty and one.kind is not one.VAR_POSITIONAL for one in self.inputs)
        most = None if any(one.kind is one.VAR_POSITIONAL for one in self.inputs) else len(self.inputs)
        if len(inputs) < least or (most is not None and len(inputs) > most):
            names = ", ".join(one.name for one in self.inputs)
            raise EngineError(f"{self.name} is called with ({names}), and got {len(inputs)} of them")
        return self.rule(this, *inputs)


def has_field(struct: Any, name: str) -> bool:
    """Whether a raw or traced struct has the field `name`, and something in it."""
    value = primal(struct)
    return name in value.field_names and primal(value.get_field(name)) is not None


def given(struct: Any, names: Iterable[str]) -> dict[str, Any]:
    """Those fields of a raw or traced struct that are settings, such as a stride: constants."""
    return {name: primal(struct).get_field(name) for name in names if has_field(struct, name)}


def layer(
    *, fields: tuple[str, ...], required: int = 0, variadic: bool = False
) -> Callable[[Callable[..., Any]], Layer]:
    """Declare a layer: the decorated function is its call rule, `rule(self, *inputs)`."""

    def declare(rule: Callable[..., Any]) -> Layer:
        declared = Layer(rule, fields, required, variadic)
        LAYERS[declared.name] = declared
        CALL_RULES[declared.name] = declared.apply
        return declared

    return declare
