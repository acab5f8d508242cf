"""What an expression may use: text, nesting, calls, memory."""

from __future__ import annotations

from aliascheck.errors import EngineError
from aliascheck.memory import Data


class Limits(Data, frozen=True):
    """The most that an expression, an evaluation and an audit may use."""

    characters: int = 10_000
    depth: int = 100
    nodes: int = 5_000
    call_depth: int = 200
    array_elements: int = 2**27
    elements: int = 2**28
    calls: int = 1_000_000


LIMITS = Limits()


class Meter:
    """Counts the primitive calls of one evaluation, and the elements that it and the model hold."""

    __slots__ = ("calls", "elements", "limits")

    def __init__(self, limits: Limits = LIMITS, elements: int = 0) -> None:
        self.limits = limits
        self.calls = 0
        self.elements = elements

    def charge(self, name: str, elements: int) -> None:
        """Count one call of `name` that makes so many elements.

        Raises: EngineError naming the limit that this would exceed.
        """
        self.calls += 1
        self.elements += elements
        limits = self.limits
        if elements > limits.array_elements:
            raise too_large(name, elements, limits)
        if self.elements > limits.elements:
            raise EngineError(
                f"{name}: {self.elements} elements in all, and an audit may hold {amount(limits.elements)}"
            )
        if self.calls > limits.calls:
            raise EngineError(f"{name}: more than {amount(limits.calls)} primitive calls in one evaluation")

    def fresh(self) -> Meter:
        """A meter for another evaluation, on top of the memory that this one has counted."""
        return Meter(self.limits, self.elements)


def too_large(name: str, elements: int, limits: Limits = LIMITS) -> EngineError:
    """The error of an array over the limit, known before it is allocated."""
    shown = str(elements) if elements < 10**15 else "over 10**15"
    return EngineError(f"{name}: {shown} elements, and an array may have {amount(limits.array_elements)}")


def amount(number: int) -> str:
    """A limit as the documentation writes it."""
    if number >= 2**20 and number & (number - 1) == 0:
        return f"2**{number.bit_length() - 1} ({number:,})"
    return f"{number:,}"
