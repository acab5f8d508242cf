"""Remarks on Python numbers: those that a loss depends on, and no others."""

from __future__ import annotations

import math

import pytest

from aliascheck.errors import AliascheckError
from aliascheck.subjects.numbers import unaudited


def remarks(count, loss):
    numbers = {("m", place): 1.0 for place in range(count)}
    return unaudited(
        numbers, lambda moved: loss({place: moved.get(("m", place), 1.0) for place in range(count)})
    )


@pytest.mark.parametrize(
    ("count", "loss", "said"),
    [
        (0, lambda m: 1.0, None),
        (3, lambda m: 1.0, None),
        (3, lambda m: math.nan, None),
        (3, lambda m: m[1], "the Python number at m[1] is a setting, and was not audited"),
        (2, lambda m: m[0] + m[1], "Python numbers at m[0] and m[1] are settings, and were not audited"),
        (
            3,
            lambda m: sum(m.values()),
            "Python numbers at m[0], m[1] and m[2] are settings, and were not audited",
        ),
        (4, lambda m: 2.0, None),
        (
            5,
            lambda m: m[4],
            "Python numbers at m[0], m[1], m[2] and 2 more are settings, and were not audited",
        ),
    ],
)
def test_who_depends_on_them(count, loss, said):
    assert remarks(count, loss) == (() if said is None else (said,))


def test_a_loss_that_refuses_other_numbers_depends_on_them():
    def loss(m):
        if m[0] != 1.0:
            raise AliascheckError("no")
        return 0.0

    assert len(remarks(1, loss)) == 1


def test_a_loss_that_refuses_all():
    def loss(m):
        raise AliascheckError("no")

    assert remarks(1, loss) == ()
