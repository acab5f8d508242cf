"""Losses of torch models that draw random numbers: in float64 they draw what they draw in their precision."""

from __future__ import annotations

import pytest

from tests.subjects.torch_models import F, labels, nn, numbers, run, torch, words

from aliascheck.subjects.torch.members import model_of  # isort: skip  # only where torch is

D = torch.distributions
SIZES = (1, 15, 16, 17, 64)  # vectorised streams begin at 16

ALIKE = {  # the very same numbers
    "randn": lambda z: torch.randn(z.shape),
    "randn of the precision": lambda z: torch.randn(z.shape, dtype=z.dtype, device=z.device),
    "rand of the precision": lambda z: torch.rand(z.shape, dtype=z.dtype),
    "randint of the precision": lambda z: torch.randint(0, 9, z.shape, dtype=z.dtype),
    "rand_like": torch.rand_like,
    "randn_like of its own": lambda z: torch.randn_like(z, dtype=torch.float16).to(z.dtype),
    "randn of its own": lambda z: torch.randn(z.shape, dtype=torch.bfloat16).to(z.dtype),
    "normal of sizes": lambda z: torch.normal(0.5, 2.0, z.shape),
    "normal_": lambda z: torch.empty_like(z).normal_(),
    "normal_ of new memory": lambda z: z.new_empty(z.shape).normal_(0.5, 2.0),
    "normal_ of columns": lambda z: torch.empty_like(z.t()).t().normal_(),
    "normal_ of some": lambda z: (
        torch.zeros(2, *z.shape, dtype=z.dtype).transpose(0, 2)[..., 1].normal_().t()
    ),
    "uniform_": lambda z: torch.empty_like(z).uniform_(-1.0, 3.0),
    "exponential_": lambda z: torch.empty_like(z).exponential_(2.0),
    "cauchy_": lambda z: torch.empty_like(z).cauchy_(),
    "log_normal_": lambda z: torch.empty_like(z).log_normal_(),
    "geometric_": lambda z: torch.empty_like(z).geometric_(0.3),
    "random_": lambda z: torch.empty_like(z).random_(9),
    "bernoulli_": lambda z: torch.empty_like(z).bernoulli_(0.4),
    "bernoulli_ of numbers": lambda z: torch.empty_like(z).bernoulli_(torch.full_like(z, 0.4)),
    "bernoulli": lambda z: torch.bernoulli(torch.full_like(z, 0.4)),
    "poisson": lambda z: torch.poisson(torch.full_like(z, 2.0)),
    "binomial": lambda z: torch.binomial(torch.full_like(z, 9.0), torch.full_like(z, 0.4)),
    "multinomial": lambda z: torch.multinomial(z.softmax(1), z.shape[1], True).to(z.dtype),
    "Categorical": lambda z: D.Categorical(logits=z).sample()[:, None].expand(z.shape).to(z.dtype),
    "nn.init.normal_": lambda z: nn.init.normal_(torch.empty_like(z)),
    "nn.init.kaiming_uniform_": lambda z: nn.init.kaiming_uniform_(torch.empty_like(z)),
    "a generator": lambda z: torch.randn(z.shape, generator=generator(), dtype=z.dtype),
    "normal_ by a generator": lambda z: torch.empty_like(z).normal_(generator=generator()),
    "uniform_ by a generator": lambda z: torch.empty_like(z).uniform_(generator=generator()),
    "bernoulli by a generator": lambda z: torch.bernoulli(torch.full_like(z, 0.4), generator=generator()),
    "randn out": lambda z: torch.randn(z.shape, out=torch.empty_like(z)),
    "rand out, by a generator": lambda z: torch.rand(z.shape, generator=generator(), out=torch.empty_like(z)),
    "bernoulli out": lambda z: torch.bernoulli(torch.full_like(z, 0.4), out=torch.empty_like(z)),
    "normal out": lambda z: torch.normal(0.0, 1.0, z.shape, out=torch.empty_like(z)),
    "out of another size": lambda z: torch.randn(z.shape, out=z.new_empty(0)),
}
NEAR = {  # the same but for the rounding of what is computed of them
    "randn in float64": lambda z: torch.randn(z.shape, dtype=torch.float64).to(z.dtype),
    "normal of means": lambda z: torch.normal(torch.full_like(z, 0.5), 2.0),
    "normal of deviations": lambda z: torch.normal(0.5, torch.full_like(z, 2.0)),
    "normal of both": lambda z: torch.normal(mean=z, std=z.abs()),
    "normal of both, by a generator": lambda z: torch.normal(z, z.abs(), generator=generator()),
    "normal of both, out": lambda z: torch.normal(z.detach(), z.abs().detach(), out=torch.empty_like(z)),
    "Normal.sample": lambda z: D.Normal(z, 1.0).sample(),
    "Normal.rsample": lambda z: D.Normal(torch.zeros_like(z), torch.ones_like(z)).rsample(),
    "Laplace.rsample": lambda z: D.Laplace(torch.zeros_like(z), 1.0).rsample(),
    "MultivariateNormal.rsample": lambda z: D.MultivariateNormal(
        torch.zeros(z.shape[1], dtype=z.dtype), torch.eye(z.shape[1], dtype=z.dtype)
    ).rsample(z.shape[:1]),
    "Beta.sample": lambda z: D.Beta(torch.ones_like(z), 1.0).sample(),
    "trunc_normal_": lambda z: nn.init.trunc_normal_(torch.empty_like(z)),
    "gumbel_softmax": lambda z: F.gumbel_softmax(torch.zeros_like(z)),
    "dropout": lambda z: F.dropout(z, 0.4),
    "dropout of features": lambda z: F.dropout1d(z[:, :, None], 0.4)[:, :, 0],
    "dropout and which": lambda z: torch.native_dropout(z, 0.4, True)[0],
    "alpha_dropout": lambda z: F.alpha_dropout(z, 0.4, training=True),
    "attention": lambda z: F.scaled_dot_product_attention(z[None], z[None], z[None], dropout_p=0.4)[0],
    "rrelu": lambda z: F.rrelu(z, training=True),
    "in vmap": lambda z: torch.func.vmap(torch.randn_like, randomness="different")(z),
}

