"""A convolution, and one that undoes it with the same kernel."""

import torch
from torch import nn
from torch.nn import functional

X = torch.tensor([[[1.0, -2.0, 0.5, 3.0, -1.0]]], dtype=torch.float64)


class Autoencoder(nn.Module):
    """Decodes with the kernel that encodes, or with a copy of it that is made in each call."""

    def __init__(self, copied):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 2, bias=False, dtype=torch.float64)
        self.copied = copied
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[[0.5, -0.75]]]))

    def forward(self, x):
        kernel = self.conv.weight.detach().clone() if self.copied else self.conv.weight
        return functional.conv_transpose1d(torch.tanh(self.conv(x)), kernel)


def make(copied):
    """The autoencoder and the error of its reconstruction."""
    return Autoencoder(copied), lambda module: ((module(X) - X) ** 2).mean()
