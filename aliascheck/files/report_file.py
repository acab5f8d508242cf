"""Writing a report to a file: wholly or not at all, and known to be possible before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aliascheck.errors import IncompleteError, UsageError
from aliascheck.files.drafts import draft_beside, remove_left_over, replace_file

STANDARD_OUTPUT = Path("-")  # as other programs name it


@contextmanager
def report_file(path: Path | None, option: str) -> Iterator[Callable[[str], None]]:
    """A function that puts text at `path`, in one step; nothing is left behind if it is not called.

    Raises: UsageError at once where the file cannot be written.
    """
    if path is None:
        yield lambda text: None
        return
    _check(path, option)
    if path.exists() and not path.is_file():  # a device or a pipe
        yield partial(_put, path, _fill)
        return
    _try(path.resolve(), option)
    yield partial(_put, path.resolve(), replace_file)


def _try(path: Path, option: str) -> None:
    remove_left_over(path)
    try:
        with draft_beside(path):
            return
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot write there: {error.strerror}") from error


def _check(path: Path, option: str) -> None:
    if path == STANDARD_OUTPUT:
        raise UsageError(
            f"{option} {path}: this is no file",
            hint="give the file to write; what standard output shows is for --format to say",
        )
    if path.is_dir():
        raise UsageError(f"{option} {path}: this is a folder", hint="give the file to write")
    if path.suffix == ".toml":
        raise UsageError(f"{option} {path}: a report does not go into a case file", hint="name another file")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}", hint="make it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"{option} {path}: the file may not be written")


def _put(path: Path, write: Callable[[Path, str], None], text: str) -> None:
    try:
        write(path, text)
    except BrokenPipeError:
        return  # whoever reads a pipe may have read enough
    except OSError as error:
        raise IncompleteError(f"cannot write {path}: {error.strerror}") from error


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
