"""Where the tests of devices run: a GPU where there is one, else a device of torch made for them.

The latter is built when it is first asked for: its kernels run on copies on the CPU, and nobody else, NumPy
least of all, sees its memory. It needs ninja and a C++ compiler.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

NAME = "far"
KERNELS = Path(__file__).with_name("kernels.cpp")


class Far:
    """What torch asks of the module of a device, which has a stream of random numbers of its own."""

    stream = torch.Generator()

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def is_initialized() -> bool:
        return True

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False

    @classmethod
    def manual_seed_all(cls, seed: int) -> None:
        cls.stream.manual_seed(seed)

    @classmethod
    def get_rng_state(cls) -> Any:
        return cls.stream.get_state()

    @classmethod
    def get_rng_state_all(cls) -> list[Any]:
        return [cls.stream.get_state()]

    @classmethod
    def set_rng_state_all(cls, states: list[Any]) -> None:
        (state,) = states
        cls.stream.set_state(state)


@functools.cache
def device() -> Any:
    """The device, built where it must be; the test is skipped where it cannot be."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    for tool in ("ninja", "c++"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no GPU, and no {tool} to make a device with")
    from torch.utils import cpp_extension

    cpp_extension.load("aliascheck_device", [str(KERNELS)], extra_cflags=["-O0"])
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, Far)
    try:
        torch.ones(1, device=NAME, requires_grad=True).sum().backward()
    except RuntimeError:
        pytest.skip("torch's engine was started before there was a device: run this file by itself")
    return torch.device(NAME)


def moved(module: Any, dtype: Any = None) -> Any:
    """A module on the device, every alias kept: what `to` does not do."""
    wholes: dict[int, Any] = {}
    made: dict[int, Any] = {}
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    for name, tensor in named:
        if id(tensor) not in made:
            whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
            there = wholes.setdefault(
                tensor.untyped_storage().data_ptr(), whole.to(device(), dtype or tensor.dtype)
            )
            shown = there.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
            made[id(tensor)] = torch.nn.Parameter(shown) if isinstance(tensor, torch.nn.Parameter) else shown
        owner, _, own = name.rpartition(".")
        setattr(module.get_submodule(owner), own, made[id(tensor)])
    return module
