"""Lines of text that know their width: columns, wrapping with hanging indents, cutting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

from aliascheck.reporters.page import Page
from aliascheck.reporters.styles import ELLIPSIS
from aliascheck.reporters.visible import inert

Cell = tuple[str, str]  # text, style
NARROWEST = 24  # a column of prose is never squeezed below this


def line(*cells: Cell, indent: int = 0) -> Text:
    """One line made of styled pieces."""
    text = Text(" " * indent, no_wrap=True)
    for content, style in cells:
        text.append(content, style or None)
    return text


def cut(text: str, width: int, page: Page) -> str:
    """`text`, shortened with an ellipsis where it is wider than `width`."""
    if cell_len(text) <= width:
        return text
    mark = page.show(ELLIPSIS)
    return set_cell_size(text, max(0, width - len(mark))).rstrip() + mark


def wrap(text: str, width: int, first: int | None = None) -> list[str]:
    """`text` broken at spaces into lines of at most `width` cells, the first of `first` where given.

    A word that is longer than a line is broken anywhere.
    """
    lines: list[str] = []
    current, room = "", width if first is None else first
    for word in text.split(" "):
        joined = f"{current} {word}" if current else word
        if cell_len(joined) <= room:
            current = joined
            continue
        if current or room < width:
            lines.append(current)
            room = width
        *full, current = chop_cells(word, max(1, width)) or [""]
        lines.extend(full)
    return [*lines, current]


def hanging(label: Cell, text: str, page: Page, *, indent: int, hang: int, most: int = 0) -> list[Text]:
    """`label` followed by `text`, later lines starting `hang` cells in; at most `most` lines where given."""
    start = max(hang, cell_len(label[0])) if label[0] else 0
    room = max(NARROWEST, page.width - indent - hang)
    lines = wrap(text, room, first=room - (start - hang))
    if most and len(lines) > most:
        lines = [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), room, page)]
    head = label[0] + " " * (start - cell_len(label[0]))
    return [line((head, label[1]), (lines[0], ""), indent=indent)] + [
        line((rest, ""), indent=indent + hang) for rest in lines[1:]
    ]


def ends(left: Sequence[Cell], right: Sequence[Cell], page: Page) -> Text:
    """A line with `left` at its start and `right` at the page's right edge."""
    text = line(*left)
    tail = line(*right)
    text.append(" " * max(2, page.width - text.cell_len - tail.cell_len))
    return text.append_text(tail)


def columns(rows: Sequence[Sequence[Cell]], *, indent: int, gap: int = 2) -> list[Text]:
    """`rows` with their columns lined up."""
    widths = column_widths(rows)
    lines = []
    for row in rows:
        cells = [
            (content + " " * (width - cell_len(content) + gap), style)
            for (content, style), width in zip(row, widths, strict=True)
        ]
        text = line(*cells, indent=indent)
        text.rstrip()
        lines.append(text)
    return lines


def column_widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """The width that each column of `rows` needs."""
    return [max(cell_len(row[i][0]) for row in rows) for i in range(len(rows[0]))]


def columns_width(rows: Sequence[Sequence[Cell]], *, indent: int, gap: int = 2) -> int:
    """The width that `columns` takes."""
    widths = column_widths(rows)
    return indent + sum(widths) + gap * (len(widths) - 1)


def beside(lines: Sequence[Text], note: str, page: Page, *, indent: int, gap: int = 4) -> list[Text]:
    """`lines` with `note` to the right of all but the first where there is room, below them otherwise."""
    column = max(text.cell_len for text in lines) + gap
    room = page.width - column
    wrapped = wrap(note, room) if room >= NARROWEST else []
    if not wrapped or len(wrapped) > max(2, len(lines) - 1):
        return [*lines, *(line((rest, ""), indent=indent) for rest in wrap(note, page.width - indent))]
    padded = [*lines, *(line() for _ in range(len(wrapped) - len(lines) + 1))]
    for text, rest in zip(padded[1:], wrapped, strict=False):
        text.append(" " * (column - text.cell_len) + rest)
    return padded


def write(lines: Iterable[Text], page: Page) -> str:
    """`lines` as text, with escape codes where the page has colours."""
    if page.colours:
        return "".join(inert(line) for line in _coloured(lines))
    return "".join(inert(text.plain.rstrip()) + "\n" for text in lines)


def _coloured(lines: Iterable[Text]) -> Iterator[str]:
    from rich.color import ColorSystem
    from rich.console import Console

    console = Console(file=StringIO(), color_system="standard", force_terminal=True, no_color=False)
    for text in lines:
        pieces = []
        text.rstrip()
        text.end = "\n"
        for segment in text.render(console, end="\n"):
            style = segment.style
            shown = style.render(segment.text, color_system=ColorSystem.STANDARD) if style else segment.text
            pieces.append(shown)
        yield "".join(pieces)
