"""Models that live in Python: what a case's factory makes, as something to audit."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from aliascheck.auditing import Settings
from aliascheck.cases import Audit, BadCase, Case, Model
from aliascheck.errors import AliascheckError, IncompleteError, UsageError
from aliascheck.memory import DIRECTIONS, Data
from aliascheck.runner.selection import Selection
from aliascheck.subjects.found import engine_of
from aliascheck.subjects.making import made_anew
from aliascheck.subjects.subject import Subject

PAIR = "it must return (model, loss)"


class PreparedModel(Data, frozen=True, eq=False):
    """An audit of a Python model, ready to be carried out."""

    subject: Subject
    settings: Settings


def is_installed(engine: str) -> bool:
    """Whether the package of an engine is there; it is not imported."""
    return importlib.util.find_spec(engine) is not None


def prepare_model(case: Case, audit: Audit, selection: Selection) -> PreparedModel:
    """Make the model of an audit and its loss by the case's factory.

    Raises: BadCase where the factory or what it makes is not as it must be; IncompleteError where the engine
    is not installed.
    """
    assert case.model is not None
    engine = selection.engine_of(case)
    home = importlib.import_module(f"aliascheck.subjects.{engine}")
    seed = selection.seed if selection.seed is not None else audit.seed or 0
    model, loss = _made(case, case.model, audit, seed, imported_at=selection.seed or 0)
    _check_kind(case.model, model, engine)
    stops = audit.stop_gradient or str(getattr(home, "DEFAULT_STOPS", "report"))
    wanted: dict[str, Any] = {"params": list(audit.params) or None, "seed": seed}
    if engine == "torch":
        wanted["stop_gradient"] = stops
    elif audit.ties:
        wanted["ties"] = audit.ties
    try:
        subject: Subject = home.make_subject(model, loss, **wanted)
        ties = home.tied_places(model, audit.ties) if engine == "torch" else ()
    except IncompleteError:
        raise
    except AliascheckError as error:
        raise audit.place.relocate(error) from error
    contract = selection.contract or audit.contract or str(getattr(home, "DEFAULT_CONTRACT", "sum"))
    tolerance = audit.tolerance
    return PreparedModel(
        subject,
        Settings(
            contract=contract,
            stops=stops,
            rtol=tolerance.rtol if selection.rtol is None else selection.rtol,
            atol=tolerance.atol if selection.atol is None else selection.atol,
            seed=seed,
            probes=selection.probes or audit.probes or DIRECTIONS,
            thorough=selection.thorough or bool(audit.thorough),
            ties=ties,
        ),
    )


def _made(
    case: Case, model: Model, audit: Audit, seed: int, *, imported_at: int
) -> tuple[Any, Callable[[Any], Any]]:
    """The model and its loss; that which an audit names is looked up beside the factory.

    Random numbers that the factory draws begin at `seed`. Its module is imported once for all audits: what it
    draws then begins at the seed of the run, `imported_at`.
    """
    module, make = _factory(case, model, imported_at)
    args = {**model.args, **audit.args}
    with _beside(case.folder):
        try:
            made = made_anew(lambda: make(**args), seed, torch=case.engine == "torch")
        except Exception as error:
            raise _bad(model, f"the factory failed: {type(error).__name__}: {error}") from error
    _check_pair(model, made)
    if not audit.loss_text:
        return made[0], made[1]
    loss = getattr(module, audit.loss_text.strip(), None)
    if not callable(loss):
        raise audit.loss_place.error(
            f"{_home(model)} has no function '{audit.loss_text.strip()}'",
            hint="leave the loss out to take the factory's",
        )
    return made[0], loss


def _check_pair(model: Model, made: Any) -> None:
    if not isinstance(made, tuple) or len(made) != 2:
        raise _bad(model, f"the factory gave {_described(made)}", hint=PAIR)
    if isinstance(made[0], FunctionType | MethodType):
        raise _bad(model, "the factory gave a function where the model goes", hint=PAIR)
    if not callable(made[1]):
        what = f"the loss that the factory gave is a {type(made[1]).__name__}, and cannot be called"
        raise _bad(model, what, hint=PAIR)


def _described(made: Any) -> str:
    if isinstance(made, tuple):
        return f"{len(made)} things"
    return "nothing" if made is None else f"a {type(made).__name__}"


def _check_kind(model: Model, made: Any, engine: str) -> None:
    """Raise BadCase for a torch module on another engine, and anything else on torch."""
    try:
        found = engine_of(made)
    except UsageError:
        found = ""
    if found != engine and "torch" in (found, engine):
        what = f"the factory's model is a {type(made).__name__}"
        raise _bad(
            model,
            f"{what}, which engine {engine} does not take",
            hint=f'say engine = "{found}"' if found else "return a torch.nn.Module",
        )


def _home(model: Model) -> str:
    """The file, or the module, of a factory, as the case names it."""
    return model.factory.rpartition(":")[0]


def _factory(case: Case, model: Model, seed: int) -> tuple[ModuleType, Callable[..., Any]]:
    where, name = _home(model), model.factory.rpartition(":")[2]
    if not where or not name:
        raise _bad(model, f"'{model.factory}' names no function", hint='write "model.py:make"')
    with _beside(case.folder):
        try:
            module = made_anew(lambda: _imported(case.folder, where), seed, torch=case.engine == "torch")
        except FileNotFoundError:
            raise _bad(model, f"there is no file {where} beside the case") from None
        except Exception as error:
            raise _bad(model, f"{where} cannot be imported: {type(error).__name__}: {error}") from error
    make = getattr(module, name, None)
    if not callable(make):
        raise _bad(model, f"{where} has no function '{name}'")
    return module, make


def _imported(folder: Path, where: str) -> ModuleType:
    return _file(folder / where) if where.endswith(".py") else importlib.import_module(where)


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(path)
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()  # the same in every process, as messages name it
    name = f"aliascheck_case_{path.stem}_{digest[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules in the case's folder can be imported."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _bad(model: Model, message: str, hint: str | None = None) -> BadCase:
    return model.place.error(message, hint=hint)
