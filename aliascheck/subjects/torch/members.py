"""The set of a module's audit: which tensors, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

from aliascheck.errors import AliascheckError, did_you_mean
from aliascheck.subjects.torch.model import Model
from aliascheck.subjects.torch.places import Place, find_places
from aliascheck.subjects.torch.stage import Loss, Stage


def model_of(
    module: Any,
    loss: Loss,
    params: Sequence[str] | None,
    *,
    stops: str = "report",
    seed: int = 0,
    tie_weights: bool = True,
    mirrored: bool = False,
) -> Model:
    """The subject of a module and its loss. Raises: AliascheckError where it cannot be one."""
    if not isinstance(module, torch.nn.Module):
        raise AliascheckError(
            f"the model is a {type(module).__name__}, and no torch module",
            hint="wrap it in a torch.nn.Module, or leave engine out to have it found from the model",
        )
    if any(isinstance(one, torch.jit.ScriptModule) for one in module.modules()):
        raise AliascheckError(
            "the module is scripted, and its tensors cannot be exchanged",
            hint="audit the module that it was scripted from",
        )
    places = find_places(module)
    _check_initialised(places)
    chosen = _real(_trained(module, places) if params is None else _named(params, module, places))
    members = _under_all_names(chosen, places) if tie_weights else chosen
    stage = Stage(module, loss, places, members, seed=seed, mirrored=mirrored)
    return Model(stage, stops=stops, tied=tie_weights)


def named_places(names: Iterable[str], module: Any) -> list[Place]:
    """The places that names lead to. Raises: AliascheckError where one leads to no real numbers."""
    return _real(_named(names, module, find_places(module)))


def _check_initialised(places: Sequence[Place]) -> None:
    for place in places:
        if torch.nn.parameter.is_lazy(place.tensor):
            raise AliascheckError(
                f"{place.name} is not initialised, and has no shape yet",
                hint="call the module once before it is audited",
            )


def _real(places: list[Place]) -> list[Place]:
    for place in places:
        if place.tensor.is_meta:
            raise AliascheckError(
                f"{place.name} is on the meta device, and holds no numbers",
                hint="give the module memory (to_empty) and load its numbers before it is audited",
            )
        if not place.is_real:
            raise AliascheckError(
                f"{place.name} has no real numbers in memory of its own",
                hint="leave it out: name the others with params=[...]",
            )
    return places


def _trained(module: Any, places: Sequence[Place]) -> list[Place]:
    """The parameters that require a gradient, by their first names. Raises: AliascheckError without any."""
    wanted = {id(tensor) for tensor in module.parameters() if tensor.requires_grad}
    first: dict[int, Place] = {}
    for place in places:
        if id(place.tensor) in wanted:
            first.setdefault(id(place.tensor), place)
    if not first:
        raise AliascheckError(
            "nothing to audit: no parameter requires a gradient",
            hint="call requires_grad_() on what is trained, or name tensors with params=[...]",
        )
    return list(first.values())


def _named(names: Iterable[Any], module: Any, places: Sequence[Place]) -> list[Place]:
    return [_place_of(name, module, places) for name in _flat(names)]


def _flat(names: Iterable[Any]) -> Iterator[Any]:
    """Names and tensors, also from the pairs of `named_parameters` and the groups of an optimizer."""
    for name in names:
        if isinstance(name, dict) and "params" in name:
            group = name["params"]
            yield from [group] if isinstance(group, torch.Tensor) else _flat(group)
        elif isinstance(name, tuple) and len(name) == 2 and isinstance(name[1], torch.Tensor):
            yield name[1]
        else:
            yield name


def _place_of(name: Any, module: Any, places: Sequence[Place]) -> Place:
    """The place of a name, or of a tensor; a second name of a submodule leads to the first."""
    if not isinstance(name, str):
        return _place_holding(name, places)
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


def _place_holding(tensor: Any, places: Sequence[Place]) -> Place:
    for place in places:
        if place.tensor is tensor:
            return place
    kind = "tensor that the module does not hold" if isinstance(tensor, torch.Tensor) else "name"
    what = f"a {type(tensor).__name__} is no {kind}" if kind == "name" else f"there is a {kind} in the set"
    raise AliascheckError(what, hint=NAMED if isinstance(tensor, torch.Tensor) else NAMES)


NAMED = "name it as named_parameters() does"
NAMES = "give names, tensors, what named_parameters() gives, or the param_groups of an optimizer"


def _under_all_names(chosen: Sequence[Place], places: Sequence[Place]) -> list[Place]:
    """The names of a set, each followed by the other names of the same tensor."""
    members: dict[int, Place] = {}
    for place in chosen:
        same = [other for other in places if other.tensor is place.tensor and other is not place]
        members.update({id(one): one for one in (place, *same)})
    return list(members.values())
