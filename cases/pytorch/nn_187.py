"""Siamese branches over one weight, cast to another precision and back."""

import torch
from torch import nn

LEFT = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
RIGHT = torch.tensor([[0.0, 1.0], [-1.5, 0.5]], dtype=torch.float64)


class Siamese(nn.Module):
    """Two branches; `shared` says how the second one is given the weight of the first."""

    def __init__(self, shared):
        super().__init__()
        self.left = nn.Parameter(torch.tensor([[0.5, -1.0], [0.25, 0.75]], dtype=torch.float64))
        if shared == "parameter":
            self.right = self.left
        elif shared == "storage":
            self.right = nn.Parameter(self.left.detach())
        else:
            self.right = self.left.view(2, 2)

    def forward(self, left, right):
        return torch.tanh(left @ self.left) * torch.sin(right @ self.right)


def make(shared, cast=True):
    """The branches after a cast to float32 and back, and how far apart what they make of pairs is."""
    module = Siamese(shared)
    return module.float().double() if cast else module, loss


def loss(module):
    """How alike the branches find the pairs."""
    return module(LEFT, RIGHT).sum()
