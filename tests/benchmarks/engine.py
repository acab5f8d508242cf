"""The engine against its peers: tiny steps, large arrays, indexing. Ratios within one run, one thread each.

    python -m tests.benchmarks.engine [--rounds N] [--quick]

Every figure is the median over rounds in which all contenders take turns. Peers that are not installed
are left out, and said so. Exits 1 where a ratio is over its bar.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402

from aliascheck.engine import gradient, pullback, withgradient  # noqa: E402

PEERS = ("autograd", "torch", "jax")
Contenders = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Line:
    """One measurement: what took how long, against what, and the bar for the ratio, if there is one."""

    what: str
    ours: float
    theirs: float
    against: str
    unit: str
    bar: float | None = None

    def __str__(self) -> str:
        ratio = self.ours / self.theirs
        bar = "" if self.bar is None else f"{self.bar:6.2f}"
        missed = "  MISSED" if self.is_missed else ""
        return (
            f"{self.what:44}{self.ours:11.4g} {self.unit:6}{self.against:>10}{self.theirs:11.4g}"
            f"{ratio:8.3f}{bar}{missed}"
        )

    @property
    def is_missed(self) -> bool:
        return self.bar is not None and self.ours / self.theirs > self.bar


def installed() -> dict[str, Any]:
    """The peers that are there, set to one thread."""
    found = {}
    for name in PEERS:
        try:
            found[name] = importlib.import_module(name)
        except ImportError:
            print(f"({name} is not installed: left out)")
    if "torch" in found:
        found["torch"].set_num_threads(1)
    if "jax" in found:
        found["jax"].config.update("jax_enable_x64", True)
    return found


def race(contenders: Contenders, rounds: int) -> dict[str, float]:
    """Median seconds of each contender, over interleaved rounds after one to warm up.

    It is the processor's time, of all threads: what others do on the machine is not measured.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, run in contenders.items():
            gc.collect()
            started = time.process_time()
            run()
            if turn:
                times[name].append(time.process_time() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}


# Tiny steps.


