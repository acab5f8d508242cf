"""From an audit's outcome to plain data, held against what the case expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aliascheck.auditing import Outcome, Settings
from aliascheck.cases import Audit, Case, Expectation, compare_entries, write_bindings, write_model
from aliascheck.errors import AliascheckError, CaseError, IncompleteError
from aliascheck.report import AuditResult, Binding, Status, Unmet
from aliascheck.runner.outcomes import fill
from aliascheck.runner.selection import Selection
from aliascheck.subjects.program import Plain


def blank_result(case: Case, audit: Audit, mode: str, selection: Selection, status: Status) -> AuditResult:
    """A result that names the audit and says nothing of it yet."""
    return AuditResult(
        file=case.path,
        line=audit.line,
        id=audit.id,
        key=audit.key,
        title=audit.title,
        engine=selection.engine_of(case),
        mode=mode,
        contract=selection.contract or audit.contract or "sum",
        status=status,
        loss=None,
        case_title=case.title,
        loss_text=audit.loss_text,
        params=list(audit.params),
        bindings=[Binding(name=name, text=text) for name, text in write_bindings(case, audit)],
        model_text=write_model(case, audit),
        source=case.source,
    )


def errored_result(
    case: Case, audit: Audit, mode: str, selection: Selection, error: AliascheckError
) -> tuple[list[AuditResult], int]:
    """The result of an audit that ended with an error, and the exit code that it demands."""
    result = blank_result(case, audit, mode, selection, "error")
    result.error = str(error)
    return [result], error.exit_code if isinstance(error, CaseError) else IncompleteError.exit_code


def result_of(
    case: Case,
    audit: Audit,
    selection: Selection,
    outcome: Outcome,
    bindings: Mapping[str, Any],
    settings: Settings,
) -> AuditResult:
    """What one mode of an audit found, and whether that is what the case expects."""
    expectation = case.expectation(audit, outcome.mode, selection.engine_of(case))
    unmet = _unmet(expectation, outcome, bindings)
    result = blank_result(case, audit, outcome.mode, selection, "passed")
    result.contract = settings.contract
    fill(result, outcome, settings.seed)
    expected = expectation.findings or () if expectation is not None else ()
    for found in result.findings:
        found.expected = found.label in expected
    result.expects = expectation is not None
    result.unmet = unmet
    speaks = expectation is not None and expectation.findings is not None
    if unmet or (not speaks and any(found.is_as_bad_as(selection.fail_on) for found in result.findings)):
        result.status = "failed"
    return result


def _unmet(expectation: Expectation | None, outcome: Outcome, bindings: Mapping[str, Any]) -> list[Unmet]:
    unmet: list[Unmet] = []
    if expectation is None:
        return unmet
    if expectation.gradients is not None:
        differing = compare_entries(
            expectation.gradients, outcome.entries, lambda text: text.evaluate(Plain(bindings))
        )
        unmet += [
            Unmet(what=f"gradients.{one.path}", expected=one.expected, got=one.got) for one in differing
        ]
    if expectation.findings is not None:
        found = list(dict.fromkeys(finding.label for finding in outcome.findings))
        if sorted(found) != sorted(expectation.findings):
            unmet.append(
                Unmet(
                    what="findings",
                    expected=_listed(expectation.findings),
                    got=_listed(found),
                    missing=[label for label in expectation.findings if label not in found],
                    surplus=[label for label in found if label not in expectation.findings],
                )
            )
    return unmet


def _listed(labels: Any) -> str:
    return "[" + ", ".join(labels) + "]"
