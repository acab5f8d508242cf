"""What `aliascheck selftest` shows: every fault at every size, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from aliascheck.reporters.layout import Cell, columns, hanging, line
from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import BAD, GOOD, MARKS, PLAIN, QUIET, STRONG
from aliascheck.reporters.words import count
from aliascheck.selftest import LOSS, Line


def proof_lines(found: Sequence[Line], seed: int, page: Page) -> list[Text]:
    """The faults with what must be said of each, then a column of results for each size."""
    sizes = list(dict.fromkeys(one.cells for one in found))
    names = list(dict.fromkeys(one.fault for one in found))
    by_place = {(one.fault, one.cells): one for one in found}
    head: list[Cell] = [("fault", QUIET), ("finding", QUIET)]
    head += [(f"{size:,}" + ("" if number else " cells"), QUIET) for number, size in enumerate(sizes)]
    rows = [head]
    for name in names:
        first = by_place[name, sizes[0]]
        row: list[Cell] = [(name, STRONG), (", ".join(first.labels) or "none", PLAIN)]
        rows.append([*row, *(_result(by_place[name, size], page) for size in sizes)])
    about = (
        f"{LOSS} with wt the transpose of w, audited by an engine with a fault. A fault passes where it is "
        "found, called by its name at its slot, and placed."
    )
    return [
        *hanging(("", PLAIN), about, page, indent=0, hang=0),
        line(),
        *columns(rows, indent=0),
        line(),
        *hanging(("", PLAIN), _cost(found, sizes), page, indent=0, hang=0),
        _verdict(found, seed),
    ]


def _result(one: Line, page: Page) -> Cell:
    mark = page.show(MARKS["clean" if one.passed else "bad"])
    if one.passed:
        return f"{mark} {one.trials} of {one.trials}", GOOD
    short = {
        "found": one.detected,
        "named": one.named,
        "placed": one.trials if one.placed is None else one.placed,
    }
    word, number = next((word, number) for word, number in short.items() if number < one.trials)
    return f"{mark} {word} {number} of {one.trials}", BAD


def _cost(found: Sequence[Line], sizes: Sequence[int]) -> str:
    clean = [one for one in found if not one.labels]
    faulty = [one for one in found if one.labels]
    right = ", ".join(f"{one.evaluations:.0f}" for one in clean)
    most = ", ".join(f"{max(o.evaluations for o in faulty if o.cells == size):.0f}" for size in sizes)
    return f"Evaluations of the loss: {right} for a right engine, up to {most} where a place is searched for."


def _verdict(found: Sequence[Line], seed: int) -> Text:
    audits = sum(one.trials for one in found)
    failed = [one for one in found if not one.passed]
    if not failed:
        return line((f"{count(audits, 'audit')} (seed {seed}): everything as it must be.", GOOD))
    names = "; ".join(name for name, _ in groupby(one.fault for one in failed))
    return line((f"{count(audits, 'audit')} (seed {seed}): not as it must be: {names}.", BAD))
