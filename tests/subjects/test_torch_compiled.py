"""Models whose code is compiled: what it reports is judged, and it is left as it was."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from tests.subjects.torch_models import (
    Buffered,
    Coder,
    Net,
    X,
    labels,
    nn,
    reconstruction,
    run,
    torch,
    words,
)

from aliascheck.subjects.torch.compiled import has_stances  # isort: skip  # only where torch is
from aliascheck.subjects.torch.members import model_of  # isort: skip

common = pytest.importorskip("torch._dynamo.backends.common")
boxed = pytest.importorskip("functorch.compile").make_boxed_func

KINDS = [torch.float64, torch.float32, torch.bfloat16]
SHAPE = (3, 4)  # of the one gradient that a wrong backward pass spoils


class Backend:
    """Runs the graphs that it is given, and counts; the gradient of one shape is multiplied by a factor."""

    def __init__(self, factor=1.0, shift=0.0):
        self.factor, self.shift = factor, shift
        self.compiled = self.forwards = self.backwards = 0
        self.compile = common.aot_autograd(fw_compiler=self._forward, bw_compiler=self._backward)

    def _forward(self, graph, _):
        self.compiled += 1

        def call(*arguments):
            self.forwards += 1
            out, *kept = graph(*arguments)
            return [out + self.shift * torch.rand_like(out) if self.shift else out, *kept]

        return boxed(call)

    def _backward(self, graph, _):
        def call(*arguments):
            self.backwards += 1
            return [self._spoiled(one) for one in graph(*arguments)]

        return boxed(call)

    def _spoiled(self, grad):
        return grad * self.factor if isinstance(grad, torch.Tensor) and grad.shape == SHAPE else grad

    @property
    def counts(self):
        return self.compiled, self.forwards, self.backwards


@pytest.fixture(autouse=True)
def forgotten():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def net(dtype, *others):
    return Net(nn.Linear(4, 3), nn.Tanh(), *others, nn.Linear(3, 2)).to(dtype)


def loss_in(dtype, call=lambda module, x: module(x)):
    x = X.to(dtype)
    return lambda module: call(module, x).double().square().mean()


def as_module(dtype, backend):
    return torch.compile(net(dtype), backend=backend), loss_in(dtype)


def in_place(dtype, backend):
    module = net(dtype)
    module.compile(backend=backend)
    return module, loss_in(dtype)


def below(dtype, backend):
    module = net(dtype)
    module.net = torch.compile(module.net, backend=backend)
    return module, loss_in(dtype)


def its_forward(dtype, backend):
    module = net(dtype)
    module.forward = torch.compile(module.forward, backend=backend)
    return module, loss_in(dtype)


def of_function(dtype, backend):
    return net(dtype), loss_in(dtype, torch.compile(lambda module, x: module(x), backend=backend))


def of_closure(dtype, backend):
    module = net(dtype)
    compiled = torch.compile(lambda x: module(x), backend=backend)
    return module, loss_in(dtype, lambda _, x: compiled(x))


WAYS = [as_module, in_place, below, its_forward, of_function, of_closure]
CASES = [
    *((way, torch.float64) for way in WAYS),
    *((as_module, torch.float32), (of_closure, torch.float32), (as_module, torch.bfloat16)),
]


def said(outcome):
    return [note for note in outcome.notes if "compiled code" in note]


def step(module, loss):
    """What a user does: the gradients of the model."""
    module.zero_grad()
    loss(module).backward()
    found = [one.grad.clone() for one in module.parameters()]
    module.zero_grad()
    return found


@pytest.mark.parametrize(("way", "dtype"), CASES)
def test_a_wrong_backward_pass_of_compiled_code_is_found(way, dtype):
    module, loss = way(dtype, Backend(factor=2.0).compile)
    outcome = run(module, loss, "implicit")
    (name,) = [one for one, tensor in module.named_parameters() if tensor.shape == SHAPE]
    assert labels(outcome) == [f"AC105:{name}"]
    assert [name in note for note in said(outcome)[:1]] == [True]


@pytest.mark.parametrize(("way", "dtype"), CASES)
def test_compiled_code_that_is_right_is_clean_and_as_it_was(way, dtype, capfd):
    backend = Backend()
    module, loss = way(dtype, backend.compile)
    before = step(module, loss)
    assert backend.counts == (1, 1, 1)
    outcomes = audit(model_of(module, loss, None), ["implicit", "explicit"], Settings(stops="report"))
    assert [labels(outcome) for outcome in outcomes] == [[], []]
    assert set(words(outcomes[0])) == {"total"} and said(outcomes[0])
    compiled, forwards, backwards = backend.counts
    assert compiled == 1 and forwards > 1 and backwards > 1
    after = step(module, loss)
    assert backend.counts == (1, forwards + 1, backwards + 1)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert capfd.readouterr() == ("", "")


def test_the_gradient_of_a_model_in_double_is_that_of_the_compiled_code():
    module, loss = as_module(torch.float64, Backend(factor=3.0).compile)
    subject = model_of(module, loss, None)
    subject.base()
    found = subject.gradients("implicit").members
    for (name, _), grad in zip(module.named_parameters(), step(module, loss), strict=True):
        assert np.array_equal(found[(name,)], grad.numpy())


@pytest.mark.parametrize("dtype", KINDS[:2])
def test_explicit_mode_asks_compiled_code_that_takes_other_tensors(dtype):
    backend = Backend(factor=2.0)
    module, loss = as_module(dtype, backend.compile)
    outcome = run(module, loss, "explicit")
    refused = any("takes no other tensors" in note for note in outcome.notes)
    assert labels(outcome) == ([] if refused else ["AC105:_orig_mod.net.0.weight"])
    assert refused != has_stances()
    assert backend.compiled == 1


@pytest.mark.parametrize("dtype", KINDS)
def test_compiled_code_that_draws_other_numbers_is_not_judged(dtype):
    module, loss = net(dtype, nn.Dropout(0.5)), loss_in(dtype)
    outcome = run(torch.compile(module, backend=Backend(2.0, shift=0.5).compile), loss, "implicit")
    assert labels(outcome) == []
    assert any("draws other random numbers" in note for note in outcome.notes)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_compiled_code_that_draws_the_same_numbers_is_judged(dtype, factor):
    module, loss = net(dtype, nn.Dropout(0.5)), loss_in(dtype)
    outcome = run(torch.compile(module, backend=Backend(factor).compile), loss, "implicit")
    assert labels(outcome) == (["AC105:_orig_mod.net.0.weight"] if factor == 2.0 else [])


@pytest.mark.parametrize("dtype", KINDS[:2])
def test_what_compiled_code_leaves_out_is_found_as_in_eager_code(dtype):
    module = Buffered().to(dtype)
    module.B = module.A.detach().t()
    for outcome in audit(
        model_of(torch.compile(module, backend="aot_eager"), reconstruction, None),
        ["implicit", "explicit"],
        Settings(stops="report"),
    ):
        assert labels(outcome) == ["AC103:_orig_mod.A"]


def test_stops_within_compiled_code_are_seen():
    module = Coder(decode=lambda a: a.t().detach())
    for stops, expected in (("report", ["AC103:_orig_mod.A"]), ("constant", [])):
        compiled = torch.compile(module, backend="aot_eager")
        assert labels(run(compiled, reconstruction, "implicit", {"stops": stops})) == expected


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_mirrored_memory_is_that_of_the_compiled_code(factor):
    backend = Backend(factor)
    module, loss = as_module(torch.float64, backend.compile)
    (outcome,) = audit(model_of(module, loss, None, mirrored=True), ["implicit"], Settings(stops="report"))
    assert labels(outcome) == (["AC105:_orig_mod.net.0.weight"] if factor == 2.0 else [])
    assert backend.compiled == 1 and backend.backwards > 0


@pytest.mark.parametrize("dtype", KINDS[:2])
def test_compiled_code_changes_nothing(dtype):
    module = net(dtype, nn.BatchNorm1d(3), nn.Dropout(0.5))
    loss = loss_in(dtype)
    compiled = torch.compile(module, backend=Backend().compile)
    step(module, loss)
    for number, parameter in enumerate(module.parameters()):
        parameter.grad = torch.full_like(parameter, float(number))

    def state():
        tensors = [*module.parameters(), *module.buffers()]
        grads = [(id(one.grad), one.grad.tolist()) for one in module.parameters()]
        outside = random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()
        return [one.tolist() for one in tensors], [one.data_ptr() for one in tensors], grads, outside

    before = state()
    assert labels(run(compiled, loss, "implicit")) == []
    assert state() == before


def test_a_loss_that_moves_memory_is_a_mutation_in_compiled_code_too():
    module, loss = as_module(torch.float64, Backend().compile)
    before = [one.tolist() for one in module.parameters()]

    def moving(module):
        value = loss(module)
        with torch.no_grad():
            next(module.parameters()).mul_(0.5)
        return value

    assert labels(run(module, moving, "implicit")) == ["AC203"]
    assert [one.tolist() for one in module.parameters()] == before


def test_a_compiler_that_fails_fails_the_audit():
    def failing(graph, _):
        raise ValueError("no code for this")

    module, loss = as_module(torch.float64, failing)
    outcome = run(module, loss, "implicit")
    assert labels(outcome) == ["AC109"]


def test_the_compiler_is_not_loaded_for_models_that_have_none():
    code = (
        "import sys, torch, aliascheck\n"
        "x, net = torch.randn(3, 4), torch.nn.Linear(4, 2)\n"
        "assert aliascheck.audit(net, lambda net: net(x).square().mean()).ok\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


LATE = """
import torch, aliascheck
x, net, compiled, made = torch.randn(3, 4).double(), torch.nn.Linear(4, 5).double(), [], []

def backend(graph, _):
    made.append(graph)
    return graph.forward

def loss(net):
    if not compiled:
        compiled.append(torch.compile(lambda net, x: net(x).square().mean(), backend=backend))
    return compiled[0](net, x)

report = aliascheck.audit(net, loss, modes=["implicit"])
count = len(made)
loss(net).backward()
entries = torch._dynamo.eval_frame._debug_get_cache_entry_list
code = compiled[0]._torchdynamo_orig_callable.__code__
print("compiled code" in str(report.audits[0].notes), len(made) == count, len(entries(code)) == 1)
"""


def test_code_that_the_audit_is_the_first_to_compile():
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")
