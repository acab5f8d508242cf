"""Whatever a file holds, loading it gives a case or one error."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aliascheck.cases import BadCase, Case, evaluate_bindings, read_case
from aliascheck.cases.schema import Audit, CaseFile, ModeExpectation
from tests.cases.toml import write_toml

GOOD = b"""\
title = "t"
[let]
x = [1.0, 2.0]
y = "adjoint(x)"
[defaults]
modes = ["implicit"]
[[audit]]
id = "a"
loss = "sum(x * n)"
params = ["x", "params(y)"]
matrix = { n = [1, 2] }
[audit.expect.implicit]
gradients = { x = [1.0, 1.0], Main.y = "nothing" }
findings = ["AC101:x"]
"""


def load(data: bytes) -> Case | None:
    try:
        return read_case(data, "f.toml", Path())
    except BadCase as error:
        assert str(error).startswith("f.toml: ")
        assert error.line >= 1
        return None


@given(st.binary())
def test_arbitrary_bytes(data: bytes) -> None:
    load(data)


@given(st.text())
def test_arbitrary_text(text: str) -> None:
    load(text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 9), st.binary(max_size=5)), max_size=4))
def test_damaged_files(damages: list[tuple[int, int, bytes]]) -> None:
    data = GOOD
    for position, removed, put in damages:
        data = data[:position] + put + data[position + removed :]
    load(data)


SCALARS = (
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.dates()
    | st.sampled_from(
        ["x", "sum(x)", "nothing", "implicit", "AC101:x", "AC203", "owner:x", "torch", "a.py:b"]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
KEYS = st.sampled_from(
    [
        *CaseFile.__struct_fields__,
        *Audit.__struct_fields__,
        *ModeExpectation.__struct_fields__,
        *("implicit", "explicit", "rtol", "x", "Main", "Main.x", "optimizers", "parms", ""),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_arbitrary_data(data: dict[str, Any]) -> None:
    text = write_toml(data)
    assert len(tomllib.loads(text)) == len(data)
    load(text.encode())


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Audit.__struct_fields__, VALUES)))
def test_arbitrary_audits(table: dict[str, Any]) -> None:
    load(write_toml({"let": {"x": [1.0]}, "audit": [{"loss": "sum(x)", "params": ["x"], **table}]}).encode())


@given(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3))
def test_arbitrary_bindings(let: dict[str, Any]) -> None:
    case = load(write_toml({"let": let, "audit": [{"loss": "1.0", "params": ["x"]}]}).encode())
    if case is None:
        return
    try:
        values = evaluate_bindings(case)
    except BadCase as error:
        assert error.inside is not None
        assert error.inside.startswith("let.")
    else:
        assert list(values) == list(let)


def test_dates_reach_the_check() -> None:
    assert tomllib.loads(write_toml({"x": datetime.date(2024, 1, 2)})) == {"x": datetime.date(2024, 1, 2)}
