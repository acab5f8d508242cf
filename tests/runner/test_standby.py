"""Audits that come one by one share a worker, and none that is done with outlives its use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from aliascheck.runner.lane import Lane
from aliascheck.runner.selection import Selection, choose
from aliascheck.runner.standby import Standby
from tests.cli.hostile_run import are_gone
from tests.runner import hostile
from tests.runner.cases import write_case

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups of POSIX")


def test_a_worker_stays_for_the_next_audit_unless_it_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["aliascheck.runner.standby"], "run_audit", hostile.hostile_audit)
    monkeypatch.setenv(hostile.PIDS, str(tmp_path))
    monkeypatch.setattr(Lane, "seconds", lambda lane: 9.0 if (tmp_path / str(lane.pid)).exists() else 0.0)
    path = write_case(tmp_path, ["calm", "calm", "hangs", "calm"], extra="timeout = 5")
    standby, used, told = Standby(), [], []
    for case, audit in choose([path], Selection()).audits:
        (first, *_), code = standby.run_audit(case, audit, Selection(mode="implicit"))
        told.append((first.status, code))
        used.append([lane.pid for lane in standby._lanes])
    assert told == [("passed", 0), ("passed", 0), ("error", 4), ("passed", 0)]
    assert used[0] == used[1] and used[2] == []
    assert len(used[3]) == 1 and used[3] != used[0]
    standby.end()
    assert are_gone([pid for pids in used for pid in pids if pid is not None])
