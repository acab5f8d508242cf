"""Python models that hang, print, leave or crash, each where it hurts most: in workers and without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODEL = """
import ctypes, os, sys, time
import autograd.numpy as np

print("imported")

def loss(p):
    return np.sum(p["w"] ** 2)

def make(deed):
    print("made", deed)
    if deed == "hang":
        time.sleep(60)
    if deed == "exit":
        sys.exit(0)
    if deed == "leave":
        os._exit(0)
    if deed == "crash":
        ctypes.string_at(0)
    if deed == "hold":
        held = bytearray(b"x") * (300 << 20)
        time.sleep(60)
    if deed == "memory":
        np.ones(2**50)
    if deed == "recurse":
        def again():
            return again()
        again()
    def printing(p):
        sys.__stdout__.write("evaluated\\n")
        os.write(1, b"evaluated natively\\n")
        return loss(p)
    return {"w": np.array([1.0, 2.0])}, printing if deed == "print" else loss
"""


@pytest.fixture(autouse=True)
def needs_autograd() -> None:
    pytest.importorskip("autograd")


def run(folder: Path, deeds: list[str], *options: str) -> tuple[int, dict[str, Any], str]:
    """The exit code, the report by deed, and the standard error of a run over one case for each deed."""
    (folder / "model.py").write_text(MODEL)
    for number, deed in enumerate(deeds):
        text = f'engine = "autograd"\n[model]\nfactory = "model.py:make"\nargs = {{ deed = "{deed}" }}\n'
        (folder / f"{number}-{deed}.toml").write_text(text + f'[[audit]]\nid = "{deed}"\n')
    argv = [sys.executable, "-m", "aliascheck", "run", str(folder), "--trust", "--format", "json", *options]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    results = json.loads(done.stdout)["audits"]
    assert [result["id"] for result in results] == deeds
    return done.returncode, {result["id"]: result for result in results}, done.stderr


def test_all_others_are_audited_in_workers(tmp_path: Path) -> None:
    deeds = ["calm", "hang", "exit", "leave", "crash", "hold", "memory", "recurse", "print"]
    code, results, err = run(tmp_path, deeds, "--jobs", "2", "--timeout", "8", "--memory", "100")
    said = {
        deed: (result["error"] or "").partition("]: ")[2] or result["error"]
        for deed, result in results.items()
    }
    assert said["calm"] is said["print"] is None
    assert said["hang"].startswith("not done after 8 s, the limit of --timeout")
    assert said["exit"].startswith("something ended Python (SystemExit: 0)")
    assert said["leave"].startswith("its worker process ended with status 0")
    assert "its worker process ended by SIGSEGV" in said["crash"]
    assert said["hold"].startswith("took more than 100 MiB")
    assert "MemoryError" in said["memory"] and "RecursionError" in said["recurse"]
    assert code == 4
    assert "evaluated natively" in err and "made hang" in err


@pytest.mark.parametrize("options", [[], ["--jobs", "2"]])
def test_what_they_print_is_not_the_result(tmp_path: Path, options: list[str]) -> None:
    code, _, err = run(tmp_path, ["calm", "print"], *options)
    assert code == 0
    for words in ("imported", "made calm", "made print", "evaluated", "evaluated natively"):
        assert words in err


def test_leaving_python_passes_nothing(tmp_path: Path) -> None:
    code, results, _ = run(tmp_path, ["exit", "calm"])
    assert (code, results["exit"]["status"], results["calm"]["status"]) == (4, "error", "passed")
