"""What a report is written on: its width, colours, characters, and how much to say."""

from __future__ import annotations

from dataclasses import dataclass

from aliascheck.reporters.visible import encodable, visible


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of `width` terminal cells.

    `detail` is 1 to show every audit in full, -1 to show only those that need attention.
    """

    width: int = 80
    colours: bool = False
    encoding: str = "utf-8"
    detail: int = 0

    def show(self, text: str) -> str:
        """`text` as this page can show it, on one line."""
        return encodable(visible(text), self.encoding)
