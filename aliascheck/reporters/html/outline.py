"""The order of the report: files, their audits, and the results of each audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from aliascheck.report import AuditResult, FileError, Report
from aliascheck.reporters.audit import mark_of
from aliascheck.reporters.html.anchors import link_to, name_results
from aliascheck.reporters.skipped import reason_shared
from aliascheck.reporters.words import is_known, mode

SEVEREST = ("error", "bad", "below", "known", "skipped", "clean")


@dataclass(frozen=True)
class Result:
    """One audit in one mode on one engine. `state` is error, bad, below, known, clean or skipped."""

    audit: AuditResult
    anchor: str
    state: str

    @property
    def link(self) -> str:
        return link_to(self.anchor)

    @property
    def way(self) -> str:
        """Engine and mode, the bundled engine left out."""
        return mode(self.audit)


@dataclass(frozen=True)
class Block:
    """The results of one audit of a case file."""

    results: tuple[Result, ...]

    @property
    def first(self) -> AuditResult:
        return self.results[0].audit

    @property
    def anchor(self) -> str:
        """That of its first result, which no other audit has."""
        return self.results[0].anchor

    @property
    def title(self) -> str:
        return self.first.title or self.first.loss_text

    @property
    def state(self) -> str:
        """That of the result which most needs to be looked at."""
        return min((result.state for result in self.results), key=SEVEREST.index)

    @property
    def needs_attention(self) -> bool:
        return self.state in ("error", "bad")

    @property
    def labels(self) -> list[str]:
        """What was found: `AC103:x`, each once."""
        return list(dict.fromkeys(one.label for result in self.results for one in result.audit.findings))


@dataclass(frozen=True)
class File:
    """A case file with its audits, or why it could not be read."""

    name: str
    title: str
    source: str
    blocks: tuple[Block, ...] = ()
    error: FileError | None = None


@dataclass(frozen=True)
class Skipped:
    """Files none of whose audits ran, for one reason."""

    reason: str
    files: tuple[File, ...]

    @property
    def number(self) -> int:
        """How many audits they hold."""
        return sum(len(file.blocks) for file in self.files)


def set_aside(files: Sequence[File], detail: int) -> tuple[list[File], list[Skipped]]:
    """Files to be shown by audit, and those that a line each is enough for; none where there is detail."""
    shown: list[File] = []
    by_reason: dict[str, list[File]] = {}
    for file in files:
        audits = [result.audit for block in file.blocks for result in block.results]
        reason = reason_shared(audits) if detail == 0 else None
        (shown if reason is None else by_reason.setdefault(reason, [])).append(file)
    return shown, [Skipped(reason, tuple(several)) for reason, several in by_reason.items()]


def outline(report: Report) -> list[File]:
    """The files of a report in order."""
    results = [
        Result(audit, anchor, state_of(audit))
        for audit, anchor in zip(report.audits, name_results(report.audits), strict=True)
    ]
    files = [_file(name, list(own)) for name, own in groupby(results, key=lambda result: result.audit.file)]
    bad = [File(error.file, "", "", error=error) for error in report.bad_files]
    return sorted([*files, *bad], key=lambda file: file.name) if bad else files


def state_of(audit: AuditResult) -> str:
    """How a result went: errors told from failures, and known findings from those below the bar."""
    if audit.status == "error":
        return "error"
    mark = mark_of(audit)
    return "below" if mark == "known" and not all(map(is_known, audit.findings)) else mark


def _file(name: str, results: Sequence[Result]) -> File:
    first = results[0].audit
    return File(name, first.case_title, first.source, tuple(_blocks(results)))


def _blocks(results: Sequence[Result]) -> Iterator[Block]:
    """Neighbours of one id belong together, and so do an id's results on other engines."""
    by_id: dict[str, list[Result]] = {}
    for result in results:
        by_id.setdefault(result.audit.id, []).append(result)
    for own in by_id.values():
        yield Block(tuple(own))
