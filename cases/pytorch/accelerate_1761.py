"""A module that is used twice, for embedding and for scores."""

import torch
from torch import nn
from torch.nn import functional

TOKENS = torch.tensor([0, 1, 1])


class Twice(nn.Module):
    """One embedding; `listed` gives it a second name."""

    def __init__(self, listed):
        super().__init__()
        self.wte = nn.Embedding(2, 3, dtype=torch.float64)
        with torch.no_grad():
            self.wte.weight.copy_(torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]))
        if listed:
            self.blocks = nn.ModuleList([self.wte])

    def forward(self, tokens):
        return functional.linear(torch.tanh(self.wte(tokens)), self.wte.weight)


def make(listed=False):
    """The model and how far its predictions are from the tokens."""
    return Twice(listed), lambda module: functional.cross_entropy(module(TOKENS), TOKENS)
