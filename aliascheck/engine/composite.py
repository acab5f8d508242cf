"""Composites: functions made of primitives, whose result is a list, and whose rule is that of their parts.

@composite(domain=reals(-3, 3, 4))
def halves(x):
    return [read_item(x, slice(0, 2)), read_item(x, slice(2, 4))]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aliascheck.engine.parts import make_list
from aliascheck.engine.primitive import NO_SETTINGS, REGISTRY, Primitive


class Composite(Primitive):
    """A function of raw and traced values that gives a list of what primitives make of them."""

    def _applied_plainly(self) -> Callable[..., Any]:
        return self.applied_at_length()

    def apply(
        self, operands: Sequence[Any], static: Sequence[Any] = (), settings: Mapping[str, Any] = NO_SETTINGS
    ) -> Any:
        try:
            parts = self.forward(*operands, *static, **settings)
        except TypeError as error:
            raise self.misused(error) from error
        return make_list(parts)

    def compute(self, arrays: Sequence[Any], static: Sequence[Any], settings: Mapping[str, Any]) -> Any:
        """The result; there is no pullback but those of the parts."""
        return self.apply(arrays, static, settings), ()


def composite(**options: Any) -> Callable[[Callable[..., Any]], Composite]:
    """Declare a composite, with the options of a primitive."""

    def declare(forward: Callable[..., Any]) -> Composite:
        declared = Composite(forward, forward.__name__.rstrip("_"), **options)
        REGISTRY[declared.name] = declared
        return declared

    return declare
