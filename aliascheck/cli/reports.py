"""The reports that a command writes: one to standard output, any number of others to files."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from aliascheck.cli.pages import output_page
from aliascheck.cli.streams import emit, emit_utf8
from aliascheck.errors import UsageError
from aliascheck.files import report_file
from aliascheck.memory import Data
from aliascheck.report import Report
from aliascheck.reporters import FILES, FORMATS, STREAMS
from aliascheck.reporters.page import Page

Function = TypeVar("Function", bound=Callable[..., Any])
VERBATIM = ("json", "markdown")  # formats that are read by programs: UTF-8 wherever they go


class Output(Data, frozen=True):
    """What to show on standard output, how much of it, and the files to write by their formats."""

    form: str
    detail: int
    files: Mapping[str, Path]

    @contextmanager
    def prepared(self, reads: Path | None = None) -> Iterator[Callable[[Report], None]]:
        """A function that writes every file; what cannot be written is told before the body runs.

        Raises: UsageError where a file cannot be written, is named twice, or is the one that is read.
        """
        self._refuse_sharing()
        if reads is not None:
            self._refuse_overwriting(reads)
        with ExitStack() as stack:
            writers = {
                form: stack.enter_context(report_file(path, f"--{form}")) for form, path in self.files.items()
            }

            def write(report: Report) -> None:
                for form, put in writers.items():
                    put(render(report, form, Page(detail=self.detail)))

            yield write

    def _refuse_sharing(self) -> None:
        taken: dict[Path, str] = {}
        for form, path in self.files.items():
            first = taken.setdefault(path.resolve(), form)
            if first != form and (path.is_file() or not path.exists()):
                raise UsageError(
                    f"--{first} and --{form} both write {path}", hint="give each a file of its own"
                )

    def _refuse_overwriting(self, read: Path) -> None:
        for form, path in self.files.items():
            if path.resolve() == read.resolve():
                raise UsageError(f"--{form} would overwrite {path}, which is read", hint="name another file")

    def show(self, report: Report) -> None:
        """Write the report to standard output."""
        if self.form in VERBATIM:
            emit_utf8(render(report, self.form, Page(detail=self.detail)))
        else:
            emit(render(report, self.form, output_page(self.detail)))


def options(function: Function) -> Function:
    """Options that choose reports, handed to the command as one `output`."""

    @functools.wraps(function)
    def command(form: str, verbose: bool, quiet: bool, **given: Any) -> Any:
        if verbose and quiet:
            raise UsageError("-v and -q exclude each other")
        files = {name: given.pop(f"{name}_path") for name in FILES}
        chosen = {name: path for name, path in files.items() if path is not None}
        return function(output=Output(form, int(verbose) - int(quiet), chosen), **given)

    wrapped: Any = command
    for name in reversed(FILES):
        wrapped = click.option(
            f"--{name}",
            f"{name}_path",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help=f"Also write {FILES[name]} there.",
        )(wrapped)
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Only what needs attention."),
        click.option("-v", "--verbose", is_flag=True, help="Every audit in full."),
        click.option(
            "--format",
            "form",
            type=click.Choice(STREAMS),
            default="table",
            help="What is shown.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def render(report: Report, form: str, page: Page) -> str:
    """The report as text in one of the formats."""
    text = import_module(FORMATS[form]).render(report, page)
    assert isinstance(text, str)
    return text


def note_command(report: Report) -> None:
    """Let the report say which command made it."""
    if report.origin is not None:
        report.origin.command = shlex.join(["aliascheck", *sys.argv[1:]])
