"""The Python API, the pytest plugin and Python case files, on models of installed engines."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import aliascheck
from aliascheck.errors import AliascheckError
from aliascheck.reporters.markdown import render as render_markdown
from aliascheck.reporters.page import Page
from aliascheck.subjects.found import engine_of

anp = pytest.importorskip("autograd.numpy")

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(6, 3)), RNG.normal(size=(5, 6))


def tied() -> dict[str, np.ndarray]:
    w = W.copy()
    return {"enc": w, "dec": w.T}


def loss(model):
    return anp.mean((anp.tanh(X @ model["enc"]) @ model["dec"] - X) ** 2)


def test_a_right_model_is_clean_and_left_as_it_is():
    model = tied()
    before = model["enc"].tobytes()
    report = aliascheck.audit(model, loss)
    assert report.ok and report.findings == []
    assert [audit.mode for audit in report.audits] == ["explicit"]
    assert "split" in str(report) and str(report).endswith("Exit 0: nothing unexpected.")
    assert model["enc"].tobytes() == before and np.shares_memory(model["enc"], model["dec"])
    assert b'"format": 1' in report.to_json()


def test_a_report_is_written_as_json_and_html(tmp_path):
    report = aliascheck.audit(tied(), loss)
    (tmp_path / "report.json").write_text("old")
    assert report.to_json(tmp_path / "report.json") == (tmp_path / "report.json").read_bytes()
    assert report.to_html(str(tmp_path / "report.html")) == (tmp_path / "report.html").read_text()
    assert "<!doctype html>" in (tmp_path / "report.html").read_text().lower()
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "report.html"}
    with pytest.raises(AliascheckError, match="there is no folder"):
        report.to_json(tmp_path / "none" / "report.json")


def test_findings_fail_and_the_assertion_is_the_table():
    report = aliascheck.audit(tied(), loss, contract="each")
    assert not report.ok and {found.code for found in report.findings} == {"AC103"}
    with pytest.raises(AssertionError, match="AC103 partial at enc"):
        aliascheck.assert_gradients(tied(), loss, contract="each")
    aliascheck.assert_gradients(tied(), loss, tolerance={"rtol": 1e-9, "atol": 0.0}, seed=3, probes=2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine": "tensorflow"}, "unknown engine 'tensorflow'"),
        ({"modes": ["implicit"]}, "unknown mode 'implicit'"),
        ({"modes": []}, "modes is empty"),
        ({"contract": "summ"}, "did you mean 'sum'"),
        ({"contract": "sum:enc"}, "owner:SLOT"),
        ({"contract": "owner:"}, "owner:SLOT"),
        ({"contract": 3}, "unknown contract 3"),
        ({"contract": "owner:nope"}, "'nope' is no slot of the set .slots: enc, dec"),
        ({"stop_gradient": "never"}, "unknown stop_gradient"),
        ({"tolerance": {"reltol": 1.0}}, "unknown tolerance 'reltol'"),
        ({"tolerance": {"rtol": float("nan")}}, "rtol is nan"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"tolerance": True}, "tolerance is True"),
        ({"tolerance": {"rtol": False}}, "rtol is False"),
        ({"tolerance": "1"}, "tolerance is '1'"),
        ({"params": ["encoder"]}, "no array at 'encoder'"),
        ({"params": []}, "nothing to audit"),
        ({"params": [0]}, "has a name, not a int"),
        ({"params": 0}, "params is a int"),
        ({"params": W}, "has a name, not a ndarray"),
        ({"ties": ["enc", "dec"]}, "ties lists lists of names"),
        ({"ties": [["enc"]]}, "fewer than two names"),
        ({"ties": "enc"}, "ties lists lists of names"),
        ({"probes": 0}, "probes is 0"),
        ({"probes": -3}, "probes is -3"),
        ({"probes": 1.5}, "probes is 1.5"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_wrong_settings_are_told(settings, said):
    with pytest.raises(AliascheckError, match=said):
        aliascheck.audit(tied(), loss, **settings)


def test_a_report_without_a_case_speaks_of_none():
    for contract in ("sum", "each"):
        report = aliascheck.audit(tied(), loss, contract=contract)
        markdown = render_markdown(report, Page())
        for text in (str(report), report.to_html(), markdown):
            assert "expected by the case" not in text and "as expected" not in text
        right = "1 without errors" if contract == "sum" else "0 without errors, 1 failed"
        assert right in str(report) and right in markdown


def test_what_is_missing_is_how_far_off_it_is():
    model = [W.copy()]
    kept = tuple(model)  # in a tuple: nobody looks there for what a loss captured

    def reading(model):
        return anp.sum(model[0]) + 3.0 * anp.sum(kept[0])

    report = aliascheck.audit(model, reading)
    assert [found.cause for found in report.findings] == ["unlisted"]
    assert re.search(r"not conserved: off by 3\s", str(report))


def test_one_name_stands_for_a_list_of_one():
    report = aliascheck.audit(tied(), loss, params="enc", modes="explicit", seed=np.int64(2**32 - 1))
    assert [slot.name for audit in report.audits for slot in audit.slots] == ["enc"]


def test_a_named_owner_is_held_to_everything():
    report = aliascheck.audit(tied(), loss, contract="owner:dec")
    assert [f"{found.code}:{found.slot}" for found in report.findings] == ["AC102:enc"]


def test_random_numbers_of_the_world_are_left_as_they_are():
    def drawing(model):
        return loss(model) * (1 + random.random() + np.random.random())

    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), str(np.random.get_state())
    assert aliascheck.audit(tied(), drawing).ok
    with pytest.raises(AliascheckError):
        aliascheck.audit(tied(), drawing, seed=-1)
    assert (random.getstate(), str(np.random.get_state())) == before


RENDERED = {
    "text": "str(report)",
    "json": "report.to_json()",
    "html": "report.to_html()",
    "assertion": "say(aliascheck.assert_gradients, model, loss, contract='each')",
    "test of a case file": "str(failure_of(report.audits[0], table=True))",
}
RENDERING = """
import random, sys
import numpy as np
import autograd.numpy as anp
import aliascheck
from aliascheck.pytest_plugin.items import failure_of

