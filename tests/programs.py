"""Random programs of the expression language whose parameters alias each other.

`draw_program` makes one from any `random.Random`; `random_program(seed)` and the hypothesis strategy
`aliased_programs()` are the two ways to feed it. A program is text: `str(program)` is a case file.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from aliascheck.errors import AliascheckError
from aliascheck.language import parse
from aliascheck.memory import Wrapper, dense, format_path, is_array, leaves, parse_path, walk
from aliascheck.subjects.program import Plain, Program

SHAPES = ((), (1,), (2,), (3,), (1, 2), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3))
LARGEST_LOSS = 1e4
ATTEMPTS = 40


@dataclass(frozen=True)
class Text:
    """A program as it stands in a case file.

    `let` maps each name to an array (nested lists) or an expression, `params` is the set.
    """

    let: dict[str, Any]
    loss: str
    params: tuple[str, ...]
    seed: int | None = None

    def __str__(self) -> str:
        head = [] if self.seed is None else [f"# random_program({self.seed})"]
        bindings = [f"{name} = {json.dumps(value)}" for name, value in self.let.items()]
        audit = ["[[audit]]", f"loss = {json.dumps(self.loss)}", f"params = {json.dumps(list(self.params))}"]
        return "\n".join(["", *head, "[let]", *bindings, "", *audit, ""])

    __repr__ = __str__

    def bindings(self) -> dict[str, Any]:
        """The model, in memory of its own."""
        made: dict[str, Any] = {}
        for name, value in self.let.items():
            made[name] = evaluate(value, made) if isinstance(value, str) else np.array(value, float)
        return made

    def program(self, kind: type[Program] = Program) -> Program:
        """The subject, in memory of its own."""
        return kind(self.bindings(), parse(self.loss).evaluate, [parse_path(name) for name in self.params])

    def with_let(self, name: str, value: Any) -> Text:
        """The same program with another binding."""
        return replace(self, let={**self.let, name: value}, seed=None)

    def with_params(self, *params: str) -> Text:
        """The same program with another set."""
        return replace(self, params=params)

    @property
    def allocated(self) -> list[str]:
        """The names that memory was made for."""
        return [name for name, value in self.let.items() if is_allocation(value)]


def is_allocation(value: Any) -> bool:
    """Whether a binding makes memory."""
    return not isinstance(value, str) or value.startswith(("array(", "copy("))


def evaluate(text: str, bindings: dict[str, Any]) -> Any:
    """The value of an expression among bindings."""
    return parse(text).evaluate(Plain(bindings))


def random_program(seed: int, *, tied: bool = True) -> Text:
    """The program of a seed."""
    return replace(draw_program(Random(seed), tied=tied), seed=seed)


def aliased_programs() -> st.SearchStrategy[Text]:
    """Programs whose parameters alias each other."""
    return st.randoms(use_true_random=False).map(draw_program)


def untied_programs() -> st.SearchStrategy[Text]:
    """Programs in which every array is reached by one name."""
    return st.randoms(use_true_random=False).map(lambda rng: draw_program(rng, tied=False))


def draw_program(rng: Random, *, tied: bool = True) -> Text:
    """A program with a finite scalar loss. `tied`: whether several names may reach the same memory."""
    let: dict[str, Any] = {}
    bindings: dict[str, Any] = {}
    for name in "xyz"[: rng.randint(1, 3)]:
        _bind(let, bindings, name, _numbers(rng, rng.choice(SHAPES)))
    if tied:
        for number in range(rng.randint(1, 4)):
            _bind_alias(rng, let, bindings, f"a{number}")
    else:
        _bind_holders(rng, let, bindings)
    for _ in range(ATTEMPTS):
        loss = Losses(rng, let, bindings).draw()
        if _is_sound(loss, bindings):
            break
    else:
        loss = f"sum({next(iter(let))} * 2.0)"
    return Text(let, loss, _draw_set(rng, bindings))


def _bind(let: dict[str, Any], bindings: dict[str, Any], name: str, value: Any) -> bool:
    try:
        made = evaluate(value, bindings) if isinstance(value, str) else np.array(value, float)
    except AliascheckError:
        return False
    let[name], bindings[name] = value, made
    return True


def _numbers(rng: Random, shape: tuple[int, ...]) -> Any:
    """An array of numbers with few decimals; sometimes a zero among them."""
    if not shape:
        return f"array({_number(rng)})"
    if len(shape) == 1:
        return [_number(rng) for _ in range(shape[0])]
    return [_numbers(rng, shape[1:]) for _ in range(shape[0])]


def _number(rng: Random) -> float:
    return rng.randint(-15, 15) / 10


def _bind_alias(rng: Random, let: dict[str, Any], bindings: dict[str, Any], name: str) -> None:
    makers = [*ALIASES, *ALIASES, *HOLDERS, "lambda v: v * {}", "(lambda c: lambda v: c * v)({})", "copy({})"]
    for _ in range(ATTEMPTS):
        maker = rng.choice(makers)
        texts = [text for text, _, _ in readable(bindings)]
        if maker.startswith("view"):
            maker = maker.replace("N", str(rng.randint(1, 3))).replace("S", str(rng.randint(0, 1)))
        if _bind(let, bindings, name, maker.format(*(rng.choice(texts) for _ in range(maker.count("{}"))))):
            return


ALIASES = (
    "{}",
    "adjoint({})",
    "transpose({})",
    "permutedims({}, (1, 0))",
    "{}[0:2]",
    "{}[1:]",
    "{}[0]",
    "{}[:, 0:2]",
    "{}[:, 1]",
    "{}[::-1]",
    "reshape({}, (-1, 1))",
    "reshape({}, (3, 2))",
    "ravel({})",
    "diagonal({})",
    "flip({}, 0)",
    "expand_dims({}, 0)",
    "broadcast_to({}, (2, 3))",
    "broadcast_to({}, (3, 3))",
    "view({}, (2, 2), (1, S), 0)",
    "view({}, (N, 2), (1, 1), S)",
)
HOLDERS = (
    "A(u={}, v={})",
    "mutable(B(u={}))",
    "({}, {})",
    "[{}, {}]",
    "{{'k': {}, 'l': {}}}",
    "A(u=[{}], v=({}, {}))",
)


def _bind_holders(rng: Random, let: dict[str, Any], bindings: dict[str, Any]) -> None:
    """Containers that hold memory of their own."""
    for number in range(rng.randint(0, 2)):
        holder = rng.choice(HOLDERS)
        parts = [f"array({_numbers(rng, rng.choice(SHAPES[1:]))})" for _ in range(holder.count("{}"))]
        _bind(let, bindings, f"a{number}", holder.format(*parts))


Readable = tuple[str, tuple[int, ...], bool]


def readable(bindings: dict[str, Any]) -> list[Readable]:
    """What a loss can read as an array: text, shape, and whether it is a wrapper."""
    found = []
    for name, value in bindings.items():
        for path, array in leaves(value, (name,)):
            if not any(hasattr(value, "call_rule") for _ in path):
                text = format_path(path)
                found.append((text, dense(array).shape, isinstance(array, Wrapper)))
                inner = array
                while isinstance(inner, Wrapper):
                    text, inner = text + ".parent", inner.parent
                    found.append((text, dense(inner).shape, False))
    return found


Expr = tuple[str, tuple[int, ...]]


class Losses:
    """Losses over some bindings, each with the shape that it has to have."""

    def __init__(self, rng: Random, let: dict[str, Any], bindings: dict[str, Any]) -> None:
        self.rng = rng
        self.leaves = readable(bindings)
        self.functions = [name for name, value in bindings.items() if hasattr(value, "call_rule")]
        self.joined = list(_joinable(bindings))
        self.names = let

    def draw(self) -> str:
        """A scalar expression."""
        terms = [self.scalar() for _ in range(self.rng.randint(1, 3))]
        return " + ".join(terms)

    def scalar(self) -> str:
        """One term of a loss."""
        text, shape = self.combined() if self.rng.random() < 0.8 else self.grown(2)
        if not shape:
            return f"0.5 * {text}"
        if self.rng.random() < 0.1 and 0 not in shape:
            return f"{text}[{', '.join(str(self.rng.randrange(extent)) for extent in shape)}]"
        return f"{self.rng.choice(('sum', 'sum', 'mean'))}({text})"

    def combined(self) -> Expr:
        """Two expressions that meet."""
        left, right = self.grown(self.rng.randint(0, 2)), self.grown(self.rng.randint(0, 1))
        met = self.meet(left, right)
        return met if met is not None else left

    def meet(self, left: Expr, right: Expr) -> Expr | None:
        """Two expressions in one operation that their shapes allow, or None."""
        (a, s), (b, t) = left, right
        kinds = ["matmul"] if len(s) == len(t) == 2 and s[1] == t[0] else []
        try:
            shape = np.broadcast_shapes(s, t)
        except ValueError:
            pass
        else:
            kinds += ["*", "*", "+", "-", "/"]
        if s == t and s:
            kinds.append("concatenate")
        if not kinds:
            return None
        kind = self.rng.choice(kinds)
        if kind == "matmul":
            return f"({a} @ {b})", (s[0], t[1])
        if kind == "concatenate":
            opening, closing = self.rng.choice(("[]", "()"))
            return f"concatenate({opening}{a}, {b}{closing})", (2 * s[0], *s[1:])
        if kind == "/":
            return f"({a} / (2.5 + sin({b})))", shape
        return f"({a} {kind} {b})", shape

    def grown(self, depth: int) -> Expr:
        """An expression of some depth."""
        if depth == 0:
            return self.leaf()
        text, shape = self.grown(depth - 1)
        kinds = ["tanh({})", "sin({})", "sigmoid({})", "exp(0.5 * {})", "({} ** 2)", "(-{})"]
        if len(shape) == 2:
            kinds += ["{}[0]", "{}[:, 0]", "sum({}, axis=0)"]
        if len(shape) == 2 and not text.startswith(("transpose(", "adjoint(")):
            kinds += ["transpose({})", "adjoint({})", "({0} @ transpose({0}))"]
        if len(shape) == 1:
            kinds += ["reshape({} * 1.0, (-1, 1))", "{}[0:1]", "{}[[0, 0, -1]]"]
        if self.functions:
            kinds += [f"{name}({{}})" for name in self.functions]
        return self.shaped(self.rng.choice(kinds).format(text), text, shape)

    def shaped(self, text: str, inner: str, shape: tuple[int, ...]) -> Expr:
        """`text` with the shape that its outermost form gives it."""
        if text in (f"transpose({inner})", f"adjoint({inner})"):
            return text, shape[::-1]
        if text in {f"{inner}[0]", f"sum({inner}, axis=0)"}:
            return text, shape[1:]
        if text == f"{inner}[:, 0]":
            return text, shape[:1]
        if text.startswith("reshape("):
            return text, (shape[0], 1)
        if text == f"{inner}[0:1]":
            return text, (1,)
        if text == f"{inner}[[0, 0, -1]]":
            return text, (3,)
        if "@" in text and text == f"({inner} @ transpose({inner}))":
            return text, (shape[0], shape[0])
        if any(text == f"{name}({inner})" for name in self.functions):
            return f"sum({text})", ()
        return text, shape

    def leaf(self) -> Expr:
        """Something that is read."""
        if self.joined and self.rng.random() < 0.15:
            return self.rng.choice(self.joined)
        text, shape, _ = self.rng.choice(self.leaves)
        if text in self.names and is_allocation(self.names[text]) and shape and self.rng.random() < 0.1:
            return f"adjoint({text}).parent", shape
        return text, shape


def _joinable(bindings: dict[str, Any]) -> Iterator[Expr]:
    """Containers that `concatenate` can consume whole."""
    for name, value in bindings.items():
        if isinstance(value, tuple | list) and all(is_array(part) for part in value):
            shapes = {dense(part).shape for part in value}
            if len(shapes) == 1 and () not in shapes:
                shape = shapes.pop()
                yield f"concatenate({name})", (len(value) * shape[0], *shape[1:])


def _is_sound(loss: str, bindings: dict[str, Any]) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):  # the mean of nothing
            value = dense(evaluate(loss, bindings))
    except AliascheckError:
        return False
    return np.shape(value) == () and math.isfinite(value) and abs(value) < LARGEST_LOSS


def _draw_set(rng: Random, bindings: dict[str, Any]) -> tuple[str, ...]:
    """Some of the names that hold arrays, containers sometimes leaf by leaf."""
    names = [
        name
        for name, value in bindings.items()
        if not hasattr(value, "call_rule") and any(True for _ in walk(value, (name,)))
    ]
    chosen = rng.sample(names, rng.randint(1, len(names)))
    members: list[str] = []
    for name in chosen:
        below = [format_path(path) for path, _ in leaves(bindings[name], (name,))]
        members += below if len(below) > 1 and rng.random() < 0.5 else [name]
    return tuple(members)
