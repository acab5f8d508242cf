"""What leaves torch's graph is found where something takes it out, and nowhere else: result by result."""

from __future__ import annotations

import numpy as np
import pytest

from aliascheck.subjects.torch import make_subject
from tests.subjects.torch_models import F, labels, nn, numbers, run, torch

D = torch.distributions


class Pair(nn.Module):
    """A parameter, a buffer of its own memory, and one that shows the parameter's."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(numbers(3, 3).abs() + torch.eye(3, dtype=torch.float64))
        self.register_buffer("c", numbers(3, 3, seed=1).abs() + 0.5)
        self.register_buffer("view", self.a.detach().t())


LSTM = nn.LSTM(3, 3, dtype=torch.float64)
ATTENTION = nn.MultiheadAttention(3, 1, dtype=torch.float64)
for layer in (LSTM, ATTENTION):
    for weight in layer.parameters():
        weight.requires_grad_(False)


class Marked(torch.autograd.Function):
    """Gives a tuple, and says of a part of it that it has no derivative."""

    @staticmethod
    def forward(ctx, a, c):
        signs = torch.sign(a)
        ctx.mark_non_differentiable(signs)
        ctx.save_for_backward(c)
        return a * c, signs

    @staticmethod
    def backward(ctx, cotangent, _):
        return cotangent * ctx.saved_tensors[0], None


def likelihood(kind, *others):
    """The logarithms of a distribution's densities at numbers that are given."""

    def density(a, c):
        at = torch.tensor([0.2, 0.5, 0.3], dtype=a.dtype)
        return kind(a, *(other(c) if callable(other) else other for other in others)).log_prob(at)

    return density


def chosen(a, c):
    found = D.Categorical(logits=a)
    return found.log_prob(torch.tensor([0, 2, 1])), found.entropy(), found.probs


def drawn(a, c):
    return D.Normal(a, 0.5).rsample(), D.Laplace(c, 1.0 + a.square()).rsample()


def alike(c):
    return c[:]


FUNCTIONS = {  # of what is live, or is not, and a constant
    "split": lambda a, c: torch.split(a, 2),
    "unbind": lambda a, c: torch.unbind(a),
    "chunk of a constant": lambda a, c: (*torch.chunk(c, 2), a[0]),
    "topk": lambda a, c: torch.topk(a, 2).values,
    "topk and positions": lambda a, c: torch.topk(a, 2),
    "sort": lambda a, c: torch.sort(a),
    "max with dim": lambda a, c: torch.max(a, dim=0),
    "cummax": lambda a, c: torch.cummax(a, 0),
    "pooled with positions": lambda a, c: F.max_pool1d(a, 2, return_indices=True),
    "meshgrid": lambda a, c: torch.meshgrid(a[0], c[0], indexing="ij"),
    "meshgrid of a constant first": lambda a, c: torch.meshgrid(c[1], a[1], indexing="ij"),
    "broadcast_tensors": lambda a, c: torch.broadcast_tensors(a, c),
    "broadcast to more": lambda a, c: torch.broadcast_tensors(a, c[:, None]),
    "broadcast from less": lambda a, c: torch.broadcast_tensors(a, c[0]),
    "broadcast with a number": lambda a, c: torch.broadcast_tensors(a, torch.tensor(2.0, dtype=a.dtype)),
    "atleast_2d": lambda a, c: torch.atleast_2d((a, c, a[0], c[0])),
    "slogdet": lambda a, c: torch.linalg.slogdet(a),
    "svd": lambda a, c: torch.linalg.svd(a).S,
    "eigvals": lambda a, c: torch.linalg.eigvals(a + c).abs().sum(),
    "aminmax": lambda a, c: torch.aminmax(a),
    "var_mean": lambda a, c: torch.var_mean(a),
    "frexp": lambda a, c: torch.frexp(a),
    "a custom function": lambda a, c: Marked.apply(a, c),
    "LSTM": lambda a, c: LSTM(a, (c[:1], c[1:2])),
    "attention": lambda a, c: ATTENTION(a, a, c),
    "dropout": lambda a, c: (F.dropout(a, 0.5), F.dropout(c, 0.5)),
    "batch norm": lambda a, c: F.batch_norm(a, c[0].clone(), c[1].clone(), training=True),
    "fft": lambda a, c: torch.view_as_real(torch.fft.fft(a)) ** 2,
    "Normal": likelihood(D.Normal, 1.0),
    "Normal, of tensors": likelihood(D.Normal, alike),
    "Normal, broadcast": likelihood(D.Normal, lambda c: c[:, None]),
    "Normal, a spread": lambda a, c: D.Normal(c, a.exp()).log_prob(c),
    "Laplace": likelihood(D.Laplace, alike),
    "Cauchy": likelihood(D.Cauchy, 2.0),
    "StudentT": likelihood(D.StudentT, alike),
    "Beta": likelihood(lambda a, c: D.Beta(a.exp(), c), alike),
    "Gamma": likelihood(lambda a, c: D.Gamma(a.exp(), c), alike),
    "Categorical": chosen,
    "MultivariateNormal": likelihood(lambda a, c: D.MultivariateNormal(a, scale_tril=torch.tril(c)), alike),
    "kl of Normals": lambda a, c: D.kl_divergence(D.Normal(a, c), D.Normal(0.0, 1.0)),
    "kl of Betas": lambda a, c: D.kl_divergence(D.Beta(a.exp(), c), D.Beta(c, 1.0)),
    "rsample": drawn,
}


