"""An autoencoder whose decoder is said to be tied."""

import torch
from torch import nn

X = torch.tensor([[1.0, -2.0, 0.5], [0.5, 3.0, -1.0]], dtype=torch.float64)
W = torch.tensor([[0.5, -1.0], [0.25, 0.75], [2.0, 1.0]], dtype=torch.float64)


class Autoencoder(nn.Module):
    """Encodes by W; decodes by its transpose, or by a variable that begins as it."""

    def __init__(self, is_tied):
        super().__init__()
        self.enc = nn.Parameter(W.clone())
        self.dec = self.enc if is_tied else nn.Parameter(W.clone())

    def forward(self, x):
        return torch.tanh(x @ self.enc) @ self.dec.t()


def make(is_tied):
    """The autoencoder and the error of its reconstruction."""
    return Autoencoder(is_tied), lambda module: ((module(X) - X) ** 2).mean()
