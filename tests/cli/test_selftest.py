"""`aliascheck selftest`: every fault is found on this machine, and a blind auditor is found out."""

from __future__ import annotations

import pytest

from aliascheck import selftest
from aliascheck.auditing import Settings
from tests.cli.conftest import Call


def test_every_fault_is_found_named_and_placed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "SIZES", ((40, 25), (50, 40)))
    monkeypatch.setenv("COLUMNS", "80")
    outcome = call("selftest", "--trials", "1", "--seed", "5")
    assert outcome.code == 0, outcome.out
    lines = outcome.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum("1 of 1" in line for line in lines) == selftest.FAULTS
    assert "26 audits (seed 5): everything as it must be." in outcome.out
    for code in ("AC101:wt", "AC102:w", "AC103:w", "AC104:wt", "AC105:w"):
        assert code in outcome.out


def test_an_auditor_that_is_blind_fails(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that accepts differences as large as the derivative itself finds no small fault."""
    monkeypatch.setattr(selftest, "SIZES", ((40, 25),))
    monkeypatch.setattr(selftest, "Settings", lambda: Settings(rtol=0.5))
    outcome = call("selftest", "--trials", "1")
    assert outcome.code == 1
    assert "found 0 of 1" in outcome.out and "not as it must be" in outcome.out
    assert "scaled by 1 + 1e-6" in outcome.out.splitlines()[-1]


def test_all_faults_are_planted() -> None:
    lines = list(selftest.run_selftest(((6, 5),), trials=1))
    assert len(lines) == len({line.fault for line in lines}) == selftest.FAULTS
