"""Gradient checkers beside the audit: the same tied models, the same faults, default tolerances.

    python -m tests.benchmarks.peers [--trials 5] [--seed 0] [--rows 40] [--columns 25]

The model is `mean((tanh(x @ w) @ wt - x)**2)`, `wt` the transpose of `w`, in double precision. In each
framework it is a function of `w` and `wt` whose forward is right and whose hand-written backward
(`torch.autograd.Function`, `jax.custom_vjp`, a primitive of autograd) goes through the fault. The checkers
are `torch.autograd.gradcheck` in slow and fast mode, `jax.test_util.check_grads` and
`autograd.test_util.check_grads`, both of first order in reverse mode. They see it

* as two leaves: `w` and a copy of its transpose, checked together, the easiest for them;
* as one leaf: `w`, with `w.T` made of it, as models are written. Their frameworks add the slots up: where the
  sum is right all the same, passing is right;
* as one memory: two leaves that share it, as a tied module has them. A checker that moves memory in place
  moves both, and takes one slot's gradient for the sum (right engine only);
* with the alias detached, or captured as a view, in place of a planted fault.

The right engine, a dropped alias and a zeroed block are also tried with the loss times 1e-8, times 1e8, and
with 1e8 added to it.

The audit sees the two slots in one memory with the bundled engine and the same fault: its loss stands for the
framework's, for which it has no subject here. A cell is how many of the trials were flagged, and what was
said in the last one; `ok` marks that passing is right, `ALARM` a flag where it is. Trial n draws model and
fault from seed + n. Bars: the audit flags every fault, with the right codes at the right slots and places,
and raises no alarm. With 1e8 added it may say besides that it is undecided (AC206, a warning): of such a loss
eight digits are gone. Exits 1 at a miss.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import numpy as np  # noqa: E402

from aliascheck.auditing import Settings, audit  # noqa: E402
from aliascheck.language import parse  # noqa: E402
from aliascheck.memory import NOTHING, Array  # noqa: E402
from aliascheck.selftest import LOSS, Fault, FaultyEngine, Spoil, _draw  # noqa: E402
from aliascheck.subjects.program import Program  # noqa: E402

TWO, ONE, SHARED, DETACHED, CAPTURED = "two leaves", "one leaf", "one memory", "detached", "captured"
SCALES = {"": (1.0, 0.0), "loss * 1e-8": (1e-8, 0.0), "loss * 1e8": (1e8, 0.0), "1e8 + loss": (1.0, 1e8)}
SCALED = ("none: a right engine", "alias dropped", "block of 1/64 zeroed")
UNDECIDED = "AC206"
SUM_IS_RIGHT = ("alias moved", "slots swapped")  # in one leaf: nothing to flag


@dataclass(frozen=True)
class Answer:
    """What one checker made of one engine."""

    is_flagged: bool
    says: str
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class Question:
    """One model whose engine has a fault, as a checker of one framework gets to see it."""

    x: Array
    w: Array
    spoil: Spoil
    form: str
    scale: str = ""

    def loss(self, np: Any, w: Any, wt: Any, x: Any = None) -> Any:
        """The loss in the terms of one framework."""
        x = self.x if x is None else x
        factor, term = SCALES[self.scale]
        return factor * np.mean((np.tanh(x @ w) @ wt - x) ** 2) + term


@dataclass(frozen=True)
class Check:
    """A call of a checker that raises where it flags. `loss` is what it evaluates."""

    run: Callable[[Callable[..., Any]], Any]
    loss: Callable[..., Any]

    def answer(self) -> Answer:
        calls = 0

        def counted(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            return self.loss(*args)

        said = ""
        started = time.perf_counter()
        try:
            self.run(counted)
        except (AssertionError, RuntimeError) as error:  # of jax and autograd, of torch
            said = first_line(error)
        return Answer(bool(said), said, calls, time.perf_counter() - started)


def first_line(error: Exception) -> str:
    """What an error says first that is words."""
    lines = [line.strip(" ,") for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0]


def spoilt(question: Question, d_w: Any, d_wt: Any) -> tuple[Array, Array]:
    """Both gradients behind the fault, with zeros for nothing."""
    held = (np.asarray(d_w), np.asarray(d_wt))
    spoils = question.spoil(*held)
    return tuple(
        np.zeros(right.shape) if one is NOTHING else np.ascontiguousarray(one)
        for one, right in zip(spoils, held, strict=True)
    )


# The frameworks: each gives the loss as its checker gets to see it, and the leaves.

Seen = tuple[Callable[..., Any], tuple[Any, ...]]


def seen_by_torch(question: Question) -> Seen:
    import torch

    x = torch.tensor(question.x)

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, w: Any, wt: Any) -> Any:
            ctx.save_for_backward(w, wt)
            return question.loss(torch, w, wt, x)

        @staticmethod
        def backward(ctx: Any, d_out: Any) -> Any:
            leaves = [one.detach().requires_grad_() for one in ctx.saved_tensors]
            with torch.enable_grad():
                right = torch.autograd.grad(question.loss(torch, *leaves, x), leaves)
            return tuple(d_out * torch.from_numpy(one) for one in spoilt(question, *right))

    loss, w = Loss.apply, torch.tensor(question.w, requires_grad=True)
    view = w.detach().T
    return {
        TWO: (loss, (w, view.clone().requires_grad_())),
        ONE: (lambda w: loss(w, w.T), (w,)),
        SHARED: (loss, (w, view.requires_grad_())),
        DETACHED: (lambda w: loss(w, w.detach().T), (w,)),
        CAPTURED: (lambda w: loss(w, view.detach()), (w,)),
    }[question.form]


def seen_by_jax(question: Question) -> Seen:
    import jax

    def right(w: Any, wt: Any) -> Any:
        return question.loss(jax.numpy, w, wt)

    loss = jax.custom_vjp(right)

    def pull(leaves: Any, d_out: Any) -> Any:
        return tuple(d_out * one for one in spoilt(question, *jax.grad(right, (0, 1))(*leaves)))

    loss.defvjp(lambda w, wt: (right(w, wt), (w, wt)), pull)
    return {
        TWO: (loss, (question.w, question.w.T.copy())),
        ONE: (lambda w: loss(w, w.T), (question.w,)),
        SHARED: (loss, (question.w, question.w.T)),
        DETACHED: (lambda w: loss(w, jax.lax.stop_gradient(w.T)), (question.w,)),
        CAPTURED: (lambda w: loss(w, question.w.T), (question.w,)),
    }[question.form]


def seen_by_autograd(question: Question) -> Seen:
    import autograd
    import autograd.numpy as anp
    from autograd.extend import defvjp, primitive
    from autograd.tracer import getval

    def right(w: Any, wt: Any) -> Any:
        return question.loss(anp, w, wt)

    loss, of_each = primitive(right), [autograd.grad(right, number) for number in (0, 1)]

    def rule(number: int) -> Callable[..., Any]:
        return lambda out, w, wt: (
            lambda d_out: d_out * spoilt(question, *(of(w, wt) for of in of_each))[number]
        )

    defvjp(loss, rule(0), rule(1))
    return {
        TWO: (loss, (question.w, question.w.T.copy())),
        ONE: (lambda w: loss(w, w.T), (question.w,)),
        SHARED: (loss, (question.w, question.w.T)),
        DETACHED: (lambda w: loss(w, getval(w).T), (question.w,)),
        CAPTURED: (lambda w: loss(w, question.w.T), (question.w,)),
    }[question.form]


# The checkers, with their defaults.


def by_gradcheck(question: Question, seed: int, *, fast: bool) -> Check:
    from torch.autograd import gradcheck

    loss, leaves = seen_by_torch(question)
    return Check(lambda counted: gradcheck(counted, leaves, fast_mode=fast), loss)


def by_jax(question: Question, seed: int) -> Check:
    from jax.test_util import check_grads

    loss, leaves = seen_by_jax(question)
    return Check(lambda counted: check_grads(counted, leaves, order=1, modes=("rev",)), loss)


def by_autograd(question: Question, seed: int) -> Check:
    from autograd.test_util import check_grads

    loss, leaves = seen_by_autograd(question)
    np.random.seed(seed)  # what check_grads draws its direction from
    numbers = tuple(range(len(leaves)))
    return Check(lambda counted: check_grads(counted, numbers, modes=["rev"], order=1)(*leaves), loss)


CHECKERS: dict[str, tuple[str, Callable[[Question, int], Check]]] = {
    "gradcheck slow": ("torch", lambda question, seed: by_gradcheck(question, seed, fast=False)),
    "gradcheck fast": ("torch", lambda question, seed: by_gradcheck(question, seed, fast=True)),
    "jax check_grads": ("jax", by_jax),
    "autograd check_grads": ("autograd", by_autograd),
}


def installed() -> list[str]:
    """The checkers that are there, in double precision and one thread."""
    for module in sorted({module for module, _ in CHECKERS.values()}):
        if importlib.util.find_spec(module) is None:
            print(f"({module} is not installed: left out)")
        elif module == "torch":
            import torch

            torch.set_num_threads(1)
        elif module == "jax":
            import jax

            jax.config.update("jax_enable_x64", True)
    return [name for name, (module, _) in CHECKERS.items() if importlib.util.find_spec(module)]


# The audit of the same.


@dataclass(frozen=True)
class Audited:
    """What the audit made of one engine, beside what it had to find."""

    answer: Answer
    is_named: bool


def audited(
    subject: Program,
    settings: Settings,
    labels: tuple[str, ...],
    place: str | None,
    *,
    may_doubt: bool = False,
) -> Audited:
    started = time.perf_counter()
    (outcome,) = audit(subject, ["explicit"], settings)
    taken = time.perf_counter() - started
    found = [one for one in outcome.findings if not (may_doubt and one.code == UNDECIDED)]
    where = found[0].where if found else None
    said = ", ".join(one.label for one in outcome.findings) + (f" {where}" if place and where else "")
    is_named = sorted(one.label for one in found) == sorted(labels) and place in (None, where)
    return Audited(Answer(bool(found), said, outcome.evaluations, taken), is_named)


def audit_natural(form: str, bindings: dict[str, Any], seed: int) -> Audited:
    """The alias detached by the loss, or captured by it and not in the set."""
    if form == DETACHED:
        loss, members = LOSS.replace("@ wt", "@ stop_gradient(wt)"), [("w",), ("wt",)]
        labels, settings = ("AC101:wt",), Settings(seed=seed, stops="report")
    else:
        loss, members = LOSS, [("w",)]
        labels, settings = ("AC103:w",), Settings(seed=seed)
    return audited(Program(bindings, parse(loss).evaluate, members), settings, labels, None)


# The table.


@dataclass(frozen=True)
class Case:
    """One row of the table in one trial: what checkers are asked, and what the audit says."""

    fault: str
    form: str
    is_right: bool
    answers: dict[str, Answer]
    ours: Audited


def run_trial(checkers: list[str], size: tuple[int, int], seed: int) -> Iterator[Case]:
    bindings, faults = _draw(*size, seed)

    def case(name: str, spoil: Spoil, form: str, ours: Audited, *, is_right: bool, scale: str = "") -> Case:
        question = Question(bindings["x"], bindings["w"], spoil, form, scale)
        answers = {checker: CHECKERS[checker][1](question, seed).answer() for checker in checkers}
        return Case(f"{name}, {scale}" if scale else name, form, is_right, answers, ours)

    for fault in faults:
        ours = audit_planted(bindings, fault, seed)
        right = not fault.labels
        for form in (TWO, ONE, SHARED) if right else (TWO, ONE):
            is_right = right or (form == ONE and fault.name in SUM_IS_RIGHT)
            yield case(fault.name, fault.spoil, form, ours, is_right=is_right)
    for form in (DETACHED, CAPTURED):
        ours = audit_natural(form, bindings, seed)
        yield case(f"alias {form}", lambda w, wt: (w, wt), form, ours, is_right=False)
    for fault in faults:
        for scale in SCALES:
            if scale and fault.name in SCALED:
                ours = audit_planted(bindings, fault, seed, scale)
                is_right = not fault.labels
                yield case(fault.name, fault.spoil, ONE, ours, is_right=is_right, scale=scale)


class ScaledEngine(FaultyEngine):
    """A faulty engine of the loss in another scale."""

    def __init__(self, bindings: Mapping[str, Any], fault: Spoil, scale: str) -> None:
        super().__init__(bindings, fault)
        factor, term = SCALES[scale]
        self._evaluate = parse(f"{factor!r} * {LOSS} + {term!r}").evaluate


def audit_planted(bindings: dict[str, Any], fault: Fault, seed: int, scale: str = "") -> Audited:
    engine = ScaledEngine(bindings, fault.spoil, scale)
    return audited(engine, Settings(seed=seed), fault.labels, fault.place, may_doubt=SCALES[scale][1] != 0.0)


Rows = Mapping[tuple[str, str], list[Case]]


def by_row(cases: list[Case]) -> Rows:
    rows: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        rows.setdefault((case.fault, case.form), []).append(case)
    return rows


def shortened(said: str) -> str:
    """The part of a checker's words that depends on the fault."""
    place = re.search(r"with respect to input (\d+)", said)
    if place:
        return f"input {place[1]}"
    return "mismatch" if said else ""


