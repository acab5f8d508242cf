"""Losses of jax whose course depends on numbers: what they capture is found in their variables."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aliascheck.auditing import Outcome, Settings, audit
from aliascheck.errors import AliascheckError
from aliascheck.subjects import jax as subjects
from tests.subjects.outcomes import labels, words

jax = pytest.importorskip("jax")
jnp = jax.numpy

X = jax.random.normal(jax.random.key(0), (5, 4))
W = jax.random.normal(jax.random.key(1), (4, 3))
HELD = {"layers": [W]}


def product(w: Any, captured: Any) -> Any:
    """A loss that looks at its numbers, as one that stops where training diverges."""
    h = X @ w
    if jnp.max(jnp.abs(h)) > 1e6:
        raise FloatingPointError("diverged")
    return jnp.sum(h * jnp.tanh(X @ captured))


def of_a_cell() -> Callable[[Any], Any]:
    w = W
    return lambda tree: product(tree["w"], w)


class Trainer:
    def __init__(self) -> None:
        self.kept = W

    def loss(self, tree: Any) -> Any:
        return product(tree["w"], self.kept)


class Frozen(Trainer):
    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self):
            raise AttributeError(name)
        super().__setattr__(name, value)


@jax.jit
def decoded(x: Any) -> Any:
    return jnp.tanh(x @ W)


def compiled_below(tree: Any) -> Any:
    h = X @ tree["w"]
    return jnp.sum(h * decoded(X)) if h[0, 0] > -1e6 else h[0, 0]


CAPTURING = {
    "a cell": of_a_cell,
    "a global": lambda: lambda tree: product(tree["w"], W),
    "a list in a dict": lambda: lambda tree: product(tree["w"], HELD["layers"][0]),
    "an argument": lambda: functools.partial(lambda captured, tree: product(tree["w"], captured), W),
    "an argument by name": lambda: functools.partial(lambda tree, kept: product(tree["w"], kept), kept=W),
    "the object of a method": lambda: Trainer().loss,
    "an object that is frozen": lambda: Frozen().loss,
    "a compiled function": lambda: compiled_below,
}


def run(loss: Any) -> Outcome:
    (outcome,) = audit(subjects.make_subject({"w": W}, loss), ["explicit"], Settings(contract="each"))
    return outcome


@pytest.mark.parametrize("name", CAPTURING)
def test_what_is_captured_is_found(name):
    outcome = run(CAPTURING[name]())
    assert labels(outcome) == ["AC103:w"]
    assert outcome.findings[0].cause == "captured alias"


def test_what_is_captured_is_found_as_in_a_loss_that_is_traced():
    (seen,) = run(of_a_cell()).findings
    (traced,) = run(lambda tree: jnp.sum(X @ tree["w"] * jnp.tanh(X @ W))).findings
    assert seen.share == pytest.approx(traced.share)


def test_other_arrays_are_no_aliases():
    other = jnp.array(np.array(W))
    outcome = run(lambda tree: product(tree["w"], other))
    assert not outcome.findings
    assert words(outcome) == {"w": "total"}


def test_it_is_told():
    (note,) = [note for note in run(of_a_cell()).notes if "cannot be traced" in note]
    assert "boolean conversion of traced array" in note
    assert "stops inside it are not seen" in note
    assert not any("traced" in note for note in run(lambda tree: jnp.sum(tree["w"] ** 2)).notes)


def test_variables_are_as_they_were():
    trainer = Trainer()
    run(trainer.loss)
    assert trainer.kept is W
    assert HELD["layers"][0] is W


def test_variables_are_as_they_were_after_an_exception():
    trainer = Trainer()
    left = iter(range(12))

    def loss(tree: Any) -> Any:
        if next(left, None) is None:
            raise KeyError("absent")
        return trainer.loss(tree)

    with pytest.raises(AliascheckError, match="absent"):
        subject = subjects.make_subject({"w": W}, loss)
        for _ in range(12):
            subject.base()
    assert trainer.kept is W
