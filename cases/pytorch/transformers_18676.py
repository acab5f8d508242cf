"""A model that is tied again after its optimiser was made."""

import torch
from torch import nn

TOKENS = torch.tensor([0, 1, 1])


class Tied(nn.Module):
    """Two weights; `held` are those that an optimiser was given."""

    def __init__(self):
        super().__init__()
        self.a = nn.Embedding(2, 3, dtype=torch.float64)
        self.b = nn.Linear(3, 2, bias=False, dtype=torch.float64)
        for layer in (self.a, self.b):
            layer.weight.data = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]], dtype=torch.float64)

    def forward(self, tokens):
        return self.b(torch.tanh(self.a(tokens)))


def make(late):
    """The model, tied before or after its embedding is given to an optimiser."""
    module = Tied()
    if not late:
        module.a.weight = module.b.weight
    optimizer = torch.optim.SGD([module.a.weight], lr=0.1)
    if late:
        module.a.weight = module.b.weight
    module.held = nn.ParameterList(optimizer.param_groups[0]["params"])
    return module, lambda module: nn.functional.cross_entropy(module(TOKENS), TOKENS)
