"""`parent(w)`: a function of a wrapper, where `w.parent` reads its field (engine facts 1.5 and 1.7)."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import REGISTRY, Bindings, Params, gradient, pullback
from aliascheck.errors import EngineError
from aliascheck.memory import dense
from tests.engine.tangents import matches

adjoint, parent = REGISTRY["adjoint"], REGISTRY["parent"]
M = np.arange(12.0).reshape(3, 4)
WHOLE = {
    "adjoint": adjoint(M),
    "of a vector": adjoint(np.arange(3.0)),
    "permutedims": REGISTRY["permutedims"](np.arange(24.0).reshape(2, 3, 4), (2, 0, 1)),
    "reshape": REGISTRY["reshape"](M, 2, 6),
    "flip": REGISTRY["flip"](M, axis=1),
    "nested": REGISTRY["flip"](adjoint(M)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_it_is_the_wrappers_own_parent_and_its_cotangent_is_natural(name):
    wrapper = WHOLE[name]
    assert parent(wrapper) is wrapper.parent
    weights = np.random.default_rng(1).normal(size=dense(wrapper.parent).shape)
    value, back = pullback(lambda w: np.sum(parent(w) * weights), wrapper)
    assert np.isclose(value, np.sum(dense(wrapper.parent) * weights))
    assert matches(back()[0], wrapper.show(weights))


def test_a_function_of_a_wrapper_claims_no_parent():
    x = np.array([1.0, 2.0])
    xt = adjoint(x)
    main = Bindings(x=x, xt=xt)
    grads = gradient(lambda: np.sum(parent(main.xt) * main.x), Params([x, xt]))
    assert matches(grads[x], x) and matches(grads[xt], [x]) and matches(grads["Main.xt"], [x])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (M, "an array has no parent"),
        (REGISTRY["slice"](M, key=(slice(0, 2),)), r"slice\(...\) does not show all of its parent"),
        (REGISTRY["diagonal"](M), "does not show all of its parent"),
        (REGISTRY["broadcast_to"](np.ones((1, 3)), 1, 3), "does not show all of its parent"),
    ],
)
def test_what_has_no_whole_parent_says_so(value, message):
    with pytest.raises(EngineError, match=message):
        parent(value)


def test_rows_and_columns_in_reverse_are_views():
    for name, expected in (("fliplr", M[:, ::-1]), ("flipud", M[::-1])):
        made = REGISTRY[name](M)
        assert np.array_equal(made.array, expected) and np.may_share_memory(made.array, M)
        (found,) = gradient(lambda x, name=name: np.sum(getattr(np, name)(x) * M), M)
        assert matches(found, getattr(np, name)(M))
