"""A torch module with a loss, as a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from aliascheck.errors import AliascheckError, EngineError, did_you_mean
from aliascheck.memory import NOTHING, Array, CellMap, Data, Path
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.torch.gates import Factors, Gate
from aliascheck.subjects.torch.keeping import Keeper, kept_leaves, kept_numbers
from aliascheck.subjects.torch.memory import Memory, has_memory, storage_of
from aliascheck.subjects.torch.places import Place, exchange, find_places
from aliascheck.subjects.torch.reading import Reads
from aliascheck.subjects.torch.stops import Stops
from aliascheck.subjects.torch.widening import CannotWidenError, Widen, Widening, alike

Loss = Callable[[Any], Any]


class Recording(Data, frozen=True, eq=False):
    """One forward pass with gates, to be walked back with any factors."""

    loss: Any
    leaves: Mapping[int, Any]
    values: Mapping[Place, Any]
    factors: Factors


class Model:
    """A module and a loss of it, differentiated by torch.

    `members` are names; a tensor of the set is a member under each of its names where `tied`. With
    `widening` the loss is evaluated on the counterparts of the module's tensors.
    """

    key = None

    def __init__(
        self,
        module: Any,
        loss: Loss,
        places: list[Place],
        members: Sequence[Place],
        *,
        stops: str = "report",
        seed: int = 0,
        tied: bool = True,
        widening: Widening | None = None,
        mirrored: bool = False,
    ) -> None:
        self.stops = stops
        self.merges = ("implicit", "explicit") if tied else ("implicit",)
        self.members: tuple[Path, ...] = tuple(place.path for place in members)
        self._module, self._loss, self._all, self._set = module, loss, places, list(members)
        self._options: dict[str, Any] = {"stops": stops, "seed": seed, "tied": tied}
        self._tied = tied
        self._widening = widening
        self._current = {} if widening is None else widening.current
        self._by_path = {place.path: place for place in places if place.is_real}
        self._memory = Memory([self._now(place) for place in self._by_path.values()], mirrored=mirrored)
        self.bindings = {place.name: self._array(place) for place in self._by_path.values()}
        self._tensors = list({id(self._now(place)): self._now(place) for place in places}.values())
        self._buffers = self._restored()
        self._keeper = Keeper(module, places, seed)
        self._held: list[Any] = []
        self._is_quiet: bool | None = None
        self._read: dict[Path, Array] | None = None
        self._recordings: dict[str, Recording] = {}
        self._plain: dict[str, Gradients] = {}
        self._point = b""

    def _now(self, place: Place) -> Any:
        """The tensor that stands for a place: its own, or its counterpart in float64."""
        return self._current.get(id(place.tensor), place.tensor)

    def _array(self, place: Place) -> Array:
        return self._memory.array(self._now(place))

    def _restored(self) -> list[Any]:
        """The tensors whose numbers are put back after each evaluation: those that no member shows."""
        shown = CellMap(self.bindings[place.name] for place in self._set)
        storages = {storage_of(self._now(place)) for place in self._set}
        tensors: dict[int, Any] = {}
        for place in self._all:
            tensor = self._now(place)
            apart = (
                not place.is_real
                or storage_of(tensor) not in storages
                or not shown.touches(self._array(place))
            )
            if apart and not place.is_parameter and has_memory(tensor):
                tensors[id(tensor)] = tensor
        return list(tensors.values())

    # what an audit asks for

    def places(self) -> list[tuple[Path, Array]]:
        """Every place of real numbers, parameters and buffers first."""
        return [(path, self._array(place)) for path, place in self._by_path.items()]

    def accesses(self) -> dict[Path, Array]:
        """The arrays at the names whose numbers the loss takes.

        What neither shares memory with the set nor has a gradient is left out. Where the loss is another
        once names show other objects, every name counts as read.
        """
        if self._read is None:
            concerns = {storage_of(self._now(place)) for place in self._set}
            self._read = {
                place.path: self._array(place)
                for place in self._observed()
                if self._now(place).requires_grad or storage_of(self._now(place)) in concerns
            }
        return self._read

    def _observed(self) -> list[Place]:
        shown = {
            place: alike(self._now(place), self._now(place).detach()) for place in self._by_path.values()
        }
        reads = Reads()
        try:
            same = self._value(shown, reads) == self.base()
        except (AliascheckError, RuntimeError):
            same = False
        return [place for place, tensor in shown.items() if not same or id(tensor) in reads.ids]

    def base(self) -> float:
        """The loss at the memory as it is; what its stops give is kept for perturbed evaluations."""
        stops = Stops()
        try:
            value = self._value({}, stops)
        except AliascheckError:
            raise
        except Exception as error:
            raise AliascheckError(f"the loss cannot be evaluated: {_words(error)}") from error
        self._held = stops.held
        if self._is_quiet is None:
            self._is_quiet = self._is_same_without_graph(value)
        return value

    def _is_same_without_graph(self, value: float) -> bool:
        try:
            quiet = self._value({}, graph=False)
        except Exception:  # noqa: BLE001  a loss that takes gradients itself
            return False
        return np.float64(quiet).tobytes() == np.float64(value).tobytes()

    def has_stops(self) -> bool:
        """Whether values left the graph when `base` was evaluated."""
        return bool(self._held)

    def loss(self, *, through_stops: bool = False) -> float:
        """The loss at the memory as it is now."""
        return self._perturbed({}, through_stops)

    def loss_reading(self, access: Path, private: Array, *, through_stops: bool = False) -> float:
        """The loss with one name showing a tensor of its own."""
        place = self._by_path[access]
        tensor = self._now(place)
        numbers = torch.from_numpy(private).to(tensor.device, tensor.dtype)
        return self._perturbed({place: alike(tensor, numbers)}, through_stops)

    def _perturbed(self, values: Mapping[Place, Any], through_stops: bool) -> float:
        if self._held and not through_stops:
            return self._value(values, Stops(self._held))
        return self._value(values, graph=not self._is_quiet)

    def analytic(self) -> None:
        """Torch's functions for complex numbers are others than those for real ones."""

    def widened(self) -> Model | None:
        """The same modules over float64 memory on the CPU; None where the loss does not follow it there."""
        try:
            widening = Widening([place.tensor for place in self._all])
            wide = Model(self._module, self._loss, self._all, self._set, **self._options, widening=widening)
            here = wide.base()
            with widening.originals_moved():
                there = wide.base()
        except (AliascheckError, CannotWidenError, RuntimeError):
            return None
        return wide if np.float64(here).tobytes() == np.float64(there).tobytes() else None

    # one evaluation

    @contextmanager
    def _in_force(self, values: Mapping[Place, Any], *modes: Any) -> Iterator[None]:
        """The names of the module showing `values`, its memory that of the arrays, the world as seeded."""
        with ExitStack() as stack:
            stack.enter_context(self._memory.in_force())
            stack.enter_context(self._keeper.kept(self._tensors, self._buffers))
            if values or self._widening is not None:
                exchange(self._all, self._current, values)
            for mode in ([Widen(self._widening)] if self._widening else []) + list(modes):
                stack.enter_context(mode)
            yield

    def _value(self, values: Mapping[Place, Any], *modes: Any, graph: bool = True) -> float:
        with self._in_force(values, torch.enable_grad() if graph else torch.no_grad(), *modes):
            loss = self._loss(self._module)
        return _number(loss)

    # gradients

    def gradients(self, mode: str, gates: Mapping[Path, float] | None = None) -> Gradients:
        """What torch reports in a mode: `.grad` after `backward`, or `autograd.grad` on fresh leaves.

        Raises: EngineError where torch cannot differentiate the loss.
        """
        self._forget_other_points()
        if gates is None:
            return self._ungated(mode)
        gated = self._walked_back(self._recording(mode), mode, gates)
        if all(factor == 1.0 for factor in gates.values()) and _differ_by_rounding(
            gated, self._ungated(mode)
        ):
            return self._ungated(mode)
        return gated

    def _forget_other_points(self) -> None:
        digest = blake2b(digest_size=16)
        for array in {id(array): array for array in self.bindings.values()}.values():
            digest.update(np.ascontiguousarray(array).data)
        if digest.digest() != self._point:
            self._point = digest.digest()
            self._recordings.clear()
            self._plain.clear()

    def _ungated(self, mode: str) -> Gradients:
        if mode not in self._plain:
            self._plain[mode] = self._walked_back(self._recorded(mode, gated=False), mode, {})
        return self._plain[mode]

    def _recording(self, mode: str) -> Recording:
        if mode not in self._recordings:
            self._recordings[mode] = self._recorded(mode, gated=True)
        return self._recordings[mode]

    def _leaves(self, mode: str) -> dict[Place, Any]:
        """The tensors that gradients are asked for: in explicit mode copies, one for each of the set."""
        if mode == "implicit":
            return {place: self._now(place) for place in self._set}
        with self._memory.in_force():
            fresh = {
                id(place.tensor) if self._tied else id(place): self._now(place).detach().clone()
                for place in self._set
            }
        return {
            place: fresh[id(place.tensor) if self._tied else id(place)].requires_grad_()
            for place in self._set
        }

    def _recorded(self, mode: str, *, gated: bool) -> Recording:
        leaves = self._leaves(mode)
        values: dict[Place, Any] = dict(leaves) if mode == "explicit" else {}
        factors: Factors = {}
        if gated:
            for path in self.accesses():
                place = self._by_path[path]
                value = values.get(place, self._now(place))
                if value.requires_grad:
                    values[place] = Gate.apply(value, place.name, factors)
        try:
            with self._in_force(values, torch.enable_grad()):
                loss = self._loss(self._module)
        except Exception as error:
            raise EngineError(_words(error)) from error
        return Recording(loss, {id(place): leaf for place, leaf in leaves.items()}, values, factors)

    def _walked_back(self, recording: Recording, mode: str, gates: Mapping[Path, float]) -> Gradients:
        loss, leaves = recording.loss, [recording.leaves[id(place)] for place in self._set]
        if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
            return Gradients(dict.fromkeys(self.members, NOTHING))
        recording.factors.update({self._by_path[path].name: factor for path, factor in gates.items()})
        try:
            with self._in_force(recording.values, torch.enable_grad()), kept_numbers(self._tensors):
                grads = _backward(loss, leaves, self._tensors) if mode == "implicit" else _grad(loss, leaves)
        except Exception as error:
            raise EngineError(_words(error)) from error
        finally:
            recording.factors.clear()
        return Gradients(dict(zip(self.members, grads, strict=True)))


