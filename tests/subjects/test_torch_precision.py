"""Torch models in other precisions, and elsewhere: memory that aliases alike, and a loss that follows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aliascheck.auditing import Settings, audit
from aliascheck.errors import AliascheckError
from tests.subjects.torch_models import (
    Buffered,
    Coder,
    F,
    Slices,
    Tied,
    Weight,
    X,
    labels,
    nn,
    numbers,
    reconstruction,
    run,
    torch,
    words,
)

from aliascheck.subjects.torch.gates import Gate  # isort: skip  # only where torch is
from aliascheck.subjects.torch.members import model_of  # isort: skip

MODES = ["implicit", "explicit"]


def narrow(module, dtype):
    """A module in another precision, every alias kept: what `to` does not do."""
    wide = {}
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
        cast = wide.setdefault(tensor.untyped_storage().data_ptr(), whole.to(dtype))
        shown = cast.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
        owner = module.get_submodule(name.rpartition(".")[0])
        made = nn.Parameter(shown) if isinstance(tensor, nn.Parameter) else shown
        setattr(owner, name.rpartition(".")[2], made)
    return module


def shared(a):
    return nn.Parameter(a.data.t())


def square(module):
    return (module(X.to(next(module.parameters()).dtype)) ** 2).mean()


def of_view():
    module = narrow(Coder(), torch.float32)
    module.B = module.A.t()
    return module


ALIASED = {
    "two Parameters over one storage": (lambda dtype: narrow(Coder(shared), dtype), ["split", "split"]),
    "overlapping slices": (lambda dtype: narrow(Slices(5), dtype), ["split", "split"]),
    "disjoint slices": (lambda dtype: narrow(Slices(8), dtype), ["total", "total"]),
    "stride 0": (lambda dtype: narrow(Weight(numbers(1, 2).expand(4, 2)), dtype), ["total"]),
    "a buffer over a parameter": (lambda dtype: narrow(Buffered(), dtype), ["partial"]),
    "one Parameter twice": (lambda dtype: Tied().to(dtype), ["total"]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", ALIASED)
def test_narrow_models_are_audited_in_double(case, dtype):
    make, expected = ALIASED[case]
    module = make(dtype)
    loss = square if isinstance(module, Slices | Weight) else reconstruction
    for outcome in audit(model_of(module, loss, None), MODES, Settings(stops="report")):
        assert words(outcome) == expected
        assert labels(outcome) == (["AC103:A"] if expected == ["partial"] else [])
        kind = str(dtype).removeprefix("torch.")
        assert f"the model is in {kind}, and was audited in float64" in outcome.notes
        assert max(slot.bound for slot in outcome.slots) < 1e-9
    assert all(one.dtype == dtype for one in module.parameters())


def test_kept_views_stay_views_in_double():
    assert words(run(of_view(), reconstruction, "implicit")) == ["total"]
    assert labels(run(of_view(), reconstruction, "explicit")) == ["AC103:A"]


STALE = {
    "transposed": lambda a: a.t(),
    "rows": lambda a: a[1:3].t(),
    "expanded": lambda a: a[:, :1].t().expand(2, 4),
    "of a view": lambda a: a.t()[:, 1:][:1],
}


def stale(view, dtype):
    """A model whose second weight is a view of memory that the first one has left."""
    module = Weight(numbers(4, 2).to(dtype))
    module.kept = view(module.W)
    module.W.data = numbers(4, 2, seed=5).to(dtype)
    return module


def through_stale(module):
    x, kept = X.to(module.W.dtype), module.kept.flatten()
    each = (kept * numbers(len(kept), seed=7).to(kept.dtype)).sum()  # each element by a factor of its own
    return (torch.tanh(x @ module.W).square().sum(1) + (x[:, :1] * each).sin().sum(1)).mean()


@pytest.mark.parametrize("view", STALE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_stale_views_are_in_double_what_they_are(view, dtype):
    for mode, expected in zip(MODES, (["AC105:W"], []), strict=True):
        outcome = run(stale(STALE[view], dtype), through_stale, mode)
        assert labels(outcome) == expected
        assert f"the model is in {str(dtype)[6:]}, and was audited in float64" in outcome.notes
        assert max(slot.bound for slot in outcome.slots) < 1e-9
        if mode == "implicit":
            assert outcome.findings[0].accesses == ("kept",)
            module = stale(STALE[view], dtype)
            through_stale(module).backward()
            near = 1e-5 if dtype is torch.float32 else 2e-2
            assert np.allclose(outcome.slots[0].reported, module.W.grad.float().numpy(), near, near)


FOLLOWED = {
    "casts": lambda m, x: (m(x.float()).half().float() ** 2).mean(),
    "a dtype by name": lambda m, x: torch.softmax(m(x), 0, dtype=torch.float32).square().mean(),
    "the dtype of a tensor": lambda m, x: (m(x) * torch.ones(4, dtype=m.W.dtype)[:2]).square().mean(),
    "what it draws": lambda m, x: (m(x) + torch.randn(3, 2) + torch.rand_like(m.W)[:3]).square().mean(),
    "what it makes": lambda m, x: (m(x) * torch.linspace(0.1, 0.7, 2)).square().mean(),
    "a mask": lambda m, x: m(x).masked_fill(torch.ones(3, 2).tril() == 0, 0.5).square().mean(),
    "a loss function": lambda m, x: F.cross_entropy(m(x), torch.tensor([0, 1, 1])),
    "dropout": lambda m, x: F.dropout(m(x), 0.5).square().mean(),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_losses_follow_into_double(case):
    module, x = Weight(numbers(4, 2)).float(), X.float()
    outcome = run(module, lambda module: FOLLOWED[case](module, x), "implicit")
    assert labels(outcome) == []
    assert outcome.notes == ("the model is in float32, and was audited in float64",)


def test_a_loss_that_does_not_follow_is_audited_where_it_is():
    module = Weight(numbers(4, 2)).float()
    captured, x = module.W.detach().numpy().T, X.float()

    def loss(module):
        return ((module(x) @ torch.from_numpy(1.0 * captured) - x) ** 2).mean()

    outcome = run(module, loss, "implicit")
    assert "AC103:W" in labels(outcome)
    assert any("could not be audited in float64" in note for note in outcome.notes)
    assert max(slot.bound for slot in outcome.slots) > 1e-7


def test_bfloat16_cannot_be_audited_where_it_is():
    module = Weight(numbers(4, 2)).bfloat16()
    whole = module.W.detach().view(torch.int16).numpy()

    def loss(module):
        return module(X.bfloat16()).square().mean() * (1.0 + 0.001 * float(whole[0, 0]))

    with pytest.raises(AliascheckError, match="does not follow"):
        run(module, loss, "implicit")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "make", [Coder, lambda: Coder(shared), Buffered, Tied, lambda: Coder(lambda a: a.t())]
)
def test_mirrored_memory_gives_the_same_audit(make, mode):
    """The CPU stands in for a device that NumPy does not see."""
    (direct,) = audit(model_of(make(), reconstruction, None), [mode])
    module = make()
    before = [one.detach().clone() for one in module.parameters()]
    (mirrored,) = audit(model_of(module, reconstruction, None, mirrored=True), [mode])
    assert labels(mirrored) == labels(direct) and words(mirrored) == words(direct)
    assert mirrored.loss == direct.loss
    for one, other in zip(mirrored.slots, direct.slots, strict=True):
        assert np.array_equal(one.reported, other.reported) and np.array_equal(one.total, other.total)
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_what_a_loss_does_to_mirrored_memory_is_seen():
    def loss(module):
        value = reconstruction(module)
        module.A.data.mul_(2.0)
        return value

    module = Coder()
    before = module.A.detach().clone()
    (outcome,) = audit(model_of(module, loss, None, mirrored=True), ["implicit"])
    assert labels(outcome) == ["AC203"]
    assert torch.equal(module.A, before)


def test_gates_hand_on_every_bit_and_select():
    value = torch.tensor([0.1, -0.0, math.inf], dtype=torch.float64, requires_grad=True)
    factors = {}
    shown = Gate.apply(value, "x", factors)
    assert shown.data_ptr() == value.data_ptr()
    assert shown.detach().numpy().tobytes() == value.detach().numpy().tobytes()
    for factor, expected in ((0.0, [0.0, 0.0]), (0.5, [math.inf, 1.0]), (1.0, [math.inf, 2.0])):
        factors["x"] = factor
        cotangent = torch.tensor([math.inf, 2.0, 0.0], dtype=torch.float64)
        (grad,) = torch.autograd.grad(shown, value, cotangent, retain_graph=True)
        assert grad[:2].tolist() == expected


class Block(nn.Module):
    """A layer of a transformer."""

    def __init__(self, width, heads):
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.heads = heads

    def forward(self, x):
        rows, length, width = x.shape
        qkv = self.qkv(self.before(x)).view(rows, length, 3, self.heads, width // self.heads)
        mixed = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4), is_causal=True)
        x = x + self.mix(mixed.transpose(1, 2).reshape(x.shape))
        return x + self.down(F.gelu(self.up(self.between(x))))


class Gpt(nn.Module):
    """Two layers over an embedding that is also the head."""

    def __init__(self, words=1600, length=16, width=184):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, 4) for _ in range(2))
        self.after, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        self.head.weight = self.words.weight
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, tokens):
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.after(x))


@pytest.mark.parametrize(("words_known", "width"), [(1600, 184), (16000, 64)])
def test_a_language_model_of_a_million_parameters_in_few_evaluations(words_known, width):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module, tokens = Gpt(words_known, width=width), torch.randint(0, words_known, (2, 17))
    assert sum(one.numel() for one in module.parameters()) > 1e6

    def loss(module):
        return F.cross_entropy(module(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())

    for mode in MODES:
        outcome = run(module, loss, mode)
        assert labels(outcome) == []
        assert set(words(outcome)) == {"total"}
        assert outcome.evaluations < 400
        assert "the model is in float32, and was audited in float64" in outcome.notes
        tied = next(one for one in outcome.groups if len(one.columns) == 2)
        assert tied.columns == ("words.weight", "head.weight")


class Bigram(nn.Module):
    """An embedding, and a head over the same memory that is another Parameter."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(60, 24)
        self.words.weight.data = numbers(60, 24).float()
        self.head = nn.Linear(24, 60, bias=False)
        self.head.weight = nn.Parameter(self.words.weight.data)

    def forward(self, tokens):
        return self.head(torch.tanh(self.words(tokens)))


