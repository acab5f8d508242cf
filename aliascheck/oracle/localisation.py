"""Where a reported matrix of numbers differs from the derivative, in few derivatives whatever its size.

Everything is asked along one random direction, restricted to regions of the matrix: a region is wrong where
that differs by more than its bound. Two coded directions tell the place of a lone fault at once; otherwise
halving finds one wrong element, and what is wrong around it is grown to a rectangle, tried at its corners
and at random. What was found is masked, and the search goes on along a fresh direction, until nothing is
left that shows. That last measurement is the proof that the places found are all there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aliascheck.memory import Data, replace, signed_uniform

SMALL = 64  # elements: a matrix no larger is asked element by element
MOST_PIECES = 64
CHECKS = 2
SAMPLES = 6
MORE_SAMPLES = 24
SCATTERED = 0.25  # of MORE_SAMPLES: where no shape is seen, so much is wrong throughout
GRAIN = 16  # elements: a rectangle no larger is tried everywhere, and may be chance
MOST_GRAINS = 8
FEW_LINES = 16
SOLID_SAMPLES = 8
SMALLEST_BLOCK = 4
COARSE = 2e-5  # of a residual: parts of it are told apart at that accuracy
CLEAR = 8.0  # bounds: a residual of so many is no matter of accuracy

Cell = tuple[int, int]


class Block(Data, frozen=True):
    """A rectangle of a matrix: the rows and the columns from a start up to, not including, a stop."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def size(self) -> int:
        """How many elements."""
        height, width = self.shape
        return height * width

    @property
    def is_element(self) -> bool:
        """Whether it holds a single element."""
        return self.size == 1

    @property
    def slices(self) -> tuple[slice, slice]:
        """The subscript of the region."""
        return slice(*self.rows), slice(*self.columns)

    def cells(self) -> Iterator[Cell]:
        """The place of every element, row by row."""
        return ((row, column) for row in range(*self.rows) for column in range(*self.columns))

    def holds(self, cell: Cell) -> bool:
        """Whether an element lies in it."""
        row, column = cell
        return self.rows[0] <= row < self.rows[1] and self.columns[0] <= column < self.columns[1]

    def halves(self) -> tuple[Block, Block]:
        """The region in two, across its longer side."""
        height, width = self.shape
        start, stop = self.rows if height >= width else self.columns
        middle = (start + stop) // 2
        if height >= width:
            return replace(self, rows=(start, middle)), replace(self, rows=(middle, stop))
        return replace(self, columns=(start, middle)), replace(self, columns=(middle, stop))


Residual = Callable[[Block, NDArray[np.float64], float], tuple[float, float]]
"""`residual(region, weights, accuracy)`: the reported numbers of a region, summed with `weights`, less the
derivative along them; and how far a right matrix may be off. An `accuracy` over 0 says that this absolute
error is good enough, 0 asks for the best. Shapes: `weights` has the region's.
"""


class Kind(StrEnum):
    """The shape of what is wrong.

    MIXED is more than one of the kinds before it. MANY and DENSE may have more places than are listed: MANY
    are scattered, or too faint to be told apart; DENSE is wrong throughout, or so much that shapes tell
    nothing.
    """

    NONE = "none"
    ELEMENTS = "elements"
    ROWS = "rows"
    COLUMNS = "columns"
    BLOCK = "block"
    MIXED = "mixed"
    MANY = "many"
    DENSE = "dense"