def cell(cases: list[Case], checker: str) -> str:
    answers = [case.answers[checker] for case in cases]
    flagged = [answer for answer in answers if answer.is_flagged]
    count = f"{len(flagged)}/{len(answers)}"
    if cases[0].is_right:
        return f"{count} ALARM" if flagged else f"{count} ok"
    return f"{count} {shortened(flagged[-1].says) if flagged else 'MISSED'}"


WIDTH = 17


def table(rows: Rows, checkers: list[str]) -> Iterator[str]:
    heads = [name.replace("check_grads", "").strip() for name in checkers]
    yield (
        f"{'fault':36}{'seen as':12}"
        + "".join(f"{head:{WIDTH}}" for head in heads)
        + (f"{'evals':>6}{'ms':>7}  audit")
    )
    for (fault, form), cases in rows.items():
        answers = [case.ours.answer for case in cases]
        flagged = sum(answer.is_flagged for answer in answers)
        evaluations = statistics.mean(answer.evaluations for answer in answers)
        taken = statistics.median(answer.seconds for answer in answers)
        yield (
            f"{fault:36}{form:12}"
            + "".join(f"{cell(cases, checker):{WIDTH}}" for checker in checkers)
            + f"{evaluations:6.0f}{taken * 1e3:7.1f}  {flagged}/{len(answers)} {answers[-1].says}"
        )


