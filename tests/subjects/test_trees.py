"""Trees of arrays: names of leaves, ties, and what a loss captures."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from aliascheck.errors import AliascheckError
from aliascheck.memory import Field, Key, format_path, lookup
from aliascheck.subjects.ties import tied
from aliascheck.subjects.trees import (
    CAPTURED,
    bindings_of,
    captured_values,
    chosen,
    key_step,
    path_of,
)

NAMES = [
    ((), "tree"),
    ((0,), "[0]"),
    ((0, Field("bias")), "[0].bias"),
    ((Field("enc"), Key("w")), "enc['w']"),
    ((Key("params"), Key("lower"), Key("kernel")), "params['lower']['kernel']"),
    ((Field("params"), Field("lower"), Field("kernel")), "params.lower.kernel"),
    ((Field("layers"), 1, Field("w")), "layers[1].w"),
    ((Key("a b"),), "['a b']"),
    ((Key("a b"), 2), "['a b'][2]"),
]


@pytest.mark.parametrize(("steps", "name"), NAMES)
def test_names(steps, name):
    assert format_path(path_of(steps)) == name


def test_keys_that_are_numbers():
    assert key_step(3) == 3
    assert isinstance(key_step(3), int)
    assert [key_step(key) for key in (-1, 10**9, True, "k")] == [
        Key("-1"),
        Key("1000000000"),
        Key("True"),
        "k",
    ]


def test_every_array_is_found_at_its_path():
    steps = [(Field("enc"), Key("w")), (Field("enc"), Key("b"), 2), (Key("layers"), 1, Field("w")), (3,)]
    paths = [*map(path_of, steps), (CAPTURED, Field("w"))]
    pairs = [(path, np.array([float(number)])) for number, path in enumerate(paths)]
    assert all(lookup(bindings_of(pairs), path) is array for path, array in pairs)


PATHS = [path_of(steps) for steps in [(Key("a"), 0), (Key("a"), 1), (Key("b"),)]]


def test_names_mean_leaves_and_what_is_below():
    assert chosen(["a"], PATHS) == PATHS[:2]
    assert chosen(["b", "a[1]", ("a", 1)], PATHS) == [PATHS[2], PATHS[1]]
    with pytest.raises(AliascheckError, match=r"no array at 'a\[2\]'.*did you mean 'a\[[01]\]'"):
        chosen(["a[2]"], PATHS)


def test_ties_chain():
    arrays = {path: np.ones(2) for path in PATHS}
    first, second, third = PATHS
    assert tied([["a[0]", "a[1]"], ["a[1]", "b"]], arrays) == {second: first, third: first}
    with pytest.raises(AliascheckError, match=r"b and a\[0\] are declared tied, and hold different numbers"):
        tied([["a[0]", "b"]], {**arrays, third: np.zeros(2)})


def test_chains_that_meet_later():
    arrays = {path: np.ones(2) for path in [*PATHS, ("c",), ("d",)]}
    joined = tied([["a[0]", "a[1]"], ["c", "d"], ["d", "a[1]"]], arrays)
    assert joined == dict.fromkeys([*PATHS[:2], ("d",)], ("c",))
    assert tied([["a[0]", "b"], ["b", "a[0]"]], arrays) == {PATHS[2]: PATHS[0]}


def below(name, **leaves):
    return {path_of([Key(name), Key(key)]): value for key, value in leaves.items()}


def test_places_are_tied_leaf_by_leaf():
    w, b = np.ones((2, 3)), np.zeros(3)
    arrays = {**below("enc", b=b, w=w), **below("dec", w=w.copy(), b=b.copy()), **below("out", w=w.copy())}
    enc, dec = [list(below(name, b=b, w=w)) for name in ("enc", "dec")]
    assert tied([["enc", "dec"]], arrays) == dict(zip(dec, enc, strict=True))
    for pair, lacks in ((["enc", "out"], "out"), (["out", "enc"], "out"), (["enc", "dec['b']"], "dec")):
        with pytest.raises(AliascheckError, match=rf"different leaves: {lacks}.* has none for enc\['b'\]"):
            tied([pair], arrays)
    arrays[dec[1]][0, 0] = 2.0
    with pytest.raises(AliascheckError, match=r"dec\['w'\] and enc\['w'\] are .*different numbers"):
        tied([["enc", "dec"]], arrays)
    arrays[dec[1]] = w.T
    arrays[enc[1]] = w.copy()
    with pytest.raises(AliascheckError, match="hold different shapes"):
        tied([["enc", "dec"]], arrays)


def test_shared_memory_is_tied_by_itself():
    first, second, third = PATHS
    w = np.arange(6.0).reshape(2, 3)
    ties = [["a[0]", "a[1]", "b"]]
    assert tied(ties, {first: w, second: w.T, third: w.copy()}) == {third: first}
    with pytest.raises(AliascheckError, match=r"a\[1\] and a\[0\] are declared tied, and hold different"):
        tied(ties, {first: w, second: w.T.copy(), third: w})


@pytest.mark.parametrize("name", [0, None, (), 2.5])
def test_what_is_no_name(name):
    with pytest.raises(AliascheckError, match=r"has a name, not a \w+ \(names are strings.* or paths\)"):
        chosen([name], PATHS)


def test_one_name_is_no_row_of_letters():
    assert chosen("a[1]", PATHS) == [PATHS[1]]


OUTSIDE = np.ones(3)


def test_variables_of_functions():
    inside = np.zeros(3)
    unset: np.ndarray

    def called():
        return OUTSIDE

    def loss(tree, scale):
        return sum(called() + inside for _ in tree) * scale if scale else unset

    def names(function):
        return {name for name, value in captured_values(function) if isinstance(value, np.ndarray)}

    assert names(loss) == {"inside", "OUTSIDE"}
    assert names(functools.partial(loss, scale=2)) == {"inside", "OUTSIDE"}
    assert names(functools.wraps(loss)(lambda tree: None)) == {"inside", "OUTSIDE"}
    assert names(lambda tree: (x + OUTSIDE for x in tree)) == {"OUTSIDE"}
    assert names(len) == set()
    unset = inside


class Trainer:
    kept = np.zeros(3)

    def __init__(self):
        self.read, self.unread = np.ones(3), np.ones(3)

    def loss(self, tree, scale=1.0):
        return self.called(tree) * scale

    def called(self, tree):
        return sum(self.read + tree)

    def __call__(self, tree):
        return self.loss(tree)


def test_what_methods_and_partial_applications_hold():
    trainer = Trainer()

    def values(function):
        return {name: value for name, value in captured_values(function) if isinstance(value, np.ndarray)}

    for function in (trainer.loss, trainer, lambda tree: trainer.loss(tree), functools.partial(trainer.loss)):
        assert values(function) == {"read": trainer.read}
    scaled = functools.partial(trainer.loss, OUTSIDE)
    assert values(functools.partial(scaled, scale=trainer.kept)).keys() == {"array", "scale", "read"}
