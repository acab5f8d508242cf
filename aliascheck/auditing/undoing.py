"""What a loss does to memory, undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aliascheck.memory import format_path, is_identical
from aliascheck.subjects.subject import Subject


@contextmanager
def changes_undone(subject: Subject) -> Iterator[list[str]]:
    """The names of places whose memory the body changes, known at its end; the memory is put back."""
    places = subject.places()
    before = {id(array): array.copy() for _, array in places}
    changed: list[str] = []
    try:
        yield changed
    finally:
        for path, array in places:
            if not is_identical(array, before[id(array)]):
                changed.append(format_path(path))
        if changed:
            for _, array in places:
                array[...] = before[id(array)]
