"""`aliascheck run`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from aliascheck.cli import options
from aliascheck.cli.files import report_file
from aliascheck.cli.pages import output_page
from aliascheck.cli.progress import terminal_progress
from aliascheck.cli.streams import emit, emit_utf8
from aliascheck.errors import UsageError
from aliascheck.report import Report
from aliascheck.reporters import FORMATS
from aliascheck.reporters.page import Page


@click.command("run")
@options.paths
@options.selection
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="table", help="What is shown.")
@click.option("-v", "--verbose", is_flag=True, help="Every audit in full.")
@click.option("-q", "--quiet", is_flag=True, help="Only what needs attention.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), metavar="PATH", help="Also write JSON there."
)
@click.option("--rtol", type=float, callback=options.tolerance, help="Accepted relative difference.")
@click.option("--atol", type=float, callback=options.tolerance, help="Accepted absolute difference.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of directions and jitter.")
@click.option("--probes", type=click.IntRange(min=1), help="Random directions of each large parameter.")
@click.option("--thorough", is_flag=True, help="Also measure each row of large parameters by itself.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="Lowest severity that fails the run.",
)
@click.option("--strict-skips", is_flag=True, help="Skipped audits make the run fail (exit 4).")
def command(
    paths: tuple[Path, ...],
    text: str | None,
    mode: str | None,
    engine: str | None,
    contract: str | None,
    trust: bool,
    form: str,
    verbose: bool,
    quiet: bool,
    json_path: Path | None,
    rtol: float | None,
    atol: float | None,
    seed: int | None,
    probes: int | None,
    thorough: bool,
    fail_on: str,
    strict_skips: bool,
) -> int:
    """Audit case files and folders (default: cases/)."""
    if verbose and quiet:
        raise UsageError("-v and -q exclude each other")
    from aliascheck.runner import Selection, run_cases

    selection = Selection(
        text=text,
        mode=mode,
        engine=engine,
        contract=contract,
        rtol=rtol,
        atol=atol,
        seed=seed,
        probes=probes,
        thorough=thorough,
        fail_on=fail_on,
        strict_skips=strict_skips,
        trust=trust,
    )
    with report_file(json_path, "--json") as write_json:
        with terminal_progress() as progress:
            report = run_cases(paths or [options.DEFAULT], selection, progress)
        if json_path is not None:
            write_json(render(report, "json", Page()))
    show(report, form, int(verbose) - int(quiet))
    return report.summary.exit_code


def show(report: Report, form: str, detail: int) -> None:
    """Write the report to standard output."""
    if form == "json":
        emit_utf8(render(report, form, Page()))
    else:
        emit(render(report, form, output_page(detail)))


def render(report: Report, form: str, page: Page) -> str:
    """The report as text in one of the formats."""
    text = import_module(FORMATS[form]).render(report, page)
    assert isinstance(text, str)
    return text
