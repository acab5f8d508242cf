"""Read-only arrays: how their memory is moved all the same."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.errors import AliascheckError
from aliascheck.subjects.writable import writable

OWNER = np.arange(12.0).reshape(3, 4)
VIEWS = {
    "all": lambda base: base[:],
    "transpose": lambda base: base.T,
    "part": lambda base: base[1:, ::2],
    "backwards": lambda base: base[::-1, ::-1],
    "spread": lambda base: np.broadcast_to(base[1], (2, 4)),
    "view of a view": lambda base: np.broadcast_to(base.T[1:], (2, 3, 3))[1],
}


def locked(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_memory_that_can_be_written(name, order):
    base = np.array(OWNER, order=order)
    array = locked(VIEWS[name](base))
    (made,) = writable({("a",): array}, [base]).values()
    assert made.flags.writeable and not array.flags.writeable
    assert np.array_equal(made, array) and made.strides == array.strides
    made[...] = -1.0
    assert (array == -1.0).all() and (base == -1.0).sum() == len(set(map(int, VIEWS[name](OWNER).flat)))


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_copy_of_memory_that_cannot(kind):
    base = locked(OWNER.astype(kind))
    other = np.zeros(2)
    made = writable({("a",): base, ("b",): base.T[1:], ("c",): other}, [other, 3.0])
    assert made.keys() == {("a",), ("b",)}
    assert np.array_equal(made["a",], base) and np.array_equal(made["b",], base.T[1:])
    made["b",][...] = -1.0
    assert (made["a",][:, 1:] == -1.0).all() and (base == OWNER).all()


def test_what_something_else_shows_is_not_copied():
    base = locked(OWNER.copy())
    for captured in ([base], [{"kept": base[1]}]):
        with pytest.raises(AliascheckError, match=r"^a: the array is read-only.*cannot be moved"):
            writable({("a",): base}, captured)


def test_what_another_leaf_shows_is_not_copied():
    raw = bytearray(32)
    array, leaf = locked(np.frombuffer(raw)), np.frombuffer(raw)
    with pytest.raises(AliascheckError, match="which something else shows"):
        writable({("a",): array, ("b",): leaf}, [])
    assert writable({("a",): array}, []).keys() == {("a",)}


def test_nothing_to_do():
    assert writable({("a",): OWNER}, [OWNER]) == {}
