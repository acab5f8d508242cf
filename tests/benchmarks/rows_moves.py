"""Rows of torch: what becomes of ties when a model is loaded, copied or moved."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from tests.benchmarks.row import EXPLICIT, IMPLICIT, SUM, Model, Row
from tests.benchmarks.rows_torch import CLEAN, Demanded, always, demanded, flattened, model, shared
from tests.subjects.torch_models import Buffered, Coder, Tied, nn, numbers

ENC, DEC = "enc.weight", "dec.weight"
UNTIED = always(["AC302"])


def through_file(value: Any) -> Any:
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def of_own_memory(state: Any) -> dict[str, Any]:
    """A state as safetensors gives it: every value a copy."""
    return {name: tensor.clone() for name, tensor in state.items()}


def used_before(state: Any) -> Any:
    """A state that was loaded with assign=True once."""
    Tied().load_state_dict(state, assign=True)
    return state


def loaded(make_state: Callable[[Any], Any], *, assign: bool, tied_again: bool = False) -> Any:
    module = Tied()
    module.load_state_dict(make_state(Tied().state_dict()), assign=assign)
    if tied_again:
        module.dec.weight = module.enc.weight
    return module


def on_meta() -> Any:
    return filled(Tied().to("meta").to_empty(device="cpu"))


def assigned_to_meta() -> Any:
    module = Tied().to("meta")
    module.load_state_dict(of_own_memory(Tied().state_dict()), assign=True)
    return module


def filled(module: Any) -> Any:
    """The same, with numbers in memory that was given to it empty."""
    with torch.no_grad():
        for seed, tensor in enumerate([*module.parameters(), *module.buffers()]):
            tensor.copy_(numbers(*tensor.shape, seed=seed))
    return module


def loading_rows() -> Iterator[Row]:
    """Part 5.3, first table."""
    split = demanded([], [f"AC103:{ENC}", f"AC103:{DEC}"], [])
    for case, make, wanted in (
        ("assign=False", lambda: loaded(lambda state: state, assign=False), CLEAN),
        ("assign=True", lambda: loaded(lambda state: state, assign=True), split),
        ("assign=True, from a file", lambda: loaded(through_file, assign=True), split),
        ("assign=True, cloned (safetensors)", lambda: loaded(of_own_memory, assign=True), UNTIED),
        (
            "assign=True, then tied again",
            lambda: loaded(lambda state: state, assign=True, tied_again=True),
            CLEAN,
        ),
        ("assign=False, the flag sticks", lambda: loaded(used_before, assign=False), split),
        (
            "assign=False, the flag in a file",
            lambda: loaded(lambda state: through_file(used_before(state)), assign=False),
            split,
        ),
        ("meta, assign=True of clones", assigned_to_meta, UNTIED),
        ("meta, to_empty", on_meta, UNTIED),
    ):
        yield Row("5.3 g", case, lambda make=make: model(make(), ties=[(ENC, DEC)]), wanted)


def by_swapping(module: Any) -> Any:
    """A cast to float32 and back, Parameters keeping their objects."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        return module.float().double()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)


SAME, TWO, VIEW, BUFFER = "same Parameter", "two Parameters", "kept view", "buffer"
KINDS: dict[str, tuple[Callable[[], Any], tuple[str, str]]] = {
    SAME: (Tied, (ENC, DEC)),
    TWO: (lambda: shared(lambda a: a.data.t()), ("A", "B")),
    VIEW: (lambda: Coder(lambda a: a.t()), ("A", "B")),
    BUFFER: (Buffered, ("A", "B")),
}
KEPT: dict[str, Demanded] = {
    SAME: CLEAN,
    TWO: demanded([], ["AC103:A", "AC103:B"], []),
    VIEW: demanded([], [], ["AC103:A"]),
    BUFFER: always(["AC103:A"]),
}
STALE = {(IMPLICIT, SUM): ["AC105:A", "AC302"], (EXPLICIT, SUM): ["AC302"]}
LEAF = always(["AC103:A"])
kept, apart = "kept", "apart"
Outcome = str | Demanded

MOVES: tuple[tuple[str, Callable[[Any], Any], Sequence[Outcome]], ...] = (
    ("copy.copy", copy.copy, (kept, kept, kept, kept)),
    ("deepcopy", copy.deepcopy, (kept, apart, "raises: graph leaves", apart)),
    (".to(same)", lambda module: module.to(torch.float64), (kept, kept, kept, kept)),
    (".to(float32).to(float64)", lambda module: module.float().double(), (kept, apart, STALE, apart)),
    ("the same, swapping", by_swapping, (kept, apart, "raises: Couldn't swap", apart)),
    ("pickle", lambda module: pickle.loads(pickle.dumps(module)), (kept, apart, apart, apart)),
    ("torch.save, torch.load", through_file, (kept, kept, LEAF, kept)),
    ("share_memory", lambda module: module.share_memory(), (kept, kept, kept, kept)),
    ("to_empty", lambda module: filled(module.to_empty(device="cpu")), (kept, apart, STALE, apart)),
    ("vector_to_parameters", flattened, (kept, apart, STALE, apart)),
)


def moving_rows() -> Iterator[Row]:
    """Part 5.3, second table: each move of each kind of tie."""
    for case, move, outcomes in MOVES:
        for (kind, (make, tie)), outcome in zip(KINDS.items(), outcomes, strict=True):
            yield Row(
                "5.3 h",
                f"{case}: {kind}",
                lambda move=move, make=make, tie=tie: moved(move(make()), tie),
                KEPT[kind] if outcome == kept else UNTIED if isinstance(outcome, str) else outcome,
                raises=outcome.partition("raises: ")[2] if isinstance(outcome, str) else "",
            )


def moved(module: Any, tie: tuple[str, str]) -> Model:
    return model(module, ties=[tie])


def flat_rows() -> Iterator[Row]:
    """One storage for all parameters, and no cell of it in two: no alias."""
    yield Row("5.3 h", "vector_to_parameters: no tie declared", lambda: model(flattened(Coder(twin))), CLEAN)


def twin(a: Any) -> Any:
    return nn.Parameter(a.detach().t().clone())
