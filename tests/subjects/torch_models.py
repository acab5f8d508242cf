"""Small torch models whose parameters share memory in the ways that peers were measured on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.subjects.torch import make_subject

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
checkpoint = pytest.importorskip("torch.utils.checkpoint").checkpoint

ROWS, COLUMNS = 4, 2


def numbers(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) / 2


X = numbers(3, ROWS, seed=1)


def reconstruction(module: Any) -> Any:
    """The loss of an autoencoder, in the precision of what it gives."""
    out = module(X.to(next(module.parameters()).dtype))
    return ((out - X.to(out.dtype)) ** 2).mean()


def square(module: Any) -> Any:
    return (module(X) ** 2).mean()


def transposed(a: Any) -> Any:
    return a.t()


class Coder(nn.Module):
    """Encodes by `A`, decodes by `B`, which is made of `A`, or by what `decode` makes of `A` in each call."""

    def __init__(self, make: Any = None, decode: Callable[[Any], Any] = transposed) -> None:
        super().__init__()
        self.A = nn.Parameter(numbers(ROWS, COLUMNS))
        self.decode = decode
        if make is not None:
            self.B = make(self.A)

    def forward(self, x: Any) -> Any:
        return torch.tanh(x @ self.A) @ (self.B if hasattr(self, "B") else self.decode(self.A))


class Buffered(Coder):
    """As Coder, the decoder being a buffer over the encoder's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("B", self.A.detach().t())


class Tied(nn.Module):
    """Two layers with one Parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.Linear(ROWS, COLUMNS, bias=False, dtype=torch.float64)
        self.dec = nn.Linear(ROWS, COLUMNS, bias=False, dtype=torch.float64)
        self.enc.weight = self.dec.weight = nn.Parameter(numbers(COLUMNS, ROWS))

    def forward(self, x: Any) -> Any:
        return F.linear(torch.tanh(self.enc(x)), self.dec.weight.t())


class Slices(nn.Module):
    """Two parameters cut from one buffer of 20 numbers, the second one from `start` on."""

    def __init__(self, start: int) -> None:
        super().__init__()
        buffer = numbers(20)
        self.P = nn.Parameter(buffer[: ROWS * COLUMNS].view(ROWS, COLUMNS))
        self.Q = nn.Parameter(buffer[start : start + 3 * COLUMNS].view(COLUMNS, 3))

    def forward(self, x: Any) -> Any:
        return torch.tanh(x @ self.P) @ self.Q


class Weight(nn.Module):
    """One parameter, whatever its strides."""

    def __init__(self, weight: Any) -> None:
        super().__init__()
        self.W = nn.Parameter(weight)

    def forward(self, x: Any) -> Any:
        return torch.tanh(x @ self.W)


class Net(nn.Module):
    """Layers one after the other, in float64."""

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers).double()
        with torch.no_grad():
            for number, parameter in enumerate(self.parameters()):
                parameter.copy_(numbers(*parameter.shape, seed=number))

    def forward(self, x: Any) -> Any:
        return self.net(x)


class Lookup(nn.Module):
    """An embedding of three tokens."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 3, dtype=torch.float64, **options)
        self.table.weight.data = numbers(4, 3)

    def forward(self, _: Any) -> Any:
        return torch.tanh(self.table(torch.tensor([0, 1, 1])))


def run(module: Any, loss: Any, mode: str, settings: dict[str, Any] | None = None, **options: Any) -> Outcome:
    """One audit in one mode, stops being reported unless the settings say otherwise."""
    subject = make_subject(module, loss, **options)
    (outcome,) = audit(subject, [mode], Settings(**{"stops": "report", **(settings or {})}))
    return outcome


def labels(outcome: Outcome) -> list[str]:
    return [found.label for found in outcome.findings]


def words(outcome: Outcome) -> list[str]:
    return [slot.word for slot in outcome.slots]
