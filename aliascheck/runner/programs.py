"""Programs of case files on other engines: the same memory, loss and set, as a subject of that engine."""

from __future__ import annotations

import importlib

from aliascheck.auditing import Settings
from aliascheck.memory import Path, format_path, replace
from aliascheck.subjects.program import Program
from aliascheck.subjects.subject import Subject


def on_engine(engine: str, program: Program, settings: Settings) -> tuple[Subject, Settings]:
    """A program of the bundled engine as a subject of another one, and settings that name its places.

    Raises: LacksPrimitiveError where the engine has not what the loss does.
    """
    home = importlib.import_module(f"aliascheck.subjects.{engine}")
    subject: Subject = home.make_program(
        program.bindings, program.evaluate, program.members, stop_gradient=settings.stops, seed=settings.seed
    )
    return subject, replace(settings, ties=tuple(_named(tie, subject) for tie in settings.ties))


def _named(tie: tuple[Path, ...], subject: Subject) -> tuple[Path, ...]:
    """Places as a subject names them: those of torch are names without steps."""
    texts = {path: format_path(path) for path in tie}
    return tuple((texts[path],) if texts[path] in subject.bindings else path for path in tie)
