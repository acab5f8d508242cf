"""Case files on disk: which there are, and their text."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from aliascheck.cases.place import BadCase
from aliascheck.errors import UsageError

SUFFIX = ".toml"
MAX_BYTES = 8 * 2**20

_BOM = b"\xef\xbb\xbf"


def find_files(paths: Sequence[Path]) -> Iterator[Path | BadCase]:
    """The case files that `paths` name, each once: files as given, folders walked in sorted order.

    Hidden files and folders met in a walk are passed over. A folder that cannot be read gives an error
    in its place.

    Raises: UsageError for a path that does not exist.
    """
    seen: set[str] = set()
    for path in paths:
        found = _walk(path) if _is_folder(path) else iter([path])
        for item in found:
            key = str(item) if isinstance(item, BadCase) else os.path.realpath(item)
            if key not in seen:
                seen.add(key)
                yield item


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except PermissionError:
        return False
    except (OSError, ValueError):
        raise UsageError(f"path '{_printable(str(path))}' does not exist") from None


def _walk(folder: Path) -> Iterator[Path | BadCase]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield BadCase(f"cannot be read: {error.strerror}", file=shown_path(folder))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.name.endswith(SUFFIX) and not entry.is_dir():
            yield Path(entry.path)


def shown_path(path: Path) -> str:
    """`path` relative to the working folder, with forward slashes."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        relative = str(path.absolute())
    return _printable(relative.replace(os.sep, "/"))


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def read_bytes(path: Path) -> bytes:
    """The content of a case file.

    Raises: BadCase where it cannot be read, is no regular file, or is larger than 8 MiB.
    """
    file = shown_path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadCase("not a regular file", file=file)
        if status.st_size > MAX_BYTES:
            raise _too_large(status.st_size, file)
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadCase(
            f"cannot be read: {error.strerror or errno.errorcode.get(error.errno or 0, '')}", file=file
        ) from None
    if len(data) > MAX_BYTES:
        raise _too_large(len(data), file)
    return data


def _too_large(size: int, file: str) -> BadCase:
    return BadCase(f"{size:,} bytes: a case file has at most 8 MiB ({MAX_BYTES:,} bytes)", file=file)


def decode(data: bytes, file: str) -> str:
    """The text of a case file; a byte order mark is dropped. Raises BadCase where it is not UTF-8."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    try:
        return data[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        position = start + error.start
        raise BadCase(
            f"not UTF-8: byte {data[position]:#04x} at position {position}",
            file=file,
            line=data.count(b"\n", 0, position) + 1,
            hint="save the file as UTF-8",
        ) from None
