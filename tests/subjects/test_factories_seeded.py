"""Factories that seed nothing make the same model in every run, and leave random numbers where they were."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aliascheck.runner import Selection, run_cases
from aliascheck.subjects import making

DRAWS = """
import random
import numpy as np
AT_IMPORT = np.random.normal(size=2)

def drawn():
    return AT_IMPORT + np.random.normal(size=2) * random.random() + {more}
"""
AUTOGRAD = """
import autograd.numpy as anp

def make():
    w, x = drawn(), drawn()
    return {"w": w, "v": w}, lambda m: anp.sum(anp.tanh(x * m["w"]) * m["v"])
"""
TORCH = """
import torch

def make():
    w, x = torch.nn.Parameter(torch.tensor(drawn())), drawn()
    return torch.nn.ParameterDict({"w": w, "v": w}), lambda m: (torch.tensor(x) * m["w"] * m["v"]).sum()
"""
ENGINES = {"autograd": AUTOGRAD, "torch": TORCH}

Losses = Callable[..., list[Any]]


@pytest.fixture(params=["autograd", "torch"])
def engine(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


@pytest.fixture
def losses(engine: str, tmp_path: Path) -> Iterator[Losses]:
    """The losses of two audits of one model, made as in a run of its own: its module is imported anew."""
    begun = set(sys.modules)
    more = "torch.randn(2).double().numpy()" if engine == "torch" else "0.0"
    (tmp_path / "model.py").write_text(DRAWS.format(more=more) + ENGINES[engine])
    case = f'engine = "{engine}"\n[model]\nfactory = "model.py:make"\n'
    audits = '[[audit]]\nid = "a"\n[[audit]]\nid = "b"\n[[audit]]\nid = "c"\nseed = 1\n'
    (tmp_path / "case.toml").write_text(case + audits)

    def losses(**settings: Any) -> list[Any]:
        for name in set(sys.modules) - begun:
            if name.startswith("aliascheck_case_"):
                del sys.modules[name]
        report = run_cases([tmp_path / "case.toml"], Selection(trust=True, **settings))
        assert all(result.status != "error" for result in report.audits)
        return [result.loss for result in report.audits]

    yield losses


def states(engine: str) -> list[Any]:
    """Where global random numbers are."""
    found: list[Any] = [random.getstate(), np.random.get_state()[1].tobytes()]  # type: ignore[union-attr]
    if engine == "torch":
        found.append(sys.modules["torch"].get_rng_state().tolist())
    return found


def disturb(engine: str) -> None:
    random.random()
    np.random.normal()
    if engine == "torch":
        sys.modules["torch"].randn(1)


def test_a_model_is_the_same_in_every_run(engine: str, losses: Losses) -> None:
    first = losses()
    disturb(engine)
    before = states(engine)
    assert losses() == first, "to the last bit"
    assert states(engine) == before
    modes = len(first) // 3
    a, b, c = first[:modes], first[modes : 2 * modes], first[2 * modes :]
    assert len(set(a)) == 1, "every mode audits the same model"
    assert a == b, "whatever came before it"
    assert set(a).isdisjoint(c), "an audit may have a seed of its own"
    other = losses(seed=7)
    assert set(other).isdisjoint(first) and len(set(other)) == 1, "and so may a run"


@pytest.mark.skipif(sys.platform == "win32", reason="slow to start there")
def test_a_worker_makes_the_same_model(losses: Losses) -> None:
    assert losses(jobs=1) == losses()


def test_torch_is_seeded_for_others_where_it_is_there() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_rng_state().tolist()
    drawn = [making.made_anew(lambda: torch.randn(3).tolist(), seed, torch=False) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.get_rng_state().tolist() == before


def test_a_device_that_is_first_used_by_the_factory_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from aliascheck.subjects.torch import streams
    from tests.subjects.device import Far

    used: list[object] = []
    monkeypatch.setattr(streams, "devices_of", lambda tensors: list(used))

    def make() -> list[float]:
        import torch

        used[:] = [Far]
        return list(torch.randn(3, generator=Far.stream).tolist())

    drawn = []
    for _ in range(2):
        used.clear()
        Far.stream.seed()
        drawn.append(making.made_anew(make, 0, torch=True))
    assert drawn[0] == drawn[1]


def test_what_a_factory_raises_leaves_random_numbers_where_they_were() -> None:
    def make() -> None:
        np.random.seed(3)
        raise ValueError("mine")

    before = np.random.get_state()[1].tobytes()  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="mine"):
        making.made_anew(make, 0, torch=False)
    assert np.random.get_state()[1].tobytes() == before  # type: ignore[union-attr]