def _backward(loss: Any, leaves: Sequence[Any], known: Sequence[Any]) -> list[Any]:
    with kept_leaves(loss, known):
        loss.backward(retain_graph=True)
        return [_dense(leaf.grad) if leaf.is_leaf else NOTHING for leaf in leaves]


def _grad(loss: Any, leaves: Sequence[Any]) -> list[Any]:
    distinct = list({id(leaf): leaf for leaf in leaves}.values())
    grads = torch.autograd.grad(loss, distinct, retain_graph=True, allow_unused=True)
    found = {id(leaf): _dense(grad) for leaf, grad in zip(distinct, grads, strict=True)}
    return [found[id(leaf)] for leaf in leaves]


def _dense(grad: Any) -> Any:
    """A gradient as an array; NOTHING where there is none."""
    if grad is None:
        return NOTHING
    strided = grad.detach() if grad.layout is torch.strided else grad.detach().to_dense()
    numbers = strided.cpu()
    return np.array((numbers.to(torch.float32) if numbers.dtype is torch.bfloat16 else numbers).numpy())


def _differ_by_rounding(gated: Gradients, plain: Gradients) -> bool:
    """Whether gradients are the same but for the order in which torch adds up what a tensor gets.

    Gates change that order: what arrives by one name is added up first.
    """
    for path, one in gated.members.items():
        other = plain.members[path]
        if one is NOTHING or other is NOTHING:
            if one is not other:
                return False
            continue
        rounding = ORDER * float(np.finfo(other.dtype).eps) * float(np.abs(other).max(initial=0.0))
        if not np.array_equal(one, other, equal_nan=True) and not np.all(np.abs(one - other) <= rounding):
            return False
    return True


