"""How fast large HTML reports open in Chromium: 1,000 audits in two modes; all, none or half of them fail.

The audits are those of the shipped cases, and of `cases/layers` alone, whose texts and pictures are the
largest. Needs Chromium and the `browser` extra. Medians over several openings of each file; exits 1 where a
bar is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from aliascheck.report import AuditResult, Report, summarize
from aliascheck.reporters.html import render
from aliascheck.reporters.page import Page
from aliascheck.runner import run_cases
from tests.browser.chromium import Window, chromium

ROOT = Path(__file__).resolve().parents[2]
AUDITS = 1000
FOLDERS = ("cases", "cases/layers")
FAILING = {"passing": 0, "failing": 1, "mixed": 2}
BARS = {"opened": 2.0, "size": 5.0}
FILTER = """
const box = document.querySelector("[name=text]");
box.value = arguments[0];
const started = performance.now();
document.getElementById("filter").requestSubmit();
document.body.offsetHeight;
return (performance.now() - started) / 1000;
"""
UNFOLD = """
const started = performance.now();
document.getElementById("unfold").click();
document.body.offsetHeight;
const done = arguments[arguments.length - 1];
requestAnimationFrame(() => setTimeout(() => done((performance.now() - started) / 1000)));
"""


def large_report(results: list[AuditResult], failing: int) -> Report:
    """The results again and again, each time in files of another name; every `failing`th audit fails."""
    audits = list(_repeated(results, failing))
    return Report(summary=summarize(audits, [], 0.0, 0, ""), audits=audits)


def _ran(folder: str) -> list[AuditResult]:
    return [result for result in run_cases([ROOT / folder]).audits if result.status != "skipped"]


def _repeated(results: list[AuditResult], failing: int) -> Iterator[AuditResult]:
    names = list(dict.fromkeys((result.file, result.id) for result in results))
    by_name = {name: [one for one in results if (one.file, one.id) == name] for name in names}
    for number in range(AUDITS):
        turn, place = divmod(number, len(names))
        for result in by_name[names[place]]:
            status = "failed" if failing and number % failing == 0 else result.status
            yield replace(result, file=f"{turn}/{result.file}", status=status)


def measure(window: Window, path: Path) -> dict[str, float]:
    """Seconds until the file is opened, first painted, filtered, and unfolded."""
    window.driver.get("about:blank")
    started = time.perf_counter()
    window.open(path)
    opened = time.perf_counter() - started
    painted = window.ask("return performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
    window.ask(FILTER, "tied")  # the first filter reads all texts
    filtered = window.ask(FILTER, "embedding")
    window.ask(FILTER, "")
    unfolded = window.driver.execute_async_script(UNFOLD)
    return {"opened": opened, "painted": painted, "filtered again": filtered, "unfolded": unfolded}


def main() -> int:
    """Print a table for each report; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    missed = False
    with tempfile.TemporaryDirectory() as home, chromium() as window:
        path = Path(home) / "report.html"
        window.look()
        for folder in FOLDERS:
            results = _ran(folder)
            for name, failing in FAILING.items():
                figures = _figures(large_report(results, failing), path, window, rounds)
                missed |= _print(f"{folder}, {name}", figures)
    return int(missed)


def _figures(report: Report, path: Path, window: Window, rounds: int) -> dict[str, float]:
    started = time.perf_counter()
    text = render(report, Page())
    written = time.perf_counter() - started
    path.write_text(text, encoding="utf-8")
    measured = [measure(window, path) for _ in range(rounds)]
    medians = {name: statistics.median(one[name] for one in measured) for name in measured[0]}
    return {"size": len(text.encode()) / 1e6, "written": written, **medians}


def _print(title: str, figures: dict[str, float]) -> bool:
    """Whether a bar is missed."""
    print(f"{AUDITS} audits of {title}")
    for name, value in figures.items():
        bar, unit = BARS.get(name), "MB" if name == "size" else "s"
        told = "" if bar is None else f"   bar {bar:g} {unit}   {'ok' if value < bar else 'MISSED'}"
        print(f"  {name:16} {value:7.2f} {unit}{told}", flush=True)
    return any(value >= BARS.get(name, value + 1) for name, value in figures.items())


if __name__ == "__main__":
    sys.exit(main())
