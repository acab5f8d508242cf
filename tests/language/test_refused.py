"""What is no expression: each with the word for it, what to write instead, and the column."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from aliascheck.errors import AliascheckError
from aliascheck.language import ExpressionError, parse

from .bindings import Raw, let

MALFORMED = [
    ("", 1, "empty"),
    ("  \n ", 1, "empty"),
    ("# only a comment", 1, "empty"),
    ("x +", 4, "ends too early"),
    ("x y", 1, "comma"),
    ("f(x y)", 3, "comma"),
    ("f(a=1, x)", 9, "positional arguments come first"),
    ("* x", 1, "no expression"),
    ("x 1", 1, "comma"),
    ("(x", 1, "'(' is never closed"),
    ("[x)", 3, "')' closes nothing"),
    ("x)", 2, "')' closes nothing"),
    ("1) + (2", 2, "')' closes nothing"),
    ("x = 1", 3, "assignments"),
    ("x += 1", 3, "assignments"),
    ("(x := 1)", 4, "':='"),
    ("x; y", 2, "statements"),
    ("import os", 1, "statements"),
    ("def f(): 1", 1, "statements"),
    ("return x", 1, "statements"),
    ("del x", 1, "statements"),
    ("1 if x else 2", 3, "use where(c, a, b)"),
    ("x and y", 3, "use logical_and(a, b)"),
    ("x or y", 3, "use logical_or(a, b)"),
    ("not x", 1, "use logical_not(a)"),
    ("x in y", 3, "'in'"),
    ("x not in y", 3, "logical_not"),
    ("x is y", 3, "compare numbers with =="),
    ("[i for i in x]", 4, "comprehensions"),
    ("sum(i for i in x)", 7, "comprehensions"),
    ("{i: 1 for i in x}", 7, "comprehensions"),
    ("await x", 1, "'await'"),
    ("(yield x)", 2, "'yield'"),
    ("x % 2", 3, "use mod(a, b)"),
    ("x // 2", 3, "use floor(a / b)"),
    ("x & y", 3, "use logical_and(a, b)"),
    ("x | y", 3, "use logical_or(a, b)"),
    ("x ^ 2", 3, "a ** b"),
    ("~x", 1, "use logical_not(a)"),
    ("x << 2", 3, "'<<'"),
    ("x >> 2", 3, "'>>'"),
    ("!x", 1, "logical_not"),
    ("x ? 1 : 2", 3, "'?' has no meaning"),
    ("$x", 1, "'$' has no meaning"),
    ("1 < x < 2", 1, "use logical_and(a < b, b < c)"),
    ("f'{x}'", 1, "f-strings"),
    ("rf'{x}'", 1, "f-strings"),
    ("F'{' + '}'", 1, "f-strings"),
    ("b'x'", 1, "bytes"),
    ("u'x'", 1, "prefix"),
    ("d['''x''']", 3, "three quotes"),
    ("'x'", 1, "a string stands only as a dict key or a keyword value"),
    ("sum('x')", 5, "a string stands only as"),
    ("f(x, 'ij')", 6, "a string stands only as"),
    ("d['x', 1]", 3, "a string stands only as"),
    ("'x", 1, "not closed"),
    ("d['x\n']", 3, "not closed"),
    ("d['\\n']", 3, "not closed"),
    ("x \\\n + 1", 3, "backslash"),
    ("1j", 1, "complex"),
    ("2.5J * x", 1, "complex"),
    ("0x10", 1, "decimal"),
    ("0b1", 1, "decimal"),
    ("1if", 1, "not a number"),
    ("1abc", 1, "not a number"),
    ("1.2.3", 1, "not a number"),
    ("007", 1, "starts with a zero"),
    ("x + 9007199254740993", 5, "over 2**53"),
    ("1" * 10_000, 1, "over 2**53"),
    ("{1, 2}", 1, "sets"),
    ("{1: 2}", 2, "strings in quotes"),
    ("{x: 2}", 2, "strings in quotes"),
    ("{'a': 1, 'a': 2}", 10, "appears twice"),
    ("{**d}", 4, "'**'"),
    ("f(*x)", 3, "'*' arguments"),
    ("[*x]", 2, "'*' arguments"),
    ("x[*y]", 3, "'*' arguments"),
    ("f(**x)", 3, "'**' arguments"),
    ("f(a=1, a=2)", 8, "appears twice"),
    ("x.__class__", 1, "underscore"),
    ("().__class__.__bases__", 1, "underscore"),
    ("_x", 1, "underscore"),
    ("f(_x=1)", 3, "underscore"),
    ("lambda _x: 1", 8, "underscore"),
    ("A(x=1)._y", 1, "underscore"),
    ("True", 1, "True stands only as a keyword value"),
    ("[None]", 2, "None stands only as"),
    ("x[True]", 3, "True stands only as"),
    ("f(...)", 3, "'...' stands only in an index"),
    ("lambda *a: 1", 9, "plain names"),
    ("lambda **a: 1", 10, "plain names"),
    ("lambda a, /: 1", 8, "plain names"),
    ("lambda *, a: 1", 11, "plain names"),
    ("lambda a=1: a", 10, "no defaults"),
    ("lambda a, a: a", 11, "appears twice"),
    ("é", 1, "ASCII"),
    ("x + ﬁ", 5, "ASCII"),
    ("x\u00a0+ 1", 2, "ASCII"),
    ("x\x00", 2, "U+0000"),
    ("d['\ud800']", 4, "U+D800"),
    ("d['\x1b[2J']", 4, "U+001B"),
    ("d['\u2028']", 4, "U+2028"),
    ("{'é': y y}", 7, "comma"),
]

UNLINKED = [
    ("sum(wieght * x)", 5, "unknown name 'wieght' (did you mean 'weight'?)"),
    ("smu(x)", 1, "unknown name 'smu' (did you mean 'sum'?)"),
    ("(lambda weight2: weigth2)(1)", 18, "did you mean 'weight2'?"),
    ("np.sum(x)", 1, "without a prefix"),
    ("pow(x, 2)", 1, "use a ** b"),
    ("A", 1, "unknown name 'A'"),
    ("zeros", 1, "stands only where it is called"),
    ("Dense", 1, "stands only where it is called"),
    ("true", 1, "stands only as a keyword value"),
    ("pi(1)", 1, "pi cannot be called"),
    ("A(x)", 3, "the struct A takes its fields by name"),
    ("Dens(x)", 6, "did you mean 'Dense'?"),
    ("A()", 1, "the struct A has no fields"),
    ("mutable(x, x)", 1, "mutable takes one struct"),
    ("mutable(x)", 1, "mutable takes a struct"),
    ("mutable(A())", 9, "the struct A has no fields"),
    ("Dense()", 1, "Dense needs its field 'weight'"),
    ("Dense(x, wieght=x)", 1, "did you mean 'weight'?"),
    ("sum(x, axs=0)", 8, "sum has no argument 'axs' (did you mean 'axis'?)"),
    ("sum(x, 1, 2, 3)", 1, "too many positional arguments (it is sum(x, axis="),
    ("sum()", 1, "missing a required argument: 'x'"),
    ("zeros(2, sed=1)", 10, "zeros has no argument 'sed'"),
    ("f(a=1)", 3, "called without keywords"),
    ("x(1)", 1, "an array cannot be called"),
    ("n(1)", 1, "a number cannot be called"),
    ("x.T", 1, "use transpose(x)"),
    ("sum(x.T)", 5, "use transpose(x)"),
    ("x.sum()", 1, "write sum(x)"),
    ("x.shape", 1, "no field 'shape'"),
    ("A(xs=x).x", 1, "A has no field 'x' (did you mean 'xs'?)"),
    ("adjoint(x).parnt", 1, "did you mean 'parent'?"),
    ("n.real", 1, "a number has no field 'real'"),
    ("(1, 2)[2]", 1, "index 2 is outside a tuple of length 2"),
    ("[1, 2][0.5]", 8, "whole number, not 0.5"),
    ("[1, 2][x]", 1, "a whole number or a slice"),
    ("{'k': x}['kk']", 1, "did you mean 'k'?"),
    ("{'k': x}[0]", 1, "by a key in quotes"),
    ("x['k']", 1, "only a dict is indexed by a key in quotes"),
    ("x[5]", 1, "out of bounds"),
    ("x[0, 0]", 1, "too many indices"),
    ("x[1.5]", 3, "whole number, not 1.5"),
    ("x[n / 4]", 3, "whole number, not 0.5"),
    ("x[x[0]:[1]]", 3, "a slice is made of whole numbers"),
    ("x[::0]", 1, "step"),
    ("x[A(x=x)]", 3, "an index must be a whole number"),
    ("A(x=x)[0]", 1, "cannot be indexed"),
    ("W @ ones(2)", 1, "shapes (2, 3) and (2,) do not fit '@'"),
    ("W @ W", 1, "shapes (2, 3) and (2, 3) do not fit '@'"),
    ("1 + (x * ones(2))", 6, "shapes (3,) and (2,) do not fit '*'"),
    ("x < ones(2)", 1, "do not fit '<'"),
    ("Dense(W)(ones(2))", 1, "the shapes do not fit"),
    ("(x, x) + 1", 1, "not a tuple"),
    ("tanh + 1", 1, "not a function"),
    ("reshape(W, 4)", 1, "no reshape"),
    ("reshape(transpose(W), 6)", 1, "copy"),
    ("(lambda a: a)(1, 2)", 1, "the lambda takes 1 argument (a), and got 2"),
    ("(lambda: 1)(1)", 1, "the lambda takes 0 arguments, and got 1"),
    ("zeros()", 1, "zeros needs a shape"),
    ("zeros(-1)", 1, "negative"),
    ("zeros(1.5)", 1, "whole number, not 1.5"),
    ("zeros(nan)", 1, "whole number"),
    ("zeros(1e300)", 1, "over 2**53"),
    ("zeros((1, (2, 3)))", 1, "whole number"),
    ("full(3)", 1, "a shape and a value"),
    ("full(3, x)", 1, "the value must be a number"),
    ("arange(0, 1, 0.1)", 1, "use linspace"),
    ("arange(0, 5, 0)", 1, "the step is 0"),
    ("linspace(0, 1, -1)", 1, "negative"),
    ("uniform(2, seed=-1)", 1, "the seed is negative"),
    ("uniform(2, seed=0.5)", 1, "the seed must be a whole number"),
    ("uniform(2, low='a')", 1, "low must be a number"),
    ("array([[1, 2], [3]])", 1, "ragged"),
    ("array([1, [2]])", 1, "ragged"),
    ("array([x, x])", 1, "use stack([x, y])"),
    ("array(A(x=x))", 1, "array takes numbers"),
    ("array(0.5, dtype='int')", 1, "0.5 is not whole"),
    ("array([nan], dtype='int')", 1, "nan is not whole"),
    ("array(1, dtype='bool')", 1, 'dtype is "float" or "int"'),
]


@pytest.mark.parametrize(
    ("text", "column", "fragment"), MALFORMED, ids=[ascii(case[0][:30]) for case in MALFORMED]
)
def test_malformed(text: str, column: int, fragment: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    check_error(caught.value, column, fragment)


@pytest.mark.parametrize(("text", "column", "fragment"), UNLINKED, ids=[case[0] for case in UNLINKED])
def test_fails_when_evaluated(text: str, column: int, fragment: str) -> None:
    env = let(x="array([1, 2, 3])", W="ones(2, 3)", n=2.0, weight="ones(3)", f="lambda a: a")
    expression = parse(text)
    with pytest.raises(ExpressionError) as caught:
        expression.evaluate(env)
    check_error(caught.value, column, fragment)


def check_error(error: ExpressionError, column: int, fragment: str) -> None:
    text = error.message if error.hint is None else f"{error.message} ({error.hint})"
    assert fragment in text
    assert error.column == column
    assert f"column {column}" in str(error.where)
    assert "object at 0x" not in str(error) and "<class" not in str(error) and "gufunc" not in str(error)
    assert error.snippet is not None
    shown, carets = error.snippet.split("\n")
    assert carets.strip("^ ") == "" and "^" in carets
    assert len(shown) <= 80
    str(error).encode("ascii", "backslashreplace").decode()


def test_the_caret_marks_the_span() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("1 + sum(qqqqqq)").evaluate(Raw())
    assert str(caught.value).splitlines() == [
        "column 9: unknown name 'qqqqqq'",
        "  1 + sum(qqqqqq)",
        "          ^^^^^^",
    ]


def test_columns_count_characters() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("{'äöü€😀': nope}").evaluate(Raw())
    assert caught.value.column == 11
    assert str(caught.value).splitlines()[1:] == ["  {'äöü€😀': nope}", "            ^^^^"]


def test_texts_of_several_lines_name_the_line() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("\n  1 +\r\n  nope").evaluate(Raw())
    assert str(caught.value).splitlines() == [
        "line 3, column 3: unknown name 'nope'",
        "    nope",
        "    ^^^^",
    ]
    assert (caught.value.line, caught.value.column) == (3, 3)


def test_a_span_over_several_lines_is_cut_at_the_first() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("1 + sum(ones(2),\n axis=7)").evaluate(Raw())
    assert caught.value.snippet == "1 + sum(ones(2),\n    ^^^^^^^^^^^^"


def test_long_lines_are_shown_around_the_caret() -> None:
    text = "sum(ones(2)) + " * 20 + "nope" + " + sum(ones(2))" * 20
    with pytest.raises(ExpressionError) as caught:
        parse(text).evaluate(Raw())
    shown, carets = str(caught.value.snippet).split("\n")
    assert len(shown) <= 80
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "nope"
    assert caught.value.column == 301


def test_tabs_keep_the_caret_below_its_word() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("1 +\t\tnope").evaluate(Raw())
    assert caught.value.snippet == "1 +  nope\n     ^^^^"


def test_the_error_is_the_innermost_part() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("sum(1 + x[2] * tanh(x @ W))").evaluate(Raw(x=np.ones(3), W=np.ones((2, 3))))
    assert caught.value.column == 21


def test_an_error_names_its_place_when_told() -> None:
    with pytest.raises(AliascheckError, match=r"^a\.toml: let\.x, column 1: unknown name"):
        try:
            parse("nope").evaluate(Raw())
        except ExpressionError as error:
            raise error.at("a.toml: let.x") from None


def test_errors_travel_between_processes() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("1 + nope").evaluate(Raw())
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.column == 5


def test_check_looks_into_lambdas() -> None:
    expression = parse("lambda a: lambda b: sum(a * wieght, axs=0)")
    with pytest.raises(ExpressionError, match="axs"):
        expression.check(["weight", "wieght"])
    with pytest.raises(ExpressionError, match="wieght"):
        parse("lambda a: lambda b: a * wieght").check(["weight"])
    parse("lambda a: f(a)").check(["f"])
