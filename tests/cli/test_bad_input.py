"""Bad input, end to end: each with its exit code, its message, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call

BOILERPLATE = """
[let]
x = [1.0, 2.0]
xt = "adjoint(x)"
n = 3.0
m = "A(x=x)"
f = "lambda v: sum(v)"
k = "arange(3)"
"""


def audit(loss: str, params: str = '["x"]', more: str = "", let: str = "") -> bytes:
    text = f"{BOILERPLATE}{let}\n[[audit]]\nid = \"a\"\nloss = '''{loss}'''\nparams = {params}\n{more}"
    return text.encode("utf-8", "surrogatepass")


# id: file's bytes, exit code, what the output must say
BAD: dict[str, tuple[bytes, int, list[str]]] = {
    "not TOML": (b"[let\nx = 1", 3, ["bad.toml", "line 1", "not TOML"]),
    "not UTF-8": (b'title = "\xff\xfe"', 3, ["bad.toml", "UTF-8"]),
    "unknown key": (audit("sum(x)", more="seeed = 1"), 3, ["audit[a].seeed", "did you mean 'seed'?"]),
    "key below the wrong header": (
        b'[let]\nx=[1.0]\n[[audit]]\nparams=["x"]\n[audit.expect.implicit]\nloss="sum(x)"\n',
        3,
        ["loss", "put it above that header"],
    ),
    "wrong type": (audit("sum(x)", params="3"), 3, ["audit[a].params", "list"]),
    "duplicate id": (
        audit("sum(x)", more='\n[[audit]]\nid="a"\nloss="sum(x)"\nparams=["x"]'),
        3,
        ["'a'", "id"],
    ),
    "unknown name": (
        audit("sum(xtt * x)"),
        3,
        ["audit[a].loss, column 5: unknown name 'xtt' (did you mean 'xt'?)", "sum(xtt * x)", "    ^^^"],
    ),
    "loss that is no scalar": (audit("x * x"), 3, ["audit[a].loss", "the loss has shape (2,)", "sum("]),
    "loss that is nan": (audit("sum(log(0 - x))"), 3, ["audit[a].loss", "the loss is nan"]),
    "loss that is infinite": (audit("sum(x) * 9**9**9"), 3, ["the loss is inf"]),
    "empty set": (audit("sum(x)", params="[]"), 3, ["audit[a].params", "empty"]),
    "param that is a number": (audit("sum(x)", params='["n"]'), 3, ["'n' is a number", "array(3.0)"]),
    "param that is a lambda": (audit("sum(x)", params='["f"]'), 3, ["'f' is a lambda"]),
    "param that holds integers": (audit("sum(x)", params='["k"]'), 3, ['array(k, dtype="float")']),
    "param of an unknown name": (
        audit("sum(x)", params='["y"]'),
        3,
        ["audit[a].params[1]", "unknown name 'y'"],
    ),
    "param of an unknown field": (audit("sum(x)", params='["m.y"]'), 3, ["m has no field 'y'", "x"]),
    "nested members in explicit mode": (
        audit("sum(m.x)", params='["m", "m.x"]'),
        3,
        ["'m.x' lies inside 'm'", "explicit", 'modes = ["implicit"]'],
    ),
    "owner that is no slot": (
        audit("sum(x)", more='contract = "owner:y"'),
        3,
        ["'y' is no slot of the set", "slots: x"],
    ),
    "dunder": (audit("x.__class__"), 3, ["audit[a].loss", "column", "__class__"]),
    "escape through a tuple": (audit("().__class__.__bases__"), 3, ["audit[a].loss", "column"]),
    "import": (audit("import os"), 3, ["audit[a].loss", "import"]),
    "import by a call": (audit('__import__("os")'), 3, ["audit[a].loss", "column"]),
    "a method": (audit("x.sum()"), 3, ["audit[a].loss", "sum(x)"]),
    "an attribute of arrays": (audit("sum(x.T)"), 3, ["transpose(x)"]),
    "view outside its memory": (
        audit("sum(x)", let='v = "view(x, 3, 1, 0)"'),
        3,
        ["let.v", "outside its argument's memory"],
    ),
    "view before its memory": (audit("sum(view(x, 2, 1, 0 - 1))"), 3, ["view", "outside"]),
    "huge literal": (audit("sum(x) * " + "9" * 5000), 3, ["audit[a].loss", "2**53"]),
    "huge array": (audit("sum(ones(10**9, 10**9))"), 3, ["ones", "2**27"]),
    "huge product": (audit("sum(outer(ones(99999), ones(99999)) * sum(x))"), 3, ["outer", "2**27"]),
    "100,000 minus signs": (audit("-" * 100_000 + "sum(x)"), 3, ["audit[a].loss", "10,000"]),
    "9,000 minus signs": (audit("-" * 9_000 + "sum(x)"), 3, ["audit[a].loss", "100"]),
    "10,000 parentheses": (audit("(" * 4_990 + "sum(x)" + ")" * 4_990), 3, ["audit[a].loss", "100"]),
    "a lone surrogate": (
        BOILERPLATE.encode() + b'[[audit]]\nloss = "sum(x) + \\ud800"\nparams = ["x"]\n',
        3,
        ["bad.toml", "not TOML"],
    ),
    "a surrogate in the bytes": (audit("sum(x) + \ud800"), 3, ["bad.toml", "UTF-8"]),
    "deep TOML arrays": (b"[let]\nx = " + b"[" * 5000 + b"]" * 5000, 3, ["bad.toml", "100"]),
    "deep TOML keys": (b"a." * 3000 + b"a = 1", 3, ["bad.toml", "100"]),
    "recursion in a lambda": (audit("g(x)", let='g = "lambda v: g(v)"'), 3, ["200"]),
    "mutual recursion": (audit("g(x)", let='g = "lambda v: h(v)"\nh = "lambda v: g(v)"'), 3, ["200"]),
    "a boolean": (audit("sum(x)", let="b = true"), 3, ["let.b"]),
    "a date": (audit("sum(x)", let="b = 2020-01-01"), 3, ["let.b"]),
    "a ragged list": (audit("sum(x)", let="b = [[1.0], [1.0, 2.0]]"), 3, ["let.b"]),
    "an integer over 2**53": (audit("sum(x)", let="b = 9007199254740993"), 3, ["let.b", "2**53"]),
    "an alias that strides cannot express": (
        audit("sum(x)", let='w = [[1.0, 2.0], [3.0, 4.0]]\nr = "reshape(transpose(w), 4)"'),
        3,
        ["let.r", "copy"],
    ),
    "unknown finding": (
        audit("sum(x)", more='[audit.expect.implicit]\nfindings = ["AC999:x"]'),
        3,
        ["AC999"],
    ),
    "matrix too large": (audit("sum(x)", more=f"[audit.matrix]\nn = {list(range(1001))}"), 3, ["1,000"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_case_file_says_where_and_what(
    name: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, code, fragments = BAD[name]
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_bytes(data)
    monkeypatch.setenv("COLUMNS", "160")
    outcome = call("run", "bad.toml")
    said = " ".join((outcome.out + outcome.err).split())
    assert outcome.code == code, said
    for fragment in fragments:
        assert " ".join(fragment.split()) in said
    assert "Traceback" not in said
    assert "internal error" not in said


def test_a_bad_file_does_not_keep_good_ones_from_running(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_bytes(b"[let")
    Path("good.toml").write_bytes(audit("sum(x)"))
    outcome = call("run", ".")
    assert outcome.code == 3
    assert "2 as expected" in outcome.out
    assert "bad.toml" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["missing.toml"], "missing.toml"),
        (["empty"], "no case files in empty"),
        (["good.toml", "-k", "nothing-like-it"], "matches 'nothing-like-it'"),
        (["good.toml", "--no-such-option"], "--no-such-option"),
        (["good.toml", "--mode", "sideways"], "sideways"),
    ],
)
def test_usage_errors(
    arguments: list[str], fragment: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("good.toml").write_bytes(audit("sum(x)"))
    outcome = call("run", *arguments)
    assert outcome.code == 2
    assert fragment in outcome.err
    assert not outcome.out


GOOD = audit(
    "sum(xt * x)",
    params='["x", "xt"]',
    more="""
