"""Models in other precisions: audited in float64 where that can be had, and said so."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.auditing import audit
from aliascheck.engine import transpose
from aliascheck.language import parse
from aliascheck.memory import NOTHING
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Gradients


class ReportsNarrow(Program):
    """A program whose engine reports in float32, and may have a fault."""

    factor = 1.0

    def gradients(self, mode, gates=None):
        right = super().gradients(mode, gates)
        narrow = {
            path: tangent if tangent is NOTHING else np.asarray(self.factor * tangent, np.float32)
            for path, tangent in right.members.items()
        }
        return Gradients(narrow, right.globals)


class Narrow(ReportsNarrow):
    """A program that cannot be had in float64."""

    def widened(self):
        return None


def model(rows: int, columns: int, kind: type[Program] = Program, dtype: type = np.float32) -> Program:
    rng = np.random.default_rng(3)
    w = (rng.normal(size=(rows, columns)) / np.sqrt(rows)).astype(dtype)
    x = rng.normal(size=(4, rows)).astype(dtype)
    bindings = {"x": x, "w": w, "wt": transpose(w)}
    return kind(bindings, parse("mean((tanh(x @ w) @ wt - x)**2)").evaluate, [("w",), ("wt",)])


@pytest.mark.parametrize("size", [(3, 2), (40, 30)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_narrow_model_is_audited_in_double_on_memory_that_aliases_alike(size, dtype):
    program = model(*size, dtype=dtype)
    before = program.bindings["w"].tobytes()
    for outcome in audit(program, ["implicit", "explicit"]):
        assert not outcome.findings
        assert [slot.word for slot in outcome.slots] == ["split", "split"]
        assert any("audited in float64" in note for note in outcome.notes)
        assert max(slot.bound for slot in outcome.slots) < 1e-9
    assert program.bindings["w"].tobytes() == before and program.bindings["w"].dtype == dtype


@pytest.mark.parametrize("size", [(3, 2), (40, 30)])
def test_a_model_that_stays_narrow_has_bounds_that_say_how_little_is_visible(size):
    program = model(*size, Narrow)
    (outcome,) = audit(program, ["explicit"])
    assert not [found for found in outcome.findings if found.severity == "error"]
    assert any("could not be audited in float64" in note for note in outcome.notes)
    assert max(slot.bound for slot in outcome.slots) > 1e-7


def test_a_gross_fault_of_a_narrow_model_is_found_all_the_same():
    program = model(40, 30, Narrow)
    program.factor = 2.0
    (outcome,) = audit(program, ["explicit"])
    assert {found.code for found in outcome.findings if found.severity == "error"} == {"AC104"}


@pytest.mark.parametrize("size", [(3, 2), (40, 30)])
@pytest.mark.parametrize(("factor", "codes"), [(1.0, set()), (1.0 + 1e-4, {"AC105"}), (2.0, {"AC104"})])
def test_an_engine_in_float32_may_round_as_such(size, factor, codes):
    program = model(*size, ReportsNarrow, np.float64)
    program.factor = factor
    (outcome,) = audit(program, ["explicit"])
    assert {found.code for found in outcome.findings} == codes
    assert not any("gates" in note for note in outcome.notes)


@pytest.mark.parametrize("weight", [1.0, 1e-2, 1e-3, 1e-4, 1e-5])
def test_a_forgotten_gradient_of_a_narrow_model_is_never_called_unused(weight):
    rng = np.random.default_rng(3)
    shapes = {"used": (3, 2), "apart": (3, 2), "x": (400, 3), "w": (3, 2)}
    bindings = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    loss = parse(f"sum(sin(x @ (w + {weight} * used)))").evaluate
    program = Narrow(bindings, loss, [("used",), ("apart",)])
    program.factor = 0.0
    (outcome,) = audit(program, ["explicit"])
    assert {found.code for found in outcome.findings} & {"AC101", "AC202", "AC206"}
    assert not any(found.slot == "apart" for found in outcome.findings)
    assert [slot.word for slot in outcome.slots].count("unused") == 1
