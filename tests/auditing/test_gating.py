"""What gates cost: one more gradient for each access and three for the checks, over one forward pass."""

from __future__ import annotations

import pytest

from aliascheck.auditing import audit
from aliascheck.subjects.program import Program
from tests.programs import Text

LET = {"x": [1.0, 2.0], "y": [3.0, 4.0], "xt": "adjoint(x)"}
LOSSES = {
    "sum(x * x)": 1,
    "sum(xt * x) + sum(y)": 3,
    "sum(xt.parent * x)": 2,
    "sum(tanh(Dense(reshape(xt, 1, 2), y[:1])(x)) * y)": 3,
}


class Counting(Program):
    """A program that counts its gradients and its traced evaluations."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.taken = []

    def gradients(self, mode, gates=None):
        self.taken.append(gates)
        return super().gradients(mode, gates)


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
@pytest.mark.parametrize("loss", LOSSES)
def test_gates_cost_a_gradient_for_each_access_and_three(loss, mode):
    program = Text(LET, loss, ("x", "y")).program(Counting)
    audit(program, [mode])
    accesses = len(program.accesses())
    assert accesses == LOSSES[loss]
    assert program.taken[0] is None and len(program.taken) == 1 + accesses + 3


def test_the_forward_pass_is_recorded_once(monkeypatch):
    text = Text(LET, "sum(xt * x)", ("x",))
    program = text.program(Counting)
    recorded = []
    evaluate = program.evaluate
    monkeypatch.setattr(
        program,
        "evaluate",
        lambda env: recorded.append(type(env).__name__) or evaluate(env),
    )
    for gates in (None, {("x",): 0.0}, {("xt",): 2.0}):
        program.gradients("implicit", gates)
        program.gradients("explicit", gates)
    assert recorded == ["Traced", "Replaced"]
