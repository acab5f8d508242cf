"""The four laws of gates through every primitive of the registry, in both modes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from aliascheck.engine import REGISTRY, Primitive, primal
from aliascheck.engine.examples import Example, examples
from aliascheck.memory import dense, is_array
from aliascheck.subjects.program import Program
from tests.engine.test_gates import MODES, check_laws

MOST = 6  # examples of each primitive


def weighted(value: Any) -> Any:
    """A number that every element of a value influences differently."""
    raw = primal(value)
    if isinstance(raw, tuple | list):
        return sum(weighted(value[position]) for position in range(len(raw)))
    shape = np.shape(dense(raw))
    weights = (1.0 + np.arange(np.size(dense(raw)))).reshape(shape)
    return REGISTRY["sum"](REGISTRY["multiply"](value, weights))


def program_through(primitive: Primitive, example: Example) -> Program:
    """The primitive between bindings and a loss; a second reading of each operand besides."""
    names = [f"x{number}" for number in range(len(example.operands))]
    bindings = dict(zip(names, example.operands, strict=True))

    def loss(env: Any) -> Any:
        operands = [env.read(name) for name in names]
        operands = operands * 2 if example.repeated else operands
        total = weighted(primitive.apply(operands, example.static, dict(example.settings)))
        for name in names:
            if is_array(bindings[name]):
                total = total + 0.5 * weighted(env.read(name))
        return total

    return Program(bindings, loss, [(name,) for name in names if is_array(bindings[name])])


def real_examples(primitive: Primitive) -> Iterator[Example]:
    """Applications to arrays of real numbers that have a value."""
    for example in examples(primitive, np.random.default_rng(1)):
        arrays = [operand for operand in example.operands if isinstance(operand, np.ndarray)]
        if any(array.dtype.kind != "f" for array in arrays) or example.may_refuse:
            continue
        yield example


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "primitive",
    [one for one in dict.fromkeys(REGISTRY.values()) if one.differentiable and one.name != "parent"],
    ids=str,
)
def test_gates_work_through_every_primitive(primitive, mode):
    checked = 0
    for example in real_examples(primitive):
        program = program_through(primitive, example)
        if not program.members and not any(isinstance(one, list | tuple) for one in example.operands):
            continue
        check_laws(program, mode)
        checked += 1
        if checked == MOST:
            break
    assert checked, f"{primitive} has no example"