def total(parts):
    """A number of all that a function gave, each element with a weight of its own."""
    if isinstance(parts, tuple | list):
        return sum((number + 1.5) * total(part) for number, part in enumerate(parts))
    weights = torch.cos(torch.arange(parts.numel(), dtype=torch.float64)).reshape(parts.shape)
    return (parts * weights).sum()


def detached(function, a, c):
    return total(function(a.detach(), c))


def without_gradients(function, a, c):
    with torch.no_grad():
        return total(function(a, c))


def computed_first(function, a, c):
    with torch.no_grad():
        return total(function(a * 1.0, c))


STOPS = (detached, without_gradients, computed_first)


def moved(module):
    """The loss of a subject whose memory moves once it has been evaluated."""
    subject = make_subject(*module)
    subject.base()
    subject.bindings["a"][...] += np.linspace(0.01, 0.03, 9).reshape(3, 3)
    return subject


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_a_stop_where_nothing_stops(name):
    def loss(module):
        function = FUNCTIONS[name]
        leaf, computed = total(function(module.a, module.c)), total(function(module.a * 1.0, module.c))
        return leaf + computed + total(function(module.a, module.view))

    subject = moved((Pair(), loss))
    assert not subject.has_stops()


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_stops_holds_its_value_and_all_else_moves(name, stop):
    """The law: a stopped part is that of the base, and through stops everything is as it is now."""
    function = FUNCTIONS[name]

    def loss(module):
        return stop(function, module.a, module.c) * total(function(module.a, module.c))

    def alone(module):
        torch.manual_seed(0)
        with torch.no_grad():
            return total(function(module.a, module.c)).item(), total(function(module.a, module.c)).item()

    module = Pair()
    first, _ = alone(module)
    subject = moved((module, loss))
    assert subject.has_stops()
    changed, second = alone(module)
    assert subject.loss() == pytest.approx(first * second, rel=1e-12)
    assert subject.loss(through_stops=True) == pytest.approx(changed * second, rel=1e-12)
    assert first != changed


def test_a_constant_beside_a_stop_is_what_it_is_now():
    """A buffer over the parameter's memory moves with it, though it comes back beside a stopped result."""

    def loss(module):
        with torch.no_grad():
            mine, shown = torch.broadcast_tensors(module.a * 1.0, module.view)
        return (mine * shown * module.a).sum()

    module = Pair()
    held = module.a.detach().clone()
    subject = moved((module, loss))
    now = module.a.detach()
    assert subject.loss() == pytest.approx(float((held * now.t() * now).sum()), rel=1e-12)


def copied(a):
    with torch.no_grad():
        return torch.zeros(3, 3, dtype=a.dtype).copy_(a)


def averaged(a):
    kept = torch.ones(3, 3, dtype=a.dtype)
    with torch.no_grad():
        kept.mul_(0.5).add_(a, alpha=0.5)
    return kept


def assigned(a):
    kept = torch.ones(3, 3, dtype=a.dtype)
    with torch.no_grad():
        kept[1:] = a[:2]
    return kept


def written_out(a):
    kept = torch.ones(3, 3, dtype=a.dtype)
    with torch.no_grad():
        torch.sin(a, out=kept)
    return kept


@pytest.mark.parametrize("write", [copied, averaged, assigned, written_out])
def test_what_is_written_without_a_gradient_is_a_stop(write):
    module = Pair()
    before = write(module.a).clone()
    subject = moved((module, lambda module: (write(module.a) * module.a).sum()))
    assert subject.has_stops()
    now = module.a.detach()
    assert subject.loss() == pytest.approx(float((before * now).sum()), rel=1e-12)
    assert subject.loss(through_stops=True) == pytest.approx(float((write(now) * now).sum()), rel=1e-12)


def test_complex_numbers_leave_the_graph_too():
    module = Pair()
    spectrum = torch.fft.fft(module.a).detach()
    subject = moved((module, lambda m: (torch.fft.fft(m.a).detach().abs() * m.a).sum()))
    assert subject.has_stops()
    assert subject.loss() == pytest.approx(float((spectrum.abs() * module.a.detach()).sum()), rel=1e-12)


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
@pytest.mark.parametrize("scale", [1.0, "a tensor", "a buffer of the same memory"])
def test_a_learned_mean_with_a_fixed_spread(scale, mode):
    def loss(module):
        fixed = {"a tensor": module.c, "a buffer of the same memory": module.view}.get(scale, scale)
        return -D.Normal(module.a, fixed).log_prob(module.c + 1.0).sum()

    outcome = run(Pair(), loss, mode)
    expected = ["AC103:a"] if scale == "a buffer of the same memory" else []
    assert labels(outcome) == expected
    assert [one.cause for one in outcome.findings] == ["alias not in the set"] * len(expected)
