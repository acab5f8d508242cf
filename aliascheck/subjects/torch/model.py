"""A torch module with a loss, as a subject."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from aliascheck.errors import AliascheckError
from aliascheck.memory import Array, Path, is_identical
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.torch.comparison import Ruling, corrected, ruling_on
from aliascheck.subjects.torch.draws import Draws, DrawsNoted
from aliascheck.subjects.torch.memory import SEEN_BY_NUMPY
from aliascheck.subjects.torch.names import Accessed, Reader, is_same
from aliascheck.subjects.torch.places import stale_views
from aliascheck.subjects.torch.stage import Stage, Values
from aliascheck.subjects.torch.stops import Stops
from aliascheck.subjects.torch.walking import Walker, in_words
from aliascheck.subjects.torch.widening import CannotWidenError, Widening, alike


class Model:
    """The loss of a module on a stage, differentiated by torch.

    `stops` is what an audit should make of stops. Where `tied`, a tensor under two names is one slot.
    """

    key = None

    def __init__(self, stage: Stage, *, stops: str = "report", tied: bool = True) -> None:
        self.stops = stops
        self.merges: Collection[str] = ("implicit", "explicit") if tied else ("implicit",)
        self.members: Sequence[Path] = tuple(place.path for place in stage.members)
        self.bindings: Mapping[str, Any] = {
            place.name: stage.array(place) for place in stage.by_path.values()
        }
        self._stage, self._tied = stage, tied
        self._walker = Walker(stage, tied=tied)
        self._draws = Draws()
        self._held: list[Any] = []
        self._is_quiet: bool | None = None
        self._read: Accessed | None = None
        self._ruling: Ruling | None = None
        self._beside: Model | None = None

    def places(self) -> list[tuple[Path, Array]]:
        """Every place of real numbers, parameters and buffers first."""
        return [(path, self._stage.array(place)) for path, place in self._stage.by_path.items()]

    def narrow(self) -> set[str]:
        """The precisions below float64 that the model is in."""
        kinds = {self._stage.now(place).dtype for place in self._stage.by_path.values()}
        return {str(kind).removeprefix("torch.") for kind in kinds if kind is not torch.float64}

    def remarks(self) -> list[str]:
        """Compiled code, devices not audited, names that go together, views of memory that was left."""
        elsewhere = [
            f"the model is on {device}, and was audited on the CPU: the kernels of {device} were not"
            for device in sorted(self._stage.moved_from())
        ]
        return [*self._ruled().notes, *elsewhere, *self._told_apart(), *self._left_behind()]

    def _told_apart(self) -> list[str]:
        return [
            f"the loss is another where {' and '.join(one.name for one in names)} are several tensors: "
            "their contributions are counted as one"
            for names in self._accessed().values()
            if len(names) > 1
        ]

    def _left_behind(self) -> list[str]:
        return [
            f"{place.name} was made as a view of {base.name}, whose memory has been replaced since: "
            f"it shows the old one, and its gradient goes to {base.name}"
            for place, base in stale_views(self._stage.places)
        ]

    def accesses(self) -> dict[Path, Array]:
        """The arrays at the names whose numbers the loss takes.

        Names of one tensor that go together are one access, by the first of them.
        """
        return {place.path: self._stage.array(place) for place in self._accessed()}

    def _accessed(self) -> Accessed:
        if self._read is None:
            base = self.base()
            self._read = Reader(self._stage, base, graph=not self._is_quiet).read()
        return self._read

    def base(self) -> float:
        """The loss at the memory as it is; what its stops give is kept for perturbed evaluations.

        Raises: AliascheckError where it cannot be evaluated.
        """
        stops = Stops()
        try:
            value = self._stage.value({}, DrawsNoted(self._draws), stops)
        except (AliascheckError, CannotWidenError):
            raise
        except Exception as error:
            raise AliascheckError(f"the loss cannot be evaluated: {in_words(error)}") from error
        self._held = stops.held
        if self._is_quiet is None:
            self._is_quiet = self._is_same_without_graph(value)
        return value

    def _is_same_without_graph(self, value: float) -> bool:
        try:
            return is_same(self._stage.value({}, graph=False), value)
        except Exception:  # noqa: BLE001  a loss that takes gradients itself
            return False

    def has_stops(self) -> bool:
        """Whether values left the graph when `base` was evaluated."""
        return bool(self._held)

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now."""
        return self._perturbed({}, through_stops)

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one name showing a tensor of its own."""
        place = self._stage.by_path[access]
        tensor = self._stage.now(place)
        own = alike(tensor, torch.from_numpy(private).to(tensor.device, tensor.dtype))
        return self._perturbed(dict.fromkeys(self._accessed().get(place, [place]), own), through_stops)

    def _perturbed(self, values: Values, through_stops: bool) -> float:
        if self._held and not through_stops:
            return self._stage.value(values, Stops(self._held))
        return self._stage.value(values, graph=not self._is_quiet)

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What torch reports in a mode: `.grad` after `backward`, or `autograd.grad` of fresh leaves.

        Raises: EngineError where torch cannot differentiate the loss.
        """
        ruling = self._ruled()
        if gates is not None:
            return self._walker.gated(mode, self._accessed(), gates)
        if self._beside is None or mode not in ruling.modes:
            return self._walker.plain(mode)
        return self._beside._corrected(self, mode)

    def _ruled(self) -> Ruling:
        """Whether gradients are asked of compiled code, once an evaluation has told whether there is some.

        Over float64 memory none is run: what is compiled for the model itself is looked at beside it.
        """
        if self._ruling is None and self._stage.eager.entered:
            narrow = self._beside or self
            with narrow._unmoved(), self._unmoved():
                wide = self._walker if self._beside is not None else None
                self._ruling = ruling_on(narrow._stage, narrow._walker, wide)
            if wide is None:
                self._walker.compiled = self._ruling.modes
        return self._ruling or Ruling()

    def _corrected(self, wide: Model, mode: str) -> Gradients:
        """The gradients of this model in float64, but for what its compiled code makes of them."""
        there = dict(wide.places())
        with self._unmoved():
            for path, array in self.places():
                array[...] = there.get(path, array)
            return corrected(self._stage, self._walker, wide._walker.walked(mode), mode)

    @contextmanager
    def _unmoved(self) -> Iterator[None]:
        """The memory put back, whatever a loss does to it."""
        arrays = [array for _, array in self.places()]
        before = [array.copy() for array in arrays]
        try:
            yield
        finally:
            for array, numbers in zip(arrays, before, strict=True):
                if not is_identical(array, numbers):
                    array[...] = numbers

    def analytic(self) -> None:
        """None: torch's functions of complex numbers are others than those of real ones."""

    def widened(self) -> Model | None:
        """The same modules over float64 memory; None where the loss does not follow it there.

        The memory is on the same devices, or on the CPU where these have no float64 or do not compute the
        same number twice. The loss follows if it does not notice that the memory of the modules themselves
        is moved.

        Raises: AliascheckError where it does not, and NumPy has no numbers for the memory.
        """
        tensors = self._stage.tensors
        is_elsewhere = any(tensor.device.type != "cpu" for tensor in tensors)
        for on_cpu in (False, True) if is_elsewhere else (False,):
            wide = self._followed(on_cpu=on_cpu)
            if wide is not None:
                wide._beside = self
                return wide
        if any(tensor.is_floating_point() and tensor.dtype not in SEEN_BY_NUMPY for tensor in tensors):
            raise AliascheckError(
                "the loss does not follow the model into float64, and NumPy has no bfloat16",
                hint="keep what the loss reads in the module, or audit the model in float32",
            )
        return None

    def _followed(self, *, on_cpu: bool) -> Model | None:
        """The modules over float64 memory, if the loss follows it."""
        stage = self._stage
        try:
            widening = Widening([place.tensor for place in stage.places], self._draws, on_cpu=on_cpu)
            there = Stage(
                stage.module, stage.loss, stage.places, stage.members, seed=stage.seed, widening=widening
            )
            wide = Model(there, stops=self.stops, tied=self._tied)
            with widening.kept():
                value = wide.base()
                with widening.originals_moved():
                    follows = is_same(wide.base(), value)
        except (AliascheckError, CannotWidenError, RuntimeError, TypeError):
            return None  # Apple's devices raise TypeError for float64
        return wide if follows else None
