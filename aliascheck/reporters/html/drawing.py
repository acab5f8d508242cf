"""Shapes of pictures as SVG path data, in as few characters as they take."""

from __future__ import annotations

from collections.abc import Iterable

Box = tuple[float, float, float, float]  # left, top, width, height


def boxes(several: Iterable[Box]) -> str:
    """The path of some rectangles."""
    return "".join(
        f"M{_short(x)} {_short(y)}h{_short(w)}v{_short(h)}h{_short(-w)}z" for x, y, w, h in several
    )


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
