"""Every limit is met with an error that names it, before anything is allocated or the stack is used up."""

from __future__ import annotations

import gc
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aliascheck.engine import metered
from aliascheck.errors import EngineError
from aliascheck.language import ExpressionError, Limits, Meter, parse

from .bindings import Raw, evaluate, let

HOSTILE = {
    "100,000 signs": ("-" * 100_000 + "1", "at most 10,000"),
    "9,999 signs": ("-" * 9_999 + "1", "deeper than 100"),
    "101 signs": ("-" * 101 + "1", "deeper than 100"),
    "10,000 parentheses": ("(" * 10_000 + ")" * 10_000, "at most 10,000"),
    "5,000 parentheses": ("(" * 5_000 + ")" * 5_000, "deeper than 100"),
    "5,000 lists": ("[" * 5_000 + "]" * 5_000, "deeper than 100"),
    "open parentheses": ("(" * 101, "deeper than 100"),
    "open calls": ("f(" * 3_000, "deeper than 100"),
    "nested lambdas": ("lambda: " * 1_249 + "1", "deeper than 100"),
    "101 lambdas": ("lambda: " * 101 + "1", "deeper than 100"),
    "powers": ("2**" * 3_000 + "2", "deeper than 100"),
    "named powers": ("e**" * 3_000 + "e", "deeper than 100"),
    "long sum": ("x+" * 4_900 + "x", "deeper than 100"),
    "long chain of fields": ("x" + ".x" * 4_900, "deeper than 100"),
    "long chain of calls": ("f" + "()" * 4_900, "deeper than 100"),
    "long chain of indices": ("x" + "[0]" * 3_300, "deeper than 100"),
    "long comparison": ("x<" * 4_900 + "x", "chained"),
    "many nodes": ("[" + "1," * 4_990 + "]", None),
    "too many nodes": ("[" + "0," * 4_998 + "-1]", "5,000 nodes"),
    "many digits": ("9" * 10_000, "2**53"),
    "many decimals": ("0." + "9" * 9_998, None),
    "large exponent": ("1e" + "9" * 9_998, None),
    "unclosed string": ("'" + "x" * 9_999, "not closed"),
    "one comment": ("#" * 10_000, "empty"),
    "mixed brackets": ("([{" * 33 + "x", "never closed"),
    "nested dicts": ("{'a':" * 99 + "x x" + "}" * 99, "comma"),
    "nested keywords": ("f(a=" * 99 + "x x" + ")" * 99, "comma"),
    "nested lambdas in lists": ("lambda:[" * 99 + "x x" + "]" * 99, "comma"),
    "surrogates": ("\ud800" * 10_000, "U+D800"),
    "NULs": ("\0" * 10_000, "U+0000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text(name: str) -> None:
    text, fragment = HOSTILE[name]
    start = time.perf_counter()
    if fragment is None:
        parse(text).evaluate(Raw())
    else:
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert fragment in str(caught.value)
        assert len(str(caught.value)) < 400
    assert time.perf_counter() - start < 2.0


def test_what_is_just_allowed() -> None:
    assert parse("-" * 99 + "1").evaluate(Raw()) == -1.0
    with pytest.raises(ExpressionError, match="deeper than 100"):
        parse("-" * 100 + "1")
    assert parse("(" * 100 + "1" + ")" * 100).evaluate(Raw()) == 1.0
    assert parse("+".join("1" * 100)).evaluate(Raw()) == 100.0
    assert parse("1" + " " * 9_999).evaluate(Raw()) == 1.0
    with pytest.raises(ExpressionError, match="10,001 characters"):
        parse("1" + " " * 10_000)


def test_many_warnings_stay_inside() -> None:
    with pytest.raises(ExpressionError):
        parse("1if 1else 2")


CHARACTERS = "()[]{},:.=+-*/@<>!'\"#\\ \n\t_%&|~;xyé\0\ud800"
WORDS = """f( A(x= 1 2.5 e ** None True if for import ... zeros( array([ ]]) x[ sum 0x1 1j f'"""
ALPHABET = st.sampled_from([*CHARACTERS, *WORDS.split(" "), "lambda a: ", "9" * 30])


@given(st.text() | st.lists(ALPHABET, max_size=30).map("".join))
@example("lambda a: a(a)")
@example("1j")
@example("x[()]")
@example("x[None:None]")
@example("zeros(e)")
def test_nothing_but_expression_errors(text: str) -> None:
    try:
        parse(text).evaluate(Raw(x=np.ones((2, 3)), y=2.0))
    except ExpressionError as error:
        assert "Traceback" not in str(error)


@given(
    st.recursive(
        st.sampled_from(["x", "y", "1", "t", "d", "s", "f", "sum", "v"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "@", "**", "<", "=="]), inner).map(
                lambda p: f"({p[0]}{p[1]}{p[2]})"
            ),
            st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
            st.tuples(inner, inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}:]"),
            st.tuples(
                st.sampled_from(
                    ["zeros", "full", "array", "arange", "uniform", "sum", "stack", "Dense", "mutable"]
                ),
                st.lists(inner, max_size=3),
            ).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
            inner.map(lambda p: f"{p}.x"),
            inner.map(lambda p: f"(lambda v: {p})"),
            inner.map(lambda p: f"A(x={p})"),
            st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        ),
        max_leaves=10,
    )
)
def test_well_formed_nonsense_gives_expression_errors(text: str) -> None:
    env = let(
        x="ones(2, 3)",
        y=2.0,
        t="(1, zeros(2))",
        d="{'k': ones(2)}",
        s="A(x=ones(2))",
        f="lambda a: a",
        v="ones(2)",
    )
    try:
        parse(text).evaluate(env)
    except ExpressionError as error:
        shown = str(error)
        assert "object at 0x" not in shown
        assert "<class" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "zeros(2**27 + 1)",
        "ones(2**14, 2**14)",
        "full(2**20, 2**20, 1)",
        "eye(2**15)",
        "arange(2**28)",
        "arange(-2**52, 2**52)",
        "linspace(0, 1, 2**40)",
        "uniform(2**28)",
        "normal(2**28)",
        "zeros(2**50, 2**50, 2**50)",
        "zeros(0, 2**50, 2**53)",
    ],
)
def test_large_arrays_are_refused_before_they_are_made(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionError, match=r"an array may have 2\*\*27 \(134,217,728\)"):
            parse(text).evaluate(Raw())
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_lists_of_shared_lists_are_counted_before_they_are_walked() -> None:
    env = let(a="[" + "1," * 1000 + "]")
    env.values["b"] = parse("[" + "a," * 1000 + "]").evaluate(env)
    env.values["c"] = parse("[" + "b," * 1000 + "]").evaluate(env)
    with pytest.raises(ExpressionError, match="1000000000 elements"):
        parse("array(c)").evaluate(env)


