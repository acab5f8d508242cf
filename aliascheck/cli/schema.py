"""`aliascheck schema`."""

from __future__ import annotations

import json

import click

from aliascheck.cli.streams import emit_utf8


@click.command("schema")
@click.option("--report", is_flag=True, help="That of the JSON report instead.")
def command(report: bool) -> None:
    """Print the JSON Schema of case files, for editors."""
    if report:
        from aliascheck.reporters.schema import json_schema
    else:
        from aliascheck.cases import json_schema

    emit_utf8(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
