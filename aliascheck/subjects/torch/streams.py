"""Random numbers of torch: the stream of the CPU, and those of devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from aliascheck.subjects.evaluation import seeded

Made = TypeVar("Made")


def devices_of(tensors: Iterable[Any]) -> list[Any]:
    """The modules of the devices that tensors are on, and of those in use, where they draw random numbers."""
    kinds = {tensor.device.type for tensor in tensors} - {"cpu", "meta"}
    kinds |= {kind for kind in ("cuda", "xpu") if getattr(torch, kind).is_initialized()}
    modules = [getattr(torch, kind, None) for kind in sorted(kinds)]
    return [module for module in modules if hasattr(module, "get_rng_state")]


@contextmanager
def drawn_anew(seed: int, devices: Iterable[Any]) -> Iterator[None]:
    """Random numbers that begin at a seed, for a while: those of Python, NumPy, torch and its devices."""
    own = torch.random.get_rng_state()
    states = [(device, _states(device)) for device in devices]
    try:
        with seeded(seed):
            torch.default_generator.manual_seed(seed)
            for device, _ in states:
                _seed(device, seed)
            yield
    finally:
        torch.random.set_rng_state(own)
        for device, state in states:
            _restore(device, state)


def _states(device: Any) -> Any:
    """Where the streams of a kind of device are: Apple's have one, the others one for each device."""
    whole = getattr(device, "get_rng_state_all", None)
    return device.get_rng_state() if whole is None else whole()


def _restore(device: Any, states: Any) -> None:
    whole = getattr(device, "set_rng_state_all", None) or device.set_rng_state
    whole(states)


def _seed(device: Any, seed: int) -> None:
    whole = getattr(device, "manual_seed_all", None) or device.manual_seed
    whole(seed)


def made_anew(make: Callable[[], Made], seed: int) -> Made:
    """What `make` gives, drawing random numbers that begin at a seed.

    It is called again where it was the first to use a device, whose stream nobody could have seeded.
    """
    while True:
        devices = devices_of(())
        with drawn_anew(seed, devices):
            made = make()
        if len(devices_of(())) == len(devices):
            return made