@pytest.mark.parametrize(("factor", "expected"), [(1.0, []), (1.0001, ["AC105:words.weight"])])
def test_a_fault_in_a_large_group_is_found(factor, expected):
    module, tokens = Bigram(), torch.arange(40) * 7 % 60
    module.words.weight.register_hook(lambda grad: grad * factor)

    def loss(module):
        return F.cross_entropy(module(tokens[:-1]), tokens[1:])

    outcome = run(module, loss, "implicit")
    assert labels(outcome) == expected
    assert words(outcome) == ["split" if not expected else "wrong", "split"]


class OffByTwoPercent(torch.autograd.Function):
    """The identity, its gradient off by 2% in one element."""

    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, cotangent):
        cotangent = cotangent.clone()
        cotangent.view(-1)[0] *= 1.02
        return cotangent


class Policy(nn.Module):
    def __init__(self, read):
        super().__init__()
        self.weight = nn.Parameter(numbers(2, 4).float())
        self.read = read

    def forward(self, x):
        return torch.log_softmax(x @ self.read(self.weight).t(), -1)[:, 0]


def surrogate(module):
    """0 at the given point but for rounding: the mean of normalised advantages."""
    x = numbers(32, 4).to(module.weight.dtype)
    advantages = numbers(32, seed=1)
    advantages = ((advantages - advantages.mean()) / advantages.std()).to(module.weight.dtype)
    new = module(x)
    return -((new - new.detach()).exp() * advantages).mean()