ORDER = 256.0  # units of rounding of the largest element


def _number(loss: Any) -> float:
    """The value of a loss. Raises: AliascheckError where it is not one real number."""
    if isinstance(loss, torch.Tensor):
        if loss.numel() != 1 or loss.is_complex():
            kind = "complex" if loss.is_complex() else f"of shape {tuple(loss.shape)}"
            raise AliascheckError(f"the loss is {kind}, and must be one real number")
        return float(loss.detach())
    try:
        return float(loss)
    except (TypeError, ValueError):
        raise AliascheckError(f"the loss is a {type(loss).__name__}, and must be one real number") from None


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def model_of(
    module: Any, loss: Loss, params: Sequence[str] | None, *, stops: str, seed: int, tie_weights: bool
) -> Model:
    """The subject of a module and its loss. Raises: AliascheckError where it cannot be one."""
    if any(isinstance(one, torch.jit.ScriptModule) for one in module.modules()):
        raise AliascheckError(
            "the module is scripted, and its tensors cannot be exchanged",
            hint="audit the module that it was scripted from",
        )
    places = find_places(module)
    if params is None:
        first = {id(tensor) for _, tensor in module.named_parameters() if tensor.requires_grad}
        named = [place for place in places if place.is_real and id(place.tensor) in first]
        chosen = list({id(place.tensor): place for place in reversed(named)}.values())[::-1]
    else:
        chosen = [_named(name, module, places) for name in params]
    for place in chosen:
        if not place.is_real:
            raise AliascheckError(f"{place.name} has no real numbers in memory of its own")
    members = _under_all_names(chosen, places) if tie_weights else chosen
    return Model(module, loss, places, members, stops=stops, seed=seed, tied=tie_weights)


def _named(name: str, module: Any, places: Sequence[Place]) -> Place:
    """The place of a name; a second name of a submodule leads to the first."""
    for place in places:
        if place.name == name:
            return place
    owner, _, key = name.rpartition(".")
    try:
        below = module.get_submodule(owner)
    except AttributeError:
        below = None
    for place in places:
        if place.module is below and place.registry is not None and place.trail == (key,):
            return place
    hint = did_you_mean(name, [place.name for place in places])
    raise AliascheckError(f"the module has no tensor '{name}'", hint=hint)


def _under_all_names(chosen: Sequence[Place], places: Sequence[Place]) -> list[Place]:
    """The names of a set, each followed by the other names of the same tensor."""
    members: dict[int, Place] = {}
    for place in chosen:
        same = [other for other in places if other.tensor is place.tensor and other is not place]
        members.update({id(one): one for one in (place, *same)})
    return list(members.values())
