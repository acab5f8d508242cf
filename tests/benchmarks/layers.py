"""Layers against torch: value and gradient, in double precision, one thread each.

    python -m tests.benchmarks.layers [--rounds N]

Medians over rounds in which both take turns; exits 1 where a ratio is over its bar.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import numpy as np  # noqa: E402

from aliascheck.engine import LAYERS, call, withgradient  # noqa: E402

Run = Callable[[], Any]


@dataclass(frozen=True)
class Race:
    """`ours` and `theirs` take the arrays of these shapes; the loss is the mean square of what they give."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    bar: float


def our_convolution(x: Any, weight: Any, bias: Any) -> Any:
    return call(LAYERS["Conv2d"](weight, bias, padding=1), x)


def their_convolution(x: Any, weight: Any, bias: Any) -> Any:
    from torch.nn.functional import conv2d

    return conv2d(x, weight, bias, padding=1)


def our_attention(x: Any, *weights: Any) -> Any:
    return call(LAYERS["MultiHeadAttention"](*weights, heads=8), x)


def their_attention(x: Any, query: Any, key: Any, value: Any, output: Any) -> Any:
    from torch.nn.functional import scaled_dot_product_attention

    q, k, v = ((x @ weight.T).reshape(*x.shape[:2], 8, -1).transpose(1, 2) for weight in (query, key, value))
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape) @ output.T


def our_norm(x: Any, weight: Any, bias: Any) -> Any:
    return call(LAYERS["LayerNorm"](weight, bias), x)


def their_norm(x: Any, weight: Any, bias: Any) -> Any:
    from torch.nn.functional import layer_norm

    return layer_norm(x, weight.shape, weight, bias)


def our_pool(x: Any) -> Any:
    return call(LAYERS["MaxPool"](2), x)


def their_pool(x: Any) -> Any:
    from torch.nn.functional import max_pool2d

    return max_pool2d(x, 2)


def our_recurrence(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    cell = LAYERS["GRUCell"](w, u, b)
    for _ in range(10):
        h = call(cell, x, h)
    return h


def their_recurrence(x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    import torch

    for _ in range(10):
        h = torch.gru_cell(x, h, w, u, b, torch.zeros_like(b))
    return h


WIDE = ((128, 128),) * 4
RACES = (
    Race(
        "Conv2d, 8x16x32x32, 32 kernels of 3x3",
        ((8, 16, 32, 32), (32, 16, 3, 3), (32,)),
        our_convolution,
        their_convolution,
        3.0,
    ),
    Race("attention, 4x128x128, 8 heads", ((4, 128, 128), *WIDE), our_attention, their_attention, 3.0),
    Race("LayerNorm, 64x128x128", ((64, 128, 128), (128,), (128,)), our_norm, their_norm, 3.0),
    Race("MaxPool, 8x16x64x64 by 2x2", ((8, 16, 64, 64),), our_pool, their_pool, 3.0),
    Race(
        "GRUCell, 10 steps of 32x64 to 128",
        ((32, 64), (32, 128), (384, 64), (384, 128), (384,)),
        our_recurrence,
        their_recurrence,
        3.0,
    ),
)


def contenders(race: Race) -> tuple[Run, Run]:
    """Ours and theirs on the same numbers."""
    import torch

    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) / np.sqrt(shape[-1]) for shape in race.shapes]
    tensors = [torch.tensor(values, requires_grad=True) for values in arrays]

    def run_theirs() -> Any:
        loss = (race.theirs(*tensors) ** 2).mean()
        return loss.item(), torch.autograd.grad(loss, tensors)

    return lambda: withgradient(lambda *args: np.mean(race.ours(*args) ** 2), *arrays), run_theirs


def check_agreement(ours: Run, theirs: Run) -> None:
    """Raises AssertionError where the two give other values or gradients."""
    (value, gradients), (expected, tensors) = ours(), theirs()
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    for found, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(found, tensor.numpy(), rtol=1e-8, atol=1e-12)


def seconds(run: Run) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def run_race(race: Race, rounds: int) -> tuple[float, float]:
    """The median seconds of ours and theirs; the first round, which checks that they agree, warms up."""
    ours, theirs = contenders(race)
    check_agreement(ours, theirs)
    taken = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return statistics.median(one for one, _ in taken), statistics.median(other for _, other in taken)


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    if importlib.util.find_spec("torch") is None:
        print("(torch is not installed: nothing to compare with)")
        return 0
    import torch

    torch.set_num_threads(1)
    missed = 0
    print(f"{'layer':40}{'ms':>8}{'torch ms':>10}{'ratio':>7}{'bar':>6}")
    for race in RACES:
        ours, theirs = run_race(race, rounds)
        ratio = ours / theirs
        missed += ratio > race.bar
        times = f"{race.name:40}{ours * 1e3:8.2f}{theirs * 1e3:10.2f}"
        print(f"{times}{ratio:7.2f}{race.bar:6.1f}{'  MISSED' if ratio > race.bar else ''}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