def vanishing(module):
    """0 wherever the memory is, but for rounding, although its accesses move it by themselves."""
    a, x = module.A, X.to(module.A.dtype)
    return ((x @ a).square().sum() - torch.einsum("ni,ik,nj,jk", x, module.B.t(), x, a)) / 7


def test_a_loss_that_cancels_is_audited_in_double():
    for read, expected in ((lambda w: w * 1.0, []), (OffByTwoPercent.apply, ["AC105:weight"])):
        outcome = run(Policy(read), surrogate, "implicit", {"stops": "constant"})
        assert outcome.notes[-1] == "the model is in float32, and was audited in float64"
        assert labels(outcome) == expected


def test_a_loss_that_is_zero_everywhere_is_audited_in_double():
    outcome = run(of_view(), vanishing, "implicit")
    assert outcome.notes[-1] == "the model is in float32, and was audited in float64"
    assert not {found.code for found in outcome.findings} & {"AC105", "AC204", "AC206"}


def test_another_function_in_double_is_not_taken_for_it():
    def loss(module):
        extra = 0.0 if module.weight.dtype is torch.float32 else module.weight.square().sum() / 4
        return surrogate(module) + extra

    outcome = run(Policy(lambda w: w * 1.0), loss, "implicit", {"stops": "constant"})
    assert any("could not be audited in float64" in note for note in outcome.notes)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_no_loss(value):
    with pytest.raises(AliascheckError, match=f"the loss is {value} .it must be a finite number"):
        run(Coder(), lambda module: reconstruction(module) * value, "implicit")


