"""Reported against finite differences as a picture: where a matrix differs, and the located fault."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aliascheck.report import AuditResult, SlotResult, SpotResult
from aliascheck.reporters.html.drawing import Box, boxes
from aliascheck.reporters.numbers import as_number, flatten, format_bound, format_number

STEPS = 4  # shades on either side of zero
WIDEST, HIGHEST = 280, 180
LARGEST_ELEMENT = 22
REST = "; the slot is split: other slots hold the rest"
LOWEST_ROW = 14  # of a vector
SMALLEST_SHOWN = 3.0  # pixels of a located fault in a large matrix


@dataclass(frozen=True)
class Shade:
    """The elements of one shade: `n4` far below, `p4` far above, `even` equal, `odd` not finite, `fault`."""

    look: str
    path: str


@dataclass(frozen=True)
class DifferenceMap:
    """A matrix, its differences shaded, the located fault outlined; `caption` says it in words."""

    width: int
    height: int
    caption: str
    shades: tuple[Shade, ...]
    located: str
    scale: str


def difference_maps(audit: AuditResult, slot: SlotResult) -> list[DifferenceMap]:
    """The maps of a slot: against path and total where the elements are known, else what was located."""
    spot = next((f.spot for f in audit.findings if f.slot == slot.name and _is_located(f.spot)), None)
    matrix = _Elements.of(slot)
    if matrix is None:
        return [_outline(slot, spot)] if spot is not None else []
    maps = [matrix.against(truth, slot, spot) for truth in matrix.truths]
    if slot.verdict == "split":
        maps = [replace(one, caption=one.caption + REST) if one.scale else one for one in maps]
    return maps if any(one.scale for one in maps) else []


def _is_located(spot: SpotResult | None) -> bool:
    if spot is None or len(spot.shape) != 2 or math.prod(spot.shape) < 2:
        return False
    return bool(spot.rectangles) and all(len(one) == 4 for one in spot.rectangles)


@dataclass(frozen=True)
class _Elements:
    """What was reported, and the truths that differ from each other, as rows of numbers."""

    rows: int
    columns: int
    reported: list[float]
    truths: dict[str, list[float]]

    @classmethod
    def of(cls, slot: SlotResult) -> _Elements | None:
        """None where an array is not known by element, or is no array."""
        source = slot if slot.matrix is None else slot.matrix
        reported, path, total = (flatten(value) for value in (source.reported, source.path, source.total))
        size = math.prod(slot.shape)
        if size < 2 or min(slot.shape) < 1 or reported is None or path is None or total is None:
            return None
        if not len(reported) == len(path) == len(total) == size:
            return None
        rows = slot.shape[0] if len(slot.shape) > 1 else 1
        bound = _bound(slot)
        truths = {"path": path, "total": total}
        if all(abs(p - t) <= bound for p, t in zip(path, total, strict=True)):
            del truths["path"]
        return cls(rows, size // rows, reported, truths)

    def against(self, truth: str, slot: SlotResult, spot: SpotResult | None) -> DifferenceMap:
        """The map of reported minus one truth."""
        difference = [r - t for r, t in zip(self.reported, self.truths[truth], strict=True)]
        bound = _bound(slot)
        finite = [abs(x) for x in difference if math.isfinite(x)]
        largest = max(finite, default=0.0)
        looks = [_look(value, largest, bound) for value in difference]
        caption = f"reported − {truth}: "
        if set(looks) == {"even"}:
            return DifferenceMap(0, 0, f"{caption}equal, within {format_bound(slot.error_bound)}", (), "", "")
        wide, high = _element(self.rows, self.columns)
        return DifferenceMap(
            round(self.columns * wide) + 2,
            round(self.rows * high) + 2,
            caption + self._farthest(difference, slot),
            _shades(looks, self.columns, wide, high),
            self._located(spot, wide, high),
            format_number(largest),
        )

    def _farthest(self, difference: Sequence[float], slot: SlotResult) -> str:
        position = max(range(len(difference)), key=lambda n: _distance(difference[n]))
        index = _index(position, slot.shape)
        strange = sum(not math.isfinite(x) for x in difference)
        if strange:
            return f"{strange} of {len(difference)} not finite"
        differing = sum(abs(x) > _bound(slot) for x in difference)
        told = f"farthest {format_number(difference[position])} at [{index}]"
        return f"{differing} of {len(difference)} differ, {told}"

    def _located(self, spot: SpotResult | None, wide: float, high: float) -> str:
        if spot is None or spot.shape != [self.rows, self.columns]:
            return ""
        return boxes(
            (1 + left * wide, 1 + top * high, (right - left) * wide, (bottom - top) * high)
            for top, bottom, left, right in spot.rectangles
        )


def _distance(value: float) -> float:
    return math.inf if math.isnan(value) else abs(value)


def _bound(slot: SlotResult) -> float:
    bound = as_number(slot.error_bound)
    return bound if bound is not None and math.isfinite(bound) else 0.0


def _index(position: int, shape: Sequence[int]) -> str:
    index: list[int] = []
    for length in reversed(shape):
        position, here = divmod(position, length)
        index.append(here)
    return ", ".join(map(str, reversed(index)))


def _element(rows: int, columns: int) -> tuple[float, float]:
    """Width and height of an element: a square, but for vectors of many."""
    edge = max(1.0, min(LARGEST_ELEMENT, WIDEST / columns, HIGHEST / rows))
    return edge, max(edge, LOWEST_ROW) if rows == 1 else edge


def _shades(looks: Sequence[str], columns: int, wide: float, high: float) -> tuple[Shade, ...]:
    by_look: dict[str, list[Box]] = {}
    for position, look in enumerate(looks):
        row, column = divmod(position, columns)
        by_look.setdefault(look, []).append((1 + column * wide, 1 + row * high, wide, high))
    return tuple(Shade(look, boxes(_joined(several))) for look, several in sorted(by_look.items()))


def _joined(several: Sequence[Box]) -> Iterator[Box]:
    """Neighbours in a row as one box."""
    pending: Box | None = None
    for left, top, width, height in several:
        if pending and pending[1] == top and abs(pending[0] + pending[2] - left) < 1e-6:
            pending = (pending[0], top, pending[2] + width, height)
            continue
        if pending:
            yield pending
        pending = (left, top, width, height)
    if pending:
        yield pending


def _look(value: float, largest: float, bound: float) -> str:
    if not math.isfinite(value):
        return "odd"
    if abs(value) <= bound or largest == 0.0:
        return "even"
    step = max(1, math.ceil(abs(value) / largest * STEPS))  # in this order no number overflows
    return f"{'p' if value > 0 else 'n'}{step}"


def _outline(slot: SlotResult, spot: SpotResult) -> DifferenceMap:
    """A matrix too large to be known by element: its outline, and where the fault was located."""
    rows, columns = spot.shape
    unit = min(WIDEST / columns, HIGHEST / rows)
    width, height = (max(SMALLEST_SHOWN * 4, extent * unit) for extent in (columns, rows))
    located = boxes(
        (
            1 + left / columns * width,
            1 + top / rows * height,
            max(SMALLEST_SHOWN, (right - left) / columns * width),
            max(SMALLEST_SHOWN, (bottom - top) / rows * height),
        )
        for top, bottom, left, right in spot.rectangles
    )
    caption = f"where {slot.name} is wrong, {rows} × {columns}{_areas(spot)}"
    shades = (Shade("even", boxes([(1, 1, width, height)])), Shade("fault", located))
    return DifferenceMap(round(width) + 5, round(height) + 5, caption, shades, "", "")


def _areas(spot: SpotResult) -> str:
    shown = [
        f"{_range('row', top, bottom)}, {_range('column', left, right)}"
        for top, bottom, left, right in spot.rectangles[:3]
    ]
    more = spot.more or len(spot.rectangles) > 3
    return ": " + "; ".join(shown) + (", and more" if more else "")


def _range(noun: str, start: int, end: int) -> str:
    return f"{noun} {start}" if end - start == 1 else f"{noun}s {start} to {end - 1}"
