"""What only a process of its own can show: imports, pipes, signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "aliascheck")
ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"numpy", "rich", "msgspec", "jinja2", "pebble", "torch", "jax", "autograd"}


def test_version_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from aliascheck.cli import entry\n"
        "sys.argv = ['aliascheck', '--version']\n"
        "try:\n    entry()\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("aliascheck ")
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.skipif(os.name != "posix", reason="pipes of another kind")
@pytest.mark.parametrize("argv", [["explain", "all"], ["--help"]])
def test_a_reader_that_goes_away_is_no_error(argv: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([*COMMAND, *argv], stdout=write, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "schema"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith(b"error: cannot write standard output: No space left")


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\x1b.toml"
    try:
        Path(os.fsdecode(name)).write_text('[let]\nx = [1.0]\n[[audit]]\nloss = "sum(x)"\nparams = ["x"]\n')
    except OSError:
        pytest.skip("this file system takes text only")
    for form in ("table", "json"):
        argv = [*COMMAND, "run", os.fsdecode(name), "--format", form]
        done = subprocess.run(argv, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"\x1b" not in done.stdout
    assert json.loads(done.stdout)["summary"]["passed"] == 2
