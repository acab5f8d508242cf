"""A report: what a run found, as plain data that reads back as it was written.

Everything here is JSON (format 1 of the command line's promise): reporters need nothing else, and a
stored report can be rendered again on a machine without the models.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, field

from aliascheck.memory import NOTHING, Array, Fields, Wrapper

FORMAT = 1
LARGEST_SHOWN = 64  # elements of an array that are written out in full
LARGEST_PICTURED = 1024  # elements of a matrix that are kept for its picture
ANSWERED = ("passed", "failed")  # the status of an audit that could be completed
SEVERITIES = ("info", "warning", "error")  # the worst last

Status = Literal["passed", "failed", "error", "skipped"]

Value = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/Value"})]
Number = Annotated[float | str, Meta(extra_json_schema={"$ref": "#/$defs/Number"})]
Entry = Annotated[int | str | None, Meta(extra_json_schema={"$ref": "#/$defs/Entry"})]
Severity = Annotated[str, Meta(extra_json_schema={"enum": ["error", "warning", "info"]})]


class MatrixResult(msgspec.Struct, kw_only=True):
    """What was reported for a slot and what is right, element by element, where its row shows norms only.

    Further axes lie within the columns.
    """

    reported: list[list[Number]]
    path: list[list[Number]]
    total: list[list[Number]]


class SlotResult(msgspec.Struct, kw_only=True):
    """One row of an audit's table. Values are JSON data, see `encode`."""

    name: str
    shape: list[int]
    reported: Value
    path: Value
    total: Value
    error_bound: Number | None
    verdict: str
    names: list[str] = []  # every name of a merged slot, the first included
    matrix: MatrixResult | None = None


class Lane(msgspec.Struct, kw_only=True):
    """Which cells of a group one access or slot reads, numbered within the group.

    Of a group of many cells `runs` are given in their place: [first cell, last cell + 1] each.
    """

    name: str
    cells: list[int]
    runs: list[list[int]] = []


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
    smallest_fault: Number | None


class GroupResult(msgspec.Struct, kw_only=True):
    """Slots and accesses that share cells, and whose contribution each slot holds.

    `attribution[i][a]` is an integer, "part", "w" or None (undefined column).
    """

    slots: list[str]
    accesses: list[str]
    attribution: list[list[Entry]]
    residual: Number
    conserved: bool
    cells: int = 0
    coverage: CoverageResult | None = None
    memory: list[Lane] = []  # empty where it cannot be told in a few numbers


class SpotResult(msgspec.Struct, kw_only=True):
    """Where a slot, looked at as a matrix of this shape, is wrong.

    `rectangles` are [first row, last row + 1, first column, last column + 1]; at most 64 of them, `more`
    tells that there are others.
    """

    shape: list[int]
    rectangles: list[list[int]]
    more: bool = False


class FindingResult(msgspec.Struct, kw_only=True):
    """One finding, with what it means here and what to do.

    Where the run was held against a baseline, `baseline` is "new", "known", or "changed" for a slot whose
    verdict was another one, `was`, when it was recorded; None for a new one that the case expects.
    """

    code: str
    name: str
    severity: Severity
    slot: str | None
    accesses: list[str]
    cause: str | None
    share: float | None
    where: str | None
    message: str
    remedy: str
    spot: SpotResult | None = None
    expected: bool = False
    baseline: str | None = None
    was: str | None = None

    @property
    def label(self) -> str:
        """The finding as a case writes it: `AC102:x`."""
        return self.code if self.slot is None else f"{self.code}:{self.slot}"

    def is_as_bad_as(self, severity: str) -> bool:
        """Whether the finding is at least of a severity."""
        return SEVERITIES.index(self.severity) >= SEVERITIES.index(severity)


