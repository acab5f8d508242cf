"""Factories of the wrong kind: each is told what it gave, and no audit ends in an internal error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import aliascheck
from aliascheck.errors import UsageError

MODULE = """
import numpy as np

def weights():
    return {"w": np.array([1.0, 2.0])}

def loss(p):
    return (p["w"] ** 2).sum()

class Model:
    def loss(self, p):
        return loss(p)

def swapped():
    return loss, weights()

def swapped_method():
    return Model().loss, weights()

def uncallable():
    return weights(), 3.0

def alone():
    return weights()

def three():
    return weights(), loss, 1

def nothing():
    pass

def right():
    return weights(), loss

def module():
    import torch
    return torch.nn.Linear(2, 2), lambda m: m.weight.sum()
"""
PAIR = "(it must return (model, loss))"
WRONG = {
    "swapped": f"the factory gave a function where the model goes {PAIR}",
    "swapped_method": f"the factory gave a function where the model goes {PAIR}",
    "uncallable": f"the loss that the factory gave is a float, and cannot be called {PAIR}",
    "alone": f"the factory gave a dict {PAIR}",
    "three": f"the factory gave 3 things {PAIR}",
    "nothing": f"the factory gave nothing {PAIR}",
}


def errors(folder: Path, engines: dict[str, str], loss: str = "") -> tuple[int, dict[str, str]]:
    """The exit code, and what is said of cases of factories on engines, by their factories."""
    (folder / "mk.py").write_text(MODULE)
    for name, engine in engines.items():
        text = f'engine = "{engine}"\n[model]\nfactory = "mk.py:{name}"\n[[audit]]\nid = "{name}"\n{loss}'
        (folder / f"{name}.toml").write_text(text)
    argv = [sys.executable, "-m", "aliascheck", "run", *(f"{name}.toml" for name in engines)]
    done = subprocess.run(
        [*argv, "--trust", "--format", "json"], cwd=folder, capture_output=True, text=True, check=False
    )
    audits = json.loads(done.stdout)["audits"]
    return done.returncode, {audit["id"]: audit["error"] or audit["status"] for audit in audits}


def test_what_is_no_pair_of_a_model_and_a_loss_is_told(tmp_path):
    pytest.importorskip("autograd")
    code, said = errors(tmp_path, {**dict.fromkeys(WRONG, "autograd"), "right": "autograd"})
    assert code == 3
    assert said == {
        **{name: f"{name}.toml: model: {message}" for name, message in WRONG.items()},
        "right": "passed",
    }


def test_models_of_other_engines_are_told(tmp_path):
    for package in ("torch", "autograd"):
        pytest.importorskip(package)
    code, said = errors(tmp_path, {"right": "torch", "module": "autograd", "swapped": "torch"})
    assert code == 3
    assert said["right"] == (
        "right.toml: model: the factory's model is a dict, which engine torch does not take "
        '(say engine = "autograd")'
    )
    assert said["module"] == (
        "module.toml: model: the factory's model is a Linear, which engine autograd does not take "
        '(say engine = "torch")'
    )
    assert "a function where the model goes" in said["swapped"]


def test_a_loss_that_is_missing_is_missed_in_the_file_that_the_case_names(tmp_path):
    pytest.importorskip("autograd")
    code, said = errors(tmp_path, {"right": "autograd"}, 'loss = "other"\n')
    assert code == 3
    assert said["right"].startswith("right.toml: audit[right].loss: mk.py has no function 'other' (")


@pytest.mark.parametrize("loss", [None, 3.0, "loss"])
def test_a_loss_that_cannot_be_called_is_told_from_python(loss):
    with pytest.raises(UsageError, match=f"the loss is a {type(loss).__name__}, and cannot be called"):
        aliascheck.audit({"w": np.ones(2)}, loss)
