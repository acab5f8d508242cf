"""Torch models on a device: on a GPU where there is one, else on one whose memory nobody sees either.

Run by `pytest -m slow tests/subjects/test_torch_device.py`: without a GPU the device must be built first.
"""

from __future__ import annotations

import pytest

import aliascheck
from tests.subjects.device import device, moved
from tests.subjects.torch_models import (
    Buffered,
    Coder,
    Net,
    Slices,
    Tied,
    Weight,
    X,
    labels,
    nn,
    numbers,
    run,
    torch,
    words,
)

pytestmark = pytest.mark.slow

MODES = ["implicit", "explicit"]
DTYPES = [torch.float64, torch.float32, torch.bfloat16]


@pytest.fixture(autouse=True, scope="module")
def _device():
    """The device is there before torch's engine starts, which looks for devices once."""
    device()


def shared(a):
    return nn.Parameter(a.data.t())


def input_of(module):
    first = next(module.parameters())
    return X.to(first.device, first.dtype)


def reconstruction(module):
    x = input_of(module)
    return ((module(x) - x) ** 2).mean()


def square(module):
    return (module(input_of(module)) ** 2).mean()


class Stopped(Coder):
    def __init__(self):
        super().__init__(decode=lambda a: a.detach().t())


ALIASED = {
    "a transposed decoder": (Coder, reconstruction),
    "two Parameters over one storage": (lambda: Coder(shared), reconstruction),
    "a buffer over a parameter": (Buffered, reconstruction),
    "one Parameter twice": (Tied, reconstruction),
    "a detached decoder": (Stopped, reconstruction),
    "overlapping slices": (lambda: Slices(5), square),
    "disjoint slices": (lambda: Slices(8), square),
    "stride 0": (lambda: Weight(numbers(1, 2).expand(4, 2)), square),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", ALIASED)
def test_the_audit_is_that_of_the_cpu(case, dtype, mode):
    make, loss = ALIASED[case]
    here = run(make(), loss, mode)
    module = moved(make(), dtype)
    before = [one.detach().clone() for one in module.parameters()]
    there = run(module, loss, mode)
    assert (words(there), labels(there)) == (words(here), labels(here))
    assert not any("CPU" in note for note in there.notes)
    assert max(slot.bound for slot in there.slots) < 1e-9
    assert all(one.device.type == device().type and one.grad is None for one in module.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


class Faulty(torch.autograd.Function):
    """Right on the CPU, and off by a tenth on the device."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, d_out):
        (x,) = ctx.saved_tensors
        return (2.0 if x.device.type == "cpu" else 2.2) * x * d_out


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_it_is_the_kernels_of_the_device_that_are_audited(dtype):
    def loss(module):
        return Faulty.apply(module(input_of(module))).mean()

    assert labels(run(Weight(numbers(4, 2)), loss, "implicit")) == []
    assert labels(run(moved(Weight(numbers(4, 2)), dtype), loss, "implicit")) == ["AC105:W"]


def test_what_the_device_does_not_compute_is_audited_on_the_cpu():
    module = moved(Weight(numbers(4, 2)), torch.float32)

    def loss(module):
        if module.W.device.type != "cpu" and module.W.dtype is torch.float64:
            raise TypeError("no float64 here")
        return square(module)

    outcome = run(module, loss, "implicit")
    assert (labels(outcome), words(outcome)) == ([], ["total"])
    assert any("was audited on the CPU: the kernels of" in note for note in outcome.notes)


def test_memory_that_only_the_loss_knows_is_followed():
    module = moved(Weight(numbers(4, 2)), torch.float32)
    captured = module.W.detach()
    x = input_of(module)
    outcome = run(module, lambda module: ((module(x) @ captured.t() - x) ** 2).mean(), "implicit")
    assert "AC103:W" in labels(outcome)
    assert max(slot.bound for slot in outcome.slots) < 1e-9


@pytest.mark.parametrize("mode", MODES)
def test_a_loss_that_does_not_follow_is_audited_where_it_is(mode):
    module = moved(Weight(numbers(4, 2)), torch.float32)
    storage = module.W.untyped_storage()

    def loss(module):
        raw = torch.empty(0, dtype=torch.float32, device=device()).set_(storage, 0, (8,))
        return square(module) * float(1 + raw[0])

    outcome = run(module, loss, mode)
    assert "AC204:W" in labels(outcome) or "AC103:W" in labels(outcome)
    assert any("could not be audited in float64" in note for note in outcome.notes)


def test_a_loss_that_writes_to_memory_there_is_seen_and_undone():
    module = moved(Coder(lambda a: nn.Parameter(a.data.t())))
    before = module.A.detach().clone()

    def loss(module):
        value = reconstruction(module)
        module.A.data.mul_(2.0)
        return value

    assert labels(run(module, loss, "implicit")) == ["AC203"]
    assert torch.equal(module.A, before)


def test_random_numbers_of_the_device_are_drawn_anew_and_put_back():
    module = moved(Weight(numbers(4, 2)), torch.float32)
    streams = torch.get_device_module(device())
    streams.manual_seed_all(7)
    before = streams.get_rng_state_all()

    def loss(module):
        x = input_of(module)
        if device().type == "cuda":
            noise = torch.randn(x.shape, device=device())
        else:
            noise = torch.randn(x.shape, generator=streams.stream).to(device())
        return (module(x + noise) ** 2).mean()

    assert labels(run(module, loss, "implicit")) == []
    assert all(torch.equal(a, b) for a, b in zip(before, streams.get_rng_state_all(), strict=True))


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)],
        lambda: [nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)],
        lambda: [nn.Linear(4, 8), nn.Dropout(0.0), nn.Softmax(-1), nn.Linear(8, 2)],
    ],
)
def test_layers_are_audited_there(layers):
    net = moved(Net(*layers()), torch.float32)
    buffers = [one.clone() for one in net.buffers()]
    outcome = run(net, square, "implicit")
    assert labels(outcome) == []
    assert all(torch.equal(a, b) for a, b in zip(buffers, net.buffers(), strict=True))


def test_the_report_is_that_of_anybody():
    report = aliascheck.audit(moved(Tied(), torch.float32), reconstruction)
    assert report.ok and "audited in float64" in str(report)
