"""A loss that is asked for its value as memory moves, or what one access reads of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

import numpy as np

from aliascheck.memory import Array, Data, Path
from aliascheck.oracle.estimate import Estimate
from aliascheck.oracle.perturbation import Line, MemoryBlock
from aliascheck.oracle.stencil import FIRST_STEP, derivative

Loss = Callable[[], float]
LossReading = Callable[[Path, Array], float]
Phi = Callable[[float], float]


class AccessView(Data, frozen=True, eq=False):
    """An access as the oracle sees it: its path, and the array there."""

    path: Path
    array: Array


class Twin(Protocol):
    """A model some of whose memory holds complex numbers: `arrays`, the counterparts of those asked for."""

    @property
    def arrays(self) -> Sequence[Array]: ...

    def loss(self) -> complex: ...


class Witness(Protocol):
    """A loss that takes complex numbers: one access reading private ones, or some memory holding them."""

    def complex_loss_reading(self, access: Path, private: Array) -> complex: ...

    def complex_twin(self, arrays: Sequence[Array]) -> Twin: ...


class Oracle:
    """A loss that is to be differentiated at one point: its value there, its noise, and every evaluation.

    `loss` evaluates it at the memory as it is, `loss_reading` with one access reading a private array. What
    they raise on their way (a matrix without inverse, the edge of a domain) counts as not-a-number; the
    first such thing is kept in words in `raised`.
    """

    def __init__(
        self,
        loss: Loss,
        loss_reading: LossReading,
        base: float,
        noise: float = 0.0,
        witness: Witness | None = None,
    ) -> None:
        self._loss = loss
        self._loss_reading = loss_reading
        self.base = base
        self.noise = noise
        self.witness = witness
        self.evaluations = 0
        self.raised: str | None = None

    def _evaluate(self, loss: Loss) -> float:
        self.evaluations += 1
        try:
            return loss()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  a loss is anybody's code
            cause = error.__cause__ or error  # where a subject told of it in its own words
            self.raised = self.raised or f"{type(cause).__name__}: {cause}"
            return math.nan

    @contextmanager
    def moving_memory(self, moves: Sequence[tuple[MemoryBlock, Array, float]]) -> Iterator[Phi]:
        """The loss as memory itself moves, each block along its direction times a scale.

        Shapes: each direction (cells of its block,). The memory is put back at the end, bit by bit.
        """
        with ExitStack() as stack:
            steps = [stack.enter_context(block.along(to, scale)) for block, to, scale in moves]

            def phi(t: float) -> float:
                for step in steps:
                    step(t)
                return self._evaluate(self._loss)

            yield phi

    @contextmanager
    def moving_access(self, access: AccessView, direction: Array, scale: float) -> Iterator[Phi]:
        """The loss as what one access reads moves along a direction of its shape times a scale."""
        private = np.array(access.array, dtype=float)
        line = Line(private, direction)

        def phi(t: float) -> float:
            line.move(t * scale)
            return self._evaluate(lambda: self._loss_reading(access.path, private))

        yield phi

    def slope(self, phi: Phi, first_step: float = FIRST_STEP, accuracy: float = 0.0) -> Estimate:
        """The derivative of the loss along a line at the base point; see `derivative`."""
        return derivative(phi, self.base, self.noise, first_step, accuracy)
