"""Runs that are killed, and runs that write one report at once: the old report or a new one is whole."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from aliascheck.files import drafts
from aliascheck.files.drafts import draft_beside, remove_left_over, replace_file
from tests.cli import killable
from tests.cli.conftest import Call, FakeRunner

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills and locks of POSIX")

COMBINATIONS = 8
TITLE = 200_000  # characters, in each result: writing takes a while
LONGEST = 60.0  # seconds for a run


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case whose report takes a while to write."""
    path = tmp_path / "case.toml"
    path.write_text(
        f'[let]\nx = [1.0]\nn = 1.0\n[[audit]]\ntitle = "{"t" * TITLE}"\nmodes = ["explicit"]\n'
        f'loss = "n * sum(x)"\nparams = ["x"]\n[audit.matrix]\nn = {list(range(1, COMBINATIONS + 1))}\n'
    )
    return path


class Killable:
    """A run that writes a report, which tells the seed.

    It is forked from a process that has imported all that a run needs: kills land where it works.
    """

    def __init__(self, case: Path, report: Path, seed: int) -> None:
        argv = ["aliascheck", "run", str(case), "-q", "--json", str(report), "--seed", str(seed)]
        context = get_context("forkserver")
        context.set_forkserver_preload(["aliascheck.runner", "tests.cli.killable"])
        self.process = context.Process(target=killable.run, args=(argv,))
        self.process.start()

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """How it ends; it is killed where it does not."""
        self.process.join(LONGEST)
        if self.process.is_alive():
            self.kill()
        self.process.join()
        return self.process.exitcode

    def kill(self) -> None:
        """Kill it, wherever it is."""
        self.process.kill()


def is_writing(folder: Path) -> bool:
    """Whether there is a draft with something in it."""
    try:
        return any(path.stat().st_size for path in folder.glob(f"*{drafts.SUFFIX}"))
    except FileNotFoundError:
        return False


def wait_for_writing(run: Killable, folder: Path) -> None:
    while run.poll() is None and not is_writing(folder):
        time.sleep(0.0002)


def seed_of(report: Path) -> int:
    """The seed of a report that is whole."""
    read = json.loads(report.read_bytes())
    assert len(read["audits"]) == COMBINATIONS
    assert {len(result["title"]) for result in read["audits"]} == {TITLE}
    (seed,) = {result["seed"] for result in read["audits"]}
    assert isinstance(seed, int)
    return seed


def kill_often(case: Path, times: int) -> int:
    """Kill runs at random points, half of them while they write; how many were killed at that."""
    folder = case.parent / "reports"
    folder.mkdir()
    report = folder / "report.json"
    begun = time.monotonic()
    assert Killable(case, report, 0).wait() == 0
    whole = time.monotonic() - begun
    begun = time.monotonic()
    replace_file(folder / "other.json", report.read_text())
    writing = time.monotonic() - begun
    chance, before, landed = random.Random(0), 0, 0
    for seed in range(1, times + 1):
        assert seed_of(report) == before
        run = Killable(case, report, seed)
        if seed % 2:
            time.sleep(chance.uniform(0.0, whole))
        else:
            wait_for_writing(run, folder)
            time.sleep(chance.uniform(0.0, writing / 2))
        run.kill()
        run.wait()
        landed += is_writing(folder)
        after = seed_of(report)
        assert after in (before, seed)
        before = after
    assert Killable(case, report, times + 1).wait() == 0
    assert seed_of(report) == times + 1
    assert sorted(os.listdir(folder)) == ["other.json", "report.json"]  # nothing is left over
    return landed


def test_a_killed_run_leaves_the_old_report_or_the_new_one(case: Path) -> None:
    assert kill_often(case, 20) > 0


@pytest.mark.slow
def test_200_killed_runs_leave_the_old_report_or_the_new_one(case: Path) -> None:
    assert kill_often(case, 200) > 20


def test_runs_that_write_one_report_at_once_leave_one_of_them_whole(case: Path) -> None:
    folder = case.parent / "reports"
    folder.mkdir()
    report = folder / "report.json"
    runs = [Killable(case, report, seed) for seed in range(4)]
    assert [run.wait() for run in runs] == [0, 0, 0, 0]
    assert seed_of(report) in range(4)
    assert os.listdir(folder) == ["report.json"]


class TestDrafts:
    def leave(self, report: Path) -> Path:
        """A draft as a killed run leaves it."""
        script = (
            "import os, sys, pathlib\nfrom aliascheck.files.drafts import draft_beside\n"
            "with draft_beside(pathlib.Path(sys.argv[1])) as (stream, draft):\n"
            "    stream.write('half'); stream.flush(); print(draft, flush=True); os._exit(9)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(report)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 9, done.stderr
        return Path(done.stdout.strip())

    def test_those_left_over_go_with_the_next_run(
        self, call: Call, runner: FakeRunner, tmp_path: Path
    ) -> None:
        report = tmp_path / "report.json"
        left = self.leave(report)
        assert left.read_text() == "half"
        assert call("run", "--json", str(report)).code == 0
        assert os.listdir(tmp_path) == ["report.json"]

    def test_those_that_are_being_written_stay(self, tmp_path: Path) -> None:
        report = tmp_path / "report.json"
        with draft_beside(report) as (_, draft):
            remove_left_over(report)
            assert draft.exists()
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize(
        "name",
        [
            ".report.json.bak.abcdefgh.draft",
            ".report.json.abcdefghi.draft",
            ".report.json.abcdefgh",
            ".report.jsonx.abcdefgh.draft",
            "report.json.abcdefgh.draft",
        ],
    )
    def test_what_is_called_otherwise_stays(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).touch()
        remove_left_over(tmp_path / "report.json")
        assert os.listdir(tmp_path) == [name]

    def test_what_a_link_points_to_stays(self, tmp_path: Path) -> None:
        (tmp_path / "precious").touch()
        (tmp_path / ".report.json.abcdefgh.draft").symlink_to(tmp_path / "precious")
        remove_left_over(tmp_path / "report.json")
        assert "precious" in os.listdir(tmp_path)

    def test_one_that_is_taken_for_left_over_is_made_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, taken = drafts._locked, []

        def locked(handle: int) -> bool:
            if not taken:  # another run removes the draft between its making and its lock
                taken.extend(tmp_path.glob("*.draft"))
                taken[0].unlink()
            return real(handle)

        monkeypatch.setattr(drafts, "_locked", locked)
        replace_file(tmp_path / "report.json", "text")
        assert len(taken) == 1 and (tmp_path / "report.json").read_text() == "text"

    def test_a_text_is_on_the_disk_before_it_has_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        report, synced = tmp_path / "report.json", []
        report.write_text("old")

        def sync(handle: int) -> None:
            synced.append((report.read_text(), os.fstat(handle).st_size))

        monkeypatch.setattr(os, "fsync", sync)
        replace_file(report, "the new one")
        assert synced == [("old", 11)] and report.read_text() == "the new one"
