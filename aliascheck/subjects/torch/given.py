"""What a function of torch was given, and which of its results have left the graph since."""

from __future__ import annotations

from typing import Any

import torch

from aliascheck.subjects.torch.reading import tensors_in


class Given:
    """The tensors among the arguments of a function, before it is called: live ones carry a gradient."""

    def __init__(self, arguments: Any) -> None:
        self.live: list[Any] = []
        self._constants: list[tuple[Any, int]] = []
        for tensor in tensors_in(arguments):
            if tensor.requires_grad:
                self.live.append(tensor)
            else:
                self._constants.append((tensor, _version(tensor)))
        self.had_graph = bool(self.live) and self.live[0].grad_fn is not None

    def stops(self, result: Any) -> bool:
        """Whether a result was made of what is live, and carries no gradient.

        Views made under `no_grad` say that they require one, and have none to pass on.
        """
        if not _is_of_numbers(result) or result.grad_fn is not None:
            return False
        if any(result is tensor for tensor in self.live):
            return False
        return not any(
            _shows(result, tensor) and version == _version(tensor) for tensor, version in self._constants
        )

    def keeps(self, result: Any) -> bool:
        """Whether a result is to be what it is now, where another one of the same function is a stop.

        Positions and truths are not: they go with the numbers.
        """
        return _is_of_numbers(result) and not self.stops(result)

    def written(self, result: Any, numbers: Any) -> Any:
        """A stop with other numbers: where the function has written into an argument, they stand there."""
        if numbers is result or all(result is not tensor for tensor, _ in self._constants):
            return numbers
        result.data.copy_(numbers)
        return result


def _is_of_numbers(part: Any) -> bool:
    return isinstance(part, torch.Tensor) and (part.is_floating_point() or part.is_complex())


def _shows(result: Any, tensor: Any) -> bool:
    """Whether a result is a tensor, or a view of what that is, or is a view of."""
    base = result._base
    return result is tensor or (base is not None and (base is tensor or base is tensor._base))


def _version(tensor: Any) -> int:
    """How often a tensor was written into; tensors of `inference_mode` do not count."""
    return 0 if tensor.is_inference() else int(tensor._version)
