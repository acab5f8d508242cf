"""What the table promises, whatever the report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aliascheck.report import AuditResult
from aliascheck.reporters import concise, table
from aliascheck.reporters.page import Page
from tests.reporters.samples import (
    REPORTS,
    ROW_5_EXPLICIT,
    ROW_5_IMPLICIT,
    audit,
    clean,
    hostile,
    report,
    slot,
    thread,
    trouble,
)


@pytest.mark.parametrize(
    "name", ["thread", "trouble", "gated", "warned"]
)  # a name as wide as the page is not cut
@pytest.mark.parametrize("width", [60, 80, 100, 160, 240])
def test_no_line_is_wider_than_the_page(name: str, width: int) -> None:
    text = table.render(REPORTS[name](), Page(width=width, detail=1))
    assert [line for line in text.splitlines() if cell_len(line) > width] == []


@pytest.mark.parametrize("detail", [-1, 0, 1])
def test_colour_only_adds(detail: int) -> None:
    from rich.text import Text

    plain = table.render(trouble(), Page(detail=detail))
    coloured = table.render(trouble(), Page(detail=detail, colours=True))
    assert "\x1b[" in coloured
    assert Text.from_ansi(coloured).plain.splitlines() == plain.splitlines()


def test_clean_modes_share_a_line() -> None:
    lines = table.render(thread(), Page()).splitlines()
    assert sum(line.startswith("✓ 3 ") for line in lines) == 1
    assert next(line for line in lines if line.startswith("✓ 3 ")).endswith("implicit explicit")


def test_known_findings_are_marked_and_unexpected_ones_stand_out() -> None:
    assert "! 5 " in table.render(thread(), Page())
    assert "✗ 6 " in table.render(trouble(), Page())


def test_quiet_shows_what_needs_attention_only() -> None:
    text = table.render(trouble(), Page(detail=-1))
    assert "✓" not in text and "✗ 6" in text and "cases/bad.toml" in text
    assert table.render(thread(), Page(detail=-1)).splitlines() == [
        "2 audits, 4 results: 4 as expected (2 show known findings). 0.21 s",
        "Exit 0: nothing unexpected.",
    ]


def test_markup_in_titles_is_text() -> None:
    assert "[bold]not bold[/bold]" in table.render(report([hostile()]), Page(width=160))


@given(st.text(st.characters(), max_size=40), st.sampled_from([30, 80]))
def test_no_text_reaches_the_terminal_unescaped(text: str, width: int) -> None:
    one = audit(text, text, file=text, case_title=text, loss_text=text, params=[text], error=text)
    for form in (table, concise):
        shown = form.render(report([one]), Page(width=width, detail=1))
        assert all(char.isprintable() or char == "\n" for char in shown)
        shown.encode()


@given(st.text(st.characters(), max_size=40))
def test_an_ascii_page_is_ascii(text: str) -> None:
    one = audit("1", text, status="failed", notes=[text])
    assert table.render(report([one, *thread().audits]), Page(encoding="ascii")).isascii()


def test_summary_counts_in_plain_words() -> None:
    end = concise.render(trouble(), Page()).splitlines()[-2:]
    assert end == [
        "7 audits, 8 results: 3 as expected, 3 failed, 1 error, 1 skipped, 1 file could not be read. 12.3 s",
        "Exit 3: a case file is bad.",
    ]


def test_mixed_modes_keep_their_order() -> None:
    text = table.render(report([clean("a"), ROW_5_IMPLICIT, ROW_5_EXPLICIT, clean("b")]), Page())
    marks = [line[:3] for line in text.splitlines() if line[:2] in ("✓ ", "! ")]
    assert marks == ["✓ a", "! 5", "! 5", "✓ b"]


def test_a_report_that_was_stored_renders_the_same() -> None:
    import msgspec

    from aliascheck.report import Report

    stored = msgspec.json.decode(thread().to_json(), type=Report)
    assert table.render(stored, Page()) == table.render(thread(), Page())


def test_files_that_are_skipped_whole_are_a_line_each_below_their_reason() -> None:
    def skipped(file: str, name: str, why: str) -> AuditResult:
        return audit(name, "", file=file, status="skipped", loss=None, error=why)

    audits = [
        skipped("cases/a.toml", "one", "no trust"),
        skipped("cases/a.toml", "two", "no trust"),
        clean(),
        skipped("cases/z.toml", "one", "no trust"),
        skipped("cases/z2.toml", "gpu", "no device"),
    ]
    text = table.render(report(audits), Page())
    told = text[text.index("- 3 audits") : text.index("5 audits, ")]
    assert told.splitlines() == [
        "- 3 audits skipped: no trust",
        "",
        "  cases/a.toml  one, two",
        "  cases/z.toml  one",
        "",
        "- 1 audit skipped: no device",
        "",
        "  cases/z2.toml  gpu",
        "",
    ]
    full = table.render(report(audits), Page(detail=1))
    assert full.count("skipped: no trust") == 3 and "audits skipped" not in full
    assert "skipped:" not in table.render(report(audits), Page(detail=-1))


@pytest.mark.parametrize("verdict", ["noisy", "undecided"])
def test_what_is_reported_is_shown_where_the_bound_hides_it(verdict: str) -> None:
    values = {"shape": [8], "error_bound": 60.0}
    reported = [0.25, -0.5, 0.125, 1.0, 0.0, 0.0, 0.0, 0.0]
    shown = slot("w", reported, reported, [0.0] * 8, verdict, **values)
    text = table.render(report([audit("a", "A", slots=[shown], status="failed")]), Page(width=100, detail=1))
    assert "norm 1.1524" in text and "~0" not in text
    assert "farthest" not in text
