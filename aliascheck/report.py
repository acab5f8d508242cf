"""A report: what a run found, as plain data that reads back as it was written.

Everything here is JSON (format 1 of the command line's promise): reporters need nothing else, and a
stored report can be rendered again on a machine without the models.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import field

from aliascheck.memory import NOTHING, Array, Fields, Wrapper

FORMAT = 1
LARGEST_SHOWN = 64  # elements of an array that are written out in full

Status = Literal["passed", "failed", "error", "skipped"]


class SlotResult(msgspec.Struct, kw_only=True):
    """One row of an audit's table. Values are JSON data, see `encode`."""

    name: str
    shape: list[int]
    reported: Any
    path: Any
    total: Any
    error_bound: float | str | None
    verdict: str
    names: list[str] = []  # every name of a merged slot, the first included


class Lane(msgspec.Struct, kw_only=True):
    """Which cells of a group one access or slot reads, numbered within the group."""

    name: str
    cells: list[int]


class CoverageResult(msgspec.Struct, kw_only=True):
    """How a group was looked at: cell by cell (`exact`), or along random directions of all its cells.

    `finer` counts parts that were looked at by themselves as well; `jointly` tells that other groups were
    measured along. `smallest_fault` is the smallest error of one element, relative to a typical element, that
    would have been seen wherever it is.
    """

    exact: bool
    directions: int
    finer: int
    jointly: bool
    smallest_fault: float | str | None


class GroupResult(msgspec.Struct, kw_only=True):
    """Slots and accesses that share cells, and whose contribution each slot holds.

    `attribution[i][a]` is an integer, "part", "w" or None (undefined column).
    """

    slots: list[str]
    accesses: list[str]
    attribution: list[list[int | str | None]]
    residual: float | str
    conserved: bool
    cells: int = 0
    coverage: CoverageResult | None = None
    memory: list[Lane] = []  # empty for groups of many cells


class SpotResult(msgspec.Struct, kw_only=True):
    """Where a slot, looked at as a matrix of this shape, is wrong.

    `rectangles` are [first row, last row + 1, first column, last column + 1]; at most 64 of them, `more`
    tells that there are others.
    """

    shape: list[int]
    rectangles: list[list[int]]
    more: bool = False


class FindingResult(msgspec.Struct, kw_only=True):
    """One finding, with what it means here and what to do."""

    code: str
    name: str
    severity: str
    slot: str | None
    accesses: list[str]
    cause: str | None
    share: float | None
    where: str | None
    message: str
    remedy: str
    spot: SpotResult | None = None
    expected: bool = False
    baseline: str | None = None  # "new" or "known", where the run was held against a baseline


class Unmet(msgspec.Struct, kw_only=True):
    """One expectation of the case that the audit did not meet.

    `what` names the value (`gradients.x`, `findings`), the other two are as shown to people.
    """

    what: str
    expected: str
    got: str


class AuditResult(msgspec.Struct, kw_only=True):
    """One audit in one mode.

    `key` identifies the audit in its file, whatever its title, line and position: its id where the case gives
    one, else "#" and a hash of loss, set, contract and matrix. Empty in reports of earlier versions.
    """

    file: str
    line: int
    id: str
    title: str
    engine: str
    mode: str
    contract: str
    status: Status
    loss: float | str | None
    entries: dict[str, Any] = {}
    slots: list[SlotResult] = []
    groups: list[GroupResult] = []
    findings: list[FindingResult] = []
    optimizers: list[Any] = []
    evaluations: int = 0
    seconds: float = 0.0
    error: str | None = None
    case_title: str = ""
    loss_text: str = ""
    params: list[str] = []
    expects: bool = False  # the case states what this mode must show
    unmet: list[Unmet] = []
    notes: list[str] = []
    seed: int = 0
    key: str = ""

    @property
    def needs_attention(self) -> bool:
        return self.status in ("failed", "error")


class FileError(msgspec.Struct, kw_only=True):
    """A case file that could not be read, and why."""

    file: str
    message: str


class Tool(msgspec.Struct, kw_only=True):
    name: str = "aliascheck"
    version: str = ""


class Summary(msgspec.Struct, kw_only=True):
    audits: int
    results: int
    passed: int
    failed: int
    errors: int
    skipped: int
    findings: dict[str, int]
    seconds: float = 0.0
    exit_code: int = 0
    reason: str = ""


class FixedFinding(msgspec.Struct, kw_only=True):
    """A finding that the baseline records, and that is no longer found. `id` is the audit's key."""

    file: str
    id: str
    engine: str
    mode: str
    code: str
    slot: str | None
    name: str


class Report(msgspec.Struct, kw_only=True):
    """What a run found: every result, and every case file that could not be read."""

    format: int = FORMAT
    tool: Tool = field(default_factory=Tool)
    summary: Summary
    audits: list[AuditResult]
    bad_files: list[FileError] = []
    fixed: list[FixedFinding] = []

    @property
    def ok(self) -> bool:
        return self.summary.exit_code == 0

    def to_json(self) -> bytes:
        """The report as JSON, indented, ending in a newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def summarize(
    audits: list[AuditResult], bad_files: list[FileError], seconds: float, exit_code: int, reason: str
) -> Summary:
    """The counts of a run."""
    status = Counter(audit.status for audit in audits)
    found = Counter(finding.code for audit in audits for finding in audit.findings)
    return Summary(
        audits=len({(audit.file, audit.id) for audit in audits}),
        results=len(audits),
        passed=status["passed"],
        failed=status["failed"],
        errors=status["error"] + len(bad_files),
        skipped=status["skipped"],
        findings=dict(sorted(found.items())),
        seconds=seconds,
        exit_code=exit_code,
        reason=reason,
    )


def encode(value: Any) -> Any:
    """JSON data for a gradient or a number: nested lists, "nothing", an object for a structural value.

    Arrays over 64 elements become `{"shape", "norm", "max", "head"}`; infinities and not-a-number are
    the strings "inf", "-inf", "nan".
    """
    if value is NOTHING:
        return "nothing"
    if isinstance(value, Fields | dict):
        return {str(key): encode(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [encode(part) for part in value]
    array = np.asarray(value.array if isinstance(value, Wrapper) else value)
    if array.ndim == 0:
        return _number(float(array))
    if array.size > LARGEST_SHOWN:
        largest = float(np.abs(array).max())
        return {
            "shape": list(array.shape),
            "norm": _number(_norm(array, largest)),
            "max": _number(largest),
            "head": [_number(float(x)) for x in array.ravel()[:8]],
        }
    return _nested(array.tolist())


def _norm(array: Array, largest: float) -> float:
    """The Euclidean norm, the same to the last bit on every machine: BLAS, behind NumPy's own, is not."""
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(math.fsum(np.square(array / largest).ravel()))


def _nested(value: Any) -> Any:
    return [_nested(part) for part in value] if isinstance(value, list) else _number(float(value))


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
