"""Writing a report to a file: wholly or not at all, and known to be possible before anything runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aliascheck.errors import IncompleteError, UsageError


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
        yield partial(_fill, path, path)
        return
    with _draft_beside(path.resolve(), option) as draft:
        yield partial(_fill, draft, path.resolve())


@contextmanager
def _draft_beside(path: Path, option: str) -> Iterator[Path]:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot write there: {error.strerror}") from error
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _check(path: Path, option: str) -> None:
    if path.is_dir():
        raise UsageError(f"{option} {path}: this is a folder", hint="give the file to write")
    if path.suffix == ".toml":
        raise UsageError(f"{option} {path}: a report does not go into a case file", hint="name another file")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}", hint="make it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"{option} {path}: the file may not be written")


def _fill(draft: Path, path: Path, text: str) -> None:
    try:
        draft.write_text(text, encoding="utf-8")
        if draft != path:
            draft.chmod(_mode_of(path))
            draft.replace(path)
    except OSError as error:
        raise IncompleteError(f"cannot write {path}: {error.strerror}") from error


def _mode_of(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
