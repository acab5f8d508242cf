"""The entry point: commands by name, and the one place where errors become text and exit codes."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Never

import click

from aliascheck import __version__
from aliascheck.cli.leaving import INTERRUPTED, end_in_silence, leave
from aliascheck.cli.streams import prepare_streams, say
from aliascheck.errors import AliascheckError, UsageError, did_you_mean

COMMANDS = {
    "run": ("aliascheck.cli.run", "Audit case files and folders."),
    "report": ("aliascheck.cli.report", "Show a stored JSON report again."),
    "compare": ("aliascheck.cli.compare", "Show what several engines report for the same audits."),
    "baseline": ("aliascheck.cli.baseline", "Record what is found, so that only new findings fail."),
    "diff": ("aliascheck.cli.diff", "Show what changed between two JSON reports."),
    "list": ("aliascheck.cli.list", "Show what would run, without running it."),
    "selftest": ("aliascheck.cli.selftest", "Inject faults, and show that they are found."),
    "explain": ("aliascheck.cli.explain", "Explain a finding, a verdict word or a topic."),
    "new": ("aliascheck.cli.new", "Write a commented case file to start from."),
    "schema": ("aliascheck.cli.schema", "Print the JSON Schema of case files."),
    "engines": ("aliascheck.cli.engines", "Show which engines are installed."),
}
INTERNAL = 4


class Commands(click.Group):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name, or a hint at the nearest one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"no such command '{args[0]}'", hint=did_you_mean(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="aliascheck")
def main() -> None:
    """Audit gradients of models whose parameters share memory.

    Exit codes: 0 nothing unexpected, 1 findings, 2 usage, 3 a bad case file, 4 an audit could not be
    completed.
    """


def entry() -> Never:
    """Run the command line and leave with its exit code."""
    try:
        end_in_silence()
        prepare_streams()
        code = guarded(lambda: main.main(prog_name="aliascheck", standalone_mode=False))
    except KeyboardInterrupt:
        code = INTERRUPTED
    leave(code)


def guarded(call: Callable[[], object]) -> int:
    """The exit code of a command, its errors told on standard error."""
    try:
        code = call()
    except AliascheckError as error:
        say(f"error: {error}")
        return error.exit_code
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        say(f"error: {error.format_message()}")
        return UsageError.exit_code
    except SystemExit:  # how click ends where the reader of its help has gone away
        return 0
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  a defect of ours: told in one line, with how to report it
        return _internal(error)
    return code if isinstance(code, int) else 0


def _usage(error: click.UsageError) -> int:
    if error.ctx is not None:
        say(error.ctx.get_usage())
        say(f"Try '{error.ctx.command_path} --help' for help.")
    say(f"error: {error.format_message()}")
    return UsageError.exit_code


def _internal(error: Exception) -> int:
    if os.environ.get("ALIASCHECK_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    say(f"internal error: {type(error).__name__}: {error}")
    say(
        "This is a defect of aliascheck. Please report it with the command, the case file and what "
        "ALIASCHECK_DEBUG=1 shows."
    )
    return INTERNAL
