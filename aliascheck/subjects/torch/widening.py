"""A model in float64: all tensors over new memory, aliased as before, and a loss that follows.

The new memory is on the device of the old one, whose kernels are the ones to audit, or on the CPU.
The modules stay: their attributes show the new tensors while the loss is evaluated. Nothing is copied by
torch, whose `deepcopy`, `double` and `to` untie tensors that share a storage without being one object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import ref

import torch
from torch.overrides import TorchFunctionMode

from aliascheck.subjects.torch.draws import DrawnAlike, Draws, may_draw
from aliascheck.subjects.torch.gates import stale_view
from aliascheck.subjects.torch.hooks import with_hooks
from aliascheck.subjects.torch.memory import flat, has_memory, over, storage_of
from aliascheck.subjects.torch.reading import map_leaves

NARROW = (torch.float16, torch.bfloat16, torch.float32)


class CannotWidenError(Exception):
    """A tensor has no counterpart in other memory."""


class Widening:
    """Counterparts of tensors: in float64 where they hold floats, over memory aliased alike.

    They are on the devices of the tensors, or all of them `on_cpu`. A tensor that the model does not hold,
    over memory that it does, has its counterpart over the new memory. `draws` are those that the model makes.

    One that was computed from others, and is kept, has none: reading it raises CannotWidenError.
    """

    def __init__(self, tensors: Sequence[Any], draws: Draws, *, on_cpu: bool = False) -> None:
        self._on_cpu = on_cpu
        self.draws = draws
        self._storages: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._made: dict[int, Any] = {}
        self._computed: set[int] = set()
        self._seen: dict[int, tuple[Any, int, Any]] = {}
        narrow = [tensor for tensor in tensors if has_memory(tensor) and self._is_narrow(tensor)]
        self.originals = list({id(tensor): tensor for tensor in narrow}.values())
        for tensor in self.originals:
            key = storage_of(tensor)
            if key not in self._storages:
                self._storages[key] = flat(tensor), self._widened(flat(tensor))
            if self._storages[key][0].dtype != tensor.dtype:
                raise CannotWidenError("one storage is seen in two precisions")
        for tensor in sorted(self.originals, key=lambda tensor: not tensor.is_leaf):
            self._make(tensor)

    @property
    def current(self) -> dict[int, Any]:
        """The counterparts by the identity of the model's tensors."""
        return dict(self._made)

    def _is_narrow(self, tensor: Any) -> bool:
        """Whether a tensor is not in float64 already, or not where the new memory is."""
        return tensor.dtype in NARROW or (self._on_cpu and tensor.device.type != "cpu")

    def _widened(self, tensor: Any) -> Any:
        wide = torch.float64 if tensor.dtype in NARROW else tensor.dtype
        return tensor.to("cpu" if self._on_cpu else tensor.device, wide, copy=True)

    def has(self, tensor: Any) -> bool:
        """Whether a tensor of the model can be had in the new memory."""
        return id(tensor) not in self._computed

    def _make(self, tensor: Any) -> None:
        _, wide = self._storages[storage_of(tensor)]
        if tensor.is_leaf or not tensor.requires_grad:
            self._made[id(tensor)] = with_hooks(tensor, alike(tensor, over(wide, tensor)))
            return
        base = tensor._base
        known = self._made.get(id(base)) if base is not None else None
        if known is None:
            self._computed.add(id(tensor))
            return
        is_stale = storage_of(base) != storage_of(tensor)
        with torch.enable_grad():
            shown = stale_view(tensor, known, over(wide, tensor)) if is_stale else over(known, tensor)
        self._made[id(tensor)] = shown

    def of(self, value: Any) -> Any:
        """The counterpart of an argument of some function; what is wide, or no tensor, stays as it is."""
        if isinstance(value, torch.Tensor):
            return self._of_tensor(value) if self._is_narrow(value) else value
        if isinstance(value, torch.dtype):
            return torch.float64 if value in NARROW else value
        if self._on_cpu and isinstance(value, torch.device):
            return torch.device("cpu")
        return value

    def _of_tensor(self, tensor: Any) -> Any:
        if id(tensor) in self._made:
            return self._made[id(tensor)]
        if not self.has(tensor):
            raise CannotWidenError("a tensor that is kept was computed from others")
        if not has_memory(tensor):
            return tensor.to(torch.float64) if tensor.dtype in NARROW else tensor
        for (device, start), (old, wide) in self._storages.items():
            distance = tensor.data_ptr() - start
            inside = device == tensor.device and 0 <= distance < old.numel() * old.element_size()
            if inside and old.dtype == tensor.dtype:
                first = distance // tensor.element_size()
                base = self._made.get(id(tensor._base)) if tensor.requires_grad else None
                whole = wide if base is None or storage_of(base) != storage_of(wide) else base
                return whole.as_strided(tensor.size(), tensor.stride(), first)
        return self._converted(tensor)

    def _converted(self, tensor: Any) -> Any:
        """The numbers of a tensor that has nothing to do with the model; those of data are kept."""
        known, version, wide = self._seen.get(id(tensor), (None, 0, None))
        if known is not None and known() is tensor and version == tensor._version:
            return wide
        wide = self._widened(tensor)
        if not tensor.requires_grad and not tensor.is_inference():
            self._seen[id(tensor)] = ref(tensor), tensor._version, wide
        return wide

    @contextmanager
    def kept(self) -> Iterator[None]:
        """The new memory put back at the end, whatever a loss does to it."""
        before = [(wide, wide.clone()) for _, wide in self._storages.values()]
        try:
            yield
        finally:
            for wide, numbers in before:
                wide.copy_(numbers)

    @contextmanager
    def originals_moved(self) -> Iterator[None]:
        """The memory of the model itself somewhere else: its counterpart in float64 must not notice."""
        olds = [old for old, _ in self._storages.values() if old.is_floating_point()]
        before = [old.clone() for old in olds]
        for old in olds:
            old.mul_(1.5).add_(0.25)
        try:
            yield
        finally:
            for old, numbers in zip(olds, before, strict=True):
                old.copy_(numbers)


def alike(tensor: Any, data: Any) -> Any:
    """`data` as the same kind of leaf as a tensor: a parameter where that is one."""
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(data, tensor.requires_grad)
    return data.requires_grad_(tensor.requires_grad)


TO_DOUBLE = dict.fromkeys((torch.Tensor.float, torch.Tensor.half, torch.Tensor.bfloat16), torch.Tensor.double)


class Widen(TorchFunctionMode):  # type: ignore[misc]
    """Lets functions compute in float64 whatever they are given; what they draw is drawn as before."""

    def __init__(self, widening: Widening) -> None:
        super().__init__()
        self._of = widening.of
        kinds = {tensor.dtype for tensor in widening.originals if tensor.dtype in NARROW}
        self._draws = widening.draws, kinds.pop() if len(kinds) == 1 else torch.float32

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args, kwargs = map_leaves(self._of, args), map_leaves(self._of, kwargs or {})
        func = TO_DOUBLE.get(func, func)
        if not may_draw(func):
            return map_leaves(self._of, func(*args, **kwargs))
        with DrawnAlike(*self._draws):
            drawn = func(*args, **kwargs)
        return map_leaves(self._of, drawn)