[audit.expect.implicit]
gradients = { x = [1.0, 2.0], xt = [[1.0, 2.0]], "Main.x" = [1.0, 2.0], Main.xt = [[1.0, 2.0]] }
findings = []
[audit.expect.explicit]
gradients = { x = [1.0, 2.0], xt = [[1.0, 2.0]] }
findings = []
""",
)


def test_met_expectations_pass(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_bytes(GOOD)
    assert call("run", str(path)).code == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"x = [1.0, 2.0], xt", b"x = [1.0, 2.000001], xt", "gradients.x = [1.0, 2.000001], got [1.0, 2.0]"),
        (b"xt = [[1.0, 2.0]],", b"xt = [1.0, 2.0],", "gradients.xt"),
        (b"xt = [[1.0, 2.0]],", b'xt = "nothing",', "gradients.xt = nothing, got an array"),
        (b'"Main.x" = [1.0, 2.0]', b'"Main.x" = [0.0, 2.0]', "gradients.Main.x = [0.0, 2.0]"),
        (b'"Main.x" = [1.0, 2.0], ', b"", "gradients.Main.x"),
        (b"findings = []", b'findings = ["AC103:x"]', "findings = [AC103:x], got []"),
    ],
)
def test_a_changed_expectation_fails_and_is_named(
    old: bytes, new: bytes, said: str, call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "changed.toml"
    assert old in GOOD
    path.write_bytes(GOOD.replace(old, new, 1))
    outcome = call("run", str(path))
    assert outcome.code == 1
    assert said in " ".join(outcome.out.split())


def test_zero_where_nothing_is_expected_fails(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "nothing.toml"
    path.write_bytes(
        audit(
            "sum(x * 0)",
            more='modes = ["explicit"]\n[audit.expect.explicit]\ngradients = { x = "nothing" }',
        )
    )
    outcome = call("run", str(path))
    assert outcome.code == 1
    assert "gradients.x = nothing, got an array: [0.0, 0.0]" in " ".join(outcome.out.split())