def chain(x: Any, steps: int) -> Any:
    """Multiplications and additions, by turns."""
    for _ in range(steps // 2):
        x = x * 1.0000001
        x = x + 0.0000001
    return x


def tiny_contenders(peers: dict[str, Any], start: Any, steps: int) -> Contenders:
    runs: Contenders = {"ours": lambda: withgradient(lambda x: np.sum(chain(x, steps)), start)}
    if "autograd" in peers:
        import autograd
        import autograd.numpy as anp

        of_chain = autograd.value_and_grad(lambda x: anp.sum(chain(x, steps)))
        runs["autograd"] = lambda: of_chain(start)
    if "torch" in peers:
        torch = peers["torch"]

        def by_torch() -> Any:
            x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
            chain(x, steps).sum().backward()
            return x.grad

        runs["torch"] = by_torch
    return runs


def tiny(peers: dict[str, Any], rounds: int, lengths: tuple[int, ...]) -> Iterator[Line]:
    for steps in lengths:
        for kind, start in (("numbers", 1.5), ("arrays of 4", np.ones(4))):
            taken = race(
                tiny_contenders(peers, start, steps), rounds if steps < 10**5 else max(rounds // 4, 3)
            )
            for peer, bar in (("autograd", 0.25), ("torch", None)):
                if peer in taken:
                    micro = {name: seconds / steps * 1e6 for name, seconds in taken.items()}
                    what = f"{steps:,} steps on {kind}, value and gradient"
                    yield Line(what, micro["ours"], micro[peer], peer, "us/op", bar)


def memory_of_a_chain(steps: int) -> Line:
    """Bytes that the tape of a chain of numbers holds for each step, the values included."""
    gc.collect()
    tracemalloc.start()
    value, back = pullback(lambda x: chain(x, steps), 1.5)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del value, back
    return Line(f"{steps:,} steps on numbers, memory held", held / steps, 600.0, "the bar", "B/op", 1.0)


# Tiny operations one by one, against autograd and against what NumPy alone needs for them.


class Operation(NamedTuple):
    """A step of a chain, and by hand its pullback, from the cotangent, the operand and the result."""

    step: Callable[[Any, Any], Any]  # of the NumPy to be used, and the operand
    start: Any
    pull: Callable[[Any, Any, Any], Any]


def pull_an_entry(d_out: Any, x: Any, out: Any) -> Any:
    d_x = d_out * x[0]
    d_x[0] += np.add.reduce(d_out * x)
    return d_x


def pull_halves(d_out: Any, x: Any, out: Any) -> Any:
    d_x = np.zeros(x.shape)
    d_x[:2] += d_out[:2]
    d_x[2:] += d_out[2:]
    return d_x


def pull_a_choice(d_out: Any, x: Any, out: Any) -> Any:
    chosen = x > 0.5
    return d_out * chosen + 0.5 * (d_out * ~chosen)


FOUR, TWO_BY_TWO = np.ones(4), np.ones((2, 2))
MIXED = np.array([[0.9, 0.1], [0.2, 0.8]])
OPERATIONS: dict[str, Operation] = {
    "tanh(x), a number": Operation(lambda np, x: np.tanh(x), 1.5, lambda d, x, out: d * (1 - out * out)),
    "tanh(x)": Operation(lambda np, x: np.tanh(x), FOUR, lambda d, x, out: d * (1 - out * out)),
    "exp(-x)": Operation(lambda np, x: np.exp(-x), FOUR, lambda d, x, out: -(d * out)),
    "maximum(x, 0.1)": Operation(lambda np, x: np.maximum(x, 0.1), FOUR, lambda d, x, out: d * (x >= 0.1)),
    "where(x > 0.5, x, 0.5 * x)": Operation(lambda np, x: np.where(x > 0.5, x, 0.5 * x), FOUR, pull_a_choice),
    "x[::-1]": Operation(lambda np, x: x[::-1], FOUR, lambda d, x, out: d[::-1]),
    "x * x[0]": Operation(lambda np, x: x * x[0], FOUR, pull_an_entry),
    "reshape(x, (2, 2))": Operation(
        lambda np, x: np.reshape(x, (2, 2)), TWO_BY_TWO, lambda d, x, out: d.reshape(x.shape)
    ),
    "concatenate([x[:2], x[2:]])": Operation(lambda np, x: np.concatenate([x[:2], x[2:]]), FOUR, pull_halves),
    "x.T": Operation(lambda np, x: x.T, TWO_BY_TWO, lambda d, x, out: d.T),
    "x @ A": Operation(lambda np, x: x @ MIXED, TWO_BY_TWO, lambda d, x, out: d @ MIXED.T),
    "einsum('ij,jk->ik', x, A)": Operation(
        lambda np, x: np.einsum("ij,jk->ik", x, MIXED),
        TWO_BY_TWO,
        lambda d, x, out: np.einsum("ik,jk->ij", d, MIXED),
    ),
    "x - 0.1 * sum(x, axis=0)": Operation(
        lambda np, x: x - 0.1 * np.sum(x, axis=0),
        TWO_BY_TWO,
        lambda d, x, out: d - 0.1 * np.add.reduce(d, axis=0),
    ),
    "x - 0.1 * mean(x, axis=0)": Operation(
        lambda np, x: x - 0.1 * np.mean(x, axis=0),
        TWO_BY_TWO,
        lambda d, x, out: d - 0.05 * np.add.reduce(d, axis=0),
    ),
}


def chain_of(operation: Operation, steps: int) -> Callable[[Any, Any], Any]:
    def run(np: Any, x: Any) -> Any:
        for _ in range(steps):
            x = operation.step(np, x)
        return np.sum(x)

    return run


def chain_by_hand(operation: Operation, steps: int) -> tuple[Any, Any]:
    """Value and gradient of the chain by NumPy's calls alone: no engine of Python's can be quicker."""
    values = [operation.start]
    for _ in range(steps):
        values.append(operation.step(np, values[-1]))
    d_x = np.ones_like(values[-1])
    for position in range(steps, 0, -1):
        d_x = operation.pull(d_x, values[position - 1], values[position])
    return np.sum(values[-1]), d_x


def operations(rounds: int, steps: int = 1_000) -> Iterator[str]:
    """For each operation: our time to autograd's, the time by hand to autograd's, ours to by hand."""
    import autograd
    import autograd.numpy as anp

    what = f"{steps:,} steps of one operation, value and gradient"
    yield f"{what:48}{'ours':>10}{'by hand':>10}{'ours':>10}"
    yield f"{'':48}{'/autograd':>10}{'/autograd':>10}{'/by hand':>10}"
    for name, operation in OPERATIONS.items():
        run, start = chain_of(operation, steps), operation.start
        of_chain = autograd.value_and_grad(lambda x, run=run: run(anp, x))
        contenders: Contenders = {
            "ours": lambda run=run, start=start: withgradient(lambda x: run(np, x), start),
            "by hand": lambda operation=operation: chain_by_hand(operation, steps),
            "autograd": lambda of_chain=of_chain, start=start: of_chain(start),
        }
        (ours,), (_, theirs) = contenders["ours"]().grad, contenders["by hand"]()
        assert np.allclose(ours, theirs, rtol=1e-10, atol=1e-14), f"the gradients of {name} differ"
        taken = race(contenders, rounds)
        pairs = (("ours", "autograd"), ("by hand", "autograd"), ("ours", "by hand"))
        yield f"{name:48}" + "".join(f"{taken[one] / taken[other]:10.2f}" for one, other in pairs)


# Large arrays: mean((tanh(x W) W.T - x)**2).


def by_hand(w: Any, x: Any) -> tuple[Any, Any]:
    """Value and gradient as one writes the formulas down."""
    hidden = np.tanh(x @ w)
    rest = hidden @ w.T - x
    d_rest = 2.0 / rest.size * rest
    d_hidden = (d_rest @ w) * (1.0 - hidden * hidden)
    return np.mean(rest * rest), x.T @ d_hidden + d_rest.T @ hidden


def by_hand_in_place(w: Any, x: Any) -> tuple[Any, Any]:
    """The same with every array reused that can be."""
    hidden = np.tanh(x @ w)
    rest = hidden @ w.T
    rest -= x
    value = np.mean(np.square(rest))
    rest *= 2.0 / rest.size
    d_w = rest.T @ hidden
    d_hidden = rest @ w
    np.square(hidden, out=hidden)
    np.subtract(1.0, hidden, out=hidden)
    d_hidden *= hidden
    d_w += x.T @ d_hidden
    return value, d_w


def autoencoder(w: Any, x: Any, np: Any = np) -> Any:
    return np.mean((np.tanh(x @ w) @ w.T - x) ** 2)


def large_contenders(peers: dict[str, Any], w: Any, x: Any) -> Contenders:
    runs: Contenders = {
        "ours": lambda: withgradient(lambda w: autoencoder(w, x), w),
        "by hand": lambda: by_hand(w, x),
        "in place": lambda: by_hand_in_place(w, x),
    }
    if "autograd" in peers:
        import autograd
        import autograd.numpy as anp

        of_w = autograd.value_and_grad(lambda w: autoencoder(w, x, anp))
        runs["autograd"] = lambda: of_w(w)
    if "torch" in peers:
        torch = peers["torch"]
        torch_x = torch.from_numpy(x)
        torch_w = torch.from_numpy(w.copy()).requires_grad_()

        def by_torch() -> Any:
            torch_w.grad = None
            loss = torch.mean((torch.tanh(torch_x @ torch_w) @ torch_w.T - torch_x) ** 2)
            loss.backward()
            return loss, torch_w.grad

        runs["torch"] = by_torch
    if "jax" in peers:
        jax = peers["jax"]
        compiled = jax.jit(jax.value_and_grad(lambda w, x: autoencoder(w, x, jax.numpy)))
        jax_w, jax_x = jax.numpy.asarray(w), jax.numpy.asarray(x)
        runs["jax jit"] = lambda: jax.block_until_ready(compiled(jax_w, jax_x))
    return runs


Size = tuple[int, int, int, float]  # inputs, hidden, batch, and the bar against the one by hand
SIZES: tuple[Size, ...] = ((64, 16, 32, 2.0), (1024, 256, 256, 1.05), (4096, 1024, 512, 1.05))


def large(
    peers: dict[str, Any], rounds: int, sizes: tuple[tuple[int, int, int, float], ...]
) -> Iterator[Line]:
    for n, h, batch, bar in sizes:
        rng = np.random.default_rng(0)
        w, x = rng.standard_normal((n, h)) / np.sqrt(n), rng.standard_normal((batch, n))
        (ours,) = gradient(lambda w, x=x: autoencoder(w, x), w)
        for right in (by_hand, by_hand_in_place):
            assert np.allclose(ours, right(w, x)[1], rtol=1e-10, atol=1e-14), "the gradients differ"
        runs = large_contenders(peers, w, x)
        if n == 64:  # so short that the clock and the collector would be what is measured
            runs = {name: lambda run=run: [run() for _ in range(50)] for name, run in runs.items()}
        taken = race(runs, rounds if n < 4096 else max(rounds // 3, 5))
        scale = 1e3 / (50 if n == 64 else 1)
        what = f"tied autoencoder ({n}, {h}, {batch})"
        bars = {"by hand": bar, "in place": None, "autograd": 1.0, "torch": None, "jax jit": None}
        for name, ours_bar in bars.items():
            if name in taken:
                yield Line(what, taken["ours"] * scale, taken[name] * scale, name, "ms", ours_bar)
        for name in ("by hand", "in place"):
            peaks = [peak(runs[one]) / 1e6 for one in ("ours", name)]
            yield Line(what + ", peak memory", *peaks, name, "MB", 1.2)


def peak(run: Callable[[], Any]) -> int:
    """The most memory that `run` has allocated at any time, in bytes."""
    gc.collect()
    tracemalloc.start()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


# Indexing.


def reads(x: Any, count: int) -> Any:
    total = 0.0
    step = len(x) // count
    for position in range(count):
        total = total + x[position * step]
    return total


def indexing(rounds: int) -> Line:
    """The same number of reads from a short and from a long vector."""
    short, long = np.ones(10_000), np.ones(1_000_000)
    taken = race(
        {
            "long": lambda: gradient(lambda x: reads(x, 10_000), long),
            "short": lambda: gradient(lambda x: reads(x, 10_000), short),
        },
        max(rounds // 2, 5),
    )
    return Line(
        "10,000 reads of 1e6 elements", taken["long"] * 1e3, taken["short"] * 1e3, "of 1e4", "ms", 1.5
    )


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="the short ones only")
    options = parser.parse_args()
    peers = installed()
    lengths = (1_000,) if options.quick else (1_000, 100_000)
    print(f"{'':44}{'ours':>11} {'':6}{'against':>10}{'theirs':>11}{'ratio':>8}{'bar':>6}")
    missed = 0

    def show(line: Line) -> None:
        nonlocal missed
        missed += line.is_missed
        print(line, flush=True)

    for line in tiny(peers, options.rounds, lengths):
        show(line)
    show(memory_of_a_chain(100_000 if options.quick else 1_000_000))
    show(indexing(options.rounds))
    for line in large(peers, options.rounds, SIZES[:2] if options.quick else SIZES):
        show(line)
    if "autograd" in peers:
        print(*operations(options.rounds), sep="\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
