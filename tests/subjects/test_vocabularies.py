"""The primitives in other engines' words, held against the bundled engine: values, and derivatives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from aliascheck.engine import NOTHING, REGISTRY, Foreign, Primitive, Vocabulary, gradient, primal, read_item
from aliascheck.engine.composite import Composite
from aliascheck.engine.examples import Example, examples
from aliascheck.engine.primitive import ContainerPrimitive
from aliascheck.errors import EngineError
from aliascheck.memory import dense

ENGINES = ("torch", "jax", "autograd")
PRIMITIVES = list(dict.fromkeys(REGISTRY.values()))
NO_FUNCTION = {"split", "array_split", "hsplit", "vsplit", "parent"}  # made of others
LEFT_OUT = {
    "torch": {"view", "eigh", "svd", "partition", "argpartition"},
    "jax": {"view", "eigh", "svd", "partition", "argpartition"},
    "autograd": {"view", "eigh", "svd", "partition", "argpartition", "copysign", "scatter", "fmod"},
}


def vocabulary(engine: str) -> Vocabulary:
    pytest.importorskip(engine)
    found = import_module(f"aliascheck.subjects.{engine}.vocabulary").VOCABULARY
    assert isinstance(found, Vocabulary)
    return found


def precision(engine: str) -> AbstractContextManager[Any]:
    if engine != "jax":
        return nullcontext()
    jax = pytest.importorskip("jax")
    switch = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    switched: AbstractContextManager[Any] = switch(True)
    return switched


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_left_out_is_known(engine: str) -> None:
    names = {primitive.name for primitive in PRIMITIVES}
    assert names - set(vocabulary(engine).functions) - NO_FUNCTION == LEFT_OUT[engine]
    assert set(vocabulary(engine).functions) <= names


def applications(primitive: Primitive, most: int | None) -> Iterator[Example]:
    """Examples of a primitive, spread over all of them where only some are taken."""
    found = list(examples(primitive, np.random.default_rng(0)))
    yield from found[:: 1 if most is None else max(1, -(-len(found) // most))]


def operands_of(example: Example) -> tuple[Any, ...]:
    return example.operands * 2 if example.repeated else example.operands


def applied(primitive: Primitive, example: Example, operands: tuple[Any, ...]) -> Any:
    with np.errstate(all="ignore"):
        return primitive.apply(operands, example.static, dict(example.settings))


def as_foreign(value: Any, words: Vocabulary) -> Any:
    if isinstance(value, tuple | list):
        return [as_foreign(part, words) for part in value]
    return Foreign(words.array(value), words)


def as_numbers(value: Any) -> list[np.ndarray]:
    parts = value if isinstance(value, tuple | list) else (value,)
    return [np.asarray(dense(part)) for part in parts]


def is_near(got: Any, wanted: Any, relative: float) -> bool:
    got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    if got.shape != wanted.shape:
        return False
    finite = np.abs(wanted[np.isfinite(wanted)]).max(initial=1e-3)
    return np.allclose(got, wanted, rtol=relative, atol=relative * finite, equal_nan=True)


@pytest.mark.parametrize("primitive", PRIMITIVES, ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_values_are_those_of_the_bundled_engine(engine: str, primitive: Primitive) -> None:
    check_values(engine, primitive, 4 if engine == "jax" else 12)


@pytest.mark.slow
@pytest.mark.parametrize("primitive", PRIMITIVES, ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_values_are_those_of_the_bundled_engine_everywhere(engine: str, primitive: Primitive) -> None:
    check_values(engine, primitive, None)


def check_values(engine: str, primitive: Primitive, most: int | None) -> None:
    words = vocabulary(engine)
    if primitive.name in LEFT_OUT[engine]:
        pytest.skip(f"{engine} has no {primitive.name}")
    with precision(engine):
        for example in applications(primitive, most):
            try:
                wanted = as_numbers(applied(primitive, example, operands_of(example)))
            except EngineError:
                assert example.may_refuse
                continue
            foreign = tuple(as_foreign(operand, words) for operand in operands_of(example))
            got = as_numbers(applied(primitive, example, foreign))
            assert len(got) == len(wanted)
            for one, other in zip(got, wanted, strict=True):
                assert is_near(one, other, 1e-12), example.describe(primitive)


def weighted(out: Any) -> Any:
    """A number made of all elements of a result, of each by a weight of its own."""
    add, multiply, total = REGISTRY["add"], REGISTRY["multiply"], REGISTRY["sum"]
    whole = primal(out)
    parts = [read_item(out, k) for k in range(len(whole))] if isinstance(whole, tuple | list) else [out]
    numbers: Any = 0.0
    for part in parts:
        shape = part.shape if isinstance(part, Foreign) else np.shape(dense(primal(part)))
        weights = np.random.default_rng(1).uniform(0.5, 1.5, shape)
        numbers = add(numbers, total(multiply(part, weights)))
    return numbers


def torch_gradients(function: Callable[..., Any], operands: list[Any], words: Vocabulary) -> list[Any]:
    torch = pytest.importorskip("torch")
    leaves = [words.array(operand).requires_grad_() for operand in operands]
    out = function(*(Foreign(leaf, words) for leaf in leaves)).array
    found = torch.autograd.grad(out, leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if one is None else one for leaf, one in zip(leaves, found, strict=True)]


def jax_gradients(function: Callable[..., Any], operands: list[Any], words: Vocabulary) -> list[Any]:
    jax = pytest.importorskip("jax")

    def loss(values: Any) -> Any:
        return function(*(Foreign(value, words) for value in values)).array

    return list(jax.jit(jax.grad(loss))([words.array(operand) for operand in operands]))


def autograd_gradients(function: Callable[..., Any], operands: list[Any], words: Vocabulary) -> list[Any]:
    autograd = pytest.importorskip("autograd")

    def loss(values: Any) -> Any:
        return function(*(Foreign(value, words) for value in values)).array

    return list(autograd.grad(loss)(tuple(np.asarray(operand, float) for operand in operands)))


GRADIENTS = {"torch": torch_gradients, "jax": jax_gradients, "autograd": autograd_gradients}
DIFFERENTIABLE = [
    one
    for one in PRIMITIVES
    if one.differentiable and not isinstance(one, Composite) and one.name not in ("parent", "floor_divide")
]


@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.parametrize("primitive", DIFFERENTIABLE, ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_derivatives_are_those_of_the_bundled_engine(engine: str, primitive: Primitive) -> None:
    """An engine may have a function and no derivative of it: such a function is none of its words."""
    words = vocabulary(engine)
    if primitive.name in LEFT_OUT[engine]:
        pytest.skip(f"{engine} has no {primitive.name}")
    for example in itertools.islice(smooth(primitive), 2 if engine == "jax" else 8):
        is_container = isinstance(primitive, ContainerPrimitive)
        operands = list(operands_of(example)[0] if is_container else operands_of(example))

        def function(*values: Any, example: Example = example, is_container: bool = is_container) -> Any:
            return weighted(applied(primitive, example, (list(values),) if is_container else values))

        wanted = [
            np.zeros(np.shape(operand)) if one is NOTHING else one
            for one, operand in zip(gradient(function, *operands), operands, strict=True)
        ]
        with precision(engine):
            got = GRADIENTS[engine](function, operands, words)
        for one, other in zip(got, wanted, strict=True):
            assert is_near(one, other, 1e-9), example.describe(primitive)


def smooth(primitive: Primitive) -> Iterator[Example]:
    """Examples with elements, but for a deviation that is 0, where it has a kink."""
    spread = list(applications(primitive, 24))
    return (
        example
        for example in spread
        if not example.may_refuse
        and not (primitive.name == "std" and np.any(applied(primitive, example, operands_of(example)) == 0))
        and all(np.size(part) for operand in operands_of(example) for part in np.atleast_1d(operand))
    )
