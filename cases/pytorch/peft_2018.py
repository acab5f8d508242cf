"""An adapter of the head of a tied model."""

import torch
from torch import nn

TOKENS = torch.tensor([0, 1, 1])


class Adapted(nn.Module):
    """An embedding whose weight is that of the head, which has an adapter B A besides."""

    def __init__(self, merged):
        super().__init__()
        self.emb = nn.Embedding(2, 3, dtype=torch.float64)
        self.head = nn.Linear(3, 2, bias=False, dtype=torch.float64)
        self.head.weight = self.emb.weight
        self.A = nn.Parameter(torch.tensor([[0.5, 0.25, -1.0]], dtype=torch.float64))
        self.B = nn.Parameter(torch.tensor([[1.0], [-0.5]], dtype=torch.float64))
        self.merged = merged
        with torch.no_grad():
            self.emb.weight.copy_(torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]))

    def forward(self, tokens):
        if self.merged:
            self.head.weight.data += (self.B @ self.A).detach()
            return self.head(torch.tanh(self.emb(tokens)))
        hidden = torch.tanh(self.emb(tokens))
        return self.head(hidden) + hidden @ self.A.t() @ self.B.t()


def make(merged):
    """The model, its adapter merged into the weight before it is used, or added to what the head gives."""
    return Adapted(merged), loss


def loss(module):
    """How far the predictions are from the tokens."""
    return nn.functional.cross_entropy(module(TOKENS), TOKENS)
