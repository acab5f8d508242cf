"""What is known about one alias group before anything is judged: numbers only, no engine.

All vectors are indexed by *probe*: for small groups a probe is a cell, for large ones a random direction
over cells that the same slots and accesses show.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Cells, Data, field

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Spot(Data, frozen=True):
    """Where a slot is wrong: in words, and as rectangles of the slot looked at as a matrix.

    A vector is one row, further axes lie within the columns. Rectangles are (first row, last row + 1, first
    column, last column + 1); none where it is wrong in some way as a whole.
    """

    text: str
    shape: tuple[int, int] = (1, 1)
    rectangles: tuple[tuple[int, int, int, int], ...] = ()


class Slot(Data, frozen=True, eq=False):
    """One gradient that the engine was asked for.

    `shows` marks the probes at its cells. `problem` is "shape" or "nonfinite" where its gradient cannot be
    compared, described by `problem_text`. `cells`, where given, is of the slot's shape and tells which
    probe each element is. `doubts` tells, by the names of places, what to do where their part is wrong.
    """

    name: str
    shows: Mask
    structural: bool = False
    absent: bool = False
    problem: str | None = None
    problem_text: str = ""
    cells: Cells | None = None
    shape: tuple[int, ...] = ()
    doubts: dict[str, str] = field(default_factory=dict)


STOPPED: Final = " (stopped)"  # ends the name of a part that a deliberate stop removes


class Access(Data, frozen=True, eq=False):
    """One path by which the loss reads the memory of the group.

    `owner` is the slot whose name is the longest prefix of its place, or None. `sharers` is the number of
    places that share its cells: how often a contribution may be counted and still be called so.
    `captured` tells that the place lies inside a closure, `stopped` that this is the part which a
    deliberate stop removes.
    """

    name: str
    place: str
    owner: int | None
    sharers: int = 1
    captured: bool = False
    stopped: bool = False


class Point(Data, frozen=True, eq=False):
    """Measurements at one point of the memory.

    Shapes: for S slots, A accesses and m probes: `held` (S, A, m) is what each access contributed to each
    slot, `gradient` (S, m) the whole, `rest` (S, m) what no gate reaches; `effects` and `bounds` (A, m) are
    the path derivatives in memory, `total` and `total_bound` (m,) the total derivative. A bound already
    includes the rounding that a right engine may show; where a bound is infinite nothing is known.
    """

    held: NDArray[np.float64]
    gradient: NDArray[np.float64]
    rest: NDArray[np.float64]
    effects: NDArray[np.float64]
    bounds: NDArray[np.float64]
    total: Vector
    total_bound: Vector


class Evidence(Data, frozen=True, eq=False):
    """Everything that verdicts on one alias group rest on.

    `gates_failed` names the checks of the gates that did not hold; then `held` is not to be trusted, and
    numbers decide. `kinks` marks, for each slot, whether the loss has a kink at its cells; `undecided`
    where the oracle could not resolve it, `noisy` where the loss has noise there. `slack` is the difference
    that the user accepts. `located` says where a slot's share of an access is wrong, if that
    has been searched for.
    """

    slots: tuple[Slot, ...]
    accesses: tuple[Access, ...]
    given: Point
    jittered: Point | None = None
    gates_failed: tuple[str, ...] = ()
    kinks: tuple[bool, ...] = ()
    undecided: tuple[bool, ...] = ()
    noisy: tuple[bool, ...] = ()
    slack: float = 0.0
    notes: tuple[str, ...] = field(default=())
    located: dict[tuple[int, int], Spot] = field(default_factory=dict)

    @property
    def covered(self) -> Mask:
        """The probes that some slot shows."""
        shown = [slot.shows for slot in self.slots]
        return np.logical_or.reduce(shown) if shown else np.zeros(self.given.total.shape, bool)
