"""An audit changes nothing: of the module, of tensors that it does not hold, of the world."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from aliascheck.errors import AliascheckError
from aliascheck.subjects.torch import make_subject
from tests.subjects.torch_models import (
    Coder,
    Net,
    Tied,
    X,
    labels,
    nn,
    numbers,
    reconstruction,
    run,
    square,
    torch,
)


class Busy(nn.Module):
    """Has everything that an evaluation might change, and changes it."""

    def __init__(self, dtype):
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.frozen = nn.Parameter(numbers(3), requires_grad=False)
        self.register_buffer("mask", torch.ones(1, 3).expand(3, 3))
        self.to(dtype)
        self.kept = self.first.weight.t()
        self.again = nn.Parameter(self.first.weight.data)
        self.cache, self.calls, self.table = [], 0, {"views": (self.first.bias.detach(),)}
        self.first.weight.grad = torch.full_like(self.first.weight, 7.0)
        self.first.weight.register_hook(lambda grad: grad * 1.0)
        self.register_forward_hook(lambda module, arguments, out: out * 1.0)

    def forward(self, x):
        self.calls += 1
        self.cache.append(x)
        self.table["last"] = x
        self.late = torch.rand(1)
        out = self.drop(self.norm(self.first(x))) + self.frozen * self.table["views"][0]
        out = out @ self.mask + x @ self.kept + x @ self.again.t()
        self.train(self.calls % 2 == 0)
        return out * (1 + random.random() + np.random.random())


def everything(module):
    """All that can be seen of a module, in a form that compares by value and by identity."""
    seen = []
    for name, one in module.named_modules():
        for table in (vars(one), one._parameters, one._buffers, one._modules):
            seen += [(name, key, id(value), repr(value)) for key, value in table.items()]
    for name, tensor in [*module.named_parameters(remove_duplicate=False), *module.named_buffers()]:
        grad = None if tensor.grad is None else (id(tensor.grad), tensor.grad.numpy().tobytes())
        numbers = tensor.detach().double().numpy().tobytes()
        seen.append((name, numbers, tensor.data_ptr(), tensor.requires_grad, tensor.dtype, grad))
    return seen


def world():
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()


def mean_of(module):
    return torch.tanh(module(X.to(module.first.weight.dtype))).mean()


@pytest.mark.parametrize("stops", ["report", "constant"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_nothing_is_changed(dtype, stops):
    module = Busy(dtype)
    before, outside = everything(module), world()
    subject = make_subject(module, mean_of)
    outcomes = audit(subject, ["implicit", "explicit"], Settings(stops=stops))
    assert everything(module) == before and world() == outside
    assert not {found.code for one in outcomes for found in one.findings} & {
        "AC105",
        "AC202",
        "AC203",
        "AC204",
    }


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("last", [0, 1, 5, 40, 200])
def test_nothing_is_changed_when_the_loss_raises(dtype, last):
    """At the first evaluation, among gates, or far into the audit."""
    module = Busy(dtype)
    left = [last]

    def loss(module):
        value = mean_of(module)
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt if last > 5 else ValueError("enough")
        return value

    before, outside = everything(module), world()
    with suppress(AliascheckError, ValueError, KeyboardInterrupt):
        audit(make_subject(module, loss), ["implicit", "explicit"])
    assert everything(module) == before and world() == outside


def test_gradients_of_other_tensors_are_left_alone():
    other, kept = nn.Parameter(numbers(4, 2)), nn.Parameter(numbers(4, 2))
    kept.grad = torch.ones_like(kept)
    before = kept.grad

    def loss(module):
        return (torch.tanh(X @ module.A) * (X @ other) * (X @ kept)).mean()

    assert labels(run(Coder(), loss, "implicit")) == []
    assert other.grad is None and kept.grad is before and torch.equal(before, torch.ones_like(kept))


def test_optimisers_in_the_backward_pass_take_no_step():
    module = Net(nn.Linear(4, 2))
    for parameter in module.parameters():
        optimiser = torch.optim.SGD([parameter], lr=0.1)
        parameter.register_post_accumulate_grad_hook(lambda _, optimiser=optimiser: optimiser.step())
    before = [one.detach().clone() for one in module.parameters()]
    assert labels(run(module, square, "implicit")) == []
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def assigned(module):
    module.A.data = module.A.data * 0.99
    return reconstruction(module)


def set_anew(module):
    with torch.no_grad():
        module.A.set_((module.A * 0.99).detach())
    return reconstruction(module)


def cloned(module):
    module.A.data = module.A.data.clone()
    return reconstruction(module)


def reshaped(module):
    module.A.data = module.A.data[:, :1]
    return (X.to(module.A.dtype) @ module.A).sum()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("loss", [assigned, set_anew, cloned, reshaped])
def test_other_memory_for_a_parameter_is_a_mutation_and_undone(loss, dtype):
    module = Coder().to(dtype)
    before = everything(module)
    assert labels(run(module, loss, "implicit")) == ["AC203"]
    assert everything(module) == before


GENERATORS = {
    "torch": (lambda: torch.Generator().manual_seed(3), lambda one: torch.rand((), generator=one)),
    "NumPy": (lambda: np.random.default_rng(3), lambda one: one.random()),
    "NumPy's old": (lambda: np.random.RandomState(3), lambda one: one.rand()),
    "Python's": (lambda: random.Random(3), lambda one: one.random()),
}


class Sampler:
    """An object of a user's that draws."""

    def __init__(self, one):
        self.settings = SimpleNamespace(streams=[one])


def streams_of(module):
    return module.sampler.settings.streams


@pytest.mark.parametrize("held", ["by the module", "in a list", "in an object", "by the loss", "as a method"])
@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_are_where_they_were(kind, held):
    make, draw = GENERATORS[kind]
    module, captured = Coder(), make()
    module.one, module.several, module.sampler = make(), [make()], Sampler(make())
    (inside,) = streams_of(module)
    method = getattr(captured, "random", None) or getattr(captured, "rand", None)
    if held == "as a method" and method is None:
        pytest.skip("torch's has no method that draws")
    losses = {
        "by the module": lambda module: reconstruction(module) * (1 + draw(module.one)),
        "in a list": lambda module: reconstruction(module) * (1 + draw(module.several[0])),
        "in an object": lambda module: (
            reconstruction(module) * (1 + draw(module.sampler.settings.streams[0]))
        ),
        "by the loss": lambda module: reconstruction(module) * (1 + draw(captured)),
        "as a method": lambda module: reconstruction(module) * (1 + method()),
    }
    assert labels(run(module, losses[held], "implicit")) == []
    fresh = float(draw(make()))
    assert [float(draw(one)) for one in (module.one, *module.several, inside, captured)] == [fresh] * 4


def test_draws_are_those_of_the_seed():
    def loss(module):
        return module(X).mean() * (torch.rand(1) + random.random() + np.random.random())

    one, same, other = (make_subject(Tied(), loss, seed=seed).base() for seed in (1, 1, 2))
    assert one == same != other


def test_importing_the_package_does_not_import_torch(tmp_path):
    import subprocess

    code = "import sys, aliascheck.subjects.torch, aliascheck.auditing; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
