"""Annotations: what GitHub's runner reads is what was meant, and nothing else is a command."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliascheck.report import FileError, Report
from aliascheck.reporters import FORMATS, github
from aliascheck.reporters.page import Page
from aliascheck.reporters.visible import visible
from tests.reporters.samples import (
    INJECTIONS,
    REPORTS,
    audit,
    gated,
    injected,
    report,
    thread,
    trouble,
    warned,
)

Command = tuple[str, dict[str, str], str]
TEXTS = st.text(st.characters(), max_size=40) | st.sampled_from(INJECTIONS)


def is_command(line: str) -> bool:
    """Whether a runner of GitHub, Azure or TeamCity would act on a line."""
    return line.lstrip().startswith("::") or re.search(r"##\w*\[", line) is not None


def decoded(text: str, names: dict[str, str]) -> str:
    """As the runner does it: the escapes in any order, that of % itself last."""
    for escape, char in names.items():
        text = text.replace(escape, char)
    return text.replace("%25", "%")


def read(line: str) -> Command:
    """A line as GitHub's runner reads it."""
    match = re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line)
    assert match is not None, line
    pairs = dict(pair.split("=", 1) for pair in match[2].split(",")) if match[2] else {}
    breaks = {"%0D": "\r", "%0A": "\n"}
    properties = {key: decoded(text, breaks | {"%3A": ":", "%2C": ","}) for key, text in pairs.items()}
    return match[1], properties, decoded(match[3], breaks)


def commands(shown: Report, detail: int = 0) -> list[Command]:
    lines = github.render(shown, Page(detail=detail)).split("\n")
    assert lines.pop() == ""
    assert not any(is_command(line) for line in lines[-2:])
    return [read(line) for line in lines[:-2]]


@given(TEXTS, TEXTS, TEXTS)
@settings(deadline=None)
def test_every_text_comes_back(file: str, title: str, message: str) -> None:
    line = github.command("error", {"file": file, "title": title}, message)
    assert "\n" not in line and "\r" not in line
    given = {key: text for key, text in (("file", file), ("title", title)) if text}
    assert read(line) == ("error", given, message)


@pytest.mark.parametrize("name", REPORTS)
def test_an_annotation_stands_on_a_line_of_a_file(name: str) -> None:
    for _, properties, message in commands(REPORTS[name](), detail=1):
        assert properties["title"] and message
        assert "fixed: " in properties["title"] or int(properties["line"]) > 0


@given(TEXTS)
@settings(deadline=None)
def test_case_texts_stay_texts(text: str) -> None:
    found = commands(report([injected(text, 3)]))
    assert [level for level, *_ in found] == ["error", "error"]
    for _, properties, message in found:
        assert set(properties) == {"file", "line", "title"}
        assert properties["file"] == visible(f"cases/{text}.toml")
        assert all(char.isprintable() or char == "\n" for char in message)


def test_what_is_known_is_no_annotation_unless_asked_for() -> None:
    assert commands(thread()) == []
    assert {level for level, *_ in commands(thread(), detail=1)} == {"notice"}
    titles = [(level, properties["title"]) for level, properties, _ in commands(warned())]
    assert titles == [
        ("error", "AC101 nothing at w [2, torch implicit]"),
        ("warning", "AC202 noisy [loud, torch explicit]"),
        ("notice", "fixed: AC102 misplaced at w [#0123456789abcdef, torch implicit]"),
    ]


@pytest.mark.parametrize("form", ["table", "concise", "markdown"])
@pytest.mark.parametrize("colours", [False, True])
@given(text=TEXTS | st.sampled_from(["::add-mask::x", "x ::y::", "##vso[x]", "##teamcity[y]", "###[a"]))
@settings(deadline=None)
def test_no_other_format_holds_a_command(form: str, colours: bool, text: str) -> None:
    one = injected(text, 3)
    one.file, one.error = text, f"{text}\n{text}"
    shown = report([one], [FileError(file=text, message=f"{text}\n  {text}")], exit=(3, text))
    for width in (20, 80):
        page = Page(width=width, colours=colours, detail=1)
        lines = import_module(FORMATS[form]).render(shown, page).splitlines()
        assert [line for line in lines if is_command(line)] == []


def test_an_unmet_expectation_that_the_baseline_knows_is_no_annotation_either() -> None:
    titles = [properties["title"] for _, properties, _ in commands(gated())]
    assert not any("as the case expects" in title for title in titles)
    known = [
        level for level, properties, _ in commands(gated(), detail=1) if "expects" in properties["title"]
    ]
    assert known == ["notice"]


def test_what_goes_wrong_is_an_error() -> None:
    found = commands(trouble())
    bad = found[0]
    assert bad[:2] == (
        "error",
        {"file": "cases/bad.toml", "line": "14", "title": "case file could not be read"},
    )
    assert bad[2].splitlines()[1] == "  sum(m.wieght)"
    titles = [properties["title"] for _, properties, _ in found]
    assert "not as the case expects [6, implicit]" in titles
    assert any(title.startswith("not completed") for title in titles)
    assert {level for level, *_ in found} == {"error"}


def test_a_model_without_a_file_line_has_none() -> None:
    one = audit("Net", "", file="Net (torch)", line=0, status="error", error="no")
    ((_, properties, message),) = commands(report([one]))
    assert set(properties) == {"file", "title"}
    assert message == "no"
