"""A tied language model, loaded in several ways."""

import torch
from torch import nn

TOKENS = torch.tensor([0, 1, 1])


class Tied(nn.Module):
    """An embedding whose weight is that of the projection."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(2, 3, dtype=torch.float64)
        self.proj = nn.Linear(3, 2, bias=False, dtype=torch.float64)
        self.proj.weight = self.emb.weight
        with torch.no_grad():
            self.emb.weight.copy_(torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]))

    def forward(self, tokens):
        return self.proj(torch.tanh(self.emb(tokens)))


def make(loaded):
    """A tied model after loading the state of another one."""
    module, state = Tied(), Tied().state_dict()
    if loaded == "cloned":
        state = {name: tensor.clone() for name, tensor in state.items()}
    if loaded == "used before":
        Tied().load_state_dict(state, assign=True)
    module.load_state_dict(state, assign=loaded not in {"copied", "used before"})
    if loaded == "tied again":
        module.proj.weight = module.emb.weight
    return module, loss


def loss(module):
    """How far the predictions are from the tokens."""
    return nn.functional.cross_entropy(module(TOKENS), TOKENS)
