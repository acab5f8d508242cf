"""Good files: what a case says after loading."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from aliascheck.cases import (
    BadCase,
    Case,
    MemberPath,
    ParamsOf,
    Tolerance,
    load_case,
    load_cases,
    read_case,
)
from aliascheck.memory import NOTHING, Field, Key


def case_of(text: str, file: str = "cases/a.toml") -> Case:
    return read_case(text.encode(), file, Path("cases"))


FULL = """\
title  = "Gradients with aliased variables"
source = "FluxML/Zygote.jl#991"

[let]
x  = [1.0]
xt = "adjoint(x)"
n  = 2
d  = { k = [[1, 2], [3, 4]], s = ["x", 3.5] }

[defaults]
modes = ["explicit"]
tolerance = { rtol = 1e-3 }
seed = 7
title = "by default"

[defaults.expect.implicit]
gradients = { x = [9.0], Main.xt = { parent = [1.0] } }

[[audit]]
id     = "5"
title  = "the parent read directly"
loss   = "sum(xt.parent * x)"
params = ["x", "xt", "xt.parent", "params(d)", "params( d , unique = true )", "d[ \\"k\\" ]"]
modes  = ["implicit", "explicit"]
contract = "owner: d[\\"k\\"]"
stop_gradient = "report"
ties = [["x", "xt.parent"]]
tolerance = { atol = 1 }
probes = 3
thorough = true
timeout = 2.5
skip = "only a test"

[audit.expect.implicit]
gradients = { x = [2.0], xt = "nothing", "Main.x" = [1.0] }
findings  = ["AC101:xt", "AC102:d[\\"k\\"]", "AC203", "AC301:adam"]

[audit.expect.explicit]
findings  = []

[audit.expect.jax.explicit]
findings = ["AC106:xt"]

