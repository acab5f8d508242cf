"""One row of the table of peers: a model, what is true of its gradients, and what it has to be told.

The truth is measured here by itself: plain central differences, every cell moved in place, and what the
framework gives added up at the cells that it belongs to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

STEP = 1e-5
CLOSE = 1e-6
Arrays = Mapping[str, Any]
Asked = tuple[str, str]  # mode and contract
IMPLICIT, EXPLICIT = "implicit", "explicit"
SUM, EACH = "sum", "each"


@dataclass(frozen=True)
class Model:
    """A model on trial: arrays that show its memory, and everything that can be asked of it.

    `slots` are the arrays that have a gradient, `others` those that are only declared tied to one of them.
    """

    slots: Arrays
    value: Callable[[], float]
    gradients: Callable[[str], Arrays]
    audit: Callable[[str, str], list[str]]
    check: Callable[[], str]
    others: Arrays = field(default_factory=dict)
    ties: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Row:
    """A case of the table; `demanded` are the findings for each mode and contract that are asked for.

    Where `make` or what is asked must raise, `raises` is a part of what it says. `fact` says what is true of
    a loss that cannot be measured.
    """

    part: str
    case: str
    make: Callable[[], Model]
    demanded: Mapping[Asked, Sequence[str]] = field(default_factory=dict)
    raises: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Answer:
    """What became of a row."""

    fact: str
    check: str
    found: str
    is_right: bool


def answer(row: Row, *, with_check: bool = True) -> Answer:
    """Make the model, audit, check and measure it; the audit comes first, for it must change nothing."""
    try:
        model = row.make()
    except Exception as error:  # noqa: BLE001  that is the row
        return Answer(f"raises: {first_line(error)}", "-", "-", is_meant(error, row))
    check = model.check if with_check else str
    try:
        found = {asked: model.audit(*asked) for asked in row.demanded}
    except Exception as error:  # noqa: BLE001
        return Answer(row.fact, check(), f"error: {first_line(error)}", is_meant(error, row))
    is_right = not row.raises and all(
        sorted(found[asked]) == sorted(labels) for asked, labels in row.demanded.items()
    )
    if row.fact:
        return Answer(row.fact, check(), said_of(found), is_right)
    facts = {mode: Fact(model, mode) for mode in dict.fromkeys(mode for mode, _ in row.demanded)}
    for (mode, contract), labels in row.demanded.items():
        is_right &= facts[mode].is_fine(contract) == (not labels)
    fact = "; ".join(f"{mode[:3]}: {one}" for mode, one in facts.items())
    if len({str(one) for one in facts.values()}) == 1:
        fact = str(next(iter(facts.values())))
    return Answer(fact, check(), said_of(found), is_right)


def is_meant(error: Exception, row: Row) -> bool:
    return bool(row.raises) and row.raises in str(error)


def said_of(found: Mapping[Asked, Sequence[str]]) -> str:
    by_words: dict[str, list[str]] = defaultdict(list)
    for (mode, contract), labels in found.items():
        by_words[" ".join(labels) or "clean"].append(f"{mode[:3]} {contract}")
    return "; ".join(f"{', '.join(asked)}: {words}" for words, asked in by_words.items())


def first_line(error: BaseException) -> str:
    """What an error says first that is words."""
    lines = [line.strip(" ,") for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:60]


class Fact:
    """What a framework gives in a mode, against what its memory does to the loss."""

    def __init__(self, model: Model, mode: str) -> None:
        given = {name: np.asarray(one, float) for name, one in model.gradients(mode).items()}
        self.apart = [pair for pair in model.ties if not np.shares_memory(*_both(model, pair))]
        total: dict[int, float] = {}
        added: dict[int, float] = defaultdict(float)
        self.off: dict[str, float] = {}
        for name, array in model.slots.items():
            derivative = np.zeros(array.shape)
            for index, address in cells(array):
                if address not in total:
                    total[address] = slope(model.value, array, index)
                derivative[index] = total[address]
                added[address] += given[name][index]
            self.off[name] = float(np.abs(given[name] - derivative).max())
        self.off_together = max(abs(added[address] - one) for address, one in total.items())
        self.largest = max(map(abs, total.values()), default=0.0)

    def is_fine(self, contract: str) -> bool:
        """Whether somebody who consumes the gradients so is served right."""
        off = self.off_together if contract == SUM else max(self.off.values())
        return not self.apart and self._is_small(off)

    def _is_small(self, off: float) -> bool:
        return off <= CLOSE * max(1.0, self.largest)

    def __str__(self) -> str:
        return f"separate memory, {self._gradients()}" if self.apart else self._gradients()

    def _gradients(self) -> str:
        wrong = {name: off for name, off in self.off.items() if not self._is_small(off)}
        if not wrong:
            return "the total"
        text = ", ".join(f"{name} off {off:.2g}" for name, off in wrong.items())
        if self._is_small(self.off_together):
            return f"{text}, sum exact"
        return text if len(self.off) == 1 else f"{text}, sum off {self.off_together:.2g}"


def _both(model: Model, pair: tuple[str, str]) -> list[Any]:
    return [{**model.others, **model.slots}[name] for name in pair]


def cells(array: Any) -> Iterator[tuple[tuple[int, ...], int]]:
    """The index and the address of each element."""
    start = array.__array_interface__["data"][0]
    for index in np.ndindex(array.shape):
        yield index, start + sum(step * at for step, at in zip(array.strides, index, strict=True))


def slope(value: Callable[[], float], array: Any, index: tuple[int, ...]) -> float:
    """The central difference of a loss by one cell, which is moved in place."""
    before = float(array[index])
    values = []
    for step in (STEP, -STEP):
        array[index] = before + step
        values.append(value())
    array[index] = before
    return (values[0] - values[1]) / (2 * STEP)
