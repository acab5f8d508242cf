"""A tied model made without memory, given some later."""

import torch
from torch import nn

TOKENS = torch.tensor([0, 1, 1])
WEIGHT = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]], dtype=torch.float64)


class Tied(nn.Module):
    """An embedding whose weight is that of the head."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(2, 3, dtype=torch.float64)
        self.head = nn.Linear(3, 2, bias=False, dtype=torch.float64)
        self.tie_weights()

    def tie_weights(self):
        self.head.weight = self.emb.weight

    def forward(self, tokens):
        return self.head(torch.tanh(self.emb(tokens)))


def make(emptied, tied_again=False):
    """The model, moved from the meta device as a whole or one submodule after the other, and filled."""
    with torch.device("meta"):
        module = Tied()
    for part in [module] if emptied == "whole" else list(module.children()):
        part.to_empty(device="cpu")
    if tied_again:
        module.tie_weights()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(WEIGHT)
    return module, loss


def loss(module):
    """How far the predictions are from the tokens."""
    return nn.functional.cross_entropy(module(TOKENS), TOKENS)
