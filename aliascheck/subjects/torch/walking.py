"""Torch's gradients in both modes, with gates: one forward pass for each, walked back as often as asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from aliascheck.errors import EngineError
from aliascheck.memory import NOTHING, Data, Path
from aliascheck.subjects.subject import Gradients
from aliascheck.subjects.torch.compiled import nothing_compiled_anew
from aliascheck.subjects.torch.doubts import doubts_about
from aliascheck.subjects.torch.gates import Factors, Gate
from aliascheck.subjects.torch.keeping import kept_leaves, kept_numbers
from aliascheck.subjects.torch.names import Accessed
from aliascheck.subjects.torch.stage import Stage, Values, number_of
from aliascheck.subjects.torch.widening import alike


class Recording(Data, frozen=True, eq=False):
    """One forward pass, with what names showed in it; `leaves` stand in the order of the set."""

    loss: Any
    leaves: Sequence[Any]
    values: Values
    factors: Factors
    compiled: bool


class Walked(Data, frozen=True, eq=False):
    """The loss, and the gradients that torch reports of it."""

    loss: float
    gradients: Gradients


class Walker:
    """Asks torch for gradients of the loss on a stage.

    Explicit mode asks for those of fresh leaves: one for each tensor where `tied`, else one for each name.
    In the modes that are `compiled`, code that the user compiled runs as such, but for gates.
    """

    def __init__(self, stage: Stage, *, tied: bool) -> None:
        self.compiled: Collection[str] = ()
        self._stage = stage
        self._tied = tied
        self._point = b""
        self._gated: dict[str, Recording] = {}
        self._plain: dict[str, Walked] = {}

    def plain(self, mode: str) -> Gradients:
        """What torch reports, without gates. Raises: EngineError."""
        return self.walked(mode).gradients

    def walked(self, mode: str) -> Walked:
        """What torch reports, without gates, and the loss. Raises: EngineError."""
        self._forget_other_points()
        if mode not in self._plain:
            self._plain[mode] = self.walk(mode, compiled=mode in self.compiled)
        return self._plain[mode]

    def walk(self, mode: str, *, compiled: bool) -> Walked:
        """What torch reports of compiled code, or of the code that it was made of. Raises: EngineError."""
        recording = self._record(mode, {}, compiled=compiled)
        return Walked(number_of(recording.loss), self._walk_back(recording, mode))

    def gated(self, mode: str, names: Accessed, gates: Mapping[Path, float]) -> Gradients:
        """What torch reports with gates on names. Raises: EngineError."""
        self._forget_other_points()
        if mode not in self._gated:
            self._gated[mode] = self._record(mode, names)
        recording = self._gated[mode]
        recording.factors.update({self._stage.by_path[path].name: factor for path, factor in gates.items()})
        try:
            found = self._walk_back(recording, mode)
        finally:
            recording.factors.clear()
        is_open = all(factor == 1.0 for factor in gates.values())
        return self.plain(mode) if is_open and _differ_by_rounding(found, self.plain(mode)) else found

    def _forget_other_points(self) -> None:
        """Graphs and gradients are those of one state of the memory."""
        digest = blake2b(digest_size=16)
        arrays = [self._stage.array(place) for place in self._stage.by_path.values()]
        for array in {id(array): array for array in arrays}.values():
            digest.update(np.ascontiguousarray(array).data)
        if digest.digest() != self._point:
            self._point = digest.digest()
            self._gated.clear()
            self._plain.clear()

    def _leaves(self, mode: str, *, compiled: bool) -> list[Any]:
        """The tensors that gradients are asked for, in the order of the set.

        What is compiled for parameters is compiled anew for other kinds of tensors.
        """
        now = [self._stage.now(place) for place in self._stage.members]
        if mode == "implicit":
            return now
        with self._stage.memory.in_force():
            fresh = [tensor.detach().clone().requires_grad_() for tensor in now]
        if compiled:
            fresh = [alike(tensor, leaf.detach()) for tensor, leaf in zip(now, fresh, strict=True)]
        if not self._tied:
            return fresh
        one = {id(tensor): leaf for tensor, leaf in zip(now, fresh, strict=True)}
        return [one[id(tensor)] for tensor in now]

    def _record(self, mode: str, gated: Accessed, *, compiled: bool = False) -> Recording:
        leaves = self._leaves(mode, compiled=compiled)
        is_explicit = mode == "explicit"
        values = dict(zip(self._stage.members, leaves, strict=True)) if is_explicit else {}
        factors: Factors = {}
        for place, names in gated.items():
            shown = values.get(place, self._stage.now(place))
            if shown.requires_grad:
                values.update(dict.fromkeys(names, Gate.apply(shown, place.name, factors)))
        only = [nothing_compiled_anew()] if compiled and is_explicit else []
        try:
            loss = self._stage.result(values, torch.enable_grad(), *only, compiled=compiled)
        except Exception as error:
            raise EngineError(in_words(error)) from error
        return Recording(loss, leaves, values, factors, compiled)

    def _walk_back(self, recording: Recording, mode: str) -> Gradients:
        """Gradients by the factors as they are.

        Names show what they showed on the way forward, since checkpoints evaluate parts of the loss again.
        Compiled code may give up what it has kept for the way back: nobody asks it twice.
        """
        paths = [place.path for place in self._stage.members]
        if not isinstance(recording.loss, torch.Tensor) or not recording.loss.requires_grad:
            return Gradients(dict.fromkeys(paths, NOTHING))
        ask = self._backward if mode == "implicit" else _grad
        again, compiled = not recording.compiled, recording.compiled
        try:
            with self._stage.in_force(recording.values, torch.enable_grad(), compiled=compiled):
                grads = ask(recording.loss, recording.leaves, again)
        except Exception as error:
            raise EngineError(in_words(error)) from error
        doubts = doubts_about(self._stage, grads) if mode == "implicit" else {}
        return Gradients(dict(zip(paths, grads, strict=True)), doubts=doubts)

    def _backward(self, loss: Any, leaves: Sequence[Any], again: bool) -> list[Any]:
        tensors = self._stage.tensors
        with kept_leaves(loss, tensors), kept_numbers(tensors):
            loss.backward(retain_graph=again)
            return [_dense(leaf.grad) if leaf.is_leaf else NOTHING for leaf in leaves]


def _grad(loss: Any, leaves: Sequence[Any], again: bool) -> list[Any]:
    distinct = list({id(leaf): leaf for leaf in leaves}.values())
    grads = torch.autograd.grad(loss, distinct, retain_graph=again, allow_unused=True)
    found = {id(leaf): _dense(grad) for leaf, grad in zip(distinct, grads, strict=True)}
    return [found[id(leaf)] for leaf in leaves]


def _dense(grad: Any) -> Any:
    """A gradient as an array of its own; NOTHING where there is none."""
    if grad is None:
        return NOTHING
    strided = grad.detach() if grad.layout is torch.strided else grad.detach().to_dense()
    seen = strided.to("cpu", torch.float32 if strided.dtype is torch.bfloat16 else strided.dtype)
    return np.array(seen.numpy())


ORDER = 256.0  # units of rounding of the largest element


def _differ_by_rounding(gated: Gradients, plain: Gradients) -> bool:
    """Whether gradients are the same but for the order in which torch adds up what a tensor gets.

    Gates change that order: what arrives by one name is added up first.
    """
    pairs = [(one, plain.members[path]) for path, one in gated.members.items()]
    return all(
        one is other if one is NOTHING or other is NOTHING else _is_near(one, other) for one, other in pairs
    )


def _is_near(one: Any, other: Any) -> bool:
    rounding = ORDER * float(np.finfo(other.dtype).eps) * float(np.abs(other).max(initial=0.0))
    return bool(np.allclose(one, other, rtol=0.0, atol=rounding, equal_nan=True))


def in_words(error: Exception) -> str:
    """What some function raised."""
    return f"{type(error).__name__}: {error}"
