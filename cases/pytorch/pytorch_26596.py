"""A tied embedding of bounded norm."""

import torch
from torch import nn
from torch.nn import functional

TOKENS = torch.tensor([0, 1])


class Tied(nn.Module):
    """An embedding that is also used directly."""

    def __init__(self, max_norm):
        super().__init__()
        self.E = nn.Embedding(2, 2, dtype=torch.float64, max_norm=max_norm)
        self.E.weight.data = torch.tensor([[3.0, 4.0], [0.3, -0.4]], dtype=torch.float64)

    def forward(self, tokens):
        return torch.tanh(self.E(tokens)) @ self.E.weight.t()


def make(max_norm=None):
    """The embedding, which renormalises its weight in place where `max_norm` is given."""
    return Tied(max_norm), loss


def loss(module):
    """How far the scores of the tokens are from one."""
    return ((module(TOKENS).diagonal() - 1) ** 2).sum()


def loss_of_bounded(module):
    """The same with rows of a norm of at most one, the weight being left as it is."""
    weight = module.E.weight
    bounded = weight / weight.norm(dim=1, keepdim=True).clamp(min=1.0)
    scores = torch.tanh(functional.embedding(TOKENS, bounded)) @ bounded.t()
    return ((scores.diagonal() - 1) ** 2).sum()
