"""How fast a large HTML report opens: 1,000 audits in two modes, drawn from the shipped cases, in Chromium.

Needs Chromium and the `browser` extra. Medians over several openings of one file; exits 1 where a bar is
missed.
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
BARS = {"opened": 2.0, "size": 5.0}
FILTER = """
const box = document.querySelector("[name=text]");
box.value = arguments[0];
const started = performance.now();
document.getElementById("filter").requestSubmit();
document.body.offsetHeight;
return (performance.now() - started) / 1000;
"""


def large_report() -> Report:
    """The audits of the shipped cases that ran, again and again, each time in files of another name."""
    results = [result for result in run_cases([ROOT / "cases"]).audits if result.status != "skipped"]
    audits = list(_repeated(results))
    return Report(summary=summarize(audits, [], 0.0, 0, ""), audits=audits)


def _repeated(results: list[AuditResult]) -> Iterator[AuditResult]:
    names = list(dict.fromkeys((result.file, result.id) for result in results))
    by_name = {name: [one for one in results if (one.file, one.id) == name] for name in names}
    for number in range(AUDITS):
        turn, place = divmod(number, len(names))
        for result in by_name[names[place]]:
            yield replace(result, file=f"{turn}/{result.file}")


def measure(window: Window, path: Path) -> dict[str, float]:
    """Seconds until the file is opened, first painted, and filtered."""
    window.driver.get("about:blank")
    started = time.perf_counter()
    window.open(path)
    opened = time.perf_counter() - started
    painted = window.ask("return performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
    window.ask(FILTER, "tied")  # the first filter reads all texts
    return {"opened": opened, "painted": painted, "filtered again": window.ask(FILTER, "embedding")}


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    report = large_report()
    started = time.perf_counter()
    text = render(report, Page())
    print(f"{AUDITS} audits, {len(report.audits)} results, written in {time.perf_counter() - started:.2f} s")
    with tempfile.TemporaryDirectory() as folder, chromium() as window:
        path = Path(folder) / "report.html"
        path.write_text(text, encoding="utf-8")
        window.look()
        measured = [measure(window, path) for _ in range(rounds)]
    medians = {name: statistics.median(one[name] for one in measured) for name in measured[0]}
    figures = [
        ("size", len(text.encode()) / 1e6, "MB"),
        *((name, value, "s") for name, value in medians.items()),
    ]
    for name, value, unit in figures:
        bar = BARS.get(name)
        told = "" if bar is None else f"   bar {bar:g} {unit}   {'ok' if value < bar else 'MISSED'}"
        print(f"{name:16} {value:7.2f} {unit}{told}")
    return int(any(value >= BARS.get(name, value + 1) for name, value, _ in figures))


if __name__ == "__main__":
    sys.exit(main())
