"""A tied model that is moved to another precision."""

import torch
from torch import nn

X = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)


class Tied(nn.Module):
    """Two layers with one Parameter."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(2, 2, bias=False)
        self.dec = nn.Linear(2, 2, bias=False)
        self.dec.weight = self.enc.weight
        with torch.no_grad():
            self.enc.weight.copy_(torch.tensor([[0.5, -1.0], [0.25, 0.75]]))

    def forward(self, x):
        return self.dec(torch.tanh(self.enc(x)))


def make(overwrite):
    """The model after `double()`, its Parameters overwritten in place or exchanged for new ones."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(overwrite)
    try:
        return Tied().double(), loss
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


def loss(module):
    """The error of the reconstruction."""
    return ((module(X) - X) ** 2).mean()
