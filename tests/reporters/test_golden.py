"""Reporters against golden files; `UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path

import pytest

from aliascheck.reporters import FORMATS
from aliascheck.reporters.page import Page
from tests.reporters.exhibition import exhibition
from tests.reporters.samples import REPORTS

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"

PAGES = {
    "table-80": ("table", Page(width=80)),
    "table-160": ("table", Page(width=160)),
    "table-80-full": ("table", Page(width=80, detail=1)),
    "table-80-quiet": ("table", Page(width=80, detail=-1)),
    "table-80-ascii": ("table", Page(width=80, encoding="ascii")),
    "table-80-colour": ("table", Page(width=80, colours=True)),
    "table-40": ("table", Page(width=40)),
    "concise": ("concise", Page()),
    "json": ("json", Page()),
    "github": ("github", Page()),
    "github-full": ("github", Page(detail=1)),
    "github-quiet": ("github", Page(detail=-1)),
    "junit": ("junit", Page()),
    "markdown": ("markdown", Page()),
    "markdown-full": ("markdown", Page(detail=1)),
    "sarif": ("sarif", Page()),
    "html": ("html", Page()),
    "html-full": ("html", Page(detail=1)),
}
SUFFIXES = {"html": "html"}
FILES_OF_THEIR_OWN = re.compile(
    "(?<=<style>).*?(?=</style>)|(?<=<script>).*?(?=</script>)|sha256-[A-Za-z0-9+/=]+", re.DOTALL
)


def test_every_reporter_has_a_golden_file() -> None:
    assert {form for form, _ in PAGES.values()} == set(FORMATS)


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("page", PAGES)
def test_reporter_writes_its_golden_file(name: str, page: str) -> None:
    form, sheet = PAGES[page]
    check(import_module(FORMATS[form]).render(REPORTS[name](), sheet), name, page, form)


@pytest.mark.parametrize("page", ["html", "html-full"])
def test_html_has_a_golden_file_of_all_that_it_shows(page: str) -> None:
    form, sheet = PAGES[page]
    check(import_module(FORMATS[form]).render(exhibition(), sheet), "exhibition", page, form)


def check(text: str, name: str, page: str, form: str) -> None:
    """Compare with the golden file, or write it anew; style and script of HTML are files of their own."""
    if form == "html":
        text = FILES_OF_THEIR_OWN.sub("", text)
    path = GOLDEN / f"{name}-{page}.{SUFFIXES.get(form, 'txt')}"
    if UPDATE:
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode(), f"{path.name} differs: UPDATE_GOLDEN=1 writes it anew"