def say(function, *given, **settings):
    try:
        function(*given, **settings)
    except AssertionError as error:
        return str(error)
    raise SystemExit("it raised nothing")

w = np.random.default_rng(0).normal(size=(3, 2))
model, loss = {"enc": w, "dec": w.T}, lambda model: anp.sum(model["enc"] @ model["dec"])
report = aliascheck.audit(model, loss, contract="each")
assert not {"rich", "jinja2"} & set(sys.modules)
random.seed(5), np.random.seed(5)
before = random.getstate(), str(np.random.get_state())
assert len(RENDERED) > 100
print((random.getstate(), str(np.random.get_state())) == before)
"""


@pytest.mark.parametrize("way", RENDERED)
def test_random_numbers_are_left_as_they_are_by_rendering(way):
    """Also where what renders is imported for it: that draws random numbers."""
    script = RENDERING.replace("RENDERED", RENDERED[way])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_the_engine_is_told_from_the_model():
    assert engine_of(tied()) == "autograd"
    assert engine_of([W, {"b": 1.0}]) == "autograd"
    for nothing in ({}, 3.0, "w", object()):
        with pytest.raises(AliascheckError, match="no engine"):
            engine_of(nothing)


class Own(np.ndarray):
    """An array of one's own class."""


def test_arrays_that_are_far_down_and_of_ones_own_class():
    deep: object = W.view(Own)
    for _ in range(30):
        deep = [deep]
    knot = [W]
    knot.append(knot)
    assert engine_of(deep) == engine_of(knot) == "autograd"


def test_a_tree_is_no_torch_module():
    pytest.importorskip("torch")
    with pytest.raises(AliascheckError, match=r"the model is a dict, and no torch module \(wrap it"):
        aliascheck.audit(tied(), loss, engine="torch")


def test_a_loss_of_another_engine():
    jnp = pytest.importorskip("jax.numpy")
    with pytest.raises(AliascheckError, match=r"the loss is an array of jax.*\(say engine='jax'\)"):
        aliascheck.audit(tied(), lambda model: jnp.sum(model["enc"] ** 2))
    assert aliascheck.audit(tied(), lambda model: jnp.sum(model["enc"] ** 2), engine="jax", contract="sum").ok


