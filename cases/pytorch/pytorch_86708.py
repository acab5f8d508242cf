"""A module called with other weights, of which one is tied."""

import torch
from torch import nn
from torch.func import functional_call

X = torch.tensor([3.0, 5.0], dtype=torch.float64)


class Tied(nn.Module):
    """One Parameter under two names."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
        self.tied = self.w

    def forward(self, x):
        return (self.w * x * self.tied).sum()


def make(tie_weights):
    """The weights, and the loss of a module that is called with them."""
    module = Tied()
    weights = nn.ParameterDict({"w": module.w})

    def loss(weights):
        return functional_call(module, {"w": weights["w"]}, X, tie_weights=tie_weights)

    return weights, loss