def test_many_dimensions_are_refused() -> None:
    with pytest.raises(ExpressionError, match="33 dimensions"):
        evaluate(f"zeros({'1, ' * 33})")
    with pytest.raises(ExpressionError, match="more than 32 dimensions"):
        evaluate("array(" + "[" * 33 + "1" + "]" * 33 + ")")


class TestMeter:
    def test_counts_elements_over_an_audit(self) -> None:
        meter = Meter(Limits(elements=100))
        with metered(meter):
            parse("zeros(60)").evaluate(Raw())
        assert meter.elements == 60
        again = meter.fresh()
        with (
            metered(again),
            pytest.raises(ExpressionError, match="120 elements in all, and an audit may hold 100"),
        ):
            parse("zeros(60)").evaluate(Raw())
        assert meter.elements == 60

    def test_counts_calls_of_one_evaluation(self) -> None:
        meter = Meter(Limits(calls=3))
        with metered(meter), pytest.raises(ExpressionError, match="more than 3 primitive calls"):
            parse("1 + 1 + 1 + 1 + 1").evaluate(Raw())
        with metered(meter.fresh()):
            assert parse("1 + 1 + 1 + 1").evaluate(Raw()) == 4.0

    def test_an_array_over_the_limit(self) -> None:
        with pytest.raises(EngineError, match=r"zeros: 11 elements, and an array may have 10"):
            Meter(Limits(array_elements=10)).charge("zeros", 11)

    def test_broadcasting_is_counted_before_it_happens(self) -> None:
        env = let(a="ones(20000, 1)", b="ones(1, 20000)")
        with metered(Meter()), pytest.raises(ExpressionError, match="400000000 elements"):
            parse("a * b").evaluate(env)


RECURSIVE = {
    "plain": "lambda x: f(x)",
    "in tuples": "lambda x: " + "(" * 90 + "f(x)," + ")," * 89 + ")",
    "in signs": "lambda x: " + "-" * 90 + "f(x)",
    "in primitives": "lambda x: " + "tanh(" * 90 + "f(x)" + ")" * 90,
    "through a layer": "lambda x: Chain(f, f)(x)",
    "through layers": "lambda x: " + "Chain(" * 45 + "f" + ")" * 45 + "(x)",
    "through a struct": "lambda x: A(g=f).g(x)",
    "through an inner lambda": "lambda x: (lambda y: f(y))(x)",
}


@pytest.mark.parametrize("name", RECURSIVE)
def test_endless_recursion(name: str) -> None:
    before = sys.getrecursionlimit()
    with pytest.raises(ExpressionError, match="calls are nested deeper than 200") as caught:
        evaluate("1 + f(1)", f=RECURSIVE[name])
    assert caught.value.column == 5
    assert len(str(caught.value)) < 500
    assert sys.getrecursionlimit() == before
    gc.collect()


def test_endless_recursion_between_two() -> None:
    with pytest.raises(ExpressionError, match="nested deeper than 200") as caught:
        evaluate("f(1)", f="lambda x: g(x)", g="lambda x: f(x)")
    assert len(str(caught.value)) < 500


def test_endless_recursion_in_a_thread() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            evaluate("f(1)", f=RECURSIVE["through layers"])
        except ExpressionError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "nested deeper than 200" in str(caught[0])


def test_200_calls_are_allowed() -> None:
    env = let(f0="lambda x: x + 1")
    for number in range(1, 201):
        env.values[f"f{number}"] = parse(f"lambda x: (f{number - 1}(x) + 1) * 1").evaluate(env)
    assert parse("f199(0)").evaluate(env) == 200.0
    with pytest.raises(ExpressionError, match="nested deeper than 200"):
        parse("f200(0)").evaluate(env)