def test_no_engine_is_imported_before_it_is_used():
    script = (
        "import sys, aliascheck; aliascheck.audit; print(*{'torch', 'jax', 'autograd'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


MODULE = """
import numpy as np
import autograd.numpy as anp

def make(n):
    w = np.random.default_rng(0).normal(size=(n, 3))
    x = np.random.default_rng(1).normal(size=(4, n))
    return {"enc": w, "dec": w.T}, lambda m: anp.mean((anp.tanh(x @ m["enc"]) @ m["dec"] - x) ** 2)
"""
CASE = """
title = "tied"
engine = "autograd"
[model]
factory = "tied.py:make"
args = { n = 99 }
[defaults]
args = { n = 6 }
[[audit]]
id = "each"
contract = "each"
[audit.expect.explicit]
findings = ["AC103:enc", "AC103:dec"]
[[audit]]
id = "wrongly expected"
[audit.expect.explicit]
findings = ["AC101:enc"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tied.py").write_text(MODULE)
    (tmp_path / "tied.toml").write_text(CASE)
    return tmp_path


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *argv], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_python_case_runs_where_it_is_trusted(folder):
    refused = run(folder, "aliascheck", "run", "tied.toml")
    assert refused.returncode == 2 and "--trust" in refused.stderr
    skipped = run(folder, "aliascheck", "run", ".")
    assert skipped.returncode == 0 and "skipped" in skipped.stdout
    done = run(folder, "aliascheck", "run", "tied.toml", "--trust")
    assert done.returncode == 1 and "expected findings = [AC101:enc], got []" in done.stdout


def test_a_python_case_names_an_owner_that_there_is(folder):
    (folder / "tied.toml").write_text(CASE.replace('contract = "each"', 'contract = "owner:nope"'))
    done = run(folder, "aliascheck", "run", "tied.toml", "--trust")
    assert done.returncode == 4 and "'nope' is no slot of the set (slots: enc, dec)" in done.stdout


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("tied.py", "names no factory"),
        ("other.py:make", "there is no file other.py"),
        ("tied.py:build", "has no function 'build'"),
        ("no_such_module:make", "cannot be imported"),
        ("tied.py:np", "has no function"),
    ],
)
def test_a_bad_factory_is_a_bad_case(folder, factory, said):
    (folder / "tied.toml").write_text(CASE.replace("tied.py:make", factory))
    done = run(folder, "aliascheck", "run", "tied.toml", "--trust")
    assert done.returncode == 3 and said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_case_files_are_test_items(folder):
    done = run(
        folder, "pytest", "--aliascheck", "--aliascheck-trust", "-q", "-p", "no:cacheprovider", "tied.toml"
    )
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout
    assert "expected findings = [AC101:enc], got []" in done.stdout
    assert "pytest_plugin" not in done.stdout
    chosen = run(folder, "pytest", "--aliascheck", "--aliascheck-trust", "-q", "-k", "each", "tied.toml")
    assert chosen.returncode == 0 and "1 passed, 1 deselected" in chosen.stdout
    untrusted = run(folder, "pytest", "--aliascheck", "-q", "tied.toml")
    assert untrusted.returncode == 0 and "2 skipped" in untrusted.stdout
    without = run(folder, "pytest", "-q", ".")
    assert "no tests ran" in without.stdout


def test_a_bad_case_file_is_a_collection_error(folder):
    (folder / "tied.toml").write_text("[let]\nx = 1 2\n")
    done = run(folder, "pytest", "--aliascheck", "-q", "tied.toml")
    assert done.returncode == 2 and "not TOML" in done.stdout and "Traceback" not in done.stdout


def test_the_fixture_asserts(folder):
    (folder / "test_model.py").write_text(
        "from tied import make\n\n\ndef test_right(assert_gradients):\n    assert_gradients(*make(6))\n\n\n"
        "def test_wrong(assert_gradients):\n    assert_gradients(*make(6), contract='each')\n\n\n"
        "def test_raising(assert_gradients):\n    assert_gradients(make(6)[0], lambda m: m['nope'])\n\n\n"
        "def test_unknown(assert_gradients):\n    assert_gradients(*make(6), params=['encc'])\n"
    )
    done = run(folder, "pytest", "-q", "-p", "no:cacheprovider", "test_model.py")
    assert done.returncode == 1 and "3 failed, 1 passed" in done.stdout
    assert "AC103 partial at enc" in done.stdout
    assert "E   KeyError: 'nope'" in done.stdout, "what the loss raised, where it did"
    places = re.findall(r"^(\S+):(\d+): (?:in )?\w+$", done.stdout, re.MULTILINE)
    assert places == [("test_model.py", line) for line in ("9", "13", "13", "17")], "and no line of ours"
