"""Bad files: each gives one error that says where, what, and where it helps what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aliascheck.cases import BadCase, load_cases, read_case
from aliascheck.errors import CaseError, UsageError

GOOD = '[[audit]]\nloss = "sum(x)"\nparams = ["x"]\n'
MODEL = '[let]\nx = [1.0]\ny = "adjoint(x)"\n'


def audit(*lines: str) -> str:
    return MODEL + GOOD + "\n".join(lines) + "\n"


BAD = {
    "empty file": ("", ["no audits", "[[audit]]"]),
    "only a comment": ("# nothing\n", ["no audits"]),
    "empty audit list": ("audit = []\n", ["audit", "no audits"]),
    "not toml": ("x = [1\n\ny = 2", ["line 3, column 1", "not TOML", "unclosed array"]),
    "not toml at the end": ('x = "', ["not TOML"]),
    "key twice": ('title = "a"\ntitle = "b"\n', ["not TOML", "overwrite"]),
    "lone surrogate": ('title = "\\ud800"\n', ["not TOML", "line 1"]),
    "deep brackets": ("x = " + "[" * 101, ["nested deeper than 100 levels"]),
    "very deep brackets": ("x = " + "[" * 100_000, ["nested deeper than 100 levels"]),
    "deep braces": ("x = " + "{a = " * 101, ["nested deeper than 100 levels"]),
    "deep dots": (".".join("a" * 102) + " = 1", ["nested deeper than 100 levels"]),
    "many dots": (".".join("a" * 500_000) + " = 1", ["nested deeper than 100 levels"]),
    "deep header": ("[" + ".".join("a" * 102) + "]", ["nested deeper than 100 levels"]),
    "deep inline dots": ("x = {" + ".".join("a" * 102) + " = 1}", ["nested deeper than 100 levels"]),
    "deep in parts": (
        "[" + ".".join("a" * 60) + "]\nx = {" + ".".join("b" * 30) + " = " + "[" * 20,
        ["nested deeper than 100 levels"],
    ),
    "a long integer": ("x = " + "9" * 5_000, ["line 1", "integer over 2**53"]),
    "a long hexadecimal": ("[let]\nx = 0x" + "f" * 5_000 + "\n" + GOOD, ["let.x", "integer over 2**53"]),
    "unknown key": ('titel = "a"\n' + GOOD, ["titel: unknown key 'titel'", "did you mean 'title'?"]),
    "unknown key, nothing near": ("zzz = 1\n" + GOOD, ["unknown key 'zzz'", "known keys: title, source"]),
    "unknown audit key": (audit('parms = ["x"]'), ["audit[1].parms", "did you mean 'params'?"]),
    "unknown mode": (
        audit("[audit.expect.implict]"),
        ["audit[1].expect.implict", "did you mean 'implicit'?"],
    ),
    "unknown expectation": (
        audit("[audit.expect.implicit]", "finding = []"),
        ["audit[1].expect.implicit.finding", "did you mean 'findings'?"],
    ),
    "key below a sub-table": (
        audit('id = "five"', "[audit.expect.implicit]", 'loss = "sum(x)"'),
        [
            "audit[five].expect.implicit.loss",
            "a key of [[audit]]: put it above that header, [audit.expect.implicit]",
        ],
    ),
    "key below gradients": (
        audit("[audit.expect.implicit.gradients]", "x = [1.0]", "findings = []"),
        ["gradients.findings", "put it above that header, [audit.expect.implicit.gradients]"],
    ),
    "key below matrix": (
        audit("[audit.matrix]", "n = [1, 2]", 'title = "t"'),
        ["audit[1].matrix.title", "a key of [[audit]]: put it above that header, [audit.matrix]"],
    ),
    "file key below audit": (
        audit('engine = "torch"'),
        ["audit[1].engine", "a key of the file: put it above that header, [[audit]]"],
    ),
    "file key in an inline table": (
        'audit = [{loss = "x", params = ["x"], engine = "torch"}]',
        ["audit[1].engine", "it is a key of the file"],
    ),
    "file key below let": (
        '[let]\nx = [1.0]\ntitle = "Some words"\n' + GOOD,
        ["let.title", "put it above the header [let]"],
    ),
    "loss in defaults": ('[defaults]\nloss = "x"\n' + GOOD, ["defaults.loss", "each [[audit]] has its own"]),
    "optimizers": (audit('optimizers = ["adam"]'), ["audit[1].optimizers", "not available in this release"]),
    "steps": (audit("steps = 3"), ["audit[1].steps", "not available in this release"]),
    "survives in defaults": (
        '[defaults]\nsurvives = ["deepcopy"]\n' + GOOD,
        ["defaults.survives", "'survives' is not available in this release"],
    ),
    "single brackets": ('[audit]\nloss = "x"', ["audit: expected a list, got a table", "[[audit]]"]),
    "title of a wrong type": ("title = 3\n" + GOOD, ["title: expected a string, got an integer"]),
    "numeric id": (audit("id = 5"), ["audit[1].id: expected a string, got an integer", 'id = "5"']),
    "loss of a wrong type": (
        '[[audit]]\nloss = 1.0\nparams = ["x"]',
        ["audit[1].loss: expected a string, got a number"],
    ),
    "params no list": (
        '[[audit]]\nloss = "1"\nparams = "x"',
        ["audit[1].params: expected a list, got a string"],
    ),
    "params of numbers": ('[[audit]]\nloss = "1"\nparams = [1]', ["audit[1].params[1]: expected a string"]),
    "findings of numbers": (
        audit("[audit.expect.explicit]", "findings = [1]"),
        ["audit[1].expect.explicit.findings[1]: expected a string, got an integer"],
    ),
    "gradients no table": (
        audit("[audit.expect.explicit]", "gradients = 1"),
        ["audit[1].expect.explicit.gradients: expected a table, got an integer"],
    ),
    "expect no table": (audit("expect = []"), ["audit[1].expect: expected a table, got a list"]),
    "let no table": ("let = 1\n" + GOOD, ["let: expected a table, got an integer"]),
    "seed a float": (audit("seed = 1.5"), ["audit[1].seed: expected an integer, got a number"]),
    "seed a date": (audit("seed = 2024-01-01"), ["audit[1].seed: expected an integer, got a date"]),
    "seed negative": (audit("seed = -1"), ["audit[1].seed: expected an integer at least 0"]),
    "thorough a number": (
        audit("thorough = 1"),
        ["audit[1].thorough: expected true or false, got an integer"],
    ),
    "probes a boolean": (audit("probes = true"), ["audit[1].probes: expected an integer, got a boolean"]),
    "timeout zero": (audit("timeout = 0"), ["audit[1].timeout: expected a number greater than 0"]),
    "timeout infinite": (audit("timeout = inf"), ["audit[1].timeout: expected a finite number, got inf"]),
    "timeout no number": (audit("timeout = nan"), ["audit[1].timeout: expected a"]),
    "tolerance key": (audit("tolerance = {tol = 1}"), ["audit[1].tolerance.tol", "unknown key 'tol'"]),
    "tolerance infinite": (
        audit("tolerance = {rtol = inf}"),
        ["audit[1].tolerance.rtol: expected a finite number"],
    ),
    "id twice": (
        audit('id = "a"') + GOOD + 'id = "a"',
        ["audit[a]: the id 'a' is taken by the audit at line 4"],
    ),
    "id of a number": (audit('id = "2"') + GOOD, ["the id '2' is taken by the audit at line 4"]),
    "id of a combination": (
        audit('id = "a[n=1]"') + GOOD + 'id = "a"\nmatrix = {n = [1]}',
        ["the id 'a[n=1]' is taken"],
    ),
    "empty id": (audit('id = " "'), ["audit[ ].id: an id is a line of visible text"]),
    "id of two lines": (audit('id = "a\\nb"'), ["an id is a line of visible text"]),
    "no loss": ('[[audit]]\nparams = ["x"]', ["audit[1]: no loss"]),
    "no params": ('[[audit]]\nloss = "1.0"', ["audit[1]: no params: the set is empty"]),
    "empty params": ('[[audit]]\nloss = "1.0"\nparams = []', ["audit[1].params: the set is empty"]),
    "empty params by default": (
        '[defaults]\nparams = []\n[[audit]]\nloss = "1.0"',
        ["defaults.params: the set is empty"],
    ),
    "param no place": (
        '[[audit]]\nloss = "1.0"\nparams = ["x", "m.layers[a]"]',
        ["audit[1].params[2], column 9", "is not the name of a place", "m.layers[a]\n          ^"],
    ),
    "param an expression": (
        '[[audit]]\nloss = "1.0"\nparams = ["x + y"]',
        ["audit[1].params[1], column 3", "is not the name of a place"],
    ),
    "param a number": ('[[audit]]\nloss = "1.0"\nparams = ["3"]', ["audit[1].params[1], column 1"]),
    "param empty": ('[[audit]]\nloss = "1.0"\nparams = [""]', ["audit[1].params[1], column 1"]),
    "param an entry": ('[[audit]]\nloss = "1.0"\nparams = ["Main.x"]', ["is an entry of a gradient"]),
    "params unclosed": (
        '[[audit]]\nloss = "1.0"\nparams = ["params(m"]',
        ["audit[1].params[1], column 8", "params(m, unique=true)"],
    ),
    "params of nothing": ('[[audit]]\nloss = "1.0"\nparams = ["params()"]', ["audit[1].params[1], column 8"]),
    "params with an unknown option": (
        '[[audit]]\nloss = "1.0"\nparams = ["params(m, once=true)"]',
        ["audit[1].params[1], column 9"],
    ),
    "param too long": (
        '[[audit]]\nloss = "1.0"\nparams = ["' + "x" * 2_000 + '"]',
        ["audit[1].params[1]", "at most 1000"],
    ),
    "loss malformed": (
        '[[audit]]\nid = "bad"\nloss = "sum(x"\nparams = ["x"]',
        ["audit[bad].loss, column 4", "sum(x\n     ^"],
    ),
    "loss unknown name": (
        MODEL + '[[audit]]\nloss = "sum(z)"\nparams = ["x"]',
        ["audit[1].loss, column 5: unknown name 'z'"],
    ),
    "loss empty": ('[[audit]]\nloss = ""\nparams = ["x"]', ["audit[1].loss, column 1", "empty"]),
    "no mode": (audit("modes = []"), ["audit[1].modes: an empty list"]),
    "mode misspelt": (
        audit('modes = ["implicit", "expicit"]'),
        ["audit[1].modes[2]", "did you mean 'explicit'?"],
    ),
    "mode twice": (
        audit('modes = ["implicit", "implicit"]'),
        ["audit[1].modes[2]: 'implicit' is listed twice"],
    ),
    "mode that jax lacks": (
        'engine = "jax"\n' + audit('modes = ["implicit"]'),
        ["audit[1].modes[1]: jax has no implicit mode"],
    ),
    "expectation that jax lacks": (
        audit("[audit.expect.jax.implicit]"),
        ["audit[1].expect.jax.implicit: jax has no implicit mode"],
    ),
    "expectation that no mode checks": (
        audit('modes = ["implicit"]', "[audit.expect.explicit]", "findings = []"),
        ["audit[1].expect.explicit: the audit has no explicit mode", "add 'explicit' to modes"],
    ),
    "expectation of the file's engine": (
        audit("[audit.expect.builtin.implicit]"),
        ["audit[1].expect.builtin", "drop 'builtin'"],
    ),
    "unknown engine": (
        'engine = "tourch"\n' + GOOD,
        ["engine: unknown engine 'tourch'", "did you mean 'torch'?"],
    ),
    "unknown contract": (
        audit('contract = "any"'),
        ["audit[1].contract: unknown value 'any'", "sum, each, owner"],
    ),
    "contract with a slot": (audit('contract = "sum:x"'), ["audit[1].contract: 'sum:x' is no contract"]),
    "contract of no slot": (audit('contract = "owner:"'), ["audit[1].contract: 'owner:' is no contract"]),
    "contract of a bad slot": (audit('contract = "owner:x.+"'), ["audit[1].contract, column 8"]),
    "unknown stop": (audit('stop_gradient = "maybe"'), ["audit[1].stop_gradient: unknown value 'maybe'"]),
    "a lone tie": (audit('ties = [["x"]]'), ["audit[1].ties[1]: a tie has at least two places"]),
    "a flat tie": (audit('ties = ["x", "y"]'), ["audit[1].ties[1]: expected a list, got a string"]),
    "a bad tie": (audit('ties = [["x", "y["]]'), ["audit[1].ties[1][2], column 2"]),
    "skip without reason": (audit('skip = ""'), ["audit[1].skip: no reason"]),
    "unknown finding": (
        audit("[audit.expect.implicit]", 'findings = ["AC999:x"]'),
        ["audit[1].expect.implicit.findings[1]: unknown finding 'AC999'"],
    ),
    "finding by its name": (
        audit("[audit.expect.implicit]", 'findings = ["partial:x"]'),
        ["unknown finding 'partial'", "did you mean 'AC103'?"],
    ),
    "finding in lower case": (
        audit("[audit.expect.implicit]", 'findings = ["ac101:x"]'),
        ["unknown finding 'ac101'", "did you mean 'AC101'?"],
    ),
    "finding without slot": (
        audit("[audit.expect.implicit]", 'findings = ["AC101"]'),
        ["AC101 (nothing) names a slot", "write 'AC101:x'"],
    ),
    "finding with a slot": (
        audit("[audit.expect.implicit]", 'findings = ["AC203:x"]'),
        ["AC203 (mutates) stands alone", "write 'AC203'"],
    ),
    "finding without optimizer": (
        audit("[audit.expect.implicit]", 'findings = ["AC301"]'),
        ["AC301 (optimizer) names an optimizer", "AC301:adam"],
    ),
    "finding of a bad slot": (
        audit("[audit.expect.implicit]", 'findings = ["AC101:x..y"]'),
        ["findings[1], column 8", "is not the name of a place"],
    ),
    "finding twice": (
        audit("[audit.expect.implicit]", "findings = [\"AC101:d['k']\", 'AC101:d[\"k\"]']"),
        ["findings[2]: 'AC101:d['k']' is listed twice"],
    ),
    "finding in defaults": (
        '[defaults.expect.implicit]\nfindings = ["AC1"]\n' + GOOD,
        ["defaults.expect.implicit.findings[1]: unknown finding 'AC1'"],
    ),
    "entry twice": (
        audit("[audit.expect.implicit]", 'gradients = {Main.x = 1.0, "Main.x" = 1.0}'),
        ["audit[1].expect.implicit.gradients.\"Main.x\": the entry 'Main.x' is listed twice"],
    ),
    "global in explicit mode": (
        audit("[audit.expect.explicit]", 'gradients = {"Main.x" = 1.0}'),
        ["explicit mode has no entries of globals"],
    ),
    "entry no place": (
        audit("[audit.expect.explicit]", 'gradients = {"x+y" = 1.0}'),
        ['audit[1].expect.explicit.gradients."x+y", column 2'],
    ),
    "expected boolean": (
        audit("[audit.expect.explicit]", "gradients = {x = {parent = true}}"),
        ["audit[1].expect.explicit.gradients.x.parent", "got a boolean"],
    ),
    "expected expression": (
        audit("[audit.expect.explicit]", 'gradients = {x = ["nothing", "ones("]}'),
        ["audit[1].expect.explicit.gradients.x[2], column 5"],
    ),
    "expected unknown name": (
        audit("[audit.expect.explicit]", 'gradients = {x = "2 * zz"}'),
        ["audit[1].expect.explicit.gradients.x, column 5: unknown name 'zz'"],
    ),
    "expected integer": (
        audit("[audit.expect.explicit]", "gradients = {x = [9007199254740993]}"),
        ["audit[1].expect.explicit.gradients.x[1]", "integer over 2**53"],
    ),
    "let integer": ("[let]\nx = [1, -9007199254740993]\n" + GOOD, ["let.x[2]: an integer over 2**53"]),
    "let boolean": ("[let]\nx = true\n" + GOOD, ["let.x: expected a number", "got a boolean"]),
    "let boolean inside": ("[let]\nx = [[1.0], [true]]\n" + GOOD, ["let.x[2][1]", "got a boolean"]),
    "let date": ("[let.d]\nx = 2024-01-01\n" + GOOD, ["let.d.x", "got a date"]),
    "let time": ("[let]\nx = [10:00:00]\n" + GOOD, ["let.x[1]", "got a time"]),
    "let ragged": ("[let]\nx = [[1, 2], [3]]\n" + GOOD, ["let.x: a ragged list"]),
    "let ragged depth": ("[let]\nx = [1, [2]]\n" + GOOD, ["let.x: a ragged list"]),
    "let ragged inside": ('[let]\nx = ["y", [[1], []]]\n' + GOOD, ["let.x[2]: a ragged list"]),
    "let too many dimensions": (
        "[let]\nx = " + "[" * 33 + "1" + "]" * 33 + "\n" + GOOD,
        ["let.x: an array of 33 dimensions: at most 32"],
    ),
    "let expression": ('[let]\nx = "1 +"\n' + GOOD, ["let.x, column"]),
    "let Main": ("[let]\nMain = 1\n" + GOOD, ["let.Main: the name 'Main' is reserved"]),
    "let keyword": ("[let]\nlambda = 1\n" + GOOD, ["let.lambda", "reserved word"]),
    "let underscore": ("[let]\n_x = 1\n" + GOOD, ["let._x: '_x' is not a name", "start with a letter"]),
    "let hyphen": ("[let]\na-b = 1\n" + GOOD, ["let.a-b: 'a-b' is not a name"]),
    "let unicode": ('[let]\n"ä" = 1\n' + GOOD, ['let."ä"', "ASCII"]),
    "let empty name": ('[let]\n"" = 1\n' + GOOD, ['let.""', "is not a name"]),
    "matrix no list": (
        audit("matrix = {n = 3}"),
        ["audit[1].matrix.n: expected a list of values, got an integer"],
    ),
    "matrix empty": (audit("matrix = {n = []}"), ["audit[1].matrix.n: an empty list"]),
    "matrix twice": (
        audit("matrix = {n = [1, 2, 1]}"),
        ["audit[1].matrix.n[3]: the value 1 is listed twice"],
    ),
    "matrix name": (audit("matrix = {Main = [1]}"), ["audit[1].matrix.Main", "reserved"]),
    "matrix boolean": (audit("matrix = {n = [true]}"), ["audit[1].matrix.n[1]", "got a boolean"]),
    "matrix too large": (
        audit(f"matrix = {{a = {list(range(101))}, b = {list(range(10))}}}"),
        ["audit[1].matrix: 1,010 combinations: at most 1,000"],
    ),
    "model for the bundled engine": ('[model]\nfactory = "a.py:b"\n' + GOOD, ["model", "another engine"]),
    "arguments without a model": (audit("args = { n = 1 }"), ["audit[1].args", "no [model]"]),
    "model without factory": ('engine = "torch"\n[model]\nargs = {}\n[[audit]]', ["model: no factory"]),
    "model with a bad factory": (
        'engine = "torch"\n[model]\nfactory = "a.py"\n[[audit]]',
        ["model.factory: 'a.py' names no factory", "file.py:name"],
    ),
    "model and let": (
        'engine = "torch"\n[let]\nx = 1\n[model]\nfactory = "a.py:b"\n[[audit]]',
        ["model: a file has [let] or [model], not both"],
    ),
}


@pytest.mark.parametrize(("text", "fragments"), BAD.values(), ids=BAD.keys())
def test_bad_text_says_what_is_wrong(text: str, fragments: list[str]) -> None:
    with pytest.raises(BadCase) as caught:
        read_case(text.encode(), "cases/bad.toml", Path())
    message = str(caught.value)
    assert message.startswith("cases/bad.toml: ")
    for fragment in fragments:
        assert fragment in message
    assert caught.value.exit_code == 3
    assert caught.value.file == "cases/bad.toml"
    assert message == f"{caught.value.file}: {caught.value.text}"


@pytest.mark.parametrize("name", ["unknown key 'x", "a\x1b[31mb", "a\nb"])
def test_messages_stay_on_their_line(name: str) -> None:
    text = (
        f"{name!r} = 1".replace("\\x1b", "\\u001b").replace("'", '"') if "'" not in name else f'"{name}" = 1'
    )
    with pytest.raises(BadCase) as caught:
        read_case(text.encode(), "f", Path())
    assert str(caught.value).isprintable()


def test_long_names_are_shortened() -> None:
    with pytest.raises(BadCase) as caught:
        read_case(b"a" * 100_000 + b" = 1", "f", Path())
    assert len(str(caught.value)) < 2_000


def test_bytes_that_are_no_text_are_placed() -> None:
    with pytest.raises(BadCase, match=r"not UTF-8: byte 0xff at position 11") as caught:
        read_case(b'title = "a\n\xff"', "f", Path())
    assert caught.value.line == 2


def test_lines_of_errors() -> None:
    text = MODEL + "\n[[audit]]\nloss = '''\nsum(x)'''\n\nparams = [\n'x',\n'y+']\n"
    with pytest.raises(BadCase) as caught:
        read_case(text.encode(), "f", Path())
    assert (caught.value.line, caught.value.inside) == (9, "audit[1].params[2], column 2")


class TestFiles:
    @pytest.fixture(autouse=True)
    def _inside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def only_error(self, *paths: str | Path) -> CaseError:
        cases, errors = load_cases(paths)
        assert not cases
        assert len(errors) == 1
        return errors[0]

    @pytest.mark.parametrize("name", ["missing.toml", "a\0b", "x" * 5_000, "", "missing/"])
    def test_missing_file(self, name: str) -> None:
        if name:
            with pytest.raises(UsageError, match="does not exist") as caught:
                load_cases([f"./{name}"])
            assert caught.value.exit_code == 2

    def test_below_a_file(self, tmp_path: Path) -> None:
        Path("a.toml").write_text(GOOD)
        with pytest.raises(UsageError):
            load_cases(["a.toml/b.toml"])

    def test_too_large(self) -> None:
        with Path("big.toml").open("wb") as stream:
            stream.truncate(8 * 2**20 + 1)
        assert "big.toml: 8,388,609 bytes: a case file has at most 8 MiB" in str(self.only_error("big.toml"))

    def test_as_large_as_allowed(self) -> None:
        Path("big.toml").write_text(MODEL + GOOD + "#" * (8 * 2**20 - len(MODEL + GOOD)))
        cases, errors = load_cases(["big.toml"])
        assert (len(cases), errors) == (1, [])

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_named_pipe_is_not_waited_for(self) -> None:
        os.mkfifo("pipe.toml")
        assert str(self.only_error("pipe.toml")) == "pipe.toml: not a regular file"

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
    def test_unreadable(self) -> None:
        Path("a.toml").write_text(GOOD)
        Path("a.toml").chmod(0)
        assert "a.toml: cannot be read: Permission denied" in str(self.only_error("a.toml"))

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
    def test_unreadable_folder(self) -> None:
        Path("closed").mkdir(0)
        assert "closed: cannot be read: Permission denied" in str(self.only_error("closed"))

    def test_broken_link(self) -> None:
        Path("cases").mkdir()
        Path("cases/a.toml").symlink_to("nowhere")
        assert "cases/a.toml: cannot be read" in str(self.only_error("cases"))

    def test_paths_are_relative_with_forward_slashes(self, tmp_path: Path) -> None:
        Path("a/b").mkdir(parents=True)
        Path("a/b/c.toml").write_text("x")
        assert str(self.only_error(tmp_path / "a")).startswith("a/b/c.toml: ")
        os.chdir("a/b")
        assert str(self.only_error(tmp_path)).startswith("c.toml: ")

    def test_each_bad_file_gives_one_error_and_good_ones_load(self) -> None:
        Path("a.toml").write_text("one = 1\ntwo = 2\n")
        Path("b.toml").write_text(MODEL + GOOD)
        Path("c.toml").write_bytes(b"\xff")
        cases, errors = load_cases(["."])
        assert [case.path for case in cases] == ["b.toml"]
        assert [error.where for error in errors] == ["a.toml: one", "c.toml"]

    def test_file_that_is_no_case_file_by_name(self) -> None:
        Path("notes.md").write_text("# Notes\n\nsome words\n")
        assert "notes.md: line 3, column 6: not TOML" in str(self.only_error("notes.md"))
