"""The loss of each sample of a tied model, by vmap."""

import torch
from torch import nn
from torch.func import functional_call, vmap

SAMPLES = torch.tensor([[0, 1], [1, 2], [2, 2]])


class Tied(nn.Module):
    """An embedding whose weight is that of the head."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(3, 2, dtype=torch.float64)
        self.fc = nn.Linear(2, 3, bias=False, dtype=torch.float64)
        self.emb.weight = self.fc.weight
        with torch.no_grad():
            self.fc.weight.copy_(torch.tensor([[0.5, -1.0], [0.25, 0.75], [2.0, 1.0]]))

    def forward(self, tokens):
        return self.fc(torch.tanh(self.emb(tokens)))


def make():
    """A tied model; audits name their loss."""
    return Tied(), of_batch


def of_batch(module):
    """The loss of all samples at once."""
    return -torch.log_softmax(module(SAMPLES), -1)[..., 0].sum()


def of_samples(module):
    """The sum of the losses of the samples."""
    weights = dict(module.named_parameters())

    def of_sample(tokens):
        return -torch.log_softmax(functional_call(module, weights, (tokens,)), -1)[..., 0].sum()

    return vmap(of_sample)(SAMPLES).sum()