def costs(cases: list[Case], checkers: list[str]) -> Iterator[str]:
    """What each checker takes where it passes and where it flags, in the median; and one message."""
    yield (
        f"{'':24}{'':12}{'where it passes':>20}{'where it flags':>20}"
        f"\n{'checker':24}{'seen as':12}{'evaluations':>12}{'ms':>8}{'evaluations':>12}{'ms':>8}  says"
    )
    for checker in checkers:
        for form in (TWO, ONE):
            yield cost_row(checker, form, [case.answers[checker] for case in cases if case.form == form])
    yield cost_row("audit", SHARED, [case.ours.answer for case in cases])


def cost_row(checker: str, form: str, answers: list[Answer]) -> str:
    row = f"{checker:24}{form:12}"
    for is_flagged in (False, True):
        some = [answer for answer in answers if answer.is_flagged is is_flagged]
        evaluations = f"{statistics.median(one.evaluations for one in some):.0f}" if some else "-"
        taken = f"{statistics.median(one.seconds for one in some) * 1e3:.1f}" if some else "-"
        row += f"{evaluations:>12}{taken:>8}"
    says = next((answer.says for answer in answers if answer.is_flagged), "nothing")
    return f"{row}  {says[:60]}"


def misses(rows: Rows, seed: int) -> Iterator[str]:
    """Where the audit fell short, with the seed of the trial."""
    for (fault, form), cases in rows.items():
        for number, case in enumerate(cases):
            if not case.ours.is_named:
                theirs = [name for name, answer in case.answers.items() if answer.is_flagged]
                beaten = f", which {', '.join(theirs)} flagged" if theirs and not case.is_right else ""
                said = case.ours.answer.says or "nothing"
                yield f"MISSED: {fault}, {form}, seed {seed + number}: the audit found {said}{beaten}"


def main() -> int:
    """Print the tables; 1 where the audit misses anything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--columns", type=int, default=25)
    options = parser.parse_args()
    checkers = installed()
    modules = dict.fromkeys(["numpy", *(CHECKERS[name][0] for name in checkers)])
    print(", ".join(f"{module} {version(module)}" for module in modules))
    print(f"{options.rows} x {options.columns} cells, {options.trials} trials, seeds from {options.seed}\n")
    cases: list[Case] = []
    for trial in range(options.trials):
        cases += run_trial(checkers, (options.rows, options.columns), options.seed + trial)
    rows = by_row(cases)
    print(*table(rows, checkers), "", *costs(cases, checkers), "", sep="\n")
    missed = list(misses(rows, options.seed))
    print(*missed, f"misses of the audit: {len(missed)} (bar 0)", sep="\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