[[audit]]
loss = "sum(x)"
params = ["x"]
"""


class TestFullCase:
    case = case_of(FULL)
    first, second = case.audits

    def test_head(self) -> None:
        assert (self.case.path, self.case.folder) == ("cases/a.toml", Path("cases"))
        assert self.case.title == "Gradients with aliased variables"
        assert self.case.source == "FluxML/Zygote.jl#991"
        assert (self.case.engine, self.case.model) == ("builtin", None)
        assert [name for name, _ in self.case.let] == ["x", "xt", "n", "d"]

    def test_audit(self) -> None:
        audit = self.first
        assert (audit.id, audit.index, audit.line) == ("5", 1, 19)
        assert audit.title == "the parent read directly"
        assert audit.loss is not None
        assert audit.loss.text == audit.loss_text == "sum(xt.parent * x)"
        assert audit.loss_place.key == "audit[5].loss"
        assert (audit.modes, audit.contract, audit.stop_gradient) == (
            ("implicit", "explicit"),
            "owner:d['k']",
            "report",
        )
        assert audit.ties == (("x", "xt.parent"),)
        assert (audit.probes, audit.thorough, audit.timeout) == (3, True, 2.5)
        assert audit.skip == "only a test"
        assert (audit.combination, audit.overrides) == ("", ())

    def test_members(self) -> None:
        assert [(type(member), member.path) for member in self.first.members] == [
            (MemberPath, ("x",)),
            (MemberPath, ("xt",)),
            (MemberPath, ("xt", Field("parent"))),
            (ParamsOf, ("d",)),
            (ParamsOf, ("d",)),
            (MemberPath, ("d", Key("k"))),
        ]
        assert [member.unique for member in self.first.members if isinstance(member, ParamsOf)] == [
            False,
            True,
        ]
        assert self.first.params[4] == "params( d , unique = true )"
        assert self.first.members[1].place.key == "audit[5].params[2]"

    def test_defaults_merge(self) -> None:
        assert self.first.tolerance == Tolerance(rtol=1e-3, atol=1.0)
        assert self.first.seed == 7
        assert self.second.tolerance == Tolerance(rtol=1e-3)
        assert (self.second.title, self.second.modes) == ("by default", ("explicit",))
        gradients = self.first.expect["implicit"].gradients
        assert gradients is not None
        assert list(gradients) == ["x", "Main.xt", "xt", "Main.x"]
        assert gradients["xt"] is NOTHING

    def test_what_is_not_said_is_none(self) -> None:
        audit = self.second
        assert (audit.id, audit.index, audit.line) == ("2", 2, 44)
        assert (audit.contract, audit.stop_gradient, audit.probes, audit.thorough) == (None,) * 4
        assert (audit.timeout, audit.skip, audit.ties) == (None, None, ())
        assert audit.expect["implicit"].findings is None

    def test_expectations(self) -> None:
        implicit = self.case.expectation(self.first, "implicit")
        assert implicit is not None
        assert implicit.findings == ("AC101:xt", "AC102:d['k']", "AC203", "AC301:adam")
        explicit = self.case.expectation(self.first, "explicit", "builtin")
        assert explicit is not None
        assert (explicit.findings, explicit.gradients) == ((), None)
        jax = self.case.expectation(self.first, "explicit", "jax")
        assert jax is not None
        assert jax.findings == ("AC106:xt",)
        assert self.case.expectation(self.first, "implicit", "torch") is None
        assert self.case.expectation(self.second, "explicit") is None


def test_main_in_both_forms() -> None:
    def entries(gradients: str) -> list[str]:
        audit = f'[[audit]]\nloss = "1.0"\nparams = ["x"]\n[audit.expect.implicit.gradients]\n{gradients}'
        found = case_of(audit).audits[0].expect["implicit"].gradients
        assert found is not None
        return list(found)

    assert entries('"Main.x" = 1\nMain.y = 2\nx = 3') == ["Main.x", "Main.y", "x"]
    assert entries("Main = {x = 1, y = 2}") == ["Main.x", "Main.y"]
    assert entries("[audit.expect.implicit.gradients.Main]\nx = 1") == ["Main.x"]


def test_a_byte_order_mark_and_windows_line_ends() -> None:
    data = b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()
    case = read_case(data, "a.toml", Path())
    assert [audit.line for audit in case.audits] == [19, 44]


MATRIX = """\
[let]
w = "zeros(n)"
n = 1
[[audit]]
id = "dense"
loss = "sum(w) * k"
params = ["w"]
[audit.matrix]
n = [4, 64]
k = [2.0, "n + 1", [1, 2]]
[[audit]]
loss = "1.0"
params = ["w"]
"""


def test_matrix() -> None:
    audits = case_of(MATRIX).audits
    assert [audit.id for audit in audits] == [
        "dense[n=4,k=2.0]",
        "dense[n=4,k=n + 1]",
        "dense[n=4,k=[1, 2]]",
        "dense[n=64,k=2.0]",
        "dense[n=64,k=n + 1]",
        "dense[n=64,k=[1, 2]]",
        "2",
    ]
    assert [(audit.index, audit.line) for audit in audits] == [(1, 4)] * 6 + [(2, 11)]
    assert audits[1].combination == "n=4,k=n + 1"
    assert [name for name, _ in audits[1].overrides] == ["n", "k"]


def test_matrix_of_a_thousand() -> None:
    numbers = list(range(10))
    text = f'[[audit]]\nloss = "a"\nparams = ["x"]\nmatrix = {{a = {numbers}, b = {numbers}, c = {numbers}}}'
    assert len(case_of(text).audits) == 1_000


def test_long_matrix_values_are_named_by_number() -> None:
    text = f'[[audit]]\nloss = "1.0"\nparams = ["x"]\nmatrix = {{a = [{[0.5] * 99}, "x +\\n x"]}}'
    assert [audit.id for audit in case_of(text).audits] == ["1[a=#1]", "1[a=#2]"]


def test_foreign_models() -> None:
    case = case_of("""\
engine = "torch"
[model]
factory = "tied_lm.py:make"
args = { vocab = 64 }
[[audit]]
contract = "owner:layers.0.weight"
ties = [["layers.0.weight", "head.weight"]]
[audit.expect.implicit]
gradients = { "layers.0.weight" = "ones(2)", head.weight = 1.0 }
findings = ["AC103:layers.0.weight"]
[[audit]]
loss = "x"
params = ["layers.0.weight"]
""")
    assert case.model is not None
    assert (case.engine, case.model.factory, case.model.args) == ("torch", "tied_lm.py:make", {"vocab": 64})
    first, second = case.audits
    assert (first.loss, first.params, first.members) == (None, (), ())
    assert (first.contract, first.ties) == ("owner:layers.0.weight", (("layers.0.weight", "head.weight"),))
    assert first.expect["implicit"].findings == ("AC103:layers.0.weight",)
    assert (second.loss, second.loss_text, second.params) == (None, "x", ("layers.0.weight",))


def test_arguments_of_a_factory() -> None:
    case = case_of("""\
