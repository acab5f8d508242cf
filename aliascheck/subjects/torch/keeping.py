"""What an evaluation may change of a module and of the world, put back when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aliascheck.subjects.generators import generators_in, generators_kept
from aliascheck.subjects.torch.memory import flat, has_memory, storage_of
from aliascheck.subjects.torch.places import Place
from aliascheck.subjects.torch.streams import devices_of, drawn_anew
from aliascheck.subjects.trees import captured_values


class Keeper:
    """Keeps modules as they are through evaluations: attributes, gradients, buffers, random numbers.

    Numbers in memory that a member of the set shows are not put back: that a loss changes them is for the
    audit to see. A tensor that was given other memory has its own again, in which the numbers are lost.
    """

    def __init__(self, root: Any, loss: Any, places: Sequence[Place], seed: int) -> None:
        modules = {id(one): one for one in (*root.modules(), *(place.module for place in places))}
        found: dict[int, Any] = {}
        for module in modules.values():
            _collect(vars(module), found)
        self._containers = list(found.values())
        self.seed, self._tensors = seed, [place.tensor for place in places]
        captured = [value for _, value in captured_values(loss)] if callable(loss) else []
        self._generators = generators_in([*map(vars, modules.values()), *captured])

    @contextmanager
    def kept(self, tensors: Sequence[Any], buffers: Sequence[Any]) -> Iterator[None]:
        """Put back attributes, what `tensors` say about gradients, and the numbers in `buffers`.

        While the body runs no tensor holds a gradient, and random numbers come from the seed.
        """
        containers = [(one, one.copy()) for one in self._containers]
        owned = [(tensor, tensor.data) for tensor in tensors if has_memory(tensor)]
        flags = [(tensor, tensor.requires_grad, tensor.grad) for tensor in tensors if tensor.is_leaf]
        numbers = [(tensor, tensor.detach().clone()) for tensor in buffers]
        for tensor, _, _ in flags:
            tensor.grad = None
        try:
            with generators_kept(self._generators), drawn_anew(self.seed, devices_of(self._tensors)):
                yield
        finally:
            for tensor, memory in owned:
                _give_back(tensor, memory)
            for container, before in containers:
                _restore(container, before)
            for tensor, requires_grad, grad in flags:
                if tensor.requires_grad != requires_grad:
                    tensor.requires_grad_(requires_grad)
                if tensor.grad is not grad:
                    tensor.grad = grad
            for tensor, before in numbers:
                tensor.data.copy_(before)  # of .data: graphs that are kept do not take it for a change


def _give_back(tensor: Any, memory: Any) -> None:
    """Let a tensor show its own memory again; nothing but NaN is left in it, since it was given up."""
    if _place_in_memory(tensor.data) != _place_in_memory(memory):
        if memory.is_floating_point():
            flat(memory).fill_(float("nan"))
        tensor.data = memory


def _place_in_memory(tensor: Any) -> Any:
    start = tensor.data_ptr() if has_memory(tensor) else None
    return start, tensor.shape, tensor.stride() if start is not None else None, tensor.dtype, tensor.device


def _collect(value: Any, found: dict[int, Any]) -> None:
    """The lists, dicts and sets in a value, its own included."""
    if isinstance(value, list | dict | set) and id(value) not in found:
        found[id(value)] = value
    elif not isinstance(value, tuple):
        return
    if not isinstance(value, set):
        for part in value.values() if isinstance(value, dict) else value:
            _collect(part, found)


def _restore(container: Any, before: Any) -> None:
    if isinstance(container, list):
        if len(container) != len(before) or any(a is not b for a, b in zip(container, before, strict=True)):
            container[:] = before
    elif isinstance(container, set):
        if container != before:
            container.clear()
            container.update(before)
    elif container.keys() != before.keys() or any(container[key] is not before[key] for key in before):
        container.clear()
        container.update(before)


@contextmanager
def kept_leaves(loss: Any, known: Sequence[Any]) -> Iterator[None]:
    """Put back the gradients of leaves of a graph that the module does not hold."""
    strangers = {id(leaf): (leaf, leaf.grad) for leaf in _leaves(loss)}
    for tensor in known:
        strangers.pop(id(tensor), None)
    for leaf, _ in strangers.values():
        leaf.grad = None
    try:
        yield
    finally:
        for leaf, grad in strangers.values():
            leaf.grad = grad


def _leaves(loss: Any) -> Iterator[Any]:
    """The tensors that a graph would accumulate gradients in."""
    seen: set[Any] = set()
    left = [loss.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        left.extend(parent for parent, _ in node.next_functions)


@contextmanager
def kept_numbers(tensors: Sequence[Any]) -> Iterator[None]:
    """Put back the numbers in tensors, where a hook changes them once their gradient is there."""
    hooked = any(getattr(tensor, "_post_accumulate_grad_hooks", None) for tensor in tensors)
    found = {storage_of(tensor): flat(tensor) for tensor in tensors if hooked and has_memory(tensor)}
    before = [(whole, whole.clone()) for whole in found.values()]
    try:
        yield
    finally:
        for whole, numbers in before:
            whole.copy_(numbers)
