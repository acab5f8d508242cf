"""What an audit needs of a model: its places, its loss at moved memory, and its engine's gradients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from aliascheck.memory import Array, Data, Path, field


class Gradients(Data, frozen=True):
    """What an engine reported: a tangent for each member, and the entries of global names.

    `doubts` tells what to do about places of which it is known why what was reported may be wrong.
    """

    members: dict[Path, Any]
    globals: dict[str, Any] = field(default_factory=dict)
    doubts: dict[Path, str] = field(default_factory=dict)


def narrow_names(places: Iterable[tuple[Path, Array]]) -> set[str]:
    """The precisions below float64 of some arrays, by name."""
    return {array.dtype.name for _, array in places if array.dtype.itemsize < 8}


class Twin(Protocol):
    """A model some of whose memory holds complex numbers."""

    @property
    def arrays(self) -> Sequence[Array]:
        """The complex counterparts of the arrays that were asked for, in order."""

    def loss(self) -> complex:
        """The loss at the twin's memory as it is now."""


class Analytic(Protocol):
    """A subject whose loss can be evaluated for complex numbers."""

    def complex_loss_reading(self, access: Path, private: Array) -> complex:
        """The loss with one access reading a private complex array of its shape."""

    def complex_twin(self, arrays: Sequence[Array]) -> Twin:
        """The model with complex memory in the place of that of some arrays."""


class Subject(Protocol):
    """A model with a loss. Nothing here changes it: memory is the same after every call."""

    @property
    def key(self) -> object:
        """What names the loss and the model: equal for subjects that are made alike. None: unnamed."""

    @property
    def members(self) -> Sequence[Path]:
        """The entries of the parameter set, in order."""

    @property
    def bindings(self) -> Mapping[str, Any]:
        """The named values that places begin at."""

    @property
    def merges(self) -> Collection[str]:
        """The modes in which members that are one object are one slot."""

    def places(self) -> Sequence[tuple[Path, Array]]:
        """Every place of a real array, in order."""

    def narrow(self) -> Collection[str]:
        """The precisions below float64 that the memory is in, by name."""

    def remarks(self) -> Sequence[str]:
        """What readers of the report should know about the model, whatever is found."""

    def accesses(self) -> Mapping[Path, Any]:
        """The array value that the loss consumes at each access."""

    def base(self) -> float:
        """The loss at the memory as it is, to be perturbed from."""

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now; stops keep the value they had at the base."""

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one access reading a private array of its shape."""

    def widened(self) -> Subject | None:
        """The same model in float64, its memory aliased alike; None where that cannot be had.

        Raises: EngineError where that cannot be had, and it is known what stands in the way.
        """

    def analytic(self) -> Analytic | None:
        """The same loss for complex numbers; None where the engine has none."""

    def has_stops(self) -> bool:
        """Whether the loss stops gradients deliberately."""

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What the engine reports in a mode, with gates on accesses.

        Raises: EngineError where the engine cannot differentiate the loss.
        """