engine = "torch"
[model]
factory = "tied_lm.py:make"
[defaults]
args = { tied = true, way = "no expression" }
[[audit]]
[[audit]]
id = "sizes"
args = { tied = false }
matrix = { vocab = [4, 64], way = ["a b"] }
""")
    assert [(audit.id, audit.args) for audit in case.audits] == [
        ("1", {"tied": True, "way": "no expression"}),
        ("sizes[vocab=4,way=a b]", {"tied": False, "way": "a b", "vocab": 4}),
        ("sizes[vocab=64,way=a b]", {"tied": False, "way": "a b", "vocab": 64}),
    ]
    assert not any(audit.overrides for audit in case.audits)


def test_programs_for_other_engines() -> None:
    case = case_of('engine = "jax"\n[[audit]]\nloss = "1.0"\nparams = ["x"]\nmodes = ["explicit"]')
    assert case.engine == "jax"
    assert case.audits[0].loss is not None


@pytest.mark.parametrize(
    "factory", ["a.py:make", "models/a.py:make_it", "package.module:make", "C:/a.py:make"]
)
def test_factories(factory: str) -> None:
    case = case_of(f'engine = "torch"\n[model]\nfactory = "{factory}"\n[[audit]]\n')
    assert case.model is not None
    assert case.model.factory == factory


def test_names_of_file_keys_can_be_bound() -> None:
    text = '[let]\nsource = "zeros(2)"\nloss = 1\n[[audit]]\nloss = "sum(source)"\nparams = ["source"]\n'
    text += "[audit.expect.explicit.gradients]\nsource = [1, 1]\nloss = 1.0\n"
    assert [name for name, _ in case_of(text).let] == ["source", "loss"]


def test_seed_can_be_a_matrix_name() -> None:
    case = case_of('[[audit]]\nloss = "1.0 * seed"\nparams = ["x"]\n[audit.matrix]\nseed = [1, 2]\n')
    assert [audit.id for audit in case.audits] == ["1[seed=1]", "1[seed=2]"]


def test_special_numbers() -> None:
    from aliascheck.cases import evaluate_bindings

    case = case_of("[let]\nx = [nan, inf, -inf]\ny = 9007199254740992\n[[audit]]\nloss='1.0'\nparams=['x']")
    values = evaluate_bindings(case)
    np.testing.assert_array_equal(values["x"], [np.nan, np.inf, -np.inf])
    assert values["y"] == 2.0**53


class TestFolders:
    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("b.toml", "a/z.toml", "a/b/c.toml", "c/.hidden/d.toml", "c/._e.toml", "d.toml/f.toml"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text('[[audit]]\nloss = "1.0"\nparams = ["x"]\n')
        Path("a/notes.md").write_text("no case")

    def loaded(self, *paths: str | Path) -> list[str]:
        cases, errors = load_cases(paths)
        assert not errors
        return [case.path for case in cases]

    def test_walk_is_sorted_and_skips_hidden(self) -> None:
        assert self.loaded(".") == ["a/b/c.toml", "a/z.toml", "b.toml", "d.toml/f.toml"]

    def test_empty_folder(self) -> None:
        assert self.loaded("c") == []
        assert self.loaded() == []

    def test_hidden_by_name(self) -> None:
        assert self.loaded("c/.hidden/d.toml", "c/.hidden") == ["c/.hidden/d.toml"]

    def test_each_file_once_in_the_order_asked(self, tmp_path: Path) -> None:
        assert self.loaded("b.toml", "a", tmp_path / "a/b/c.toml", ".") == [
            "b.toml",
            "a/b/c.toml",
            "a/z.toml",
            "d.toml/f.toml",
        ]

    def test_links_do_not_loop(self) -> None:
        Path("a/up").symlink_to("..", target_is_directory=True)
        assert self.loaded("a") == ["a/b/c.toml", "a/z.toml"]

    def test_outside_of_the_working_folder(self) -> None:
        os.chdir("a/b")
        assert self.loaded("../z.toml") == ["../z.toml"]
        assert load_case("../z.toml").folder.samefile("..")

    def test_one_bad_case(self) -> None:
        with pytest.raises(BadCase, match=r"a/notes\.md"):
            load_case("a/notes.md")
