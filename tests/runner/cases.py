"""Case files for runs: audits by title, each with a loss of its own unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aliascheck.report import Report


def write_case(folder: Path, titles: Sequence[str], *, together: bool = False, extra: str = "") -> Path:
    """A file of audits with these titles; `together`: they share one loss, and what is measured of it."""
    lines = ["[let]", "x = [1.0, 2.0]"]
    for number, title in enumerate(titles):
        factor = 2 if together else number + 2
        lines += ["[[audit]]", f'id = "{number}"', f'title = "{title}"', extra]
        lines += [f'loss = "{factor} * sum(x * x)"', 'params = ["x"]']
        lines += ['modes = ["explicit", "implicit"]'] if number % 2 else ['modes = ["implicit"]']
    path = folder / "case.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def timeless(report: Report) -> str:
    """A report without what clocks say."""
    for result in report.audits:
        result.seconds = 0.0
    report.summary.seconds = 0.0
    if report.origin is not None:
        report.origin.started = ""
    return report.to_json().decode()


def errors(report: Report) -> dict[str, str]:
    """What is said of each audit that ended with an error, by id."""
    return {result.id: result.error or "" for result in report.audits if result.status == "error"}
