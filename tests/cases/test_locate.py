"""Lines of keys, and the nesting limit, against the parser of the standard library."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliascheck.cases.locate import MAX_NESTING, KeyPath, NestingError, locate

TEXT = '''\
# [[audit]] in a comment
title = """
[[audit]]
loss = 'not here' \\""" """
other = \'\'\'
[let]\'\'\'
[let] # trailing
x = [ # [
  [1.0, 2.0],
  # [[audit]]
  [3.0, "]"],
]
"a.b".c = { d.e = "}", f = [1] }

[[audit]]
id = "one"
[audit.expect.implicit]
"quoted\\u0021" = 1
[[audit]]

  [ audit . expect . explicit ]
findings = [
  "AC101:x",
]
'''

LINES: dict[KeyPath, int] = {
    ("title",): 2,
    ("other",): 5,
    ("let",): 7,
    ("let", "x"): 8,
    ("let", "x", 0): 9,
    ("let", "x", 1): 11,
    ("let", "a.b"): 13,
    ("let", "a.b", "c"): 13,
    ("let", "a.b", "c", "d"): 13,
    ("audit",): 15,
    ("audit", 0): 15,
    ("audit", 0, "id"): 16,
    ("audit", 0, "loss"): 15,
    ("audit", 0, "expect", "implicit"): 17,
    ("audit", 0, "expect", "implicit", "quoted!"): 18,
    ("audit", 1): 19,
    ("audit", 1, "expect", "explicit"): 21,
    ("audit", 1, "expect", "explicit", "findings"): 22,
    ("missing",): 1,
    (): 1,
}


@pytest.mark.parametrize(("path", "line"), LINES.items())
def test_line(path: KeyPath, line: int) -> None:
    tomllib.loads(TEXT)
    assert locate(TEXT).line_of(path) == line


def test_headers() -> None:
    assert locate(TEXT).headers == {
        ("let",),
        ("audit", 0),
        ("audit", 0, "expect", "implicit"),
        ("audit", 1),
        ("audit", 1, "expect", "explicit"),
    }


def test_windows_line_ends() -> None:
    lines = locate(TEXT.replace("\n", "\r\n"))
    assert all(lines.line_of(path) == line for path, line in LINES.items())


def test_inline_audits() -> None:
    lines = locate("audit = [\n  {id = 'a'},\n  {id = 'b'},\n]")
    assert [lines.line_of(("audit", index, "id")) for index in range(2)] == [2, 3]


@pytest.mark.parametrize("end", ['""""', '"""""', '\\""""', '\\\\"""'])
def test_ends_of_long_strings(end: str) -> None:
    text = f'a = """text{end}\nb = [1]\n'
    assert tomllib.loads(text)["b"] == [1]
    assert locate(text).line_of(("b",)) == 2


NESTED = {
    "brackets": lambda n: "x = " + "[" * n + "]" * n,
    "braces": lambda n: "x = " + "{a = " * n + "1" + "}" * n,
    "dots": lambda n: ".".join(["a"] * (n + 1)) + " = 1.5",
    "quoted dots": lambda n: " . ".join(['"a.b"'] * (n + 1)) + " = 1.5",
    "header": lambda n: "[" + ".".join(["a"] * n) + "]\nb = 1",
    "inline dots": lambda n: "x = {" + ".".join(["'a'"] * n) + " = 1.5}",
    "inline dots later": lambda n: "x = {b = 1.5, c.d = 2, " + ".".join(["a"] * n) + " = 1}",
    "all": lambda n: (
        f"[{'.'.join(['a'] * (n - 30))}]\nb.b = {{{'.'.join(['c'] * 9)} = {'[' * 20}{']' * 20}}}"
    ),
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED.keys())
def test_nesting_limit(text: Any) -> None:
    data = tomllib.loads(text(MAX_NESTING))
    assert depth(data) == MAX_NESTING + 1
    locate(text(MAX_NESTING))
    with pytest.raises(NestingError):
        locate(text(MAX_NESTING + 1))


def depth(data: Any) -> int:
    if isinstance(data, dict | list):
        parts = data.values() if isinstance(data, dict) else data
        return 1 + max(map(depth, parts), default=0)
    return 0


WORDS = [
    "[",
    "[[",
    "]",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    " ",
    "#",
    "a",
    "b",
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "1.5",
]


@given(st.lists(st.sampled_from(WORDS)).map("".join))
def test_scan_stops_at_what_is_not_toml(text: str) -> None:
    lines = locate(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert all((key,) in lines.keys for key in data)
    assert depth(data) <= MAX_NESTING + 1
