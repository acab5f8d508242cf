"""Ctrl-C as a run takes it: noted anywhere, raised where it is let through."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from aliascheck.runner import interrupts as module
from aliascheck.runner.interrupts import Interrupts, interrupts_held


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    """Python's own handler, which a run in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes with which the process would have ended at once."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_it_is_noted_and_raised_where_it_is_let_through() -> None:
    reached = []
    with interrupts_held() as interrupts:
        with interrupts.let_through():
            pass
        assert not interrupts.seen
        interrupt()
        assert interrupts.seen
        with pytest.raises(KeyboardInterrupt), interrupts.let_through():
            reached.append("the body")
    assert reached == []
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_it_is_raised_at_once_in_what_is_let_through() -> None:
    reached = []
    with interrupts_held() as interrupts, pytest.raises(KeyboardInterrupt), interrupts.let_through():
        interrupt()
        reached.append("the rest")
    assert reached == []


def test_a_body_that_suppresses_it_ends_the_run_all_the_same() -> None:
    def body() -> None:
        with suppress(KeyboardInterrupt):
            interrupt()

    with interrupts_held() as interrupts, pytest.raises(KeyboardInterrupt), interrupts.let_through():
        body()


def test_a_second_one_ends_the_process(left: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    with interrupts_held() as interrupts:
        interrupts.at_once = lambda: ended.append("workers")
        interrupt()
        interrupt()
        assert (ended, left) == ([], []), "sent twice by one key"
        monkeypatch.setattr(module, "AGAIN", 0.0)
        interrupt()
        assert (ended, left) == (["workers"], [130])


def test_those_within_share_what_is_noted() -> None:
    with interrupts_held() as outer:
        with interrupts_held() as inner:
            assert inner is outer
        interrupt()
        assert outer.seen


def test_python_takes_over_again_unless_the_process_ends(left: list[int]) -> None:
    with interrupts_held(to_the_end=True):
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with interrupts_held(to_the_end=True):
        interrupt()
    assert isinstance(signal.getsignal(signal.SIGINT), Interrupts)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None])
def test_what_others_do_with_it_stays(handler: object) -> None:
    signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
    with interrupts_held() as interrupts, interrupts.let_through():
        assert signal.getsignal(signal.SIGINT) is handler
        interrupt()
    assert not interrupts.seen


def test_other_threads_leave_it_alone() -> None:
    found = []

    def look() -> None:
        with interrupts_held() as interrupts, interrupts.let_through():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
