"""Under which names a loss takes the numbers of a module's tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aliascheck.subjects.torch.memory import storage_of
from aliascheck.subjects.torch.places import Place
from aliascheck.subjects.torch.reading import Reads
from aliascheck.subjects.torch.stage import Stage, Values
from aliascheck.subjects.torch.widening import alike

Accessed = Mapping[Place, Sequence[Place]]  # what is read, and all names that go with it, itself included


class Reader:
    """Evaluates a loss whose names show other tensors, and sees what it notices.

    `base` is the loss as it is; `graph` is whether evaluations need one.
    """

    def __init__(self, stage: Stage, base: float, *, graph: bool) -> None:
        self._stage, self._base, self._graph = stage, base, graph

    def read(self) -> Accessed:
        """The names that are read, of tensors that have a gradient or share memory with the set.

        Names of one tensor go together where the loss is another once they show several: inner gradients
        by `parameters()`, say. Where it is another all the same, every name counts as read.
        """
        places = list(self._stage.by_path.values())
        separate: Accessed = {place: [place] for place in places}
        for names in (separate, self._by_tensor(places)):
            shown = {place: alike(self._stage.now(place), self._stage.now(place).detach()) for place in names}
            reads = Reads()
            if self._is_unmoved(names, shown, reads, graph=True):
                seen = {place for place in names if id(shown[place]) in reads.ids}
                seen |= self._noticed(self._concerned(names), seen, shown)
                return self._concerned({place: names[place] for place in seen})
        return self._concerned(separate)

    def _by_tensor(self, places: Sequence[Place]) -> Accessed:
        """The names of each tensor, by the first of them."""
        found: dict[int, list[Place]] = {}
        for place in places:
            found.setdefault(id(self._stage.now(place)), []).append(place)
        return {names[0]: names for names in found.values()}

    def _concerned(self, names: Accessed) -> Accessed:
        now = self._stage.now
        members = {storage_of(now(place)) for place in self._stage.members}
        return {
            place: names[place]
            for place in self._stage.by_path.values()
            if place in names and (now(place).requires_grad or storage_of(now(place)) in members)
        }

    def _noticed(self, names: Accessed, seen: set[Place], shown: Values) -> set[Place]:
        """What else moves the loss: no reading of a scripted function is seen."""
        left = [place for place in names if place not in seen]
        if not left or self._is_indifferent_to(left, names, shown):
            return set()
        return {place for place in left if not self._is_indifferent_to([place], names, shown)}

    def _is_indifferent_to(self, places: Sequence[Place], names: Accessed, shown: Values) -> bool:
        moved = {place: _moved(self._stage.now(place)) for place in places}
        return self._is_unmoved(names, {**shown, **moved}, graph=self._graph)

    def _is_unmoved(self, names: Accessed, shown: Values, *modes: Any, graph: bool) -> bool:
        values = {name: shown[place] for place, every in names.items() for name in every}
        try:
            return is_same(self._stage.value(values, *modes, graph=graph), self._base)
        except Exception:  # noqa: BLE001  a loss is anybody's code
            return False


def _moved(tensor: Any) -> Any:
    """A tensor of other numbers nearby."""
    numbers = tensor.detach()
    scale = numbers.abs().max() if numbers.numel() else 0.0
    return alike(tensor, numbers * (1.0 + 2.0**-6) + scale * 2.0**-7 + 2.0**-20)


def is_same(one: float, other: float) -> bool:
    """Whether two losses are equal bit by bit."""
    return np.float64(one).tobytes() == np.float64(other).tobytes()
