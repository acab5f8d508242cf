"""Where the loss of a module is evaluated: names exchanged for the call, everything put back after it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from aliascheck.errors import AliascheckError
from aliascheck.memory import Array, CellMap, Path, overlaps_itself
from aliascheck.subjects.torch.compiled import Eager
from aliascheck.subjects.torch.keeping import Keeper
from aliascheck.subjects.torch.memory import Memory, flat, has_memory, storage_of
from aliascheck.subjects.torch.places import Place, exchange
from aliascheck.subjects.torch.widening import Widen, Widening

Loss = Callable[[Any], Any]
Values = Mapping[Place, Any]


class Stage:
    """A module, its loss, its places, and the tensors that stand for them.

    With `widening` those are counterparts of the module's own. `mirrored` keeps all memory in mirrors.
    """

    def __init__(
        self,
        module: Any,
        loss: Loss,
        places: Sequence[Place],
        members: Sequence[Place],
        *,
        seed: int = 0,
        widening: Widening | None = None,
        mirrored: bool = False,
    ) -> None:
        self.module, self.loss, self.places, self.members = module, loss, places, members
        self.seed = seed
        self._widening = widening
        self._current = {} if widening is None else widening.current
        present = [place for place in places if widening is None or widening.has(place.tensor)]
        self.by_path: dict[Path, Place] = {place.path: place for place in present if place.is_real}
        self.memory = Memory([self.now(place) for place in self.by_path.values()], mirrored=mirrored)
        self.tensors = list({id(self.now(place)): self.now(place) for place in present}.values())
        self._buffers = self._restored()
        self._keeper = Keeper(module, loss, places, seed)
        self.eager = Eager()

    def now(self, place: Place) -> Any:
        """The tensor that stands for a place: its own, or its counterpart."""
        return self._current.get(id(place.tensor), place.tensor)

    def moved_from(self) -> set[str]:
        """The devices of tensors of the module whose counterparts are on another one."""
        return {
            str(place.tensor.device) for place in self.places if place.tensor.device != self.now(place).device
        }

    def array(self, place: Place) -> Array:
        """The memory of a place of real numbers."""
        return self.memory.array(self.now(place))

    def _restored(self) -> list[Any]:
        """What is put back after each evaluation: storages of no member, and what else no member shows."""
        of_members = {storage_of(self.now(place)) for place in self.members}
        shown = CellMap(self.array(place) for place in self.members)
        found: dict[Any, Any] = {}
        for place in self.places:
            tensor = self.now(place)
            if place.is_parameter or not has_memory(tensor):
                continue
            if storage_of(tensor) not in of_members:
                found[storage_of(tensor)] = flat(tensor)
            elif (
                place.path in self.by_path
                and not shown.touches(self.array(place))
                and not _overlaps(self.array(place))
            ):
                found[id(tensor)] = tensor
        return list(found.values())

    @contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Random numbers that begin at another seed."""
        self._keeper.seed, before = seed, self._keeper.seed
        try:
            yield
        finally:
            self._keeper.seed = before

    @contextmanager
    def in_force(self, values: Values, *modes: Any, compiled: bool = False) -> Iterator[None]:
        """The names of the module showing `values`, its memory that of the arrays, the world as seeded.

        Code that the user compiled runs as such only if it is to be `compiled`.
        """
        with ExitStack() as stack:
            if not compiled:
                stack.enter_context(self.eager.in_force())
            stack.enter_context(self.memory.in_force())
            stack.enter_context(self._keeper.kept(self.tensors, self._buffers))
            if values or self._widening is not None:
                exchange(self.places, self._current, values)
            if self._widening is not None:
                stack.enter_context(Widen(self._widening))
            for mode in modes:
                stack.enter_context(mode)
            yield

    def result(self, values: Values, *modes: Any, compiled: bool = False) -> Any:
        """What the loss returns."""
        with self.in_force(values, *modes, compiled=compiled):
            return self.loss(self.module)

    def value(self, values: Values, *modes: Any, graph: bool = True) -> float:
        """The number that the loss returns. Raises: AliascheckError where it is not one real number."""
        if graph:
            return number_of(self.result(values, torch.enable_grad(), *modes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a checkpoint that finds no graph complains of what we did
            return number_of(self.result(values, torch.no_grad(), *modes))


def _overlaps(array: Array) -> bool:
    return overlaps_itself(CellMap([array]).of(array))


def number_of(loss: Any) -> float:
    """The number that a loss is. Raises: AliascheckError where it is not one real number."""
    if isinstance(loss, torch.Tensor):
        if loss.numel() != 1 or loss.is_complex():
            kind = "complex" if loss.is_complex() else f"of shape {tuple(loss.shape)}"
            raise AliascheckError(f"the loss is {kind}, and must be one real number")
        return float(loss.detach())
    try:
        return float(loss)
    except (TypeError, ValueError):
        raise AliascheckError(f"the loss is a {type(loss).__name__}, and must be one real number") from None
