"""Every way in which torch modules and NumPy arrays share memory, as measured, and what is said of it.

The rows are those of `python -m tests.benchmarks.rows`, which prints them beside what other checkers say. A
row is right where its findings are those demanded and central differences over the memory bear them out.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("autograd")

from tests.benchmarks.row import answer
from tests.benchmarks.rows_moves import flat_rows, loading_rows, moving_rows
from tests.benchmarks.rows_torch import call_rows, gradient_rows
from tests.benchmarks.rows_trees import autograd_rows

ROWS = [
    *gradient_rows(),
    *loading_rows(),
    *moving_rows(),
    *flat_rows(),
    *call_rows(),
    *autograd_rows(),
]


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True to a scalar")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.part} {row.case}")
def test_the_findings_are_those_that_the_fact_demands(row):
    found = answer(row, with_check=False)
    assert found.is_right, found
