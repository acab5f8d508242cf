"""What peers and the audit say of every way in which parameters share memory, beside what is true.

    python -m tests.benchmarks.rows [-k TEXT]

Parts are torch's gradients (5.1), loading, copying and moving (5.3), functional_call (5.4), and jax, equinox
and autograd (5.5). The columns:

* fact: what the framework gives in each mode against central differences that move every cell of the memory:
  "the total" where each slot has it, else by how much a slot is off, and whether what is given adds up to the
  total at its cells; "separate memory" where places that are declared tied share none;
* gradcheck (torch, slow / fast) and check_grads (jax, autograd), run with their defaults: `pass`, `FLAG` or
  what they raise;
* aliascheck: the findings by mode (imp, exp) and contract (sum, each);
* right: whether those are the findings that the fact demands, and errors are found just where the fact is not
  what the contract needs.

Frameworks that are not installed are left out. Exits 1 where a row is not right.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

from tests.benchmarks.row import Answer, Row, answer  # noqa: E402

MODULES = ("torch", "jax", "equinox", "autograd")
WIDTHS = (6, 42, 48, 24, 12, 60)
HEADS = ("part", "case", "fact", "gradcheck", "check_grads", "aliascheck", "right")


def rows() -> Iterator[Row]:
    """Every row of the frameworks that are installed."""
    if is_installed("torch"):
        from tests.benchmarks import rows_moves, rows_torch

        yield from rows_torch.gradient_rows()
        yield from rows_moves.loading_rows()
        yield from rows_moves.moving_rows()
        yield from rows_moves.flat_rows()
        yield from rows_torch.call_rows()
    if is_installed("jax"):
        import jax

        from tests.benchmarks import rows_trees

        jax.config.update("jax_enable_x64", True)
        yield from rows_trees.jax_rows()
        if is_installed("equinox"):
            yield from rows_trees.equinox_rows()
    if is_installed("autograd"):
        from tests.benchmarks import rows_trees

        yield from rows_trees.autograd_rows()


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def line(*cells: str) -> str:
    padded = [f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=False)]
    return " ".join([*padded, *cells[len(WIDTHS) :]])


def shown(row: Row, found: Answer) -> str:
    checks = ("-", found.check) if row.part == "5.5" else (found.check, "-")
    return line(row.part, row.case, found.fact, *checks, found.found, "yes" if found.is_right else "NO")


def main() -> int:
    """Print the table; 1 where a row is not right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-k", default="", help="rows whose case holds this text")
    text = parser.parse_args().k
    for message in ("Converting a tensor with requires_grad=True to a scalar", "Some donated buffers"):
        warnings.filterwarnings("ignore", message)
    there = [module for module in MODULES if is_installed(module)]
    print(", ".join(f"{module} {version(module)}" for module in there), end="\n\n")
    print(line(*HEADS))
    wrong = count = 0
    for row in rows():
        if text in row.case:
            found = answer(row)
            wrong += not found.is_right
            count += 1
            print(shown(row, found), flush=True)
    print(f"\n{count} rows, {wrong} not as their fact demands (bar 0)")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
