"""One initial state for every head."""

import torch
from torch import nn

FACTORS = torch.tensor([2.0, 4.0, 6.0], dtype=torch.float64)


class Heads(nn.Module):
    """A number for each of three heads, all made of one."""

    def __init__(self, expanded):
        super().__init__()
        p = torch.tensor([2.0], dtype=torch.float64)
        self.p = nn.Parameter(p.expand(3) if expanded else p)

    def forward(self):
        return (FACTORS * self.p.expand(3) ** 3).sum()


def make(expanded):
    """The heads, expanded where the Parameter is made, or where it is read."""
    return Heads(expanded), lambda module: module()
