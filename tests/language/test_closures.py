"""Lambdas: what they capture, when they read bindings, and which are identical."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.engine import Params, Tracer, call, primal
from aliascheck.errors import EngineError
from aliascheck.language import Closure, ExpressionError, parse
from aliascheck.memory import format_path, identity, is_plain, walk

from .bindings import Raw, Traced, evaluate, let

X = np.array([1.0, 2.0, 3.0])


def fields(text: str, **texts: object) -> tuple[str, ...]:
    return evaluate(text, **texts).field_names


def test_captures_are_the_variables_of_enclosing_lambdas_that_are_used() -> None:
    assert fields("lambda v: sum(c * v)", c="1") == ()
    assert fields("(lambda c, d: lambda v: sum(c * v))(1, 2)") == ("c",)
    assert fields("(lambda c: lambda c: c)(1)") == ()
    assert fields("(lambda a: lambda b: lambda c: a)(1)") == ("a",)
    assert fields("(lambda a: lambda b: lambda c: a + b)(1)(2)") == ("a", "b")
    assert fields("(lambda a: lambda b: lambda c: b)(1)") == ()
    assert fields("(lambda a: (lambda b: lambda c: b))(1)(2)") == ("b",)


def test_captures_are_values_and_bindings_are_names() -> None:
    env = let(c="array([1, 2, 3])", holding="lambda c: lambda v: sum(c * v)", reading="lambda v: sum(c * v)")
    env.values["closure"] = parse("holding(c)").evaluate(env)
    env.values["c"] = np.zeros(3)
    assert parse("closure(ones(3))").evaluate(env) == 6.0
    assert parse("reading(ones(3))").evaluate(env) == 0.0


def test_a_capture_is_the_object_itself_and_a_place() -> None:
    closure = parse("(lambda c: lambda v: c)(x)").evaluate(Raw(x=X))
    assert closure.get_field("c") is X
    assert [format_path(path) for path, _ in walk(closure, ("f",))] == ["f.c"]


def test_replacing_a_capture() -> None:
    closure = parse("(lambda c: lambda v: c * v)(x)").evaluate(Raw(x=X))
    other = closure.replace_field("c", 2.0)
    assert parse("f(3)").evaluate(Raw(f=other)) == 6.0
    assert other.type_tag == closure.type_tag
    with pytest.raises(KeyError):
        closure.replace_field("d", 1.0)


def test_identity() -> None:
    env = let(make="lambda c: lambda v: c", same="lambda c: lambda v: c", x="ones(2)", y="ones(2)")
    first, again = parse("make(x)").evaluate(env), parse("make(x)").evaluate(env)
    assert identity(first) == identity(again)
    assert identity(first) != identity(parse("make(y)").evaluate(env))
    assert identity(first) != identity(parse("same(x)").evaluate(env))
    plain = parse("lambda v: v").evaluate(env)
    assert is_plain(plain) and not is_plain(first)
    assert len(Params([first, again, plain])) == 2


def test_a_lambda_reads_names_that_were_bound_after_it() -> None:
    assert evaluate("f(1)", f="lambda a: later(a)", later="lambda a: a + 1") == 2.0


def test_a_lambda_shadows_by_what_is_bound_when_it_is_called() -> None:
    env = let(f="lambda a: e * a")
    assert parse("f(1)").evaluate(env) == np.e
    env.values["e"] = 10.0
    assert parse("f(1)").evaluate(env) == 10.0


def test_recursion_to_a_depth() -> None:
    env = let(layers="(lambda x: x + 1, lambda x: x * 2)", both="lambda x: layers[1](layers[0](x))")
    assert parse("both(both(1))").evaluate(env) == 10.0


def test_fields_of_a_closure_can_be_read() -> None:
    closure = parse("(lambda c: lambda v: c)(x)").evaluate(Raw(x=X))
    assert parse("f.c").evaluate(Raw(f=closure)) is X
    with pytest.raises(ExpressionError, match="no field 'd'"):
        parse("f.d").evaluate(Raw(f=closure))


def test_a_closure_says_what_it_is() -> None:
    assert repr(evaluate("lambda a, b: a")) == "lambda a, b: ..."
    assert repr(evaluate("lambda: 1")) == "lambda: ..."


def test_an_error_inside_a_lambda_of_another_text_shows_both() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("1 + f(2)", f="lambda a: sum(wieght * a)", weight="ones(2)")
    assert str(caught.value).splitlines() == [
        "column 5: in the lambda called here: unknown name 'wieght' (did you mean 'weight'?)",
        "  1 + f(2)",
        "      ^^^^",
        "  lambda a: sum(wieght * a)",
        "                ^^^^^^",
    ]


def test_an_error_inside_a_lambda_of_the_same_text_is_shown_there() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("(lambda a: a[5])(ones(2))")
    assert caught.value.column == 12


def test_a_lambda_needs_an_evaluation() -> None:
    with pytest.raises(EngineError, match="only while an expression is evaluated"):
        call(evaluate("lambda a: a"), 1.0)


class TestTraced:
    def test_every_reading_of_a_binding_is_traced(self) -> None:
        env = Traced(x=X)
        out = parse("sum(x * x)").evaluate(env)
        assert isinstance(out, Tracer)
        assert primal(out) == 14.0
        assert list(env.tape.accesses) == [("x",)]

    def test_a_field_is_an_access(self) -> None:
        env = Traced(a=evaluate("A(x=ones(2), y=(1, ones(2)))"))
        parse("sum(a.x) + sum(a.y[1])").evaluate(env)
        assert [format_path(path) for path in env.tape.accesses] == ["a.x", "a.y[1]"]

    def test_a_capture_is_an_access(self) -> None:
        env = Traced(f=parse("(lambda c: lambda v: sum(c * v))(x)").evaluate(Raw(x=X)), x=X)
        parse("f(x)").evaluate(env)
        assert [format_path(path) for path in env.tape.accesses] == ["f.c", "x"]

    def test_a_binding_read_in_a_lambda_is_an_access_of_the_name(self) -> None:
        env = Traced(f=evaluate("lambda v: sum(x * v)"), x=X)
        parse("f(2)").evaluate(env)
        assert [format_path(path) for path in env.tape.accesses] == ["x"]

    def test_a_closure_that_captures_a_traced_value_is_traced(self) -> None:
        env = Traced(x=X)
        closure = parse("(lambda c: lambda v: sum(c * v))(x)").evaluate(env)
        assert isinstance(closure, Tracer)
        assert isinstance(primal(closure), Closure)
        assert primal(closure).get_field("c") is X
        assert primal(parse("(lambda c: lambda v: sum(c * v))(x)(2)").evaluate(env)) == 12.0

    def test_traced_numbers_are_plain_in_shapes_and_indices(self) -> None:
        env = Traced(n=2.0, x=X)
        assert parse("zeros(n)").evaluate(env).shape == (2,)
        assert primal(parse("x[n]").evaluate(env)) == 3.0
        assert primal(parse("x[:n]").evaluate(env)).array.shape == (2,)
        assert primal(parse("reshape(x, 3, n - 1)").evaluate(env)).array.shape == (3, 1)
        assert primal(parse("full(n, n)").evaluate(env)).tolist() == [2.0, 2.0]
        assert parse("array([1, 2])[n - 1]").evaluate(env) == 2.0

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("array([[x[0], 2], [n, x[2]]])", [[1.0, 2.0], [2.0, 3.0]]),
            ("array(x)", [1.0, 2.0, 3.0]),
            ("full(2, x[1])", [2.0, 2.0]),
            ("linspace(x[0], x[2], 3)", [1.0, 2.0, 3.0]),
        ],
    )
    def test_memory_made_of_traced_numbers_is_traced(self, text: str, expected: object) -> None:
        out = parse(text).evaluate(Traced(x=X, n=2.0))
        assert isinstance(out, Tracer)
        assert primal(out).tolist() == expected

    def test_random_memory_with_traced_bounds_is_that_of_plain_ones(self) -> None:
        for text in ("uniform(3, low=x[0], high=x[2])", "normal(3, loc=x[0], scale=x[2])"):
            out = parse(text).evaluate(Traced(x=X))
            assert isinstance(out, Tracer)
            np.testing.assert_allclose(primal(out), parse(text).evaluate(Raw(x=X)), rtol=1e-15)

    def test_a_ragged_traced_list_is_refused(self) -> None:
        with pytest.raises(ExpressionError, match="ragged"):
            parse("array([[x[0]], [1, 2]])").evaluate(Traced(x=X))

    def test_an_error_among_traced_values_reads_the_same(self) -> None:
        with pytest.raises(ExpressionError, match=r"shapes \(3,\) and \(2,\) do not fit '\+'"):
            parse("x + ones(2)").evaluate(Traced(x=X))
