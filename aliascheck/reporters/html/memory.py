"""The memory picture: which cells each place reads, and where each path's contribution landed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aliascheck.report import GroupResult
from aliascheck.reporters.html.attribution import heat_cell
from aliascheck.reporters.html.drawing import Box, boxes
from aliascheck.reporters.lanes import Stretch, common, in_words, stretches
from aliascheck.reporters.matrix import places_of, rows_of
from aliascheck.reporters.words import spelled

Entry = int | str | None

LANE, GAP, HEADING = 15, 5, 18
WIDEST_CELL, NARROWEST_CELL, WIDEST = 24, 5, 320
CHARACTER = 6.7  # of the labels, in pixels
LONGEST_NAME = 30  # unless names would look the same
MOST_LANES = 40
HUES = 12


@dataclass(frozen=True)
class Mark:
    """All cells in one look: `empty`, `h2` for what the third access contributed, `lost`, `wrong`."""

    look: str
    path: str


@dataclass(frozen=True)
class Label:
    """A text beside a lane, at its baseline."""

    x: int
    y: int
    text: str
    look: str = ""


@dataclass(frozen=True)
class Grid:
    """The lines between cells: the dashes of one line across, as broad as the picture is high."""

    path: str
    breadth: int
    dashes: str


@dataclass(frozen=True)
class MemoryPicture:
    """Everything that the drawing shows, and the same in words."""

    width: int
    height: int
    title: str
    words: str
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    grid: Grid | None


def memory_picture(group: GroupResult) -> MemoryPicture | None:
    """The picture of a group; None where one place alone reads it, or its lanes are too many to be seen."""
    lanes = {lane.name: common(stretches(lane), [(0, group.cells)]) for lane in group.memory}
    rows = len(group.accesses) + sum(max(1, len(_held(entries))) for _, entries in rows_of(group))
    if len(places_of(group.memory)) < 2 or group.cells < 1 or not group.accesses or rows > MOST_LANES:
        return None
    return _Sheet(group, lanes).picture()


def _held(entries: Sequence[Entry]) -> list[int]:
    """The accesses whose contribution landed; undefined ones are zero here."""
    return [number for number, entry in enumerate(entries) if entry not in (0, None)]


class _Sheet:
    """A picture being drawn from top to bottom."""

    def __init__(self, group: GroupResult, lanes: dict[str, list[Stretch]]) -> None:
        self.group = group
        self.lanes = lanes
        self.rows = rows_of(group)
        self.names = shorten((*group.accesses, *group.slots))
        self.left = round(max(map(len, self.names.values())) * CHARACTER) + 14
        self.cell = min(WIDEST_CELL, WIDEST / group.cells)
        self.right = round(self.left + self.cell * group.cells)
        self.y = 0
        self.boxes: dict[str, list[Box]] = {"empty": []}
        self.labels: list[Label] = []
        self.words: list[str] = []

    def picture(self) -> MemoryPicture:
        """Accesses above, slots below."""
        self._heading("the loss reads")
        for number, access in enumerate(self.group.accesses):
            self._access(number, access)
        self.y += GAP
        self._heading("and each slot got")
        for slot, entries in self.rows:
            self._slot(slot, entries)
        grid = self._grid()
        self._axis()
        widest = max(label.x + len(label.text) * CHARACTER for label in self.labels)
        group = self.group
        title = f"{spelled(group.cells, 'cell')}, {spelled(len(places_of(group.memory)), 'place')}"
        return MemoryPicture(
            round(max(widest, self.right)) + 4,
            self.y,
            title,
            " ".join(self.words),
            tuple(Mark(look, boxes(several)) for look, several in self.boxes.items() if several),
            tuple(self.labels),
            grid,
        )

    def _access(self, number: int, access: str) -> None:
        read = self._read(access)
        column = {entries[number] for _, entries in self.rows}
        look, note, words = f"h{number % HUES}", "", ""
        if column == {None}:
            look, note, words = "empty", "zero here", ", and contributes nothing at this point"
        elif column == {0}:
            look, note, words = "lost", "in no slot", ", and its contribution is in no slot"
        self._name(access)
        self._cells(read, look)
        if note:
            self._beside(note, "bad" if look == "lost" else "quiet")
        self.words.append(f"{access} reads {in_words(read)}{words}.")
        self.y += LANE + 2

    def _slot(self, slot: str, entries: Sequence[Entry]) -> None:
        shown = self._read(slot)
        held = _held(entries)
        self._name(slot)
        for number in held:
            self._landed(number, entries[number], shown)
        if not held:
            self._cells(shown, "empty")
            self._beside("nothing", "quiet")
            self.y += LANE + 2
        self.words.append(f"Slot {slot} shows {in_words(shown)} and got {self._told(entries, held)}.")
        self.y += GAP

    def _landed(self, number: int, entry: Entry, shown: list[Stretch]) -> None:
        access = self.group.accesses[number]
        cell = heat_cell(entry)
        where = common(self._read(access), shown)
        self._cells(shown, "empty")
        self._cells(where, "wrong" if cell.shade == "wrong" else f"h{number % HUES}")
        note = {"once": "", "part": " (part)", "more": f" × {cell.text}"}.get(cell.shade, " (wrong)")
        self._beside(self.names[access] + note, "bad" if cell.shade in ("wrong", "more") else "")
        self.y += LANE + 2

    def _told(self, entries: Sequence[Entry], held: Sequence[int]) -> str:
        parts = [f"{self.group.accesses[n]} {heat_cell(entries[n]).words}" for n in held]
        return ", ".join(parts) or "nothing"

    def _read(self, name: str) -> list[Stretch]:
        """The cells of a lane; a stopped part reads those of its access, what is unlisted may read all."""
        return self.lanes.get(name.removesuffix(" (stopped)"), [(0, self.group.cells)])

    def _cells(self, where: list[Stretch], look: str) -> None:
        self.boxes.setdefault(look, []).extend(
            (self.left + start * self.cell, self.y, max(1.0, (end - start) * self.cell), LANE)
            for start, end in self._seen(where)
        )

    def _seen(self, where: list[Stretch]) -> list[Stretch]:
        """The stretches, those as one between which there is less than a pixel."""
        seen: list[Stretch] = []
        for start, end in where:
            if seen and (start - seen[-1][1]) * self.cell < 1:
                seen[-1] = (seen[-1][0], max(end, seen[-1][1]))
            else:
                seen.append((start, end))
        return seen

    def _grid(self) -> Grid | None:
        """Between cells, from top to bottom; none where the lines would be all that is seen."""
        if self.cell < NARROWEST_CELL or self.group.cells < 2:
            return None
        height = self.y - HEADING
        return Grid(
            f"M{self.left + self.cell - 0.5:.2f} {HEADING + height / 2:.1f}H{self.right - 1}",
            height,
            f"1 {self.cell - 1:.4g}",
        )

    def _heading(self, text: str) -> None:
        self.labels.append(Label(0, self.y + 12, text, "quiet"))
        self.y += HEADING

    def _name(self, name: str) -> None:
        self.labels.append(Label(0, self.y + 12, self.names[name]))

    def _beside(self, text: str, look: str) -> None:
        self.labels.append(Label(self.right + 8, self.y + 12, text, look))

    def _axis(self) -> None:
        last = self.group.cells - 1
        self.labels.append(
            Label(self.left, self.y + 8, f"cells 0 to {last:,}" if last else "cell 0", "quiet")
        )
        self.y += 14


def shorten(names: Iterable[str]) -> dict[str, str]:
    """Names as the picture shows them: the middle left out of long ones, as far as they stay different."""
    own = set(names)
    for longest in range(LONGEST_NAME, max(map(len, own), default=0)):
        shown = {name: _short(name, longest) for name in own}
        if len(set(shown.values())) == len(own):
            return shown
    return {name: name for name in own}


def _short(name: str, longest: int) -> str:
    if len(name) <= longest:
        return name
    end = (longest - 1) // 2
    return f"{name[: longest - 1 - end]}…{name[-end:]}"
