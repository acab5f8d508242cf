"""Reports that an earlier run has stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from aliascheck.errors import UsageError
from aliascheck.report import FORMAT, Report

HINT = "aliascheck run --json PATH stores one"


def read_report(path: Path) -> Report:
    """The report in a file.

    Raises: UsageError where there is none, or none of this format.
    """
    data = read_bytes(path, HINT)
    try:
        stated = msgspec.json.decode(data, type=_Stated).format
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: this is no JSON report: {error}", hint=HINT) from None
    if stated != FORMAT:
        raise UsageError(
            f"{path}: a report of format {stated}, and this aliascheck reads format {FORMAT}",
            hint="store it again, or read it with the aliascheck that stored it",
        )
    try:
        return msgspec.json.decode(data, type=Report)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: this is no whole JSON report: {error}", hint=HINT) from None


@contextmanager
def showing(path: Path) -> Iterator[None]:
    """Whatever goes wrong while a stored report is shown is the file's fault.

    Raises: UsageError where the body fails on what the file holds.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: the report is damaged, and cannot be shown: {type(error).__name__}: {error}", hint=HINT
        ) from error


def read_bytes(path: Path, hint: str) -> bytes:
    """What is in a file. Raises: UsageError where it cannot be read."""
    if path.is_dir():
        raise UsageError(f"{path}: this is a folder", hint="name the file")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file", hint=hint) from None
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read: {error.strerror}", hint=hint) from None


class _Stated(msgspec.Struct):
    format: int
