"""One worker: it ends with all that it has started, whoever has listened, and nothing waits for ever."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from aliascheck.runner import lane as module
from aliascheck.runner.groups import groups_of
from aliascheck.runner.lane import Lane, start_context
from aliascheck.runner.selection import Selection, choose
from tests.cli.hostile_run import are_gone, wait_until
from tests.runner import hostile
from tests.runner.cases import write_case

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups of POSIX")


def start(folder: Path, deed: str) -> Lane:
    selection = Selection()
    (group,) = groups_of(choose([write_case(folder, [deed])], selection))
    lane = Lane(start_context())
    lane.give(hostile.hostile_audit, group, selection)
    return lane


def test_what_a_worker_has_started_ends_although_nobody_has_listened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hostile.PIDS, str(tmp_path))
    lane = start(tmp_path, "hangs-with-child")
    hanging = wait_until(tmp_path, 2)
    assert lane.pid is None
    lane.stop()
    lane.join()
    assert are_gone(hanging)


def test_what_it_tells_when_its_end_has_begun_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hostile.PIDS, str(tmp_path))
    lane = start(tmp_path, "hangs-with-child")
    real, late = lane._meet, []

    def meet() -> None:
        if late:
            real()
        else:
            late.extend(wait_until(tmp_path, 2))  # it begins just after it was asked who it is

    monkeypatch.setattr(lane, "_meet", meet)
    lane.stop()
    lane.join()
    assert are_gone(late)


def test_a_pool_that_does_not_end_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_END", 0.05)
    lane, free = start(tmp_path, "calm"), threading.Event()
    real = lane._pool.join

    def join() -> None:
        free.wait(30.0)
        real()

    monkeypatch.setattr(lane._pool, "join", join)
    lane.stop()
    lane.join()
    assert lane._end.is_alive()
    free.set()
    lane._end.join()
