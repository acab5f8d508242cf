"""The document: templates filled, style and script put into the one file, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aliascheck.report import AuditResult, Report
from aliascheck.reporters.html.budget import budget_of
from aliascheck.reporters.html.head import STATES, head_of
from aliascheck.reporters.html.outline import outline, set_aside
from aliascheck.reporters.html.told import meanings_of_words, why_it_was_skipped
from aliascheck.reporters.html.views import comparison_of, view_of
from aliascheck.reporters.numbers import as_number, format_number
from aliascheck.reporters.page import Page
from aliascheck.reporters.visible import visible
from aliascheck.reporters.words import count, fixed_line

TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, page: Page) -> str:
    """The report as one HTML file. Texts of cases stand in it as text, whatever they hold.

    All audits are in it: a `page.detail` below 0 silences a terminal, and hides nothing in a file.
    """
    detail = max(0, page.detail)
    files = outline(report)
    shown, skipped = set_aside(files, detail)
    budget = budget_of(shown, detail)
    style, script = (_own_text(name) for name in ("style.css", "script.js"))
    page_of = _environment().get_template("document.html").render
    text = page_of(
        report=report,
        head=head_of(report, files),
        files=shown,
        skipped=skipped,
        words=meanings_of_words(report),
        states=STATES,
        engines=sorted({audit.engine for audit in report.audits}),
        budget=budget,
        view_of=lambda result, drawn: view_of(result, detail, drawn=drawn),
        style=style,
        script=script,
        policy=_policy(style, script),
    )
    return text + "\n"


def _own_text(name: str) -> Markup:
    """A file of the package, to be written as it is."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def _policy(style: str, script: str) -> str:
    """What the page may do: show itself, in this style, with this script, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.update(
        comparison_of=comparison_of,
        count=count,
        fixed_line=fixed_line,
        loss_of=_loss,
        took=_took,
        why_it_was_skipped=why_it_was_skipped,
    )
    return environment


def _shown(value: Any) -> Any:
    """Every text that goes into the page, without characters that steer it."""
    return visible(value) if type(value) is str else value


def _loss(audit: AuditResult) -> str:
    number = as_number(audit.loss)
    return "" if number is None else format_number(number)


def _took(audit: AuditResult) -> str:
    """How often the loss was evaluated, and how long it took, in a unit that suits it."""
    seconds = audit.seconds
    time = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    return f"{count(audit.evaluations, 'evaluation')}, {time}"
