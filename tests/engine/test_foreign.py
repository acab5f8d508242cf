"""Programs whose arrays belong to another engine: here one that is NumPy, and notes what it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import (
    LAYERS,
    REGISTRY,
    Foreign,
    LacksPrimitiveError,
    Vocabulary,
    make_struct,
    read_field,
    read_item,
)
from aliascheck.errors import EngineError
from aliascheck.language import parse
from aliascheck.memory import Wrapper

ASKED: list[str] = []


class Held:
    """An array that nothing but its own engine can compute with."""

    def __init__(self, numbers):
        self.numbers = np.asarray(numbers)
        self.shape = self.numbers.shape
        self.dtype = self.numbers.dtype

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the bundled engine has computed with an array that is not its own")


def word(name, function):
    def apply(*arrays, **settings):
        ASKED.append(name)
        numbers = [[one.numbers for one in part] if isinstance(part, list) else part for part in arrays]
        out = function(*(one.numbers if isinstance(one, Held) else one for one in numbers), **settings)
        return tuple(map(Held, out)) if isinstance(out, tuple) else Held(out)

    return apply


FUNCTIONS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "matmul": np.matmul,
    "tanh": np.tanh,
    "sum": np.sum,
    "greater": np.greater,
    "argmax": np.argmax,
    "copy": np.array,
    "concatenate": np.concatenate,
    "stack": np.stack,
    "maximum": np.maximum,
    "slogdet": lambda x: tuple(np.linalg.slogdet(x)),
    "adjoint": lambda x: x.reshape(1, -1) if x.ndim == 1 else x.T,
    "transpose": lambda x, axes=None: x.reshape(1, -1) if x.ndim == 1 else x.T,
    "reshape": np.reshape,
    "getindex": lambda x, key=0: x[key],
}
WORDS = Vocabulary(
    engine="toy",
    functions={name: word(name, function) for name, function in FUNCTIONS.items()},
    array=lambda value: Held(np.asarray(value, float)),
    real=lambda held: Held(held.numbers.astype(float)),
    whole=lambda held: held.numbers.astype(int) if held.dtype.kind == "f" else held.numbers,
    numbers=lambda held: held.numbers,
)
MATRIX = np.arange(6.0).reshape(2, 3)


@pytest.fixture(autouse=True)
def asked():
    ASKED.clear()
    return ASKED


def foreign(numbers):
    return Foreign(Held(numbers), WORDS)


def numbers(value):
    return value.array.numbers


class Bindings(dict):
    def read(self, name):
        return self[name]

    def names(self):
        return self


def evaluated(text, **bindings):
    return parse(text).evaluate(Bindings(bindings))


def test_a_primitive_is_the_other_engine_s(asked):
    x = foreign([1.0, 2.0])
    out = REGISTRY["add"](REGISTRY["multiply"](2.0, x), np.array([1.0, 1.0]))
    assert numbers(out).tolist() == [3.0, 5.0] and asked == ["multiply", "add"]


def test_numbers_and_arrays_of_the_bundled_engine_stay_there(asked):
    assert evaluated("tanh(ones(2)) * 2 + x", x=foreign([1.0, 1.0])).shape == (2,)
    assert asked == ["add"]


def test_settings_and_lists_are_handed_on():
    x = foreign(MATRIX)
    assert numbers(REGISTRY["sum"](x, axis=1, keepdims=True)).tolist() == [[3.0], [12.0]]
    joined = REGISTRY["concatenate"]([x, np.ones((1, 3)), x], axis=0)
    assert numbers(joined).shape == (5, 3)


def test_several_results_are_a_tuple():
    sign, logarithm = REGISTRY["slogdet"](foreign(np.eye(2) * 2))
    assert (numbers(sign), numbers(logarithm)) == (1.0, pytest.approx(2 * np.log(2)))


def test_what_holds_is_a_number_to_the_next_primitive():
    assert numbers(evaluated("sum((x > 1) + (x > 2))", x=foreign([1.5, 2.5]))) == 3.0


def test_what_is_lacked_is_named():
    with pytest.raises(LacksPrimitiveError, match="toy has no primitive 'sin'"):
        REGISTRY["sin"](foreign([1.0]))
    assert not issubclass(LacksPrimitiveError, EngineError)  # the program is not wrong


def test_what_goes_wrong_there_is_an_error_of_the_expression():
    def broken(x):
        raise RuntimeError("a matrix is singular\nand more")

    words = Vocabulary("toy", {"inv": broken}, WORDS.array, WORDS.real, WORDS.whole, WORDS.numbers)
    with pytest.raises(EngineError, match=r"inv: a matrix is singular$"):
        REGISTRY["inv"](Foreign(Held(np.eye(2)), words))


def test_structs_containers_and_lambdas_hold_such_arrays():
    x = foreign([1.0, 2.0])
    struct = make_struct("A", {"x": x, "t": (x, [3.0])})
    assert read_field(struct, "x") is x and read_item(read_field(struct, "t"), 0) is x
    assert numbers(evaluated("(lambda f: f(a.t[0]))(lambda v: sum(a.x * v))", a=struct)) == 5.0


def test_layers_are_made_of_primitives(asked):
    layer = LAYERS["Chain"](LAYERS["Dense"](foreign(MATRIX), foreign([1.0, -1.0]), REGISTRY["tanh"]))
    out = layer(np.ones(3))
    assert numbers(out) == pytest.approx(np.tanh(MATRIX @ np.ones(3) + [1.0, -1.0]))
    assert asked == ["matmul", "add", "tanh"]


def test_an_embedding_takes_row_numbers_of_another_engine():
    layer = LAYERS["Embedding"](foreign(MATRIX))
    assert numbers(layer(foreign([1.0, 0.0]))).tolist() == MATRIX[[1, 0]].tolist()
    assert numbers(layer(np.array([1, 1]))).tolist() == MATRIX[[1, 1]].tolist()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x[argmax(x)]", 5.0),
        ("x[x > 1.5]", [5.0, 2.0]),
        ("array([7, 8, 9])[argmax(x)]", 8.0),
        ("[x, y][argmax(y)]", [2.0, 4.0]),
        ("array([x[0], 3])", [1.0, 3.0]),
        ("array(x)", [1.0, 5.0, 2.0]),
        ("full(2, value=x[2])", [2.0, 2.0]),
        ("uniform(2, low=x[0], high=x[0])", [1.0, 1.0]),
    ],
)
def test_indices_and_numbers_of_another_engine(text, wanted):
    assert numbers(evaluated(text, x=foreign([1.0, 5.0, 2.0]), y=foreign([2.0, 4.0]))).tolist() == wanted


def test_clipping_by_arrays_is_made_of_two_primitives(asked):
    evaluated("clip(x, y)", x=foreign([1.0]), y=foreign([2.0]))
    assert asked == ["maximum"]


def test_a_wrapper_that_is_made_within_has_the_operand_as_its_parent():
    x = foreign([1.0, 2.0])
    wrapped = REGISTRY["adjoint"](x)
    assert wrapped.shape == (1, 2) and read_field(wrapped, "parent") is x
    assert REGISTRY["adjoint"](wrapped) is x and REGISTRY["transpose"](wrapped) is x
    assert REGISTRY["parent"](wrapped) is x


def test_an_array_without_a_wrapper_has_no_fields():
    with pytest.raises(EngineError, match="no field 'parent'"):
        read_field(foreign([1.0]), "parent")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: REGISTRY["transpose"](x),
        lambda x: REGISTRY["reshape"](x, 3, 2),
        lambda x: REGISTRY["rot90"](x),
        lambda x: REGISTRY["flip"](x, 1),
        lambda x: REGISTRY["slice"](x, slice(None, None, -1)),
        lambda x: REGISTRY["reshape"](REGISTRY["permutedims"](x, (0, 1)), 6),
    ],
)
def test_the_parent_of_a_held_wrapper_is_seen_from_what_it_shows(wrap):
    wrapper = wrap(MATRIX.copy())
    held = WORDS.held(Held(wrapper.array * 10.0), wrapper)
    parent = read_field(held, "parent")
    while isinstance(wrapper.parent, Wrapper):
        wrapper, parent = wrapper.parent, read_field(parent, "parent")
    assert numbers(parent).tolist() == (10.0 * MATRIX).tolist()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: REGISTRY["slice"](x, (0,)),
        REGISTRY["diagonal"],
        lambda x: REGISTRY["broadcast_to"](x, 2, 2, 3),
    ],
)
def test_a_wrapper_that_shows_not_each_element_once_has_no_parent_there(wrap):
    wrapper = wrap(MATRIX.copy())
    with pytest.raises(LacksPrimitiveError, match=r"toy has no primitive 'parent of \w+\(\.\.\.\)'"):
        read_field(WORDS.held(Held(wrapper.array), wrapper), "parent")
