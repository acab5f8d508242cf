"""Which audits run, and how: what the command line asks for, held against what the cases say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aliascheck.cases import Audit, Case, load_cases
from aliascheck.errors import CaseError, UsageError
from aliascheck.memory import Data
from aliascheck.report import FileError

BUNDLED = "builtin"
MODES = {"builtin": ("implicit", "explicit"), "torch": ("implicit", "explicit")}


class Selection(Data, frozen=True):
    """What to run, and settings that override those of the cases. None: as the case says.

    `programs` leaves out the models that live in Python, which run on their own engine only.
    `jobs` counts worker processes, 0 being none; `timeout` (seconds) and `memory` (MiB) limit each audit.
    """

    text: str | None = None
    mode: str | None = None
    engine: str | None = None
    contract: str | None = None
    rtol: float | None = None
    atol: float | None = None
    seed: int | None = None
    probes: int | None = None
    thorough: bool = False
    fail_on: str = "error"
    strict_skips: bool = False
    trust: bool = False
    programs: bool = False
    jobs: int = 0
    timeout: float | None = None
    memory: int | None = None

    def engine_of(self, case: Case) -> str:
        """The engine that a case's audits run on."""
        return self.engine if self.engine is not None and case.model is None else case.engine

    def modes_of(self, case: Case, audit: Audit) -> list[str]:
        """The modes in which an audit runs."""
        known = MODES.get(self.engine_of(case), ("explicit",))
        modes = known if audit.modes is None else audit.modes
        return [mode for mode in modes if self.mode is None or mode == self.mode]

    def has_mode(self, case: Case, mode: str) -> bool:
        """Whether the engine that a case's audits run on has a mode."""
        return mode in MODES.get(self.engine_of(case), ("explicit",))

    def takes(self, case: Case, audit: Audit) -> bool:
        """Whether an audit is among those that are asked for."""
        if not self.modes_of(case, audit) or (self.programs and case.model is not None):
            return False
        texts = (case.path, audit.id, audit.title)
        return self.text is None or any(self.text in text for text in texts)


class Planned(Data, frozen=True):
    """One audit that would run."""

    file: str
    line: int
    id: str
    title: str
    engine: str
    modes: list[str]
    contract: str
    loss: str
    params: list[str]
    skip: str | None


class Chosen(Data, frozen=True):
    """The audits that are asked for; `named` are the case files given by name, not met in a folder."""

    audits: tuple[tuple[Case, Audit], ...]
    errors: tuple[CaseError, ...]
    named: frozenset[str]


def choose(paths: Sequence[Path], selection: Selection) -> Chosen:
    """Load case files and choose among their audits.

    Raises: UsageError where a path does not exist, or nothing is left to run.
    """
    cases, errors = load_cases(paths)
    named: set[str] = set()
    for path in paths:
        if path.is_file():
            named.update(case.path for case in load_cases([path])[0])
    audits = tuple((case, audit) for case in cases for audit in case.audits if selection.takes(case, audit))
    if not audits and not errors:
        where = ", ".join(path.as_posix() for path in paths)
        if not cases:
            raise UsageError(
                f"no case files in {where}", hint="a case file ends in .toml; see aliascheck new"
            )
        if not any(case.audits for case in cases):
            raise UsageError(f"no audits in {where}")
        asked = f"'{selection.text}'" if selection.text is not None else f"mode {selection.mode}"
        raise UsageError(f"no audit in {where} matches {asked}", hint="aliascheck list shows what there is")
    return Chosen(audits, tuple(errors), frozenset(named))


def plan(paths: Sequence[Path], selection: Selection) -> tuple[list[Planned], list[FileError]]:
    """What would run, and which files are bad."""
    chosen = choose(paths, selection)
    return [_planned(case, audit, selection) for case, audit in chosen.audits], file_errors(chosen.errors)


def _planned(case: Case, audit: Audit, selection: Selection) -> Planned:
    return Planned(
        file=case.path,
        line=audit.line,
        id=audit.id,
        title=audit.title,
        engine=selection.engine_of(case),
        modes=selection.modes_of(case, audit),
        contract=selection.contract or audit.contract or "sum",
        loss=audit.loss_text,
        params=list(audit.params),
        skip=audit.skip,
    )


def file_errors(errors: Sequence[CaseError]) -> list[FileError]:
    """Bad files as a report names them."""
    return [
        FileError(file=getattr(error, "file", ""), message=str(error), line=getattr(error, "line", None))
        for error in errors
    ]