class Location(Data, frozen=True):
    """Where a matrix is wrong: elements, whole rows, whole columns and other rectangles.

    `complete` says that the matrix without these places was measured and is right, to within its bound. A
    search that ended before that gives `bounding`, a rectangle that holds all that was seen; a matrix
    that could not be measured gives neither. A rectangle or line was tried in some places, at its corners
    and around its rim, not everywhere: a few right elements inside may go unseen. `derivatives` counts
    the residuals asked for.
    """

    kind: Kind
    elements: tuple[tuple[int, int], ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    blocks: tuple[Block, ...]
    complete: bool
    bounding: Block | None
    derivatives: int


class Reading(NamedTuple):
    """A residual, and how far it may be from that of a right matrix."""

    value: float
    bound: float

    @property
    def wrong(self) -> bool:
        """Whether no right matrix has this residual."""
        return abs(self.value) > self.bound

    @property
    def decided(self) -> bool:
        """Whether there is a derivative to compare with."""
        return math.isfinite(self.value) and math.isfinite(self.bound)

    def less(self, other: Reading) -> Reading:
        """The reading of what is left when a part with the reading `other` is taken away."""
        return Reading(self.value - other.value, self.bound + other.bound)


NOTHING = Reading(0.0, 0.0)


class Node(NamedTuple):
    """A region that reads wrong; `lone` where its other half did not."""

    region: Block
    reading: Reading
    lone: bool


class Survey:
    """A matrix under search: what was found of it, and the direction that it is now asked along."""

    def __init__(self, residual: Residual, shape: tuple[int, int], scale: float, seed: int) -> None:
        self._residual = residual
        self._scale = scale
        self._seed = seed
        self._draws = 0
        self._direction: NDArray[np.float64]
        self._elements: dict[Cell, bool] = {}
        self.whole = Block((0, shape[0]), (0, shape[1]))
        self.found = np.zeros(shape, bool)
        self.pieces: list[Block] = []
        self.derivatives = 0
        self.grains = 0
        self.random = np.random.default_rng((seed, 1))

    def redraw(self) -> None:
        """Take a fresh direction, which is zero at what was found."""
        drawn = signed_uniform(self.found.shape, (self._seed, 0, self._draws), np.float64)
        self._direction = drawn.astype(np.float64, copy=False)
        self._direction *= self._scale
        self._direction[self.found] = 0.0
        self._draws += 1

    def weights(self, region: Block) -> NDArray[np.float64]:
        """The direction within a region."""
        return self._direction[region.slices]

    def read(self, region: Block, accuracy: float = 0.0) -> Reading:
        """The residual of a region along the direction."""
        return self.read_along(region, self.weights(region), accuracy)

    def read_along(self, region: Block, weights: NDArray[np.float64], accuracy: float) -> Reading:
        """The residual of a region along weights of one's own."""
        if not weights.any():
            return NOTHING
        self.derivatives += 1
        return Reading(*self._residual(region, weights, accuracy))

    def read_rest(self, checks: int) -> Reading:
        """The residual of all that was not found; if it passes, the last of so many that did."""
        reading = NOTHING
        for _ in range(checks):
            self.redraw()
            reading = self.read(self.whole)
            if reading.wrong or not reading.decided:
                break
        return reading

    def is_wrong(self, region: Block) -> bool:
        """Whether a region reads wrong at the best accuracy, or something in it was found."""
        return bool(self.found[region.slices].any()) or self.read(region).wrong

    def is_wrong_at(self, row: int, column: int) -> bool:
        """Whether an element is wrong; it is asked for once."""
        if (row, column) not in self._elements:
            self._elements[row, column] = self.is_wrong(element(row, column))
        return self._elements[row, column]

    def sample(self, count: int) -> list[Cell]:
        """Of so many elements at random, those that are wrong."""
        height, width = self.found.shape
        rows, columns = self.random.integers(height, size=count), self.random.integers(width, size=count)
        drawn = zip(rows.tolist(), columns.tolist(), strict=True)
        return [cell for cell in drawn if self.is_wrong_at(*cell)]

    def add(self, region: Block) -> None:
        """Note a region as wrong, and mask it."""
        self.pieces.append(region)
        self.found[region.slices] = True
        self._direction[region.slices] = 0.0


def element(row: int, column: int) -> Block:
    """The region of one element."""
    return Block((row, row + 1), (column, column + 1))


def hull(regions: Iterable[Block]) -> Block:
    """The smallest region that holds all of `regions`."""
    sides = np.array([(*region.rows, *region.columns) for region in regions])
    top, _, left, _ = sides.min(axis=0).tolist()
    _, bottom, _, right = sides.max(axis=0).tolist()
    return Block((top, bottom), (left, right))


# The search ----------------------------------------------------------------------------------------------


def localise(
    residual: Residual,
    shape: tuple[int, int],
    scale: float,
    seed: int,
    *,
    checks: int = CHECKS,
    most: int = MOST_PIECES,
) -> Location:
    """Where the matrix that `residual` measures is wrong.

    `scale` is the size of a step that suits the loss: the root mean square of the memory. What is right is
    measured along `checks` directions. The search gives up at more than `most` places.

    Units: 7 residuals for a lone element that is well above the bound, 16 for a lone row or column, 50 to
    120 for a rectangle, 8 for each of several elements, 15 for a matrix that is wrong throughout. Nothing
    grows with the matrix but the logarithm of its size.
    """
    survey = Survey(residual, shape, scale, seed)
    if not survey.whole.size:
        return Location(Kind.NONE, (), (), (), (), True, None, 0)
    while True:
        rest = survey.read_rest(checks)
        if not rest.wrong:
            return conclude(survey, complete=rest.decided)
        ending = search(survey, rest, most)
        if ending is not None:
            return ending


def search(survey: Survey, rest: Reading, most: int) -> Location | None:
    """Find something that is wrong and mask it; or, where the search has to end, where it does."""
    before = len(survey.pieces)
    if before > most:
        return give_up(survey, [survey.whole])
    if survey.whole.size <= SMALL:
        search_small(survey)
        return None if len(survey.pieces) > before else give_up(survey, [survey.whole])
    root = narrow(survey, Node(survey.whole, rest, False))
    if root.region != survey.whole and is_solid(survey, root.region):
        survey.add(root.region)
        return None
    if not before and root.region == survey.whole:
        ending = look_around(survey)
        if ending is not None or survey.pieces:
            return ending
    left = search_sparse(survey, root, most)
    too_many = len(left) + len(survey.pieces) > most or survey.grains > MOST_GRAINS
    if len(survey.pieces) == before or too_many:
        return give_up(survey, left or [root.region])
    return give_up(survey, left, Kind.DENSE) if is_dense(survey, survey.pieces) else None


def search_small(survey: Survey) -> None:
    """Ask for every element."""
    for cell in survey.whole.cells():
        if not survey.found[cell] and survey.is_wrong(element(*cell)):
            survey.add(element(*cell))


def look_around(survey: Survey) -> Location | None:
    """Try some elements at random: a matrix that is wrong throughout shows at once."""
    hits = survey.sample(SAMPLES // 2)
    if not hits:
        return None
    hits += survey.sample(SAMPLES - SAMPLES // 2)
    if len(hits) >= SAMPLES - 1 and all(survey.is_wrong(edge) for edge in edges(survey.whole)):
        return give_up(survey, [survey.whole], Kind.DENSE)
    grown = grow(survey, *hits[0])
    if len(hits) > 1 and is_grain(survey, grown):
        hits += survey.sample(MORE_SAMPLES - SAMPLES)
        elsewhere = [hit for hit in hits if not grown.holds(hit)]
        if len(elsewhere) >= SCATTERED * MORE_SAMPLES:
            return give_up(survey, [survey.whole], Kind.DENSE)
    survey.add(grown)
    return None


def is_grain(survey: Survey, region: Block) -> bool:
    """Whether a region is so small that chance can make it, and no whole line."""
    is_line = region.rows == survey.whole.rows or region.columns == survey.whole.columns
    return region.size <= GRAIN and not is_line


def edges(region: Block) -> tuple[Block, ...]:
    """The first and the last row, the first and the last column."""
    (top, bottom), (left, right) = region.rows, region.columns
    return (
        replace(region, rows=(top, top + 1)),
        replace(region, rows=(bottom - 1, bottom)),
        replace(region, columns=(left, left + 1)),
        replace(region, columns=(right - 1, right)),
    )


def search_sparse(survey: Survey, root: Node, most: int) -> list[Block]:
    """Find one wrong element by halving. Grow it, or, if it stands alone, find the others.

    Gives the regions that read wrong without an element in them that does, and those not looked into when
    there were too many.
    """
    stack = [root]
    first = descend(survey, stack)
    if first is None:
        return scatter(survey, stack, most)
    return scatter(survey, stack, most) if take(survey, first).is_element else []


def take(survey: Survey, cell: Cell) -> Block:
    """Grow a wrong element, and mask what it grew to."""
    grown = grow(survey, *cell)
    survey.grains += not grown.is_element and is_grain(survey, grown)
    survey.add(grown)
    return grown


def descend(survey: Survey, stack: list[Node]) -> Cell | None:
    """A wrong element within the last node, which gives way on the `stack` to those passed by.

    Where halving comes to an end before an element, its region stays on the stack.
    """
    node = stack.pop()
    while not node.region.is_element:
        parts = divide(survey, node)
        if not parts:
            stack.append(node)
            return None
        *passed, node = sorted(parts, key=lambda part: abs(part.reading.value))
        stack += passed
    if not survey.is_wrong(node.region):
        stack.append(node)
        return None
    return node.region.rows[0], node.region.columns[0]


def scatter(survey: Survey, nodes: list[Node], most: int) -> list[Block]:
    """Find every wrong element within `nodes`; the regions that are left are those of `search_sparse`."""
    stuck: list[Block] = []
    level = nodes
    while level:
        below: list[Node] = []
        for number, node in enumerate(level):
            if node.region.is_element and survey.is_wrong(node.region):
                survey.add(node.region)
                continue
            parts = [] if node.region.is_element else divide(survey, node)
            below += parts
            stuck += [] if parts else [node.region]
            active = [*level[number + 1 :], *below]
            if len(active) + len(stuck) + len(survey.pieces) > most:
                return crowded(survey, active, stuck)
        level = below
    return stuck


def crowded(survey: Survey, active: list[Node], stuck: list[Block]) -> list[Block]:
    """Of too many regions, those that are left: none, if a rectangle accounts for many of them."""
    left = [*(node.region for node in active), *stuck]
    if active:
        first = descend(survey, [max(active, key=lambda node: abs(node.reading.value))])
        if first is not None and not take(survey, first).is_element:
            return []
    return left


# One step down -------------------------------------------------------------------------------------------


def divide(survey: Survey, node: Node) -> list[Node]:
    """The parts of a node that read wrong: one or both halves, or less where a code tells more."""
    if node.lone and node.region.size > GRAIN:
        narrowed = narrow(survey, node)
        if narrowed.region != node.region:
            return [narrowed]
    return halve(survey, node, screening(node.reading)) or halve(survey, node, 0.0)


def halve(survey: Survey, node: Node, accuracy: float) -> list[Node]:
    """The wrong halves of a node: one is measured, the other is the rest unless that is unclear."""
    first, second = node.region.halves()
    one = survey.read(first, accuracy)
    other = node.reading.less(one)
    unclear = abs(other.value) <= CLEAR * other.bound
    if accuracy == 0.0 or (unclear and (other.wrong or not one.wrong)):
        other = survey.read(second, accuracy)
    lone = one.wrong != other.wrong
    return [Node(half, reading, lone) for half, reading in ((first, one), (second, other)) if reading.wrong]


def narrow(survey: Survey, node: Node) -> Node:
    """The part of a node where codes place a lone fault, if it accounts for all of the residual."""
    value, bound = node.reading
    if abs(value) <= CLEAR * bound:
        return node
    rows = decode(survey, node, axis=0)
    if rows is None and node.lone:
        return node
    columns = decode(survey, node, axis=1)
    region = Block(rows or node.region.rows, columns or node.region.columns)
    if 4 * region.size > node.region.size:
        return node
    reading = survey.read(region, screening(node.reading))
    explains = reading.wrong and not node.reading.less(reading).wrong
    return Node(region, reading, True) if explains else node


def screening(reading: Reading) -> float:
    """The accuracy at which parts of what gave this reading are told apart."""
    return max(reading.bound / 8.0, COARSE * abs(reading.value))


def decode(survey: Survey, node: Node, axis: int) -> tuple[int, int] | None:
    """The rows (axis 0) or columns where a fault in one of them would lie; None if there is no such line.

    Each line is weighted by its place, so that the residual of a lone fault is its place times what it was.
    """
    start, stop = node.region.columns if axis else node.region.rows
    count, (value, bound) = stop - start, node.reading
    if count == 1:
        return start, stop
    code = (np.arange(count) + 0.5) / count
    weights = survey.weights(node.region) * (code if axis else code[:, None])
    coded = survey.read_along(node.region, weights, max(bound / 8.0, abs(value) / (32.0 * count)))
    ratio = coded.value / value
    place = ratio * count - 0.5
    doubt = count * ((coded.bound + abs(ratio) * bound) / (abs(value) - bound) + 1e-9)
    if not math.isfinite(doubt):
        return None
    low, high = max(0, math.ceil(place - doubt)), min(count - 1, math.floor(place + doubt))
    return (start + low, start + high + 1) if low <= high else None


# Rectangles ----------------------------------------------------------------------------------------------


def grow(survey: Survey, row: int, column: int) -> Block:
    """The rectangle around a wrong element that is wrong throughout, as far as it was tried.

    It reaches as far as the element's row and column do. Where an element of it is right, it is cut short
    of that.
    """
    start = element(row, column)
    if stands_alone(survey, row, column):
        return start
    region = Block(
        span(survey.whole.rows, row, lambda place: survey.is_wrong_at(place, column)),
        span(survey.whole.columns, column, lambda place: survey.is_wrong_at(row, place)),
    )
    while region != start:
        flaw = find_flaw(survey, region)
        if flaw is None:
            return trim(survey, region)
        region = start if flaw == (row, column) else cut(survey, region, (row, column), flaw)
    return start


def cut(survey: Survey, region: Block, kept: Cell, flaw: Cell) -> Block:
    """The larger of what is left of a region when it ends between a wrong element and a right one.

    The end may be across rows or across columns. It is sought along the line of the right element, from
    where that crosses the wrong element's; if neither crossing is wrong, on the wrong element's own row.
    """
    (row, column), (low, far) = kept, flaw
    cuts = []
    if low != row and (far == column or survey.is_wrong_at(row, far)):
        rows = stop_short(region.rows, row, low, lambda place: survey.is_wrong_at(place, far))
        cuts.append(replace(region, rows=rows))
    if far != column and (low == row or survey.is_wrong_at(low, column)):
        columns = stop_short(region.columns, column, far, lambda place: survey.is_wrong_at(low, place))
        cuts.append(replace(region, columns=columns))
    if cuts:
        return max(cuts, key=lambda left: left.size)
    return cut(survey, region, kept, (row, far))


def span(limits: tuple[int, int], place: int, holds: Callable[[int], bool]) -> tuple[int, int]:
    """How far to either side of a place `holds` goes on to hold."""
    before = reach(lambda steps: holds(place - steps), place - limits[0])
    after = reach(lambda steps: holds(place + steps), limits[1] - 1 - place)
    return place - before, place + 1 + after


def stop_short(
    interval: tuple[int, int], place: int, flaw: int, holds: Callable[[int], bool]
) -> tuple[int, int]:
    """An interval that ends where `holds` does on the way from a place to a flaw."""
    way = 1 if flaw > place else -1
    steps = reach(lambda steps: holds(place + way * steps), abs(flaw - place) - 1)
    return (interval[0], place + 1 + steps) if flaw > place else (place - steps, interval[1])


def reach(holds: Callable[[int], bool], most: int) -> int:
    """How far from 0 `holds` goes on to hold, `most` at most: by steps that grow, then by halving.

    A stretch where it does not hold is stepped over only if it is shorter than half of the way there.
    """
    near, far = 0, min(1, most)
    while near < far and holds(far):
        near, far = far, min(far + max(1, far // 2), most)
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (middle, far) if holds(middle) else (near, middle)
    return near


def stands_alone(survey: Survey, row: int, column: int) -> bool:
    """Whether no neighbour of an element is wrong that was not found yet."""
    (_, bottom), (_, right) = survey.whole.rows, survey.whole.columns
    ring = Block((max(0, row - 1), min(bottom, row + 2)), (max(0, column - 1), min(right, column + 2)))
    weights = survey.weights(ring).copy()
    weights[row - ring.rows[0], column - ring.columns[0]] = 0.0
    return not survey.read_along(ring, weights, 0.0).wrong


def is_solid(survey: Survey, region: Block) -> bool:
    """Whether a region is wrong wherever it is tried."""
    return find_flaw(survey, region) is None


def find_flaw(survey: Survey, region: Block) -> Cell | None:
    """An element of a region that is right, if one is met: at spread places, at the corners, in a line.

    A small region is tried everywhere, and few lines are asked for as such, each at once.
    """
    if region.size <= GRAIN:
        return next((cell for cell in region.cells() if not survey.is_wrong_at(*cell)), None)
    for cell in (*spread(survey, region), *corners(region)):
        if not survey.is_wrong_at(*cell):
            return cell
    for line in lines(region):
        if not survey.is_wrong(line):
            return line.rows[0], line.columns[0]
    return None


def spread(survey: Survey, region: Block) -> list[Cell]:
    """Random places, one in each part of the rows and one in each part of the columns (a Latin square)."""

    def along(start: int, stop: int) -> NDArray[np.float64]:
        parts = survey.random.permutation(SOLID_SAMPLES) + survey.random.random(SOLID_SAMPLES)
        return start + np.floor(parts * (stop - start) / SOLID_SAMPLES)

    rows, columns = along(*region.rows), along(*region.columns)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]


def corners(region: Block) -> list[Cell]:
    (top, bottom), (left, right) = region.rows, region.columns
    return sorted({(row, column) for row in (top, bottom - 1) for column in (left, right - 1)})


def lines(region: Block) -> Iterator[Block]:
    """The rows of a region that has few of them but more than one; then its columns, likewise."""
    height, width = region.shape
    if 1 < height <= FEW_LINES:
        yield from (replace(region, rows=(row, row + 1)) for row in range(*region.rows))
    if 1 < width <= FEW_LINES:
        yield from (replace(region, columns=(left, left + 1)) for left in range(*region.columns))


def trim(survey: Survey, region: Block) -> Block:
    """A region without the outer lines that were found before."""
    new = ~survey.found[region.slices]
    rows, columns = np.flatnonzero(new.any(axis=1)), np.flatnonzero(new.any(axis=0))
    (top, left) = region.rows[0], region.columns[0]
    return Block(
        (top + int(rows[0]), top + int(rows[-1]) + 1), (left + int(columns[0]), left + int(columns[-1]) + 1)
    )


# What was found ------------------------------------------------------------------------------------------


def give_up(survey: Survey, left: Sequence[Block], kind: Kind = Kind.MANY) -> Location:
    """The end of a search that leaves regions unexplained."""
    found = conclude(survey, complete=False)
    kind = Kind.DENSE if found.kind is Kind.DENSE else kind
    return replace(found, kind=kind, bounding=hull([*left, *survey.pieces]))


def conclude(survey: Survey, complete: bool) -> Location:
    """What was found, by name: whole lines, other rectangles, elements."""
    pieces = {complete_line(survey, piece) for piece in merge(survey.pieces)}
    lines = pieces - {survey.whole}
    rows = {row for piece in lines if piece.columns == survey.whole.columns for row in range(*piece.rows)}
    columns = {col for piece in lines if piece.rows == survey.whole.rows for col in range(*piece.columns)}
    if 1 in survey.whole.shape:
        rows, columns = set(), set()
    stripped = (Block(strip(piece.rows, rows), strip(piece.columns, columns)) for piece in pieces)
    apart = {piece for piece in stripped if piece.size}
    blocks = {
        piece for piece in apart if piece.size >= SMALLEST_BLOCK or piece == survey.whole != element(0, 0)
    }
    elements = {cell for piece in apart - blocks for cell in piece.cells()}
    kinds = {Kind.ELEMENTS: elements, Kind.ROWS: rows, Kind.COLUMNS: columns, Kind.BLOCK: blocks}
    return Location(
        Kind.DENSE if is_dense(survey, pieces) else only([kind for kind, places in kinds.items() if places]),
        tuple(sorted(elements)),
        tuple(sorted(rows)),
        tuple(sorted(columns)),
        tuple(sorted(blocks, key=lambda block: (block.rows, block.columns))),
        complete,
        None,
        survey.derivatives,
    )


def strip(interval: tuple[int, int], lines: Collection[int]) -> tuple[int, int]:
    """An interval without the outer places that are among `lines`."""
    start, stop = interval
    while start < stop and start in lines:
        start += 1
    while start < stop and stop - 1 in lines:
        stop -= 1
    return start, stop


def only(kinds: Sequence[Kind]) -> Kind:
    """The one kind there is, or that there is none or more."""
    return kinds[0] if len(kinds) == 1 else Kind.MIXED if kinds else Kind.NONE


def is_dense(survey: Survey, pieces: Collection[Block]) -> bool:
    """Whether all was found to be wrong, or so much in so many pieces that their shapes tell nothing."""
    if len(pieces) > SMALLEST_BLOCK:
        return 2 * int(np.count_nonzero(survey.found)) > survey.found.size
    return survey.whole in pieces and not survey.whole.is_element


def merge(pieces: Sequence[Block]) -> list[Block]:
    """The same cells in fewer regions: first side by side, then one above the other."""
    beside = join(pieces, lambda region: region.rows, lambda region: region.columns)
    merged = join(beside, lambda region: region.columns, lambda region: region.rows)
    return merged if len(merged) == len(pieces) else merge(merged)


Side = Callable[[Block], tuple[int, int]]


def join(pieces: Sequence[Block], kept: Side, joined: Side) -> list[Block]:
    """Regions that agree in the `kept` side and touch in the `joined` one made one."""
    done: list[Block] = []
    for piece in sorted(pieces, key=lambda region: (kept(region), joined(region))):
        if done and kept(done[-1]) == kept(piece) and joined(done[-1])[1] == joined(piece)[0]:
            done[-1] = hull((done[-1], piece))
        else:
            done.append(piece)
    return done


def complete_line(survey: Survey, region: Block) -> Block:
    """The whole rows or columns that a region is most of, where what it lacks was found as well."""
    height, width = survey.whole.shape
    row = replace(region, columns=survey.whole.columns)
    if 2 * region.shape[1] > width > 1 and survey.found[row.slices].all():
        return row
    column = replace(region, rows=survey.whole.rows)
    if 2 * region.shape[0] > height > 1 and survey.found[column.slices].all():
        return column
    return region