def stepping(module, set_to_none):
    """A module with optimizers that step during backward."""
    optimizers = {one: torch.optim.SGD([one], lr=0.1) for one in module.parameters()}

    def step(parameter):
        optimizers[parameter].step()
        optimizers[parameter].zero_grad(set_to_none=set_to_none)

    for one in optimizers:
        one.register_post_accumulate_grad_hook(step)
    return module


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(("set_to_none", "left"), [(True, "nothing"), (False, "zero")])
def test_hooks_that_step_are_named(dtype, set_to_none, left):
    module = stepping(Tied().to(dtype), set_to_none)
    (weight,) = module.parameters()
    before = weight.detach().clone()
    weight.grad = torch.ones_like(weight)
    outcome = run(module, reconstruction, "implicit")
    assert labels(outcome) == ["AC101:enc.weight"]
    assert f"the post-accumulate hook of enc.weight: it left {left} in" in outcome.findings[0].remedy
    assert torch.equal(weight, before) and torch.equal(weight.grad, torch.ones_like(weight))
    assert labels(run(module, reconstruction, "explicit")) == []


def scaling(factor):
    """A hook that changes one element of the gradient of what it is given, and one that knows its tensor."""

    def of_given(parameter):
        def scaled(given):
            given.grad[0, 1] *= factor

        return scaled

    def of_known(parameter):
        def scaled(_):
            parameter.grad[0, 1] *= factor

        return scaled

    return {"given": of_given, "known": of_known}


@pytest.mark.parametrize("knows", ["given", "known"])
@pytest.mark.parametrize("factor", [1.0, 1.05])
def test_hooks_on_what_was_accumulated_are_in_force_in_double(knows, factor):
    module = Weight(numbers(4, 2)).float()
    module.W.register_post_accumulate_grad_hook(scaling(factor)[knows](module.W))
    outcome = run(module, square, "implicit")
    assert labels(outcome) == (["AC105:W"] if factor != 1.0 else [])
    assert all("post-accumulate" not in found.remedy for found in outcome.findings)
    assert max(slot.bound for slot in outcome.slots) < 1e-9
