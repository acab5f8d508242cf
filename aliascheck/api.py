"""Auditing a model of one's own, in one line.

report = aliascheck.audit(model, loss)
aliascheck.assert_gradients(model, loss)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from aliascheck import __version__
from aliascheck.arguments import (
    STOPS,
    contract_of,
    known,
    modes_of,
    params_of,
    probes_of,
    seed_of,
    ties_of,
    tolerance_of,
)
from aliascheck.auditing import Settings
from aliascheck.auditing import audit as audit_subject
from aliascheck.errors import UsageError
from aliascheck.files import report_file
from aliascheck.report import AuditResult, FindingResult, Report, Tool, summarize
from aliascheck.reporters.page import Page
from aliascheck.runner.origin import origin_of
from aliascheck.runner.outcomes import fill
from aliascheck.stack import own_frames_cut
from aliascheck.subjects.drawing import draws_kept
from aliascheck.subjects.found import ENGINES, MODES, engine_of

Loss = Callable[[Any], Any]


class ModelReport(Report, kw_only=True):
    """What an audit of one model found: a result for each mode. Its text is the table."""

    @property
    def findings(self) -> list[FindingResult]:
        """Every finding, in the order of the modes."""
        return [finding for audit in self.audits for finding in audit.findings]

    def to_json(self, path: str | PathLike[str] | None = None) -> bytes:
        """The report as JSON, also written to a file where one is named.

        Raises: AliascheckError where it cannot be written.
        """
        data = super().to_json()
        _write(path, data.decode())
        return data

    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """The report as one self-contained HTML page with every picture, also written where a file is named.

        Raises: AliascheckError where it cannot be written.
        """
        with draws_kept():  # what renders it draws random numbers as it is imported
            from aliascheck.reporters.html import render

            text = render(self, Page(detail=1))
        _write(path, text)
        return text

    def __str__(self) -> str:
        with draws_kept():
            from aliascheck.reporters.table import render

            return render(self, Page(detail=1)).rstrip()


def _write(path: str | PathLike[str] | None, text: str) -> None:
    with report_file(None if path is None else Path(path), "the report") as write:
        write(text)


@own_frames_cut
def audit(
    model: Any,
    loss: Loss,
    *,
    engine: str | None = None,
    modes: Sequence[str] | None = None,
    params: Iterable[Any] | None = None,
    contract: str | None = None,
    ties: Iterable[Iterable[Any]] | None = None,
    stop_gradient: str | None = None,
    tolerance: Mapping[str, float] | float | None = None,
    seed: int = 0,
    probes: int | None = None,
    thorough: bool = False,
) -> ModelReport:
    """Audit the gradients of `loss(model)`, a scalar, by the parameters of `model`.

    The engine is found from the model: torch for a module, jax for a pytree of its arrays, autograd for NumPy
    arrays in containers. `params` names the set, all parameters without it. `ties` lists places that must
    share memory (jax: that are one parameter). `tolerance` accepts differences: a number is relative to the
    largest derivative, a mapping has `rtol` and `atol`. The model is the same afterwards, bit by bit.

    Raises: AliascheckError where the model, the loss or a setting cannot be audited.
    """
    __tracebackhide__ = True  # pytest shows the caller's line; of a defect, our frames below this one
    if not callable(loss):
        raise UsageError(
            f"the loss is a {type(loss).__name__}, and cannot be called", hint="audit(model, loss)"
        )
    engine = engine_of(model) if engine is None else known("engine", engine, ENGINES)
    home = import_module(f"aliascheck.subjects.{engine}")
    modes = modes_of(modes, MODES[engine])
    stops = known("stop_gradient", "report" if stop_gradient is None else stop_gradient, STOPS)
    default = str(getattr(home, "DEFAULT_CONTRACT", "sum"))
    judged_by = contract_of(default if contract is None else contract)
    rtol, atol = tolerance_of(tolerance)
    places = ties_of(ties)
    seed, probes = seed_of(seed), probes_of(probes)
    settings: dict[str, Any] = {"params": params_of(params), "seed": seed}
    if engine == "torch":
        settings["stop_gradient"] = stops
    elif places is not None:
        settings["ties"] = places
    began = datetime.now(UTC)
    with draws_kept():
        subject = home.make_subject(model, loss, **settings)
        tied = home.tied_places(model, places) if engine == "torch" and places is not None else ()
        outcomes = audit_subject(
            subject,
            modes,
            Settings(
                contract=judged_by,
                stops=stops,
                rtol=rtol,
                atol=atol,
                seed=seed,
                probes=probes,
                thorough=thorough,
                ties=tied,
            ),
        )
    results = []
    for outcome in outcomes:
        result = _blank(engine, outcome.mode, judged_by, model, loss)
        fill(result, outcome, seed)
        if any(found.severity == "error" for found in result.findings):
            result.status = "failed"
        results.append(result)
    failed = sum(result.status == "failed" for result in results)
    reason = f"{failed} of {len(results)} results with errors" if failed else "nothing unexpected"
    seconds = sum(result.seconds for result in results)
    summary = summarize(results, [], seconds, int(failed > 0), reason)
    return ModelReport(
        tool=Tool(version=__version__),
        summary=summary,
        audits=results,
        origin=origin_of(results, began, seed),
    )


def assert_gradients(model: Any, loss: Loss, **settings: Any) -> None:
    """Raise an AssertionError whose text is the table, unless an audit of the model finds no error.

    Settings are those of `audit`.
    """
    __tracebackhide__ = True
    report = audit(model, loss, **settings)
    if not report.ok:
        raise AssertionError("the gradients are not right\n\n" + str(report))


def _blank(engine: str, mode: str, contract: str, model: Any, loss: Loss) -> AuditResult:
    name = getattr(loss, "__name__", type(loss).__name__)
    return AuditResult(
        file=f"{type(model).__name__} ({engine})",
        line=0,
        id=type(model).__name__,
        key=type(model).__name__,
        title="",
        engine=engine,
        mode=mode,
        contract=contract,
        status="passed",
        loss=None,
        loss_text=f"{name}(model)",
    )
