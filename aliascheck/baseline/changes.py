"""What changed between two reports."""

from __future__ import annotations

from aliascheck.baseline.recorded import (
    Key,
    Question,
    Recorded,
    question_of,
    recorded,
    recorded_with_findings,
)
from aliascheck.memory import Data
from aliascheck.report import ANSWERED, FindingResult, Report


class Changes(Data, frozen=True):
    """What is new, fixed, changed (then and now) and the same in the second of two reports.

    `broken` are audits that could be completed and cannot any more, `failing` those that fail now without
    another of these reasons, `skipped` those that no longer run, `missing` those that the second report does
    not have, `added` those that it alone has; a case file that cannot be read has its name alone.
    `regressions` are the keys of what is worse.
    """

    new: tuple[Recorded, ...]
    fixed: tuple[Recorded, ...]
    changed: tuple[tuple[Recorded, Recorded], ...]
    unchanged: tuple[Recorded, ...]
    broken: tuple[Question, ...]
    failing: tuple[Question, ...]
    skipped: tuple[Question, ...]
    missing: tuple[Question, ...]
    added: tuple[Question, ...]
    regressions: frozenset[Key | Question]

    @property
    def is_worse(self) -> bool:
        """Whether anything became worse."""
        return bool(self.regressions)


def compare(old: Report, new: Report, fail_on: str) -> Changes:
    """What changed from one report to another.

    New findings are regressions where they are as bad as `fail_on` and the case does not expect them; so are
    other verdicts, expectations newly in vain, and audits that cannot be completed any more.
    """
    before = {one.key: one for one in recorded(old)}
    now = {one.key: (one, finding) for one, finding in recorded_with_findings(new)}
    was, status = _status(old), _status(new)
    answered = {question for question, found in status.items() if found in ANSWERED}
    added = [(one, finding) for key, (one, finding) in now.items() if key not in before]
    shared = [(before[key], one, finding) for key, (one, finding) in now.items() if key in before]
    changed = [(then, one, finding) for then, one, finding in shared if then.verdict != one.verdict]
    broken = [question for question, found in status.items() if found == "error" != was.get(question)]
    worse = [
        *(one.key for one, finding in added if _is_bad(finding, fail_on) and not _is_expected(finding)),
        *(one.key for _, one, _ in changed),
    ]
    answered_before = [question for question, found in was.items() if found in ANSWERED]
    explained = {key[:4] for key in worse}
    failing = [
        question
        for question, found in status.items()
        if found == "failed" and was.get(question) == "passed" and question not in explained
    ]
    return Changes(
        new=tuple(one for one, _ in added),
        fixed=tuple(one for key, one in before.items() if key not in now and one.question in answered),
        changed=tuple((then, one) for then, one, _ in changed),
        unchanged=tuple(one for then, one, _ in shared if then.verdict == one.verdict),
        broken=tuple(broken),
        failing=tuple(failing),
        skipped=tuple(question for question in answered_before if status.get(question) == "skipped"),
        missing=tuple(question for question in was if question not in status),
        added=tuple(question for question in status if question not in was and question[1]),
        regressions=frozenset([*worse, *broken, *failing]),
    )


def _is_bad(finding: FindingResult | None, fail_on: str) -> bool:
    return finding is None or finding.is_as_bad_as(fail_on)


def _is_expected(finding: FindingResult | None) -> bool:
    return finding is not None and finding.expected


def _status(report: Report) -> dict[Question, str]:
    """How each audit went, and each file that could not be read."""
    files: dict[Question, str] = {(error.file, "", "", ""): "error" for error in report.bad_files}
    return files | {question_of(audit): audit.status for audit in report.audits}
