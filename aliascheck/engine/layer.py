"""Layers: structs whose name has a call rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aliascheck.engine.parts import CALL_RULES, make_struct, make_tuple
from aliascheck.errors import EngineError, did_you_mean

LAYERS: dict[str, Layer] = {}


class Layer:
    """A named struct with known fields and a rule for calling it.

    A `variadic` layer keeps all its positional arguments as one tuple in its only field.
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

    def build(self, *args: Any, **named: Any) -> Any:
        """The struct, from positional or named fields; traced where one of them is.

        Raises: EngineError for a missing or unknown field.
        """
        if self.variadic and not named:
            return make_struct(self.name, {self.fields[0]: make_tuple(args)})
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
        return make_struct(self.name, {name: fields[name] for name in self.fields if name in fields})

    __call__ = build


def layer(
    *, fields: tuple[str, ...], required: int = 0, variadic: bool = False
) -> Callable[[Callable[..., Any]], Layer]:
    """Declare a layer: the decorated function is its call rule, `rule(self, *inputs)`."""

    def declare(rule: Callable[..., Any]) -> Layer:
        declared = Layer(rule, fields, required, variadic)
        LAYERS[declared.name] = declared
        CALL_RULES[declared.name] = rule
        return declared

    return declare
