"""Many audits: each on its own memory, its failures its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aliascheck import __version__
from aliascheck.auditing import Known, Settings
from aliascheck.auditing import audit as audit_subject
from aliascheck.cases import Audit, Case
from aliascheck.engine import LacksPrimitiveError
from aliascheck.errors import AliascheckError, UsageError
from aliascheck.report import AuditResult, Report, Tool, reason_of, summarize
from aliascheck.runner.interrupts import INTERRUPTED, Interrupts, interrupts_held, was_sent
from aliascheck.runner.limits import needs_workers
from aliascheck.runner.models import is_installed, prepare_model
from aliascheck.runner.origin import origin_of
from aliascheck.runner.prepare import prepare
from aliascheck.runner.programs import on_engine
from aliascheck.runner.results import blank_result, errored_result, result_of
from aliascheck.runner.selection import BUNDLED, Chosen, Selection, choose, file_errors
from aliascheck.runner.unforeseen import unforeseen
from aliascheck.subjects.subject import Subject

Progress = Callable[[int, int, str], None]


def run_cases(
    paths: Sequence[Path], selection: Selection | None = None, on_progress: Progress | None = None
) -> Report:
    """Audit case files and folders.

    `on_progress` is told how many audits are done, how many there are, and which comes next.

    Raises: UsageError where a path does not exist, nothing is left to run, or a Python case is named
    without trust; KeyboardInterrupt where the files were not read yet.
    """
    with interrupts_held() as interrupts:
        return _run(paths, selection or Selection(), on_progress, interrupts)


def _run(
    paths: Sequence[Path], selection: Selection, on_progress: Progress | None, interrupts: Interrupts
) -> Report:
    started, began = time.perf_counter(), datetime.now(UTC)
    with interrupts.let_through():
        chosen = choose(paths, selection)
    _refuse_untrusted(chosen, selection)
    found: dict[int, list[AuditResult]] = {}
    codes = {error.exit_code for error in chosen.errors}
    interrupted = False
    try:
        with closing(_outcomes(chosen, selection, on_progress, interrupts)) as outcomes:
            for number, of_audit, code in outcomes:
                found[number] = of_audit
                codes.add(code)
    except KeyboardInterrupt:
        interrupted = True
    interrupted = interrupted or interrupts.seen
    results = [result for number in sorted(found) for result in found[number]]
    exit_code = INTERRUPTED if interrupted else max(codes, default=0)
    bad = file_errors(chosen.errors)
    reason = "interrupted" if interrupted else reason_of(exit_code, results, len(bad))
    summary = summarize(results, bad, time.perf_counter() - started, exit_code, reason)
    summary.strict_skips = selection.strict_skips
    return Report(
        tool=Tool(version=__version__),
        summary=summary,
        audits=results,
        bad_files=bad,
        origin=origin_of(results, began, selection.seed),
    )


def _outcomes(
    chosen: Chosen, selection: Selection, on_progress: Progress | None, interrupts: Interrupts
) -> Generator[tuple[int, list[AuditResult], int]]:
    """Each audit's number, its results, and the exit code that they demand, as soon as they are there."""
    if needs_workers(chosen, selection):
        from aliascheck.runner.workers import Workers

        yield from Workers(run_audit, chosen, selection, on_progress, interrupts).outcomes()
        return
    known: Known = {}
    for number, (case, audit) in enumerate(chosen.audits):
        if on_progress is not None:
            on_progress(number, len(chosen.audits), f"{case.path} {audit.id}")
        with interrupts.let_through():
            outcome = run_audit(case, audit, selection, named=case.path in chosen.named, known=known)
        yield number, *outcome


def _refuse_untrusted(chosen: Chosen, selection: Selection) -> None:
    for case, _ in chosen.audits:
        if case.model is not None and case.path in chosen.named and not selection.trust:
            raise UsageError(
                f"{case.path}: this case runs Python code", hint="give --trust if you trust it to run"
            )


def run_audit(
    case: Case, audit: Audit, selection: Selection, *, named: bool = True, known: Known | None = None
) -> tuple[list[AuditResult], int]:
    """The results of one audit in each of its modes, and the exit code that they demand.

    `named` tells that its file was given by name, not met in a folder. Audits that are given the same `known`
    share what they measure.
    """
    modes = selection.modes_of(case, audit)
    skipped = _skip_reason(case, audit, selection)
    if skipped is not None:
        return _skipped(case, audit, modes, selection, skipped)
    engine = selection.engine_of(case)
    if engine != BUNDLED and not is_installed(engine):
        return _without_engine(case, audit, modes, selection, engine, named=named)
    lacking = [mode for mode in modes if not selection.has_mode(case, mode)]
    results, code = _skipped(case, audit, lacking, selection, f"{engine} has no implicit mode")
    modes = [mode for mode in modes if mode not in lacking]
    if not modes:
        return results, code
    try:
        subject, settings, bindings = _prepared(case, audit, modes, selection)
        results += [
            result_of(case, audit, selection, outcome, bindings, settings)
            for outcome in audit_subject(subject, modes, settings, known)
        ]
    except LacksPrimitiveError as error:
        return _skipped(case, audit, [*lacking, *modes], selection, str(error))
    except AliascheckError as error:
        return errored_result(case, audit, modes[0], selection, error)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) and was_sent():
            raise
        return errored_result(case, audit, modes[0], selection, unforeseen(case, audit, error))
    return results, max(code, int(any(result.status == "failed" for result in results)))


def _prepared(
    case: Case, audit: Audit, modes: list[str], selection: Selection
) -> tuple[Subject, Settings, Mapping[str, Any]]:
    """What is audited and how, and the values among which expectations are evaluated."""
    if case.model is not None:
        made = prepare_model(case, audit, selection)
        return made.subject, made.settings, made.subject.bindings
    prepared = prepare(case, audit, modes, selection)
    program, settings, engine = prepared.program, prepared.settings, selection.engine_of(case)
    if engine == BUNDLED:
        return program, settings, program.bindings
    return *on_engine(engine, program, settings), program.bindings


def _skip_reason(case: Case, audit: Audit, selection: Selection) -> str | None:
    if audit.skip is not None:
        return audit.skip
    if case.model is not None and not selection.trust:
        return "it runs Python code, and --trust is not given"
    return None


def _skipped(
    case: Case, audit: Audit, modes: list[str], selection: Selection, reason: str
) -> tuple[list[AuditResult], int]:
    results = [blank_result(case, audit, mode, selection, "skipped") for mode in modes]
    for result in results:
        result.error = reason
    return results, 4 if selection.strict_skips else 0


def _without_engine(
    case: Case, audit: Audit, modes: list[str], selection: Selection, engine: str, *, named: bool
) -> tuple[list[AuditResult], int]:
    """An audit whose engine is not there: skipped where met in a folder, an error where asked for."""
    reason = f"the engine {engine} is not installed (see aliascheck engines)"
    if selection.engine is None and not named:
        return _skipped(case, audit, modes, selection, reason)
    results = [blank_result(case, audit, mode, selection, "error") for mode in modes]
    for result in results:
        result.error = reason
    return results, 4
