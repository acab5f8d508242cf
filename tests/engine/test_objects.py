"""Objects of a user's own classes: their arrays credited in implicit mode, their attributes in explicit."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import UserDict, deque
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest

from aliascheck.engine import NOTHING, Bindings, Params, Tracer, gradient, pullback, withgradient
from aliascheck.errors import EngineError
from aliascheck.memory import Fields, Struct
from tests.engine.tangents import matches

V = np.array([1.0, 2.0, 3.0])
ONES = np.ones(3)


class Plain:
    """Attributes as given, and what can be done with one array."""

    shared = V + 5

    def __init__(self, w: Any, **others: Any) -> None:
        self.w = w
        self.__dict__.update(others)

    def loss(self, factor: float = 1.0) -> Any:
        return factor * np.sum(self.w * self.w)

    def __call__(self, x: Any) -> Any:
        return self.w * x

    def __len__(self) -> int:
        return len(self.w)

    def __getitem__(self, position: int) -> Any:
        return self.w[position]

    @property
    def doubled(self) -> Any:
        return 2 * self.w

    @cached_property
    def tripled(self) -> Any:
        return 3 * self.w

    @staticmethod
    def total(x: Any) -> Any:
        return np.sum(x)

    @classmethod
    def named(cls, x: Any) -> Any:
        return cls.total(x)

    def remember(self, x: Any) -> Any:
        self.cache = x * self.w
        self.seen = [*getattr(self, "seen", []), len(x)]
        return np.sum(self.cache)


model = Plain(V.copy())
weights = ModuleType("weights")
weights.w = V.copy()
weights.inner = ModuleType("weights.inner")
weights.inner.net = Plain(weights.w)
exec("def loss(): return (w * w).sum()", vars(weights))
WEIGHT = V.copy()


def credited(loss: Any, *members: Any) -> Any:
    """The entries of members, or the only one."""
    found = gradient(loss, Params(members)).values()
    return found[0] if len(found) == 1 else found


# Implicit mode.


def test_an_attribute_of_an_object():
    captured = Plain(V.copy())
    assert matches(credited(lambda: np.sum(model.w**2), model.w), 2 * V)
    assert matches(credited(lambda: np.sum(captured.w**2), captured.w), 2 * V)


IN_AN_OBJECT = {
    "method": lambda: model.loss(),
    "method with an argument": lambda: model.loss(factor=1.0),
    "call": lambda: np.sum(model(model.w)),
    "item": lambda: sum(model[k] * model[k] for k in range(len(model))),
    "property": lambda: np.sum(model.doubled * model.w) / 2,
    "cached property": lambda: np.sum(model.tripled * model.tripled) / 9,
    "static method": lambda: model.total(model.w * model.w),
    "class method": lambda: model.named(model.w * model.w),
    "writing": lambda: model.remember(model.w),
    "bound method": model.loss,
    "callable": partial(model, model.w),
    "partial": partial(Plain.loss, model),
    "getattr": lambda: getattr(model, "w") @ model.w,  # noqa: B009
}


@pytest.mark.parametrize("name", IN_AN_OBJECT)
def test_what_a_method_reads_is_credited(name):
    loss = IN_AN_OBJECT[name]
    if name == "callable":
        loss = partial(lambda f: np.sum(f()), loss)
    assert matches(credited(loss, model.w), 2 * V)


def test_a_callable_object_as_the_loss():
    class Loss:
        def __init__(self) -> None:
            self.w = V.copy()

        def __call__(self) -> Any:
            return np.sum(self.w * self.w)

    loss = Loss()
    assert matches(credited(loss, loss.w), 2 * V)
    assert matches(credited(lambda: loss(), loss.w), 2 * V)


def test_what_is_not_watched_reaches_the_names_entry():
    other = Plain(V.copy(), b=V.copy(), name="x", sub=Plain(V.copy()))
    grads = gradient(lambda: np.sum(model.w), Params([]))
    assert matches(grads["Main.model"], Fields(w=ONES, shared=NOTHING))
    assert gradient(lambda: np.sum(model.w), Params([model.w])).globals == {}
    assert gradient(lambda: np.sum(other.w), Params([])).globals == {}
    main = Bindings(m=other)
    found = gradient(lambda: np.sum(main.m.w) + np.sum(main.m.b) + np.sum(main.m.sub.w), Params([other.b]))
    sub = Fields(w=ONES, shared=NOTHING)
    everything = Fields(w=ONES, b=NOTHING, name=NOTHING, sub=sub, shared=NOTHING)
    assert matches(found[other.b], ONES) and matches(found["Main.m"], everything)


def test_an_object_may_be_watched_itself():
    inner = Plain(V.copy())
    outer = Plain(V.copy(), inner=inner)
    found = credited(lambda: outer.loss() + inner.loss(), outer, inner)
    assert matches(found[1], Fields(w=2 * V, shared=NOTHING)) and matches(found[0].get("w"), 2 * V)
    assert found[0]["inner"] is NOTHING


def test_objects_in_containers():
    layers = [Plain(V.copy()), Plain(V + 1)]
    net = Plain(None, layers=layers, table={1: layers[0], "a": layers[1]}, pair=(layers[0], V))
    arrays = [layer.w for layer in layers]

    def loop(chosen: Any) -> Any:
        x = ONES
        for layer in chosen:
            x = layer(x)
        return np.sum(x)

    losses = {
        "captured list": lambda: loop(layers),
        "list in an object": lambda: loop(net.layers),
        "indexed": lambda: np.sum(net.layers[0](net.layers[-1].w)),
        "dict": lambda: loop(net.table.values()),
        "keys": lambda: np.sum(net.table[1](net.table["a"].w)),
        "tuple": lambda: np.sum(net.pair[0].w * net.layers[1].w),
        "sliced": lambda: loop(net.layers[::-1]),
        "unpacked": lambda: loop([*layers]),
    }
    for name, loss in losses.items():
        first, second = credited(loss, *arrays)
        assert matches(first, V + 1) and matches(second, V), name


def test_containers_of_arrays_in_objects_credit_as_their_kind_does():
    held = Plain(None, ws=[V.copy()], pair=(V.copy(),), table={"a": V.copy()})
    assert credited(lambda: np.sum(held.ws[0]), held.ws[0]) is NOTHING
    assert matches(credited(lambda: sum(np.sum(w) for w in held.ws), held.ws[0]), ONES)
    assert matches(credited(lambda: np.sum(held.pair[0]), held.pair[0]), ONES)
    assert matches(credited(lambda: np.sum(held.table["a"]), held.table["a"]), ONES)


def test_functions_that_are_held_are_followed():
    x = V.copy()

    def square() -> Any:
        return np.sum(x * x)

    held = Plain(None, act=lambda: np.sum(x * x), method=Plain(x).loss, part=partial(np.dot, x, x))
    table, row = {"square": square}, [np.tanh, square]
    for loss in (held.act, held.method, held.part):
        assert matches(credited(loss, x), 2 * V)
    for loss in (lambda: held.act(), lambda: held.method(), lambda: held.part(), lambda: table["square"]()):
        assert matches(credited(loss, x), 2 * V)
    assert matches(credited(lambda: row[1](), x), 2 * V)
    assert matches(credited(partial(lambda z: np.sum(z * z), x), x), 2 * V)
    assert matches(credited(partial(lambda z: np.sum(z * z), z=x), x), 2 * V)
    bound = partial(np.multiply, x)
    assert matches(credited(lambda: np.sum(bound(x)), x), 2 * V)


def test_modules():
    assert matches(credited(lambda: np.sum(weights.w * weights.w), weights.w), 2 * V)
    assert matches(credited(lambda: weights.loss(), weights.w), 2 * V)
    assert matches(credited(lambda: weights.inner.net.loss(), weights.w), 2 * V)
    assert gradient(lambda: np.sum(weights.w), Params([])).globals == {}
    assert weights.__dict__.get("__followed__") is None and type(weights) is ModuleType


# What methods read by name.


def helper() -> Any:
    return np.sum(WEIGHT)


class Base:
    def __init__(self) -> None:
        self.scale = 2.0

    def part(self) -> Any:
        return np.sum(WEIGHT * WEIGHT)

    def __call__(self) -> Any:
        return self.part()


SUBCLASSES = []


class Child(Base):
    def __init_subclass__(cls) -> None:
        SUBCLASSES.append(cls)

    def part(self) -> Any:
        return self.scale * super().part() + helper()

    @property
    def square(self) -> Any:
        return WEIGHT * WEIGHT

    @staticmethod
    def static() -> Any:
        return np.sum(WEIGHT)

    @classmethod
    def of_class(cls) -> Any:
        return np.sum(WEIGHT) + cls.static()


def test_methods_read_globals_also_through_super():
    child = Child()
    assert matches(credited(child, WEIGHT), 4 * V + 1)
    assert matches(credited(lambda: child(), WEIGHT), 4 * V + 1)
    assert matches(credited(lambda: np.sum(child.square), WEIGHT), 2 * V)
    assert matches(credited(lambda: child.static() + child.of_class(), WEIGHT), 3 * ONES)
    assert SUBCLASSES == [] and type(child) is Child
    assert credited(lambda: child() if isinstance(child, Child) else 0.0, WEIGHT) is not NOTHING


class Abstract(ABC):
    @abstractmethod
    def loss(self) -> Any: ...


class Concrete(Abstract):
    def loss(self) -> Any:
        return np.sum(WEIGHT * WEIGHT)


class Lossy(Protocol):
    def loss(self) -> Any: ...


class Conforming(Lossy):
    loss = Concrete.loss


def test_abstract_classes():
    one, other = Concrete(), Conforming()
    assert matches(credited(lambda: one.loss(), WEIGHT), 2 * V)
    assert matches(credited(lambda: other.loss(), WEIGHT), 2 * V)
    assert matches(credited(lambda: one.loss() if isinstance(one, Abstract) else 0.0, WEIGHT), 2 * V)


def test_arrays_of_a_class():
    assert matches(credited(lambda: np.sum(model.shared * model.shared), Plain.shared), 2 * (V + 5))
    assert matches(gradient(lambda m: np.sum(m.shared), model)[0]["shared"], ONES)
    assert "shared" not in model.__dict__


# What stays as it was.


def test_originals_are_not_changed():
    layers = [Plain(V.copy())]
    net = Plain(V.copy(), layers=layers, log=[], table={}, lock=threading.Lock())
    before = dict(net.__dict__)

    def loss() -> Any:
        net.log.append(net.w)
        net.table["w"] = net.w
        net.layers.append(None)
        net.added = net.w
        return net.remember(V) + layers[0].remember(V)

    for differentiate in (lambda: credited(loss, net.w), lambda: gradient(lambda n: n.remember(V), net)):
        differentiate()
        assert net.__dict__.keys() == before.keys()
        assert all(net.__dict__[name] is part for name, part in before.items())
        assert net.log == [] and net.table == {} and len(layers) == 1 and list(layers[0].__dict__) == ["w"]


def test_exceptions_leave_nothing_behind():
    net = Plain(V.copy())

    def loss(n: Any = net) -> Any:
        n.remember(V)
        raise KeyError("stop")

    for differentiate in (lambda: gradient(loss, Params([net.w])), lambda: gradient(loss, net)):
        with pytest.raises(KeyError, match="stop"):
            differentiate()
        assert list(net.__dict__) == ["w"] and isinstance(net.w, np.ndarray)
    assert matches(credited(lambda: net.loss(), net.w), 2 * V)
    assert Bindings(net=net).net is net


def test_cycles_and_shared_objects():
    tied = Plain(V.copy())
    net = Plain(None, first=tied, second=tied, ring=[])
    tied.owner = net
    net.ring.append(net.ring)
    net.ring.append(tied)

    def loss(n: Any = net) -> Any:
        assert n.first is n.second and n.first.owner is n and n.ring[0] is n.ring and n.ring[1] is n.first
        return n.first.loss() + np.sum(n.second.owner.second.w)

    assert matches(credited(lambda: loss(), tied.w), 2 * V + 1)
    (found,) = gradient(loss, net)
    assert matches(found["first"]["w"], 2 * V + 1) and found["second"] is NOTHING  # it stands at the first
    arrays = Plain(tied.w, again=tied.w)
    (found,) = gradient(lambda a: np.sum(a.w * a.w) + np.sum(a.again), arrays)
    assert matches(found["w"], 2 * V) and matches(found["again"], ONES)


def test_a_long_chain_is_no_deep_recursion():
    chain = Plain(V.copy())
    last = chain
    for _ in range(5000):
        chain = Plain(None, following=chain)

    def loss() -> Any:
        one = chain
        while hasattr(one, "following"):
            one = one.following
        return one.loss()

    assert matches(credited(loss, last.w), 2 * V)


# What is passed as it is.


class Closing:
    def __init__(self, w: Any) -> None:
        self.w = w

    def __del__(self) -> None:
        pass


def test_what_holds_no_arrays_is_passed_as_it_is():
    plain, lock, seen = Plain(3, name="x"), threading.Lock(), []
    plain.__class__ = type("Empty", (), {})
    library = UserDict({"w": V})

    def loss() -> Any:
        seen.extend([plain, lock, library])
        assert isinstance(library["w"], np.ndarray)
        return np.sum(model.w)

    credited(loss, model.w)
    assert seen[0] is plain and seen[1] is lock and seen[2] is library


def test_classes_that_are_not_followed_say_so_as_arguments():
    def error(value: Any) -> Any:
        with pytest.raises(EngineError) as caught:
            gradient(lambda m: np.sum(m.w), value)
        return str(caught.value)

    for value in (deque([V]), UserDict(w=V), Closing(V), {1.0}, np.random.default_rng(0)):
        message = error(value)
        assert f"an object of the class {type(value).__name__}, which is not followed" in message
        assert "dict, list, tuple, dataclass, Struct" in message
    with pytest.raises(EngineError, match="an object of the class Plain"):
        gradient(lambda s: np.sum(s.part.w), Struct("S", {"part": Plain(V)}))


# Explicit mode.


class Named(NamedTuple):
    a: Any
    b: Any

    def loss(self) -> Any:
        return np.sum(self.a * self.b)


@dataclass(frozen=True)
class Frozen:
    w: Any
    b: float = 0.5
    count: int = 2
    parts: list[Any] = field(default_factory=list)

    def loss(self, x: Any) -> Any:
        return np.sum(self.w * x) * self.b * self.count


@dataclass(slots=True)
class Slotted:
    w: Any
    b: Any = None


def test_named_tuples():
    point = Named(V, V + 1)
    assert matches(gradient(lambda p: np.sum(p.a) + np.sum(p[1]), point)[0], Named(ONES, ONES))
    assert matches(gradient(lambda p: p.loss(), point)[0], Named(V + 1, V))
    assert matches(gradient(lambda p: np.sum(p.b), point)[0], Named(NOTHING, ONES))
    assert matches(gradient(lambda v: v[1].loss(), [V, point])[0], [NOTHING, Named(V + 1, V)])
    assert matches(gradient(lambda p: np.sum(p.a.w), Named(Plain(V), 1))[0].a["w"], ONES)
    assert matches(gradient(lambda m: m.w.loss(), Plain(point))[0]["w"], Named(V + 1, V))
    found = gradient(lambda s: np.sum(s.p.a), Struct("S", {"p": point}))[0]
    assert matches(found["p"], Named(ONES, NOTHING))
    assert all(map(matches, credited(lambda: point.loss(), *point), (V + 1, V)))
    assert matches(gradient(lambda p: p._replace(a=p.b).loss(), point)[0], Named(NOTHING, 2 * (V + 1)))
    value, (grad,) = withgradient(lambda p: p._replace(a=p.loss()), point)
    assert value.a == 20.0 and matches(grad, Named(V + 1, V))


def test_dataclasses_and_numbers():
    found = gradient(lambda m: m.loss(V), Frozen(V + 1))[0]
    assert matches(found, Fields(w=V, b=40.0, count=NOTHING, parts=NOTHING))
    assert type(found) is Fields
    point = SimpleNamespace(x=2.0, y=3.0)
    assert gradient(lambda p: p.x * p.x * p.y, point) == (Fields(x=12.0, y=4.0),)
    nested = Frozen(V, parts=[Frozen(V), (V, 1)])
    found = gradient(lambda m: np.sum(m.parts[0].w) + np.sum(m.parts[1][0]), nested)[0]
    assert matches(found["parts"][0]["w"], ONES) and matches(found["parts"][1], (ONES, NOTHING))
    x = V.copy()
    assert matches(credited(lambda: nested.loss(x), nested.w, x)[1], V)


def test_slots_and_namespaces():
    one = Slotted(V.copy())
    assert matches(gradient(lambda m: np.sum(m.w), one)[0], Fields(w=ONES, b=NOTHING))
    assert matches(credited(lambda: np.sum(one.w * one.w), one.w), 2 * V)
    space = SimpleNamespace(w=V.copy())
    assert matches(credited(lambda: np.sum(space.w * space.w), space.w), 2 * V)


def test_methods_run_on_traced_attributes_of_a_copy_of_the_class():
    seen = []

    def loss(m: Any, x: Any) -> Any:
        seen.append(m)
        assert isinstance(m, Plain) and isinstance(m.w, Tracer)
        return np.sum(m(x)) + m.loss()

    found, by_x = gradient(loss, Plain(V), V + 1)
    assert matches(found, Fields(w=V + 1 + 2 * V, shared=NOTHING)) and matches(by_x, V)
    layers = [Plain(V), Plain(V + 1)]
    found = gradient(lambda ls: np.sum(ls[0](ls[1].w)), layers)[0]
    assert matches(found[0]["w"], V + 1) and matches(found[1]["w"], V)
    found = gradient(lambda d: d["a"].loss(), {"a": Plain(V), "b": V})[0]
    assert matches(found["a"]["w"], 2 * V) and found.get("b", NOTHING) is NOTHING
    assert gradient(lambda m: 1.0, Plain(V)) == (NOTHING,)


def test_functions_held_by_an_argument_meet_its_copy():
    one = Plain(V.copy())
    one.act = lambda: np.sum(one.w * one.w)
    one.method = one.loss
    one.part = partial(Plain.loss, one)
    for loss in (lambda m: m.act(), lambda m: m.method(), lambda m: m.part()):
        assert matches(gradient(loss, one)[0]["w"], 2 * V)


def test_an_object_without_numbers_is_a_constant():
    assert matches(gradient(lambda x, c: np.sum(x) * c.n, V, SimpleNamespace(n=2))[0], 2 * ONES)


def test_pulling_back_twice():
    _, back = pullback(lambda m: m.loss(), Plain(V))
    assert matches(back(1.0)[0]["w"], 2 * V) and matches(back(2.0)[0]["w"], 4 * V)


# A small model, in both modes and by differences.


class Layer:
    def __init__(self, rng: np.random.Generator, size: tuple[int, int], act: Any) -> None:
        self.weight = rng.normal(size=size)
        self.bias = rng.normal(size=size[0])
        self.act = act

    def __call__(self, x: Any) -> Any:
        return self.act(self.weight @ x + self.bias)


class Network:
    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.layers = [Layer(rng, (4, 3), np.tanh), Layer(rng, (2, 4), lambda x: x)]
        self.layers.append(Layer(rng, (2, 2), np.tanh))
        self.layers[2].bias = self.layers[1].bias  # tied

    def loss(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        self.out = x
        return np.mean(x**2)


def test_a_model_of_layers_in_both_modes_and_by_differences():
    net = Network()
    arrays = [array for layer in net.layers for array in (layer.weight, layer.bias)][:5]
    found = credited(lambda: net.loss(V), *arrays)
    (by_place,) = gradient(lambda n: n.loss(V), net)
    tied = by_place["layers"][1]["bias"] + by_place["layers"][2]["bias"]
    for array, tangent in zip(arrays, found, strict=True):
        for index in np.ndindex(array.shape):
            kept, values = array[index], []
            for step in (1e-6, -1e-6):
                array[index] = kept + step
                values.append(net.loss(V))
            array[index] = kept
            assert abs((values[0] - values[1]) / 2e-6 - tangent[index]) < 1e-8
    for number, layer in enumerate(net.layers):
        assert matches(by_place["layers"][number]["weight"], credited(lambda: net.loss(V), layer.weight))
    assert matches(found[3], tied) and arrays[3] is net.layers[2].bias
    assert isinstance(net.out, np.ndarray)
