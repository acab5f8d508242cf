"""Identity as Julia's `===`: objects by themselves, immutable values by their parts."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import REGISTRY
from aliascheck.language import parse
from aliascheck.memory import MutableStruct, Struct, identity, is_plain
from tests.language.bindings import Raw

adjoint, transpose, reshape, permutedims = (
    REGISTRY[name] for name in ("adjoint", "transpose", "reshape", "permutedims")
)
X = np.arange(6.0).reshape(2, 3)
Y = X.copy()
LIST, DICT = [X], {"k": X}
MUTABLE = MutableStruct("A", {"x": X})

SAME = {
    "object": (X, X),
    "list object": (LIST, LIST),
    "dict object": (DICT, DICT),
    "mutable object": (MUTABLE, MUTABLE),
    "wrappers built twice": (adjoint(X), adjoint(X)),
    "wrappers of wrappers": (REGISTRY["flip"](adjoint(X)), REGISTRY["flip"](adjoint(X))),
    "same arguments": (permutedims(X, (1, 0)), permutedims(X, (1, 0))),
    "slices": (REGISTRY["slice"](X, slice(1, None)), REGISTRY["slice"](X, slice(1, None))),
    "structs": (Struct("A", {"x": X, "n": 1.0}), Struct("A", {"x": X, "n": 1.0})),
    "structs of wrappers": (Struct("A", {"x": adjoint(X)}), Struct("A", {"x": adjoint(X)})),
    "tuples": ((X, Y, (X,)), (X, Y, (X,))),
    "tuple of list object": ((LIST,), (LIST,)),
    "numbers": (2.0, 2.0),
    "strings": ("a", "a"),
    "nothing at all": ((), ()),
}

DIFFERENT = {
    "equal arrays": (X, Y),
    "views of one memory": (X[:], X[:]),
    "equal lists": ([X], [X]),
    "equal dicts": ({"k": X}, {"k": X}),
    "mutable structs": (MutableStruct("A", {"x": X}), MutableStruct("A", {"x": X})),
    "mutable and not": (MUTABLE, Struct("A", {"x": X})),
    "kinds of wrapper": (adjoint(X), transpose(X)),
    "arguments": (reshape(X, 3, 2), reshape(X, 6)),
    "slices": (REGISTRY["slice"](X, slice(1, None)), REGISTRY["slice"](X, slice(0, None))),
    "parents": (adjoint(X), adjoint(Y)),
    "wrapper and parent": (adjoint(X), X),
    "names of structs": (Struct("A", {"x": X}), Struct("B", {"x": X})),
    "fields": (Struct("A", {"x": X}), Struct("A", {"y": X})),
    "field values": (Struct("A", {"x": X}), Struct("A", {"x": Y})),
    "lengths": ((X,), (X, X)),
    "tuple and list": ((X,), [X]),
    "number types": (1, 1.0),
    "true and one": (True, 1),
    "numbers": (1.0, 2.0),
    "number and string": (1, "1"),
}


@pytest.mark.parametrize("name", SAME)
def test_same(name):
    left, right = SAME[name]
    assert identity(left) == identity(right)
    assert hash(identity(left)) == hash(identity(right))


@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name):
    left, right = DIFFERENT[name]
    assert identity(left) != identity(right)


def test_closures_are_their_text_and_captures():
    make = parse("lambda w: lambda x: w * x")
    env = Raw(x=X, y=Y)
    outer = make.evaluate(env)

    def bound(name):
        return parse(f"f({name})").evaluate(Raw(f=outer, x=X, y=Y))

    assert identity(bound("x")) == identity(bound("x"))
    assert identity(bound("x")) != identity(bound("y"))
    assert identity(outer) != identity(parse("lambda w: lambda x: w * x").evaluate(env))


PLAIN = [1, 2.0, True, None, "a", np.float64(1.0), (), (1.0, (2.0,)), Struct("A", {"n": 1.0})]


@pytest.mark.parametrize("plain", PLAIN, ids=repr)
def test_plain_values_hold_no_memory(plain):
    assert is_plain(plain)


@pytest.mark.parametrize(
    "holder",
    [X, [], {}, (X,), (1.0, []), adjoint(X), Struct("A", {"x": X}), MutableStruct("A", {"n": 1.0})],
    ids=["array", "list", "dict", "tuple", "nested", "wrapper", "struct", "mutable"],
)
def test_what_holds_memory_is_not_plain(holder):
    assert not is_plain(holder)
