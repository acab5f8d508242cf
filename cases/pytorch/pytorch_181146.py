"""A function of one's own that takes the same tensor twice."""

import torch
from torch import nn

A = torch.tensor([3.0, 4.0], dtype=torch.float64)
B = torch.tensor([2.0, 3.0], dtype=torch.float64)


class Both(torch.autograd.Function):
    """A x + B y."""

    @staticmethod
    def forward(ctx, x, y):
        return A * x + B * y

    @staticmethod
    def backward(ctx, d_out):
        return A * d_out, B * d_out


class Second(Both):
    """The same, whose rule has nothing for its first argument."""

    @staticmethod
    def backward(ctx, d_out):
        return None, B * d_out


class Twice(nn.Module):
    """One Parameter at both arguments."""

    def __init__(self, function):
        super().__init__()
        self.x = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
        self.function = function

    def forward(self):
        return self.function.apply(self.x, self.x).sum()


def make(drops_first):
    """The module with a rule that has both slots, or one."""
    return Twice(Second if drops_first else Both), lambda module: module()