class Unmet(msgspec.Struct, kw_only=True):
    """One expectation of the case that the audit did not meet.

    `what` names the value (`gradients.x`, `findings`), the next two are as shown to people. Of findings,
    those that the case expects in vain are `missing`, those that it does not speak of `surplus`. `baseline`
    is "new" or "known", where the run was held against one.
    """

    what: str
    expected: str
    got: str
    missing: list[str] = []
    surplus: list[str] = []
    baseline: str | None = None


class Binding(msgspec.Struct, kw_only=True):
    """A name of the model and what the case writes for it."""

    name: str
    text: str


class AuditResult(msgspec.Struct, kw_only=True):
    """One audit in one mode.

    `key` identifies the audit in its file, whatever its title, line and position: its id where the case gives
    one, else "#" and a hash of loss, set, contract and matrix. Empty in reports of earlier versions.
    `bindings` and `model_text` are the case's own text of the model.
    """

    file: str
    line: int
    id: str
    title: str
    engine: str
    mode: str
    contract: str
    status: Status
    loss: Number | None
    entries: dict[str, Value] = {}
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
    bindings: list[Binding] = []
    model_text: str = ""
    source: str = ""  # where the case comes from, as it says itself

    @property
    def has_case(self) -> bool:
        """Whether a case file asks for it, and may say what it expects."""
        return self.line > 0

    @property
    def needs_attention(self) -> bool:
        return self.status in ("failed", "error")


class FileError(msgspec.Struct, kw_only=True):
    """A case file that could not be read, and why."""

    file: str
    message: str
    line: int | None = None


class Tool(msgspec.Struct, kw_only=True):
    """What made the report."""

    name: str = "aliascheck"
    version: str = ""


class Origin(msgspec.Struct, kw_only=True):
    """How and where a report was made. `engines` are those that ran, with their versions."""

    command: str = ""
    started: str = ""  # ISO 8601, in UTC
    python: str = ""
    numpy: str = ""
    platform: str = ""
    engines: dict[str, str] = {}
    seed: int | None = None  # None: as each case says, 0 where it does not


class Summary(msgspec.Struct, kw_only=True):
    """The counts of a run, its exit code and the reason for it.

    `results` counts each audit once a mode; `errors` includes files that could not be read; `findings` counts
    by code.
    """

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
    strict_skips: bool = False  # skipped audits fail the run


class FixedFinding(msgspec.Struct, kw_only=True):
    """A finding that the baseline records, and that is no longer found.

    `id` is the audit's key; `loss` is what it asks, where that is a hash. `fails` where the run fails until
    it is taken out of the baseline.
    """

    file: str
    id: str
    engine: str
    mode: str
    code: str
    slot: str | None
    name: str
    loss: str = ""
    fails: bool = False


class Report(msgspec.Struct, kw_only=True):
    """What a run found: every result, and every case file that could not be read.

    `baseline` is the file that the run was held against, `fixed` what is recorded there and no longer found.
    """

    format: int = FORMAT
    tool: Tool = field(default_factory=Tool)
    summary: Summary
    audits: list[AuditResult]
    bad_files: list[FileError] = []
    fixed: list[FixedFinding] = []
    baseline: str | None = None
    origin: Origin | None = None

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


def reason_of(exit_code: int, audits: Sequence[AuditResult], bad_files: int) -> str:
    """Why a run ends with its exit code, in words."""
    if exit_code == 0:
        return "nothing unexpected"
    failed = [audit for audit in audits if audit.status == "failed"]
    unmet = sum(any(one.baseline != "known" for one in audit.unmet) for audit in failed)
    errors = sum(audit.status == "error" for audit in audits)
    parts = [
        _count(bad_files, "case file", "could not be read"),
        _count(errors, "audit", "could not be completed"),
        _count(unmet, "result", "not as the case expects"),
        _count(len(failed) - unmet, "result", "with unexpected findings"),
        "skipped audits count as failures" if exit_code == 4 and not errors else "",
    ]
    return ", ".join(part for part in parts if part)


def _count(number: int, noun: str, rest: str) -> str:
    if not number:
        return ""
    return f"{number} {noun}{'' if number == 1 else 's'} {rest}"


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
