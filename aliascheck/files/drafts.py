"""Drafts: a file being written, under another name beside the one that it will replace.

A run that is killed while it writes leaves its draft behind, and the file as it was. A draft is locked for as
long as somebody writes it, so that those left behind can be told from those that others are writing now.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be removed there, which serves as well
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".draft"
LONGEST_NAME = 40
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def draft_beside(path: Path) -> Iterator[tuple[TextIO, Path]]:
    """A new file to write beside `path`, and its name; it is removed afterwards if it is still there."""
    handle, draft = _made(path)
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            yield stream, draft
    finally:
        draft.unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """Put `text` at `path` in one step: whoever looks finds the old file or the new one, wholly.

    The text is on the disk before the name points to it, so that this holds for a machine that loses its
    power as well as for a process that is killed. Raises: OSError where it cannot be written.
    """
    with draft_beside(path) as (stream, draft):
        stream.write(text)
        stream.flush()
        _sync(stream)
        draft.chmod(_mode_of(path))
        if fcntl is None:
            stream.close()  # an open file cannot be renamed there
        draft.replace(path)


def remove_left_over(path: Path) -> None:
    """Remove the drafts of `path` that nobody writes any more."""
    left = re.compile(re.escape(_prefix(path)) + r"[a-z0-9_]{8}" + re.escape(SUFFIX))
    with suppress(OSError):
        for name in os.listdir(path.parent):
            if left.fullmatch(name):
                _remove_unless_written(path.parent / name)


def _made(path: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=_prefix(path), suffix=SUFFIX, dir=path.parent)
        if _locked(handle) and not _is_at(handle, name):  # taken for left over just before it was locked
            os.close(handle)
            continue
        return handle, Path(name)


def _prefix(path: Path) -> str:
    return f".{path.name[:LONGEST_NAME]}."


def _remove_unless_written(draft: Path) -> None:
    with suppress(OSError):
        if fcntl is None:
            draft.unlink()
            return
        handle = os.open(draft, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if _locked(handle) and _is_at(handle, draft):
                draft.unlink()
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    """Lock an open file for this process; False where another has it, or there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(handle: int, name: str | Path) -> bool:
    """Whether a name still stands for an open file."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(name))
    except FileNotFoundError:
        return False


def _sync(stream: TextIO) -> None:
    try:
        os.fsync(stream.fileno())
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def _mode_of(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
