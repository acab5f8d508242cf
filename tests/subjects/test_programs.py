"""Programs of case files on other engines: what they report and skip, and that they are the same programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aliascheck.runner.run as run_module
from aliascheck.report import AuditResult, Report
from aliascheck.runner import Selection, run_cases

ENGINES = ("torch", "jax", "autograd")
SHIPPED = Path(__file__).resolve().parent.parent.parent / "cases"

Run = Callable[..., Report]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    pytest.importorskip(name)
    return name


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """What an engine reports for the text of a case."""

    def audited(text: str, engine: str, **options: Any) -> Report:
        path = tmp_path / "case.toml"
        path.write_text(text, encoding="utf-8")
        return run_cases([path], Selection(engine=engine, **options))

    return audited


def labels(result: AuditResult) -> set[str]:
    return {f"{found.code}:{found.slot}" for found in result.findings if found.code != "AC106"}


def case(let: str, loss: str, params: str, more: str = "") -> str:
    return f"[let]\n{let}\n[[audit]]\nloss = '{loss}'\nparams = {params}\n{more}\n"


def test_the_thread_s_examples_are_as_their_case_expects(engine: str) -> None:
    report = run_cases([SHIPPED / "zygote-991" / "examples.toml"], Selection(engine=engine))
    assert [audit.status for audit in report.audits] == ["passed"] * len(report.audits)
    assert all(audit.expects for audit in report.audits)
    assert report.summary.exit_code == 0 and report.summary.audits == 6


# Programs whose members share no memory: there is nothing that engines could account for differently.
PLAIN = {
    "names that torch's modules have": (
        "half = [1.0, 2.0]\ntraining = [0.5, 3.0]",
        "sum(half * training**2)",
        '["half", "training"]',
    ),
    "struct": ('p = [1.0, 2.0]\nq = [3.0]\nm = "A(p=p, rest=B(q=q))"', "sum(m.p * m.rest.q)", '["m"]'),
    "mutable struct": ('p = [1.0, 2.0]\nm = "mutable(A(p=p))"', "sum(m.p * m.p)", '["m.p"]'),
    "containers": (
        'p = [1.0, 2.0]\nq = [3.0, 4.0]\nt = "[p, (q, 3)]"\n',
        "sum(t[0] * t[1][0])",
        '["t[0]", "t[1][0]"]',
    ),
    "dict": ("[let.d]\nk = [1.0, 2.0]\nl = [[3.0]]\n", 'sum(d["k"] * d["l"])', """["d['k']", "d['l']"]"""),
    "lambda": (
        'w = [1.0, 2.0]\nf = "lambda x: sum(w * x)"',
        "f(array([2.0, 3.0]) * w)",
        '["w"]',
    ),
    "capturing lambda": ('w = [1.0, 2.0]\nf = "lambda a: lambda x: sum(a * x)"', "f(w * 2)(w)", '["w"]'),
    "layers": (
        'w = "normal(3, 2, seed=1)"\nb = "normal(3, seed=2)"\nv = "normal(2, 3, seed=3)"\n'
        'm = "Chain(Dense(w, b, tanh), Dense(v))"',
        "sum(m(array([0.3, -0.2])))",
        '["params(m)"]',
    ),
    "normalised": (
        'g = "normal(4, seed=1)"\nb = "normal(4, seed=2)"\nm = "LayerNorm(g, b)"\nr = "RMSNorm(normal(4))"',
        "sum(m(linspace(0, 1, 4)) * r(linspace(1, 3, 4)))",
        '["params(m)", "r"]',
    ),
    "embedding by floats": (
        'e = "normal(4, 2, seed=1)"\ni = [0.0, 3.0, 0.0]\nm = "Embedding(e)"',
        "sum(tanh(m(i)))",
        '["m"]',
    ),
    "embedding by integers": (
        'e = "normal(4, 2, seed=1)"\ni = "array([0, 3], dtype=\'int\')"',
        "sum(tanh(e[i]))",
        '["e"]',
    ),
    "attention": (
        'q = "normal(4, 4, seed=1)"\nk = "normal(4, 4, seed=2)"\nv = "normal(4, 4, seed=3)"\n'
        'o = "normal(4, 4, seed=4)"\n'
        'keep = [[1.0, 0.0], [1.0, 1.0]]\nm = "MultiHeadAttention(q, k, v, o, heads=2, mask=keep)"',
        "sum(m(linspace(0, 1, 4) * array([[1.0], [2.0]])))",
        '["m.query", "m.key", "m.value", "m.output"]',
    ),
    "recurrent": (
        'a = "normal(8, 2, seed=1)"\nb = "normal(8, 2, seed=2)"\nm = "LSTMCell(a, b)"',
        "sum(m(ones(2), (zeros(2), ones(2)))[0])",
        '["m"]',
    ),
    "convolution": (
        'w = "normal(2, 1, 3, seed=1)"\nm = "Conv1d(w, padding=1)"',
        "sum(tanh(m(linspace(0, 1, 5)[None, :])))",
        '["m"]',
    ),
    "dropout": ('w = "normal(6, seed=1)"\nm = "Dropout(0.5, seed=3)"', "sum(m(w)**2)", '["w"]'),
    "negative steps": (
        'x = "normal(5, 4, seed=1)"',
        "sum(x[::-2, None, ::-1] * array([1.0, 2.0, 3.0, 4.0]))",
        '["x"]',
    ),
    "computed index": ("x = [1.0, 5.0, 2.0]", "x[argmax(x)] * sum(x[x > 1.5])", '["x"]'),
    "index of an own array": (
        "x = [1.0, 5.0, 2.0]",
        "sum(array([1.0, 10.0, 100.0])[argsort(x)] * x)",
        '["x"]',
    ),
    "wrappers within": (
        "x = [[1.0, 2.0], [3.0, 4.0]]",
        "sum(adjoint(adjoint(x)) * transpose(x).parent * parent(adjoint(x)) * reshape(x, 4)[0])",
        '["x"]',
    ),
    "stop": ("x = [1.0, 2.0]", "sum(stop_gradient(x) * x * x)", '["x"]'),
    "built from numbers": (
        "x = [1.0, 2.0]\nn = 3",
        "sum(array([x[0], n * x[1]]) * full(2, value=x[0])) + sum(array(x))",
        '["x"]',
    ),
    "clip by arrays": ("x = [1.0, -2.0]\ny = [0.5, -0.5]", "sum(clip(x, y, 2.0))", '["x", "y"]'),
    "split": ('x = "normal(4, 2, seed=1)"', "sum(split(x, 2)[0] * split(x, 2)[1])", '["x"]'),
    "einsum": (
        'x = "normal(2, 3, seed=1)"\ny = "normal(3, 2, seed=2)"',
        'sum(einsum("ij,jk->ik", x, y) ** 2)',
        '["x", "y"]',
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_program_is_the_same_on_every_engine(engine: str, run: Run, name: str) -> None:
    text = case(*PLAIN[name])
    ours = [audit for audit in run(text, "builtin").audits if audit.mode == "explicit"]
    for theirs in run(text, engine).audits:
        assert (theirs.status, theirs.error) == ("passed", None)
        assert theirs.loss == pytest.approx(ours[0].loss, rel=1e-12)
        by_name = {slot.name: slot.reported for slot in theirs.slots}
        assert by_name.keys() == {slot.name for slot in ours[0].slots}
        for slot in ours[0].slots:
            assert _flat(by_name[slot.name]) == pytest.approx(_flat(slot.reported), rel=1e-9, abs=1e-12)


def _flat(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = value.get("head", list(value.values()))
    return [number for part in value for number in _flat(part)] if isinstance(value, list) else [value]


def test_a_wrapper_is_made_by_the_engine_where_its_parent_is_in_the_set(engine: str, run: Run) -> None:
    text = case('x = [[1.0, 2.0]]\nt = "transpose(x)"\nm = "A(t=t)"', "sum(m.t * m.t)", '["m.t.parent"]')
    for audit in run(text, engine).audits:
        (slot,) = audit.slots
        assert (slot.name, slot.reported) == ("m.t.parent", [[2.0, 4.0]])


@pytest.mark.parametrize(
    ("loss", "what"),
    [("sum(eigh(x)[0])", "eigh"), ("sum(view(x, (2,)))", "view"), ("sum(s.parent)", "parent of slice(...)")],
)
def test_what_an_engine_lacks_skips_the_audit_and_is_named(
    engine: str, run: Run, loss: str, what: str
) -> None:
    text = case('x = [[2.0, 1.0], [1.0, 3.0]]\ns = "x[0]"', loss, '["x"]')
    report = run(text, engine)
    assert {audit.status for audit in report.audits} == {"skipped"}
    assert {audit.error for audit in report.audits} == {f"{engine} has no primitive '{what}'"}
    assert report.summary.exit_code == 0 and report.summary.skipped == len(report.audits)
    assert run(text, engine, strict_skips=True).summary.exit_code == 4


def test_members_within_members_are_for_the_bundled_engine(run: Run) -> None:
    pytest.importorskip("torch")
    text = case('x = [1.0]\nt = "adjoint(x)"', "sum(t)", '["t", "t.parent"]', 'modes = ["implicit"]')
    (audit,) = run(text, "torch").audits
    assert audit.status == "skipped" and "another member lies inside it" in str(audit.error)


@pytest.mark.parametrize("engine", ["jax", "autograd"])
def test_a_mode_that_an_engine_lacks_is_skipped(run: Run, engine: str) -> None:
    pytest.importorskip(engine)
    only = case("x = [1.0]", "sum(x)", '["x"]', 'modes = ["implicit"]')
    (audit,) = run(only, engine).audits
    assert (audit.status, audit.error) == ("skipped", f"{engine} has no implicit mode")
    both = case("x = [1.0]", "sum(x)", '["x"]', 'modes = ["implicit", "explicit"]')
    statuses = {audit.mode: audit.status for audit in run(both, engine).audits}
    assert statuses == {"implicit": "skipped", "explicit": "passed"}


def test_an_engine_that_is_asked_for_and_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "is_installed", lambda engine: False)
    report = run(case("x = [1.0]", "sum(x)", '["x"]'), "torch")
    assert report.summary.exit_code == 4
    assert all(audit.status == "error" and "not installed" in str(audit.error) for audit in report.audits)


def test_what_an_engine_cannot_compute_is_told(engine: str, run: Run) -> None:
    """A bad case is a bad case on every engine."""
    report = run(case("x = [1.0]", "sum(x + nothing)", '["x"]'), engine)
    assert report.summary.exit_code == 3


def test_torch_holds_one_parameter_for_each_object_over_one_storage() -> None:
    torch = pytest.importorskip("torch")
    from aliascheck.subjects.torch.program import Arrays

    x = np.arange(6.0).reshape(2, 3)
    arrays = {("x",): x, ("y",): x, ("t",): x.T, ("r",): x[::-1], ("s",): np.broadcast_to(x[0], (4, 3))}
    module = Arrays(arrays, [("t",)])
    held = {name: module.shown(name) for name in "xytrs"}
    assert held["x"] is held["y"] and all(type(one) is torch.nn.Parameter for one in held.values())
    assert [name for name, one in held.items() if one.requires_grad] == ["t"]
    with torch.no_grad():
        held["t"][2, 1] = 50.0
    assert held["x"][1, 2] == 50.0
    assert held["r"][0, 2] == 5.0  # torch has no view that runs backwards: a copy
    assert held["s"].stride() == (0, 1) and held["s"].data_ptr() == held["x"].data_ptr()
    assert x[1, 2] == 5.0  # the case's own memory is left alone


def test_ties_are_looked_for_in_the_engine_s_memory(engine: str, run: Run) -> None:
    text = case(
        'x = [[1.0, 2.0]]\nm = "A(w=transpose(x))"',
        "sum(m.w) + sum(x)",
        '["m.w", "x"]',
        'ties = [["m.w", "x"]]',
    )
    found = {label for audit in run(text, engine).audits for label in labels(audit)}
    assert ("AC302:None" in found) == (engine == "jax")  # which has no views: a copy is no tie


def test_stops_are_constants_unless_the_case_says_otherwise(engine: str, run: Run) -> None:
    let, loss = "x = [1.0, 2.0]", "sum(stop_gradient(x) * x)"
    kept = run(case(let, loss, '["x"]'), engine)
    told = run(case(let, loss, '["x"]', 'stop_gradient = "report"'), engine)
    assert all(labels(audit) == set() for audit in kept.audits)
    assert all(labels(audit) == {"AC103:x"} for audit in told.audits)


def test_one_object_under_two_names(engine: str, run: Run) -> None:
    """One Parameter of torch, which gets all; two leaves of jax and autograd, of which one is asked for."""
    report = run(case('x = [2.0]\ny = "x"', "sum(x * y)", '["x"]'), engine)
    for audit in report.audits:
        assert labels(audit) == (set() if engine == "torch" else {"AC103:x"})


SHARED = SHIPPED / "zygote-991"


@pytest.mark.parametrize("where", [SHARED, pytest.param(SHIPPED, marks=pytest.mark.slow)])
def test_shipped_cases_run_on_every_engine(engine: str, where: Path) -> None:
    report = run_cases([where], Selection(engine=engine))
    assert [audit for audit in report.audits if audit.status == "error"] == []
    reasons = {audit.error for audit in report.audits if audit.status == "skipped"}
    known = {f"{engine} has no {what}" for what in ("primitive 'view'", "primitive 'parent of slice(...)'")}
    python = "it runs Python code, and --trust is not given"
    assert reasons <= known | {f"{engine} has no implicit mode", python}


@pytest.mark.parametrize("where", [SHARED, pytest.param(SHIPPED, marks=pytest.mark.slow)])
def test_autograd_reports_what_explicit_mode_does(where: Path) -> None:
    """Its arrays are the same views, and what it differentiates by are the same arguments."""
    pytest.importorskip("autograd")
    ours = run_cases([where], Selection(mode="explicit"))
    theirs = run_cases([where], Selection(mode="explicit", engine="autograd"))
    expected = {(audit.file, audit.id): labels(audit) for audit in ours.audits}
    for audit in theirs.audits:
        wanted = expected[audit.file, audit.id]
        if audit.status != "skipped" and "AC109:None" not in wanted:
            assert labels(audit) == wanted, (audit.file, audit.id)


def test_names_that_the_loss_never_reads_are_no_accesses(run: Run, engine: str) -> None:
    """A struct made of named arrays: its fields are read, and the names cost nothing."""
    let = "\n".join(f"p{n} = [{n + 1.5}, 2.0, 0.5]" for n in range(4)) + "\nu = [1.0]\n"
    text = case(
        let + 'm = "A(a=p0, b=p1, c=p2, d=p3)"',
        "sum(tanh(m.a * m.b) * m.c * m.d)",
        '["m", "u"]',
        'modes = ["explicit"]',
    )
    (ours,), (audit,) = run(text, "builtin").audits, run(text, engine).audits
    accesses = {group.slots[0]: group.accesses for group in audit.groups}
    assert accesses == {**{f"m.{name}": [f"m.{name}"] for name in "abcd"}, "u": []}
    assert [slot.verdict for slot in audit.slots] == [slot.verdict for slot in ours.slots]
    assert {slot.name: slot.verdict for slot in audit.slots}["u"] == "unused"
    assert audit.status == "passed" and audit.evaluations <= 1.25 * ours.evaluations
