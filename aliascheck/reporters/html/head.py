"""The head of the report: how it went, what failed and why, and what it was made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aliascheck.report import FileError, Report
from aliascheck.reporters.html.outline import File, Result, state_of
from aliascheck.reporters.html.told import why_it_failed
from aliascheck.reporters.words import count, totals, verdict
from aliascheck.verdicts.catalogue import CATALOGUE

STATES = (  # look, name, name after a number, mark
    ("bad", "failed", "failed", "✗"),
    ("error", "error", "error", "✗"),
    ("below", "findings below the bar", "with findings below the bar", "!"),
    ("known", "known findings", "with known findings", "!"),
    ("clean", "clean", "clean", "✓"),
    ("skipped", "skipped", "skipped", "-"),
)
BAR = 1000  # units of the bar's width


@dataclass(frozen=True)
class State:
    """How many results went one way, and their part of the bar."""

    look: str
    name: str
    counted: str
    number: int
    start: float
    width: float


@dataclass(frozen=True)
class Failure:
    """Results of one audit that need attention for the same reason."""

    results: tuple[Result, ...]
    why: str


@dataclass(frozen=True)
class Code:
    """A finding's code: how often it was found, and what it means."""

    code: str
    name: str
    severity: str
    number: int
    meaning: str


@dataclass(frozen=True)
class Head:
    """All that stands above the audits."""

    ok: bool
    verdict: str
    totals: str
    states: tuple[State, ...]
    failures: tuple[Failure, ...]
    bad_files: tuple[FileError, ...]
    codes: tuple[Code, ...]
    trend: str
    facts: tuple[tuple[str, str], ...]


def head_of(report: Report, files: Sequence[File]) -> Head:
    """The head of a report whose files are shown."""
    return Head(
        ok=report.ok,
        verdict=verdict(report),
        totals=totals(report),
        states=tuple(_states(report)),
        failures=tuple(
            failure for file in files for block in file.blocks for failure in _failures(block.results)
        ),
        bad_files=tuple(report.bad_files),
        codes=tuple(_codes(report)),
        trend=_trend(report),
        facts=tuple((label, text) for label, text in _facts(report) if text),
    )


def _failures(results: Sequence[Result]) -> list[Failure]:
    by_reason: dict[str, list[Result]] = {}
    for result in results:
        if result.audit.needs_attention:
            by_reason.setdefault(why_it_failed(result.audit), []).append(result)
    return [Failure(tuple(several), why) for why, several in by_reason.items()]


def _states(report: Report) -> list[State]:
    numbers = Counter(state_of(audit) for audit in report.audits)
    numbers["error"] += len(report.bad_files)
    everything = max(1, numbers.total())
    states, start = [], 0.0
    for look, name, counted, _ in STATES:
        number = numbers[look]
        told = f"{counted}s" if look == "error" and number != 1 else counted
        width = BAR * number / everything
        states.append(State(look, name, told, number, round(start, 1), round(width, 1)))
        start += width
    return states


def _codes(report: Report) -> list[Code]:
    known = {row.code: row for row in CATALOGUE}
    codes = []
    for code, number in sorted(report.summary.findings.items()):
        row = known.get(code)
        name, severity, meaning = ("", "", "") if row is None else (row.name, row.severity, row.meaning)
        codes.append(Code(code, name, severity, number, meaning))
    return codes


def _trend(report: Report) -> str:
    """What changed against the baseline, empty where the run had none."""
    numbers = Counter(finding.baseline for audit in report.audits for finding in audit.findings)
    told = [f"{numbers[word]} {word}" for word in ("new", "changed", "known")]
    if report.baseline is None and not report.fixed and not numbers.keys() - {None}:
        return ""
    where = f" {report.baseline}" if report.baseline else ""
    return f"Against the baseline{where}: {', '.join(told)}, {len(report.fixed)} fixed."


def _facts(report: Report) -> list[tuple[str, str]]:
    origin = report.origin
    aliascheck = ("aliascheck", report.tool.version)
    if origin is None:
        return [aliascheck]
    others = [f"{name} {version}" for name, version in origin.engines.items() if name != "builtin"]
    bundled = ["builtin"] if "builtin" in origin.engines else []
    return [
        ("command", origin.command),
        ("started", origin.started.replace("T", " ").replace("Z", " UTC")),
        aliascheck,
        ("Python", origin.python),
        ("NumPy", origin.numpy),
        ("engines", ", ".join([*bundled, *others])),
        ("machine", origin.platform),
        ("seed", _seed(report) if origin.seed is None else str(origin.seed)),
    ]


def _seed(report: Report) -> str:
    seeds = sorted({audit.seed for audit in report.audits})
    if len(seeds) > 4:
        return f"{count(len(seeds), 'seed')}, {seeds[0]} to {seeds[-1]}, as the cases say"
    return ", ".join(map(str, seeds))
