"""Programs of case files as modules: each array of theirs is a Parameter, over memory that it shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from aliascheck.memory import Array, Path, format_path
from aliascheck.subjects.interpretation import Interpretation
from aliascheck.subjects.program import Loss
from aliascheck.subjects.subject import Subject
from aliascheck.subjects.torch.members import model_of
from aliascheck.subjects.torch.vocabulary import VOCABULARY


def subject_of(
    bindings: Mapping[str, Any], loss: Loss, members: Sequence[Path], *, stops: str, seed: int
) -> Subject:
    """A program as a subject. Raises: LacksPrimitiveError where torch has not what the loss does."""
    program = Interpretation(VOCABULARY, bindings, loss, members)
    module = Arrays(program.arrays(), program.members)

    def evaluate(module: Any) -> Any:
        return program.result(lambda path: module.shown(format_path(path)))

    with torch.no_grad():
        evaluate(module)
    names = list(dict.fromkeys(map(format_path, program.members)))
    return model_of(module, evaluate, names, stops=stops, seed=seed)


class Arrays(torch.nn.Module):  # type: ignore[misc]
    """The arrays of a program under the names of their places.

    One object is one Parameter; what is not in the set requires no gradient.
    """

    def __init__(self, arrays: Mapping[Path, Array], members: Sequence[Path]) -> None:
        super().__init__()
        tensors = over_shared_memory(arrays.values())
        wanted = {id(arrays[path]) for path in members}
        made = {
            key: torch.nn.Parameter(tensor, requires_grad=key in wanted) for key, tensor in tensors.items()
        }
        for path, array in arrays.items():
            self._parameters[format_path(path)] = made[id(array)]

    def shown(self, name: str) -> Any:
        """What stands at a name now, whatever modules have under it: `half`, `training`."""
        value = vars(self).get(name)
        return value if isinstance(value, torch.Tensor) else self._parameters[name]


def over_shared_memory(arrays: Iterable[Array]) -> dict[int, Any]:
    """Tensors in new memory, aliased as arrays are, by the arrays' identities.

    Torch has no strides that run backwards: such an array becomes a copy, as torch's own `flip` makes one.
    """
    distinct = {id(array): array for array in arrays}
    forwards = [array for array in distinct.values() if array.size and min(array.strides, default=0) >= 0]
    tensors = {id(array): tensor for array, tensor in _views(forwards)}
    copies = {key: torch.from_numpy(np.array(array)) for key, array in distinct.items() if key not in tensors}
    return {**tensors, **copies}


def _views(arrays: Sequence[Array]) -> list[tuple[Array, Any]]:
    stretches: list[list[int]] = []
    for low, high in sorted(byte_bounds(array) for array in arrays):
        if stretches and low < stretches[-1][1]:
            stretches[-1][1] = max(high, stretches[-1][1])
        else:
            stretches.append([low, high])
    storages = [(low, torch.zeros((high - low) // 8, dtype=torch.float64)) for low, high in stretches]
    return [(array, _view(array, storages)) for array in arrays]


def _view(array: Array, storages: Sequence[tuple[int, Any]]) -> Any:
    """The tensor of an array, its numbers filled in."""
    start, storage = max((one for one in storages if one[0] <= array.ctypes.data), key=lambda one: one[0])
    first = (array.ctypes.data - start) // 8
    as_strided(storage.numpy()[first:], array.shape, array.strides)[...] = array
    return storage.as_strided(array.shape, [stride // 8 for stride in array.strides], first)
