"""Markdown, as GitHub's own renderer reads it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aliascheck.report import Report
from aliascheck.reporters import markdown
from aliascheck.reporters.markdown_text import BREAK, code, code_block, folded, html_code, prose, table
from aliascheck.reporters.page import Page
from aliascheck.reporters.visible import visible
from tests.reporters.samples import INJECTIONS, REPORTS, UNMET, clean, injected, report, trouble, warned

cmarkgfm = pytest.importorskip("cmarkgfm")
cmark = pytest.importorskip("cmarkgfm.cmark")

OURS = {
    *("h2", "h3", "h4", "p", "em", "strong", "code", "pre", "ul", "li", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
TEXTS = st.text(st.characters() | st.sampled_from("`|\\*_[]()<>&#@!~$:-"), max_size=30)


class Reader(HTMLParser):
    """Tags, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert attrs == [] or (tag, attrs) == ("pre", [("lang", "text")]), attrs
        self.text = "" if tag in ("td", "pre", "p", "summary") else self.text

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "pre", "p", "summary"):
            self.cells.append(self.text)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(cmarkgfm.github_flavored_markdown_to_html(text, cmark.Options.CMARK_OPT_UNSAFE))
    return reader


def plain(text: str) -> str:
    """What is shown of a text: its spaces count as one where they are in a paragraph."""
    return re.sub(" +", " ", visible(text)).strip()


@given(TEXTS)
@example("https://evil.example/x www.evil.example a@b.example @team #12 GH-12")
@example("[x](y) ![x](y) [x][y] [x]: y <b> &lt; &amp; a_b_c _d_ **e** ~~f~~ `g` $h$")
@example("a | b")
@example("\\| | \\\\| \\` ` `` ")
@settings(deadline=None)
def test_text_is_shown_as_it_is(text: str) -> None:
    for form, tags in ((prose, set()), (code, {"code"}), (html_code, {"code"})):
        found = read(table(["a", "b"], [["x" + form(text) + "x", "c"]]))
        assert set(found.tags) == {"table", "thead", "tbody", "tr", "th", "td"} | tags
        cells = [plain(cell.replace("\u200b", "")) for cell in found.cells]
        assert cells == [plain(f"x{text}x".replace("\u200b", "")), "c"]


@given(TEXTS)
@example("```\n</details>\n~~~")
@settings(deadline=None)
def test_blocks_are_shown_as_they_are(text: str) -> None:
    found = read(f"a\n\n{code_block(text)}\n\nb")
    assert [tag for tag in found.tags if tag != "code"] == ["p", "pre", "p"]
    assert found.cells[1] == "".join(visible(line) + "\n" for line in text.splitlines())


@given(TEXTS)
@settings(deadline=None)
def test_summaries_are_shown_as_they_are(text: str) -> None:
    found = read(folded(html_code(text), "c"))
    assert found.tags == ["details", "summary", "code", "p"]
    assert plain(found.cells[0].replace("\u200b", "")) == plain(text.replace("\u200b", ""))


@pytest.mark.parametrize("text", ["@everyone", "a @b/c", "#12", "x#3"])
def test_nobody_is_called_and_nothing_is_linked(text: str) -> None:
    assert BREAK in prose(text)
    assert not re.search(r"[@#]\w", read(prose(text)).cells[0])


@pytest.mark.parametrize("detail", [-1, 0, 1])
@pytest.mark.parametrize("name", REPORTS)
def test_no_text_becomes_markup(name: str, detail: int) -> None:
    found = read(markdown.render(REPORTS[name](), Page(detail=detail)))
    assert set(found.tags) <= OURS


@given(TEXTS | st.sampled_from(INJECTIONS))
@settings(deadline=None)
def test_every_text_of_a_case_leaves_the_structure_as_it_is(text: str) -> None:
    usual = read(markdown.render(report([injected("name", 3), clean()]), Page()))
    found = read(markdown.render(report([injected(f"x{text}x", 3), clean()]), Page()))
    assert found.tags == usual.tags


def rows(shown: Report, detail: int = 0) -> list[str]:
    return read(markdown.render(shown, Page(detail=detail))).cells


def test_what_failed_comes_first_and_in_full() -> None:
    text = markdown.render(trouble(), Page())
    order = ["could not be read", "cases/bad.toml:14", "#### ✗ `6`", "<details>", "3 results as expected"]
    assert sorted(order, key=text.index) == order
    assert "| whose contribution | `w` | `m.layers[1].weight.parent` |" in text
    assert "*Do:* check the derivative rules" in text


def test_what_passes_is_folded_and_full_if_asked_for() -> None:
    assert "both x and its adjoint in the set" in rows(trouble())
    assert "#### ✓ `3`" not in markdown.render(trouble(), Page())
    assert "#### ✓ `3`" in markdown.render(trouble(), Page(detail=1))
    assert "<details>" not in markdown.render(trouble(), Page(detail=-1))


def test_fixed_findings_are_named() -> None:
    assert "AC102 misplaced at `w`: `cases/tied.toml` `#0123456789abcdef`" in markdown.render(
        warned(), Page()
    )


def test_a_large_report_is_cut_where_github_would_drop_it() -> None:
    text = markdown.render(report([UNMET] * 2000, exit=(1, "")), Page())
    assert len(text.encode()) < 2**20
    shown = text.count("#### ✗")
    assert 0 < shown < 2000 and f"*{2000 - shown} more:" in text
