"""A model distilled from its own best weights."""

import torch
from torch import nn
from torch.nn import functional

X = torch.tensor([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]], dtype=torch.float64)
TEMPERATURE = 2.0


def make(cloned):
    """A layer, and how far it is from what its saved weights say; those are references unless cloned."""
    module = nn.Linear(2, 3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[0.5, -1.0], [0.25, 0.75], [2.0, 1.0]]))
    best = module.state_dict()
    if cloned:
        best = {name: tensor.clone() for name, tensor in best.items()}

    def loss(module):
        targets = torch.softmax(functional.linear(X, **best) / TEMPERATURE, -1)
        return functional.cross_entropy(module(X), targets)

    return module, loss
