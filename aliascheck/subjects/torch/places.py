"""Where a module holds tensors: parameters, buffers and attributes, under the names that torch gives them.

A place is an attribute of one module, or an element of a list, tuple or dict there. A module that is
reached under two names has its places once, by the first; one tensor under two names has two places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from aliascheck.memory import Data, Path
from aliascheck.subjects.torch.memory import has_memory, storage_of

Trail = tuple[Any, ...]


class Place(Data, frozen=True, eq=False):
    """A name under which a module reaches a tensor.

    `registry` is the dict of the module that names it, `_parameters` or `_buffers`, None for attributes.
    `trail` is the attribute, and the steps into its containers.
    """

    name: str
    tensor: Any
    module: Any
    registry: str | None
    trail: Trail

    @property
    def path(self) -> Path:
        """The place as the audit names it: torch's dotted name is one step."""
        return (self.name,)

    @property
    def is_real(self) -> bool:
        """Whether it holds real numbers in memory of its own."""
        return self.tensor.is_floating_point() and has_memory(self.tensor)

    @property
    def is_parameter(self) -> bool:
        return isinstance(self.tensor, torch.nn.Parameter)


def find_places(root: Any) -> list[Place]:
    """Every place of a module: what is registered first, in torch's order, then other attributes."""
    return list(_Search().places_of(root, ""))


def stale_views(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    """Places of views over memory that their base is no longer in, each with the first place of its base."""
    first: dict[int, Place] = {}
    for place in places:
        first.setdefault(id(place.tensor), place)
    pairs = [(place, first.get(id(place.tensor._base))) for place in places if place.tensor._is_view()]
    return [
        (place, base)
        for place, base in pairs
        if base is not None and place.is_real and storage_of(place.tensor) != storage_of(base.tensor)
    ]


class _Search:
    def __init__(self) -> None:
        self._seen: set[int] = set()

    def places_of(self, root: Any, prefix: str) -> Iterator[Place]:
        """The places of a module and those below it, not seen before."""
        modules = []
        for name, module in root.named_modules(prefix=prefix):
            if id(module) not in self._seen:
                self._seen.add(id(module))
                modules.append((f"{name}." if name else "", module))
        for name, module in modules:
            for registry in ("_parameters", "_buffers"):
                for key, tensor in getattr(module, registry).items():
                    if tensor is not None:
                        yield Place(name + key, tensor, module, registry, (key,))
        for name, module in modules:
            for key, value in vars(module).items():
                if key not in INTERNAL:
                    yield from self._below(value, name + key, module, (key,))

    def _below(self, value: Any, name: str, module: Any, trail: Trail) -> Iterator[Place]:
        if isinstance(value, torch.Tensor):
            yield Place(name, value, module, None, trail)
        elif isinstance(value, torch.nn.Module):
            yield from self.places_of(value, name)
        elif isinstance(value, list | tuple | dict) and id(value) not in self._seen:
            self._seen.add(id(value))
            for step, part in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self._below(part, f"{name}[{step!r}]", module, (*trail, step))


INTERNAL = frozenset(vars(torch.nn.Module()))


def exchange(places: Sequence[Place], current: Mapping[int, Any], values: Mapping[Place, Any]) -> None:
    """Let each place show its value in `values`, or what is `current` for its tensor.

    The value stands in front of the registered tensor, so that this name alone is changed, and
    `named_parameters` still finds one object where there was one: that of the first name. Whoever calls
    this has a Keeper put everything back.
    """
    first: dict[int, Any] = {}
    for place in places:
        known = current.get(id(place.tensor), place.tensor)
        value = values.get(place, known)
        one = first.setdefault(id(place.tensor), value)
        if place.registry is None:
            if value is not place.tensor:
                _put(vars(place.module), place.trail, value)
            continue
        registered = getattr(place.module, place.registry)
        (key,) = place.trail
        registered[key] = one
        if value is not one:
            vars(place.module)[key] = value


def _put(container: Any, trail: Trail, value: Any) -> Any:
    """`container` with `value` at the end of a trail: itself where it can be changed, else another tuple."""
    step, *rest = trail
    new = _put(container[step], tuple(rest), value) if rest else value
    if isinstance(container, tuple):
        parts = [new if number == step else part for number, part in enumerate(container)]
        return type(container)(*parts) if hasattr(container, "_fields") else type(container)(parts)
    container[step] = new
    return container
