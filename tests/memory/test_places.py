"""Places: names of memory, written, read, followed and rebuilt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.engine import REGISTRY
from aliascheck.errors import AliascheckError
from aliascheck.memory import (
    Field,
    Key,
    Struct,
    format_path,
    innermost,
    is_below,
    leaves,
    lookup,
    normalize,
    parse_path,
    rebuild,
    walk,
)

steady = settings(deadline=None, derandomize=True)

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
KEYS = st.text(st.characters(exclude_characters="'\"\\", exclude_categories=("C", "Z")), max_size=6)
STEPS = st.one_of(NAMES.map(Field), st.integers(-99, 99), KEYS.map(Key))
PATHS = st.builds(lambda root, steps: (root, *steps), NAMES, st.lists(STEPS, max_size=5))

W = np.arange(6.0).reshape(2, 3)
B = np.zeros(3)
WT = REGISTRY["adjoint"](W)
LAYERS = (Struct("Dense", {"weight": W, "bias": B}), Struct("Dense", {"weight": WT}))
MODEL = Struct("Chain", {"layers": LAYERS})
BINDINGS = {"m": MODEL, "x": B, "d": {"k": [W, (B, 2.0)]}, "n": 3.0}


@steady
@given(PATHS)
def test_a_path_is_read_back_as_written(path):
    back = parse_path(format_path(path))
    assert back == path
    assert [type(step) for step in back[1:]] == [type(step) for step in path[1:]]


def test_paths_as_people_write_them():
    assert format_path(("m", Field("layers"), 0, Field("weight"))) == "m.layers[0].weight"
    assert format_path(("d", Key("k"), -1)) == "d['k'][-1]"
    for text in (" m . layers [ 0 ] . weight ", "m.layers[0].weight"):
        assert parse_path(text) == ("m", Field("layers"), 0, Field("weight"))
    assert parse_path('d["k"]') == parse_path("d['k']") == ("d", Key("k"))


NO_PATHS = ["", "1x", ".x", "x.", "x[", "x[]", "x[0", "x['a]", "x y", "x[a]", "x..y", "x.1", "_x", "é"]


@pytest.mark.parametrize("text", NO_PATHS)
def test_what_is_no_path(text):
    with pytest.raises(AliascheckError, match="is not the name of a place"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", B),
        ("m.layers[0].weight", W),
        ("m.layers[-1].weight", WT),
        ("m.layers[1].weight.parent", W),
        ("d['k'][1][0]", B),
    ],
)
def test_lookup_gives_the_object_itself(text, value):
    assert lookup(BINDINGS, parse_path(text)) is value


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("mm", "unknown name 'mm'", "did you mean 'm'?"),
        ("m.layer", "m has no field 'layer'", "did you mean 'layers'?"),
        ("m.layers[0].zzz", "m.layers[0] has no field 'zzz'", "fields: weight, bias"),
        ("m.layers[2]", "m.layers has nothing at [2]", None),
        ("m.layers[-3]", "m.layers has nothing at [-3]", None),
        ("m[0]", "m has nothing at [0]", None),
        ("d['q']", "d has nothing at ['q']", None),
        ("d.k", "d has nothing at .k", None),
        ("d[0]", "d has nothing at [0]", None),
        ("x[0]", "x has nothing at [0]", None),
        ("x.parent", "x has nothing at .parent", None),
        ("n.real", "n has nothing at .real", None),
        ("m.layers[1].weight.paren", "m.layers[1].weight has no field 'paren'", "did you mean 'parent'?"),
        ("d['k']['0']", "d['k'] has nothing at ['0']", None),
    ],
)
def test_lookup_names_the_step_that_leads_nowhere(text, message, hint):
    with pytest.raises(AliascheckError) as caught:
        lookup(BINDINGS, parse_path(text))
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_normalize_counts_from_the_start():
    assert normalize(BINDINGS, parse_path("m.layers[-1].weight")) == parse_path("m.layers[1].weight")
    assert normalize(BINDINGS, parse_path("d['k'][-1][-2]")) == parse_path("d['k'][1][0]")


def test_walk_goes_down_to_memory_and_leaves_stop_at_wrappers():
    assert [(format_path(path), array is W) for path, array in walk(MODEL, ("m",))] == [
        ("m.layers[0].weight", True),
        ("m.layers[0].bias", False),
        ("m.layers[1].weight.parent", True),
    ]
    assert [format_path(path) for path, _ in leaves(MODEL, ("m",))] == [
        "m.layers[0].weight",
        "m.layers[0].bias",
        "m.layers[1].weight",
    ]
    assert list(walk(3.0, ("n",))) == list(leaves(3.0, ("n",))) == []


def test_every_place_is_found_where_its_path_says():
    for name, value in BINDINGS.items():
        for path, array in walk(value, (name,)):
            assert lookup(BINDINGS, path) is array
            assert lookup(BINDINGS, parse_path(format_path(path))) is array
        for path, leaf in leaves(value, (name,)):
            assert lookup(BINDINGS, path) is leaf


def test_a_container_that_holds_itself_is_not_followed_for_ever():
    ring: list = [W]
    ring.append({"again": ring})
    assert [format_path(path) for path, _ in walk(ring, ("r",))] == ["r[0]"]
    assert [format_path(path) for path, _ in leaves(ring, ("r",))] == ["r[0]"]


def test_one_object_reached_twice_has_two_places():
    assert [format_path(path) for path, _ in walk((W, [W]), ("t",))] == ["t[0]", "t[1][0]"]


def test_rebuild_replaces_one_place_and_keeps_the_rest():
    new = np.ones((2, 3))
    path = parse_path("m.layers[1].weight.parent")
    model = rebuild(MODEL, path[1:], new)
    rebuilt = {"m": model}
    assert lookup(rebuilt, path) is new
    assert np.shares_memory(lookup(rebuilt, path[:-1]).array, new)
    assert lookup(rebuilt, path[:-1]).array.shape == (3, 2)
    assert lookup(rebuilt, parse_path("m.layers[0].weight")) is W
    assert lookup(BINDINGS, path) is W
    assert rebuild(MODEL, (), new) is new


@pytest.mark.parametrize("text", ["d['k'][0]", "d['k'][1][0]", "m.layers[0].bias"])
def test_rebuild_keeps_the_kinds_of_containers(text):
    path = parse_path(text)
    new = np.full(2, 9.0)
    rebuilt = {path[0]: rebuild(BINDINGS[path[0]], path[1:], new)}
    assert lookup(rebuilt, path) is new
    for depth in range(1, len(path)):
        assert type(lookup(rebuilt, path[:depth])) is type(lookup(BINDINGS, path[:depth]))


def test_is_below():
    place, above = parse_path("m.layers[0].weight"), parse_path("m.layers[0]")
    assert is_below(place, above) and is_below(place, place) and is_below(place, ("m",))
    assert not is_below(above, place)
    assert not is_below(parse_path("m.layers[1].weight"), above)


def test_innermost_is_below_all_wrappers():
    twice = REGISTRY["slice"](WT, slice(0, 2))
    assert innermost(twice) is W and innermost(W) is W