AUDITED = (
    *("randn", "randn of the precision", "rand of the precision", "randn of its own", "randn in float64"),
    *("normal_", "uniform_", "exponential_", "log_normal_", "bernoulli_ of numbers", "bernoulli", "poisson"),
    *("multinomial", "normal of sizes", "normal of means", "normal of both", "Normal.sample"),
    *("Normal.rsample", "Laplace.rsample", "MultivariateNormal.rsample", "Beta.sample", "trunc_normal_"),
    *("gumbel_softmax", "dropout", "attention", "a generator", "randn out"),
)


def generator():
    return torch.Generator().manual_seed(3)


class Noised(nn.Module):
    """A tied autoencoder of what a draw adds."""

    def __init__(self, draw, rows=8):
        super().__init__()
        self.enc, self.dec = nn.Linear(2, 2), nn.Linear(2, 2)
        for number, one in enumerate(self.parameters()):
            one.data = numbers(*one.shape, seed=number).float()
        self.dec.weight = self.enc.weight
        self.draw, self.x, self.drawn = draw, numbers(rows, 2, seed=9).float(), []

    def forward(self):
        x = self.x.to(self.enc.weight.dtype)
        return self.dec(torch.tanh(self.enc(x + self.draw(x) / 4)))


def energy(module):
    return module().square().mean()


def drawn(draw, shape, dtype):
    """What a loss draws, in the model's precision and in float64."""
    module, found = nn.Linear(1, 1).to(dtype), []
    given = numbers(*shape).to(dtype)

    def loss(module):
        kept = draw(given.to(module.weight.dtype))
        found.append(kept.detach().numpy().copy() if dtype is not torch.bfloat16 else kept.detach().clone())
        return module.weight.sum() + 0.0 * kept.sum()

    model = model_of(module, loss, None)
    model.base()
    narrow = found[-1]
    wide = model.widened()
    found.clear()
    wide.base()
    return torch.as_tensor(narrow), torch.as_tensor(found[-1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("draw", [*ALIKE, *NEAR])
def test_the_same_numbers_are_drawn_in_double(draw, size):
    for shape in {(size, 1), (1, size), (4, size // 4)} - {(4, 0)}:
        narrow, wide = drawn((ALIKE | NEAR)[draw], shape, torch.float32)
        assert wide.dtype is torch.float64
        if draw in ALIKE:
            assert torch.equal(narrow.double(), wide)
        else:
            torch.testing.assert_close(narrow.double(), wide, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("draw", sorted(ALIKE.keys() - {"randn_like of its own", "binomial"}))
def test_bfloat16_draws_in_its_own_precision(draw):
    narrow, wide = drawn(ALIKE[draw], (17, 2), torch.bfloat16)
    assert torch.equal(narrow.double(), wide)


@pytest.mark.parametrize("draw", AUDITED)
@pytest.mark.parametrize("is_wrong", [False, True], ids=["right", "wrong"])
def test_losses_that_draw_are_audited_in_double(draw, is_wrong):
    module = Noised((ALIKE | NEAR)[draw])
    if is_wrong:
        module.enc.weight.register_hook(lambda grad: grad * torch.tensor([[1.0, 1.05], [1.0, 1.0]]).to(grad))
    outcome = run(module, energy, "implicit")
    assert outcome.notes[-1] == "the model is in float32, and was audited in float64"
    assert labels(outcome) == (["AC105:enc.weight"] if is_wrong else [])
    assert words(outcome) == ["wrong" if is_wrong else "total", "total", "total"]
