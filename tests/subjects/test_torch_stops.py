"""Values that leave torch's graph: replayed as constants, or judged."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from aliascheck.subjects.torch import make_subject
from tests.subjects.torch_models import (
    Coder,
    Net,
    X,
    checkpoint,
    labels,
    nn,
    reconstruction,
    run,
    torch,
    words,
)

MODES = ["implicit", "explicit"]


def without_gradients(a):
    with torch.no_grad():
        return a.t()


def computed_without_gradients(a):
    with torch.no_grad():
        b = (2.0 * a).t()
        with torch.enable_grad():
            c = 0.5 * a
        return b - c.t()


def inferred(a):
    with torch.inference_mode():
        b = a.t() * 1.0
    return b.clone()


def detached_in_place(a):
    b = a.t() * 1.0
    return b.detach_()


def copied(a):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have it cloned
        return torch.tensor(a)


STOPS = {
    "detach": lambda a: a.t().detach(),
    "data": lambda a: a.data.t(),
    "a copy": lambda a: a.clone().detach().t(),
    "no_grad": without_gradients,
    "much under no_grad": computed_without_gradients,
    "inference_mode": inferred,
    "detach_": detached_in_place,
    "item": lambda a: a.t() * a.sum().item(),
    "tolist": lambda a: torch.tensor(a.t().tolist(), dtype=a.dtype),
    "a Parameter": lambda a: nn.Parameter(a.t()),
    "a frozen Parameter": lambda a: nn.Parameter(a.t(), requires_grad=False),
    "torch.tensor": lambda a: copied(a).t(),
    "NumPy": lambda a: torch.from_numpy(np.tanh(a.detach().numpy()).T),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("case", STOPS)
def test_stops_are_findings_with_their_cause(case, mode, dtype):
    if case == "NumPy" and dtype == torch.float32:
        pytest.skip("NumPy's numbers are cut to float32 there, in whatever precision the model is")
    outcome = run(Coder(decode=STOPS[case]).to(dtype), reconstruction, mode)
    assert (labels(outcome), words(outcome)) == (["AC103:A"], ["partial"])
    assert outcome.findings[0].cause == "stopped"
    assert outcome.groups[0].columns == ("A", "A (stopped)")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", STOPS)
def test_stops_are_constants_where_they_are_meant(case, mode):
    outcome = run(Coder(decode=STOPS[case]), reconstruction, mode, {"stops": "constant"})
    assert (labels(outcome), words(outcome)) == ([], ["total"])


@pytest.mark.parametrize("mode", MODES)
def test_all_that_a_slot_has_may_be_stopped(mode):
    outcome = run(Coder(), lambda module: torch.tanh(module.A.detach()).sum(), mode)
    assert (labels(outcome), words(outcome)) == (["AC101:A"], ["nothing"])


def test_parameters_are_made_as_before_afterwards():
    make = nn.Parameter.__new__
    run(Coder(decode=STOPS["a Parameter"]), reconstruction, "implicit")
    assert nn.Parameter.__new__ is make
    assert type(nn.Parameter(X)) is nn.Parameter


class Rounded(nn.Module):
    """Straight through: the gradient of the identity where numbers are rounded."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.3, 1.2], dtype=torch.float64))

    def forward(self, _):
        return self.w + (torch.round(self.w) - self.w).detach()


def test_a_straight_through_estimator():
    def loss(module):
        return (module(X) * torch.tensor([1.0, 3.0])).sum()

    outcome = run(Rounded(), loss, "implicit", {"stops": "constant"})
    assert (labels(outcome), words(outcome)) == ([], ["total"])


class Own(torch.autograd.Function):
    """Computes outside the graph, and has a rule for it."""

    @staticmethod
    def forward(ctx, x):
        with torch.no_grad():
            out = torch.tanh(x.detach())
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, cotangent):
        (out,) = ctx.saved_tensors
        return cotangent * (1 - out * out)


NO_STOPS = {
    "a custom function": lambda module: reconstruction(module) + Own.apply(module.A).sum(),
    "a detached number of something else": lambda module: (
        reconstruction(module) * (X * 2.0).detach().mean().item()
    ),
    "zeros of its shape": lambda module: (
        reconstruction(module) + (torch.zeros_like(module.A) * module.A).sum()
    ),
    "its shape": lambda module: reconstruction(module) / module.A.shape[0] * module.A.element_size(),
}


@pytest.mark.parametrize("case", NO_STOPS)
def test_what_is_no_stop(case):
    subject = make_subject(Coder(), NO_STOPS[case])
    subject.base()
    assert not subject.has_stops()
    assert labels(run(Coder(), NO_STOPS[case], "implicit")) == []


def test_checkpoints_are_no_stops():
    module = Net(nn.Linear(4, 2), nn.Tanh())

    def loss(module):
        return checkpoint(module, X, use_reentrant=True).square().mean()

    subject = make_subject(module, loss)
    with pytest.warns(UserWarning, match="None of the inputs"):
        subject.base()
    assert not subject.has_stops()


def test_evaluations_without_a_graph_complain_of_nothing():
    module = Net(nn.Linear(4, 4), nn.Tanh())

    def loss(module):
        x = X.clone().requires_grad_()
        for _ in range(2):
            x = checkpoint(module, x, use_reentrant=True)
        return x.square().mean()

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert labels(run(module, loss, "implicit")) == []


def test_a_loss_that_takes_another_path_does_not_replay():
    def loss(module):
        a = module.A.detach() if module.A[0, 0] > 0 else module.A
        return (a * module.A).sum()

    module = Coder()
    subject = make_subject(module, loss)
    base = subject.base()
    assert subject.has_stops() == bool(module.A[0, 0] > 0)
    assert subject.loss() == base
