"""Standard output and standard error: what is written to them, and what happens when they go away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOWrapper
from typing import TextIO

from aliascheck.errors import IncompleteError

IN, OUT, ERR = 0, 1, 2  # descriptors


def prepare_streams() -> None:
    """Let characters that a stream's encoding lacks be written as escapes.

    Standard descriptors that are closed are opened on nothing: else the next file to be opened would stand in
    for them, and be written to by models and workers.
    """
    for descriptor in (IN, OUT, ERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it takes the lowest number, this one
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit(text: str) -> None:
    """Write the result to standard output; a reader that has gone away is no error.

    Raises: IncompleteError where it cannot be written.
    """
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        _abandon(sys.stdout)
    except OSError as error:
        _abandon(sys.stdout)
        raise IncompleteError(f"cannot write standard output: {error.strerror}") from error


def emit_utf8(text: str) -> None:
    """Write `text` to standard output in UTF-8, whatever its encoding."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    emit(text)


def say(text: str) -> None:
    """Write a line of diagnostics to standard error, control characters shown escaped."""
    from aliascheck.reporters.visible import inert, visible

    try:
        _write(sys.stderr, "".join(inert(visible(line)) + "\n" for line in text.splitlines()))
    except OSError:
        _abandon(sys.stderr)


@contextmanager
def models_apart() -> Iterator[None]:
    """Send what models print, natively as well, to standard error: standard output carries the result."""
    from aliascheck.runner.printed import flush_printed

    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(sys.stderr or nowhere):
        flush_printed()
        kept = os.dup(OUT)
        os.dup2(ERR, OUT)
        try:
            yield
        finally:
            flush_printed()
            os.dup2(kept, OUT)
            os.close(kept)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(text)
        stream.flush()


def _abandon(stream: TextIO) -> None:
    """Point a dead stream at nowhere, so that leaving Python does not stumble over it again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
