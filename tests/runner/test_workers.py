"""Workers: what becomes of one audit harms no other, and nobody sees how many there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aliascheck.errors import UsageError
from aliascheck.report import Report
from aliascheck.runner import Selection, resident, run_cases
from aliascheck.runner.lane import Lane
from tests.cli.hostile_run import are_gone
from tests.runner import hostile
from tests.runner.cases import errors, timeless, write_case

posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are known from /proc")

Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run audits that do what their titles say."""
    monkeypatch.setattr(sys.modules["aliascheck.runner.run"], "run_audit", hostile.hostile_audit)
    monkeypatch.setenv(hostile.PIDS, str(tmp_path))

    def run(*titles: str, together: bool = False, extra: str = "", **settings: object) -> Report:
        path = write_case(tmp_path, titles, together=together, extra=extra)
        return run_cases([path], Selection(**settings))  # type: ignore[arg-type]

    return run


def pids(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]


@pytest.fixture
def limited_when_hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit has taken too long as soon as it hangs, and never before, however slow this machine is."""

    def seconds(lane: Lane) -> float:
        return 1000.0 if lane.pid in pids(tmp_path) else 0.0

    monkeypatch.setattr(Lane, "seconds", seconds)


@pytest.mark.parametrize("together", [False, True])
def test_a_report_does_not_tell_the_number_of_workers(run: Run, together: bool) -> None:
    titles = [f"calm {number}" for number in range(7)]
    serial = timeless(run(*titles, together=together))
    assert '"status": "passed"' in serial and '"status": "error"' not in serial
    for jobs in (1, 3):
        assert timeless(run(*titles, together=together, jobs=jobs)) == serial


@pytest.mark.slow
def test_the_shipped_cases_do_not_tell_the_number_of_workers() -> None:
    cases = [Path(__file__).resolve().parents[2] / "cases"]
    serial = timeless(run_cases(cases))
    for jobs in (1, 3):
        assert timeless(run_cases(cases, Selection(jobs=jobs))) == serial


def test_audits_of_one_loss_are_measured_once_in_workers_as_well(run: Run) -> None:
    def evaluations(report: Report) -> int:
        return sum(result.evaluations for result in report.audits)

    assert evaluations(run("calm", "calm", together=True, jobs=2)) < evaluations(run("calm", "calm", jobs=2))


@posix
@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("crashes", "ended by SIGSEGV; nothing is known of the audit (native code crashed"),
        ("overflows", "ended by SIGSEGV"),
        ("kills-itself", "ended by SIGKILL; nothing is known of the audit (perhaps the system ran out"),
        ("leaves-3", "ended with status 3; nothing is known of the audit (something in the model ended"),
        ("leaves", "ended with status 0"),
        ("forks", "ended with status 0"),
    ],
)
def test_a_worker_that_dies_takes_one_audit_with_it(run: Run, deed: str, words: str, tmp_path: Path) -> None:
    report = run("calm", "calm", deed, "calm", "calm", together=deed.startswith("leaves"), jobs=2)
    assert list(errors(report)) == ["2"]
    assert errors(report)["2"].endswith(")")
    assert f"case.toml: audit[2]: its worker process {words}" in errors(report)["2"]
    assert [result.id for result in report.audits] == ["0", "1", "1", "2", "3", "3", "4"]
    assert (report.summary.exit_code, report.summary.passed, report.summary.errors) == (4, 6, 1)
    assert are_gone(pids(tmp_path))
    assert not (tmp_path / "slept").exists()


@posix
@pytest.mark.parametrize("deed", ["hangs-deaf", "hangs-with-child"])
@pytest.mark.usefixtures("limited_when_hanging")
def test_an_audit_that_exceeds_its_time_is_ended(run: Run, deed: str, tmp_path: Path) -> None:
    report = run(deed, "calm", deed, "calm", together=True, timeout=0.05)
    expected = (
        "not done after 0.05 s, the limit of --timeout; nothing is known of it (raise the limit, or make the "
        "model smaller)"
    )
    assert [text.partition("]: ")[2] for text in errors(report).values()] == [expected, expected]
    assert (report.summary.exit_code, report.summary.passed) == (4, 4)
    assert pids(tmp_path) and are_gone(pids(tmp_path))


@pytest.mark.usefixtures("limited_when_hanging")
def test_a_case_may_limit_the_time_of_its_audits(run: Run) -> None:
    report = run("hangs", "calm", extra="timeout = 0.05")
    assert (
        "not done after 0.05 s, its timeout; nothing is known of it (raise the timeout" in errors(report)["0"]
    )
    assert report.summary.passed == 2


def test_a_limit_that_is_asked_for_goes_before_that_of_the_case(run: Run) -> None:
    told = errors(run("hangs", extra="timeout = 40", timeout=0.1))["0"]
    assert "after 0.1 s, the limit of --timeout" in told


@pytest.mark.parametrize("extra", ["", 'skip = "it would hang"\ntimeout = 1'])
def test_without_limits_everything_runs_in_this_process(run: Run, extra: str) -> None:
    with pytest.raises(RuntimeError, match="not ours") as raised:
        run("raises", extra=extra)
    assert raised.value.__cause__ is None  # no traceback of another process


@linux
@pytest.mark.parametrize("looking", [True, False])
def test_an_audit_that_exceeds_its_memory_is_ended(
    run: Run, looking: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not looking:  # as where it is all over between two glances
        monkeypatch.setattr("aliascheck.runner.lane.resident", lambda pid: None)
    deed = "holds" if looking else "touches"
    report = run("calm", deed, "calm", memory=hostile.MEBIBYTES // 2)
    assert list(errors(report)) == ["1"]
    assert "]: took more than 100 MiB of memory, the limit of --memory" in errors(report)["1"]
    assert not (tmp_path / "slept").exists()
    assert (report.summary.exit_code, report.summary.passed) == (4, 2)


@linux
def test_memory_that_earlier_audits_took_is_not_counted(run: Run) -> None:
    deeds = ("keeps", "touches", "drops", "calm", "touches", "calm")
    assert errors(run(*deeds, memory=3 * hostile.MEBIBYTES // 2)) == {}


def test_memory_that_cannot_be_known_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "resident", lambda pid: None)
    with pytest.raises(UsageError, match="this system does not tell how much memory a process holds"):
        run("calm", memory=10)


@posix
def test_memory_is_known_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "is_cheap", lambda: False)
    held = resident.resident(os.getpid())
    if held is None:
        pytest.skip("no ps here")
    monkeypatch.undo()
    now = resident.resident(os.getpid()) or held
    assert 0.5 < held / now < 2.0


def test_progress_is_told(run: Run, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    path = write_case(tmp_path, ["calm", "calm", "calm"])
    run_cases([path], Selection(jobs=2), lambda *one: told.append(one))
    assert len(told) == 3 and {one[1] for one in told} == {3}
    assert sorted(one[2].rpartition(" ")[2] for one in told) == ["0", "1", "2"]
    assert [one[0] for one in told] == sorted(one[0] for one in told)


def test_a_defect_keeps_its_traceback_for_those_who_ask(run: Run) -> None:
    with pytest.raises(RuntimeError, match="not ours"):
        run("calm", "raises", jobs=2)
