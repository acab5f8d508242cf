"""Rows of torch: gradients of shared memory, and what gradcheck makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.autograd import gradcheck
from torch.func import functional_call

from aliascheck.auditing import Settings, audit
from aliascheck.subjects.torch import make_subject, tied_places
from tests.benchmarks.row import EACH, EXPLICIT, IMPLICIT, SUM, Arrays, Asked, Model, Row
from tests.subjects.torch_models import (
    COLUMNS,
    ROWS,
    Buffered,
    Coder,
    Slices,
    Tied,
    Weight,
    X,
    nn,
    numbers,
    reconstruction,
    square,
)

Loss = Callable[[Any], Any]
Demanded = Mapping[Asked, Sequence[str]]
A_PARTIAL, W_PARTIAL = ["AC103:A"], ["AC103:W"]
BOTH_PARTIAL = ["AC103:A", "AC103:B"]


class Whole(nn.Module):
    """A module whose call is the loss of another one."""

    def __init__(self, module: Any, loss: Loss) -> None:
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self) -> Any:
        return self.loss(self.module)


def model(
    module: Any,
    loss: Loss = reconstruction,
    *,
    ties: Sequence[tuple[str, str]] = (),
    params: Sequence[str] | None = None,
    tie_weights: bool = True,
    check: Callable[[], str] | None = None,
) -> Model:
    """A torch module on trial."""
    every = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers())}
    every.update({name: one for name, one in vars(module).items() if isinstance(one, torch.Tensor)})
    names = params or [name for name, _ in module.named_parameters()]
    slots = {name: every[name] for name in names}

    def gradients(mode: str) -> Arrays:
        if mode == IMPLICIT:
            loss(module).backward()
            found = [one.grad for one in slots.values()]
            module.zero_grad()
        else:
            leaves = {name: one.detach().clone().requires_grad_() for name, one in slots.items()}
            replaced = {f"module.{name}": leaf for name, leaf in leaves.items()}
            value = functional_call(Whole(module, loss), replaced, (), tie_weights=tie_weights)
            found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
        return {
            name: torch.zeros_like(one) if grad is None else grad
            for (name, one), grad in zip(slots.items(), found, strict=True)
        }

    def audited(mode: str, contract: str) -> list[str]:
        subject = make_subject(module, loss, params=params, tie_weights=tie_weights)
        settings = Settings(contract=contract, stops="report", ties=tied_places(module, ties))
        (outcome,) = audit(subject, [mode], settings)
        return [one.label for one in outcome.findings]

    return Model(
        slots={name: one.detach().numpy() for name, one in slots.items()},
        value=lambda: float(loss(module).detach()),
        gradients=gradients,
        audit=audited,
        check=check or (lambda: both(lambda *_: loss(module), tuple(slots.values()))),
        others={name: one.detach().numpy() for name, one in every.items()},
        ties=ties,
    )


def both(function: Callable[..., Any], inputs: tuple[Any, ...]) -> str:
    """What gradcheck says, slow and fast."""
    return " / ".join(checked(function, inputs, fast_mode=fast) for fast in (False, True))


def checked(function: Callable[..., Any], inputs: tuple[Any, ...], **how: bool) -> str:
    try:
        gradcheck(function, inputs, **how)
    except RuntimeError as error:
        return "FLAG" if "Jacobian mismatch" in str(error) or "not equal" in str(error) else "raises"
    return "pass"


def copies(*tensors: Any) -> tuple[Any, ...]:
    return tuple(one.detach().clone().requires_grad_() for one in tensors)


def demanded(total: Sequence[str], each: Sequence[str], explicit: Sequence[str]) -> Demanded:
    return {(IMPLICIT, SUM): total, (IMPLICIT, EACH): each, (EXPLICIT, SUM): explicit}


CLEAN = demanded([], [], [])


def always(labels: Sequence[str]) -> Demanded:
    return demanded(labels, labels, labels)


def shared(make: Callable[[Any], Any]) -> Any:
    return Coder(lambda a: nn.Parameter(make(a)))


def as_clones() -> Model:
    module = shared(lambda a: a.detach().t())

    def function(a: Any, b: Any) -> Any:
        return functional_call(Whole(module, reconstruction), {"module.A": a, "module.B": b}, ())

    return model(module, check=lambda: both(function, copies(module.A, module.B)))


def captured(capture: Callable[[Any], Any]) -> Model:
    """A loss that reads the memory of W by something that is not in the module."""
    module = Weight(numbers(ROWS, COLUMNS))
    kept = capture(module.W)

    def loss(module: Any) -> Any:
        return ((module(X) @ kept - X) ** 2).mean()

    return model(module, loss)


def kept_view(*, both_given: bool) -> Model:
    """B is kept as A.t(), with its graph; gradcheck is given A alone, or both."""
    module = Coder(lambda a: a.t())

    def function(a: Any, b: Any) -> Any:
        return ((torch.tanh(X @ a) @ b - X) ** 2).mean()

    if both_given:
        return model(module, check=lambda: both(function, (module.A, module.B)))
    return model(module)


def stopped(decode: Callable[[Any], Any]) -> Callable[[], Model]:
    return lambda: model(Coder(decode=decode))


def without_graph(a: Any) -> Any:
    with torch.no_grad():
        return a.t() * 1.0


def stale(change: Callable[[Any], Any]) -> Callable[[], Model]:
    def make() -> Model:
        module = Coder(lambda a: a.t())
        change(module)
        return model(module)

    return make


def flattened(module: Any) -> Any:
    """The module after vector_to_parameters."""
    vector = torch.cat([one.detach().reshape(-1) for one in module.parameters()])
    nn.utils.vector_to_parameters(vector, module.parameters())
    return module


def written_to(alias: Callable[[Any], Any]) -> Callable[[], Model]:
    """A loss that writes to its memory once it has its value, by an alias of the parameter."""

    def loss(module: Any) -> Any:
        value = reconstruction(module)
        alias(module.A).mul_(2.0)
        return value

    return lambda: model(Coder(), loss, check=lambda: "-")


STALE = {(IMPLICIT, SUM): ["AC105:A"], (EXPLICIT, SUM): []}
HANKEL = (ROWS + COLUMNS - 1,)


def gradient_rows() -> Iterator[Row]:
    """Part 5.1."""

    def row(case: str, make: Callable[[], Model], demanded: Demanded, **how: Any) -> Row:
        return Row("5.1", case, make, demanded, **how)

    split, partial = demanded([], BOTH_PARTIAL, []), always(W_PARTIAL)
    yield row("(a) the same Parameter twice", lambda: model(Tied()), CLEAN)
    yield row("(b) Parameter(p.detach().t())", lambda: model(shared(lambda a: a.detach().t())), split)
    yield row("(b) Parameter(p.data.t())", lambda: model(shared(lambda a: a.data.t())), split)
    yield row("(b) the same, checked as clones", as_clones, split)
    yield row(
        "(b') only p an argument, the other captured",
        lambda: captured(lambda a: nn.Parameter(a.detach().t())),
        partial,
    )
    yield row("(c) p.t() kept, f(p, view)", lambda: kept_view(both_given=True), demanded([], [], A_PARTIAL))
    yield row("(c) p.t() kept, f(p)", lambda: kept_view(both_given=False), demanded([], [], A_PARTIAL))
    yield row("(c) p.t() captured, f(p)", lambda: captured(lambda a: a.t()), demanded([], [], W_PARTIAL))
    yield row("(c) p.t() made in each call", lambda: model(Coder()), CLEAN)
    yield row(
        "(d) overlapping slices",
        lambda: model(Slices(5), square),
        demanded([], ["AC103:P", "AC103:Q"], []),
    )
    yield row("(d2) disjoint slices", lambda: model(Slices(8), square), CLEAN)
    for case, weight in (
        ("(d3) stride 0", lambda: numbers(1, COLUMNS).expand(ROWS, COLUMNS)),
        ("(d3) Hankel, strides (1, 1)", lambda: numbers(*HANKEL).as_strided((ROWS, COLUMNS), (1, 1))),
    ):
        make = lambda weight=weight: model(Weight(weight()), square)  # noqa: E731
        yield row(case, make, {(IMPLICIT, SUM): [], (EXPLICIT, SUM): []})
    yield row("(e) captured p.detach().t()", lambda: captured(lambda a: a.detach().t()), partial)
    yield row(
        "(e) captured view of NumPy's",
        lambda: captured(lambda a: torch.from_numpy(a.detach().numpy().T)),
        partial,
    )
    yield row("(e) captured copy: no alias", lambda: captured(lambda a: a.detach().t().clone()), CLEAN)
    for case, decode in (
        ("detach()", lambda a: a.t().detach()),
        (".data", lambda a: a.data.t()),
        ("clone().detach()", lambda a: a.clone().detach().t()),
        ("no_grad", without_graph),
        ("float(w.sum())", lambda a: a.t() * float(a.sum())),
    ):
        yield row(f"(f) {case}", stopped(decode), always(A_PARTIAL))
    for case, change in (
        (".data replaced", lambda module: setattr(module.A, "data", module.A.data.clone())),
        ("vector_to_parameters", flattened),
        (".to and back", lambda module: module.float().double()),
    ):
        yield row(f"stale view: {case}", stale(change), STALE)
    for case, alias in ((".data", lambda a: a.data), (".detach()", lambda a: a.detach())):
        yield row(
            f"written to by {case} before backward",
            written_to(alias),
            always(["AC203"]),
            fact="the loss moves its memory",
        )


def called(tie_weights: bool, names: Sequence[str] | None, make: Callable[[], Any] = Tied) -> Model:
    """A module as functional_call sees it; gradcheck is given clones, then the shared memory."""
    module = make()
    given = names or [name for name, _ in module.named_parameters()]
    tensors = tuple(module.get_parameter(name) for name in given)

    def function(*values: Any) -> Any:
        replaced = {f"module.{name}": value for name, value in zip(given, values, strict=True)}
        return functional_call(Whole(module, reconstruction), replaced, (), tie_weights=tie_weights)

    def check() -> str:
        alike = tuple(one.detach().requires_grad_() for one in tensors)
        return f"{checked(function, copies(*tensors))} clones, {checked(function, alike)} shared"

    return model(module, params=given, tie_weights=tie_weights, check=check)


def given_twice() -> Model:
    """Both keys of a tied module given, each with a tensor of its own."""

    def loss(module: Any) -> Any:
        both_keys = {name: one * 1.0 for name, one in module.named_parameters(remove_duplicate=False)}
        return ((functional_call(module, both_keys, (X,)) - X) ** 2).mean()

    return model(Tied(), loss, check=lambda: "-")


def call_rows() -> Iterator[Row]:
    """Part 5.4."""
    names = ["enc.weight", "dec.weight"]
    halves = [f"AC103:{name}" for name in names]
    total: Demanded = {(EXPLICIT, SUM): [], (EXPLICIT, EACH): []}
    split: Demanded = {(EXPLICIT, SUM): [], (EXPLICIT, EACH): halves}
    yield Row("5.4", "same object, tied, deduplicated", lambda: called(True, None), total)
    refused = "multiple values for keys"
    yield Row(
        "5.4", "same object, tied, both keys", given_twice, total, raises=refused, fact="the call raises"
    )
    lost = dict.fromkeys(total, halves[:1])
    yield Row("5.4", "same object, untied, deduplicated", lambda: called(False, None), lost)
    yield Row("5.4", "same object, untied, both keys", lambda: called(False, names), split)
    for tied in (True, False):
        word = "tied" if tied else "untied"
        two = lambda tied=tied: called(tied, None, lambda: shared(lambda a: a.data.t()))  # noqa: E731
        asked = {(EXPLICIT, SUM): [], (EXPLICIT, EACH): BOTH_PARTIAL}
        yield Row("5.4", f"two Parameters, one storage, {word}", two, asked)
        for kind, make in (("view attribute", lambda: Coder(lambda a: a.t())), ("buffer", Buffered)):
            one = lambda tied=tied, make=make: called(tied, None, make)  # noqa: E731
            yield Row("5.4", f"{kind}, {word}", one, dict.fromkeys(total, A_PARTIAL))
