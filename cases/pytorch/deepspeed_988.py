"""One weight in two checkpointed blocks."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

X = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)


class Blocks(nn.Module):
    """The same layer twice, each use recomputed when gradients are taken."""

    def __init__(self, reentrant):
        super().__init__()
        self.layer = nn.Linear(2, 2, bias=False, dtype=torch.float64)
        self.reentrant = reentrant
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[0.5, -1.0], [0.25, 0.75]]))

    def forward(self, x):
        for _ in range(2):
            x = checkpoint(lambda x: torch.tanh(self.layer(x)), x, use_reentrant=self.reentrant)
        return x


def make(reentrant):
    """The blocks and the mean square of what they give."""
    return Blocks(reentrant), loss


def loss(module):
    """The mean square."""
    return (module(X.clone().requires_grad_()) ** 2).mean()
