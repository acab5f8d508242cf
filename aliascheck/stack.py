"""What callers from Python see of an error's way: their own frames and those of libraries, none of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

from aliascheck.errors import AliascheckError

P = ParamSpec("P")
R = TypeVar("R")

OURS = ("aliascheck", "contextlib")


def own_frames_cut(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose AliascheckErrors look as if raised in it, and name the frames of a loss that raised.

    ALIASCHECK_DEBUG=1 leaves them as they are.
    """

    @wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> R:
        __tracebackhide__ = True  # pytest shows the caller's line
        try:
            return function(*args, **settings)
        except AliascheckError as error:
            if os.environ.get("ALIASCHECK_DEBUG") == "1":
                raise
            raise cut(error)  # noqa: B904  it is the same one

    return call


def cut(error: BaseException) -> BaseException:
    """An error without our frames, like those that it came from. One that has none but ours is left out."""
    error.__traceback__ = _outside(error.__traceback__)
    cause = error.__context__ if error.__cause__ is None else error.__cause__
    if cause is None or (error.__cause__ is None and error.__suppress_context__):
        return error
    if _outside(cause.__traceback__) is None:
        error.__cause__ = None
    else:
        cut(cause)
    return error


def _outside(traceback: TracebackType | None) -> TracebackType | None:
    found = None
    for one in reversed(list(_levels(traceback))):
        name = str(one.tb_frame.f_globals.get("__name__"))
        if name.partition(".")[0] not in OURS:
            found = TracebackType(found, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return found


def _levels(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
