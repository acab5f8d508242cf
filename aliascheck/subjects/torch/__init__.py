"""Torch modules as subjects. Nothing here imports torch until a subject is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aliascheck.errors import IncompleteError
from aliascheck.memory import Path
from aliascheck.subjects.program import Loss
from aliascheck.subjects.subject import Subject


def make_subject(
    module: Any,
    loss: Callable[[Any], Any],
    *,
    params: Sequence[str] | None = None,
    stop_gradient: str = "report",
    seed: int = 0,
    tie_weights: bool = True,
) -> Subject:
    """A module and its loss, `loss(module)`, as a subject.

    The set is the parameters that require a gradient, or `params`, by the names that `named_parameters`
    gives. `stop_gradient` is what the audit should make of stops; the subject hands it on as `stops`.
    Random numbers are drawn anew from `seed` in every evaluation. Without `tie_weights`, explicit mode
    replaces a tensor under the name that is in the set only, as `functional_call` then does.

    Raises: IncompleteError where torch is not installed; AliascheckError where a name leads nowhere, or
        where the module is one whose tensors cannot be exchanged.
    """
    _check_installed()
    from aliascheck.subjects.torch.members import model_of

    return model_of(module, loss, params, stops=stop_gradient, seed=seed, tie_weights=tie_weights)


def make_program(
    bindings: Mapping[str, Any], loss: Loss, members: Sequence[Path], *, stop_gradient: str, seed: int = 0
) -> Subject:
    """A program of a case file as a subject: each of its arrays is a Parameter over the memory that it shows.

    Raises: IncompleteError where torch is not installed; LacksPrimitiveError where it has not what the loss
        does.
    """
    _check_installed()
    from aliascheck.subjects.torch.program import subject_of

    return subject_of(bindings, loss, members, stops=stop_gradient, seed=seed)


def _check_installed() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise IncompleteError("torch is not installed", hint="pip install 'aliascheck[torch]'") from error


def tied_places(module: Any, ties: Iterable[Iterable[str]]) -> tuple[tuple[Path, ...], ...]:
    """The places of a module that are declared to share memory, from their names.

    Raises: AliascheckError where a name leads nowhere.
    """
    from aliascheck.subjects.torch.members import named_places

    return tuple(tuple(place.path for place in named_places(tie, module)) for tie in ties)
