"""The memory of tensors as NumPy arrays: the very same, or a mirror of it where NumPy cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from aliascheck.memory import Array

SEEN_BY_NUMPY = (torch.float16, torch.float32, torch.float64)


def has_memory(tensor: Any) -> bool:
    """Whether the elements of a tensor lie in a storage."""
    if tensor.layout is not torch.strided or tensor.is_meta:
        return False
    try:
        tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError, ValueError):  # a subclass that wraps others, or a lazy one
        return False
    return True


def storage_of(tensor: Any) -> tuple[Any, ...]:
    """What tensors over one storage share."""
    return tensor.device, tensor.untyped_storage().data_ptr()


def flat(tensor: Any) -> Any:
    """All of the storage of a tensor, as a vector."""
    storage = tensor.untyped_storage()
    whole = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return whole.set_(storage, 0, (storage.nbytes() // tensor.element_size(),))


def over(whole: Any, tensor: Any) -> Any:
    """The view of a vector that a tensor is of its own storage."""
    return whole.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


class Mirror:
    """A storage somewhere else, and an array on the CPU that stands for it."""

    def __init__(self, tensor: Any) -> None:
        self.there = flat(tensor)
        seen = tensor.dtype in SEEN_BY_NUMPY
        self.here = self.there.to("cpu", tensor.dtype if seen else torch.float32, copy=True)
        self._origin = self.there.clone()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let the storage hold what the array does; what the body changes is seen in the array."""
        self.there.copy_(self.here)
        before = self.there.clone()
        try:
            yield
        finally:
            if not torch.equal(self.there, before):
                self.here.copy_(self.there)
            self.there.copy_(self._origin)


class Memory:
    """Arrays that share memory as tensors do. `mirrored` mirrors also what NumPy could see."""

    def __init__(self, tensors: Sequence[Any], *, mirrored: bool = False) -> None:
        self._mirrors: dict[tuple[Any, ...], Mirror] = {}
        self._arrays: dict[int, Array] = {}
        for tensor in tensors:
            if id(tensor) not in self._arrays:
                self._arrays[id(tensor)] = self._array(tensor, mirrored)

    def _array(self, tensor: Any, mirrored: bool) -> Array:
        if not mirrored and tensor.device.type == "cpu" and tensor.dtype in SEEN_BY_NUMPY:
            seen: Array = tensor.detach().numpy()
            return seen
        key = (*storage_of(tensor), tensor.dtype)
        if key not in self._mirrors:
            self._mirrors[key] = Mirror(tensor)
        shown: Array = over(self._mirrors[key].here, tensor).numpy()
        return shown

    def array(self, tensor: Any) -> Array:
        """The array of a tensor, one and the same each time."""
        return self._arrays[id(tensor)]

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let the tensors hold what the arrays do."""
        if not self._mirrors:
            yield
            return
        (mirror, *others) = self._mirrors.values()
        with mirror.in_force(), _all_in_force(others):
            yield


@contextmanager
def _all_in_force(mirrors: Sequence[Mirror]) -> Iterator[None]:
    if not mirrors:
        yield
        return
    with mirrors[0].in_force(), _all_in_force(mirrors[1:]):
        yield
