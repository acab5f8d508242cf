"""A combined weight, and the split weights that are views of it."""

import torch
from torch import nn


class Attention(nn.Module):
    """Reads p and q; keeps the combined weight for export."""

    def __init__(self, split):
        super().__init__()
        W = torch.arange(1.0, 7.0, dtype=torch.float64)
        self.W = nn.Parameter(W)
        if split == "parameters":
            self.p, self.q = nn.Parameter(W[0:4]), nn.Parameter(W[2:6])
        else:
            self.__dict__.update(p=None, q=None)

    def forward(self):
        p, q = (self.W[0:4], self.W[2:6]) if self.p is None else (self.p, self.q)
        return (p**2).sum() + (q**3).sum()


def make(split):
    """The weights split into Parameters of their own, or in each call."""
    return Attention(split), lambda module: module()
