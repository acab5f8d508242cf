"""The HTML report is one well-formed file that shows everything, and nothing that a case says acts in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aliascheck.report import AuditResult, GroupResult, Lane, Report, SlotResult, SpotResult
from aliascheck.reporters import table
from aliascheck.reporters.html import render
from aliascheck.reporters.html.anchors import anchor_of, link_to, name_results
from aliascheck.reporters.html.attribution import heat_cell
from aliascheck.reporters.html.budget import AUDITS
from aliascheck.reporters.html.difference import difference_maps
from aliascheck.reporters.html.memory import CHARACTER, memory_picture, shorten
from aliascheck.reporters.page import Page
from aliascheck.reporters.visible import visible
from aliascheck.runner import run_cases
from tests.reporters.exhibition import HOSTILE_TEXTS, exhibition, not_run, on_engines
from tests.reporters.samples import ROW_5_IMPLICIT, audit, clean, finding, report, slot, thread, trouble

ROOT = Path(__file__).resolve().parents[2]
VOID = {"meta", "input", "br", "path", "rect"}
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["nan", "inf", "-inf", 0.0, 5e-324, -1e308, 1.7976931348623157e308, 10**400]),
)
LOOKS = {f"{sign}{step}" for sign in "np" for step in range(1, 5)}
MAY_STAY_OPEN = {"th", "td", "tr", "thead", "tbody"}


@dataclass
class Element:
    """One element of a page: its name, attributes, and the text in it and below."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)

    @property
    def says(self) -> str:
        return " ".join(" ".join(self.text).split())


class Reader(HTMLParser):
    """Reads a page as strictly as the format allows: every tag closed, but where it may stay open."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(page)
        self.close()
        assert [one.name for one in self.open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        one = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1].name != tag:
            assert self.open[-1].name in MAY_STAY_OPEN, (tag, self.open[-1])
            self.open.pop()
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text.append(data)

    def all(self, name: str, look: str = "") -> list[Element]:
        """The elements of a name, and of a class where given."""
        return [
            one
            for one in self.elements
            if one.name == name and (not look or look in one.attributes.get("class", "").split())
        ]


def read(made: Report, detail: int = 0) -> Reader:
    return Reader(render(made, Page(detail=detail)))


@pytest.mark.parametrize(
    "made", [thread(), trouble(), exhibition(), report([])], ids=["thread", "trouble", "all", "empty"]
)
@pytest.mark.parametrize("detail", [-1, 0, 1])
def test_every_tag_is_closed_and_every_anchor_is_there_once(made: Report, detail: int) -> None:
    page = read(made, detail)
    names = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(set(names)) == len(names)
    links = {one.attributes["href"] for one in page.all("a")}
    assert links <= {link_to(name) for name in names}


def test_nothing_is_fetched_and_only_its_own_style_and_script_may_act() -> None:
    text = render(exhibition(), Page())
    page = Reader(text)
    assert not any({"src", "srcset", "style", "onclick"} & one.attributes.keys() for one in page.elements)
    assert not re.search(r"url\(|@import|innerHTML|\beval\b|https?:", text)
    (policy,) = (one.attributes["content"] for one in page.all("meta") if "http-equiv" in one.attributes)
    for name in ("style", "script"):
        (content,) = re.findall(f"<{name}>(.*?)</{name}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


def test_hostile_texts_stand_as_text_wherever_a_case_can_say_something() -> None:
    page = read(exhibition())
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not page.all("img") and not page.all("b", "x")
    (shown,) = page.all("main")
    for text in HOSTILE_TEXTS:
        times = shown.says.count(" ".join(visible(text).split()))
        assert times >= 20, text


def test_characters_that_steer_are_escaped_everywhere() -> None:
    text = render(exhibition(), Page(detail=1))
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize(
    "name", ["title", "loss_text", "case_title", "source", "model_text", "contract", "error", "id"]
)
def test_each_text_of_an_audit_is_shown(name: str) -> None:
    made = report([audit("1", "a title", status="error", error="an error")])
    setattr(made.audits[0], name, "unheard-of")
    (shown,) = read(made).all("main")
    assert "unheard-of" in shown.says


class TestAnchors:
    def test_the_name_is_that_of_the_file_without_its_first_folder_and_suffix(self) -> None:
        assert anchor_of(ROW_5_IMPLICIT) == "zygote-991/examples:5:builtin:implicit"

    def test_names_have_no_spaces_and_each_is_its_own(self) -> None:
        same = [audit("a b", ""), audit("a_b", ""), audit("a\nb", "")]
        assert name_results(same) == [
            "zygote-991/examples:a_b:builtin:implicit",
            "zygote-991/examples:a_b:builtin:implicit~2",
            r"zygote-991/examples:a\nb:builtin:implicit",
        ]

    def test_links_are_escaped(self) -> None:
        assert link_to('a:%"<é') == "#a:%25%22%3C%C3%A9"


class TestFolds:
    def test_what_needs_attention_is_open_and_all_else_is_folded(self) -> None:
        folds = read(trouble()).all("details", "audit")
        assert len(folds) == 7
        assert all(("open" in one.attributes) == ("✗" in one.says.split()[0]) for one in folds)

    def test_quiet_silences_a_terminal_and_hides_nothing_in_a_file(self) -> None:
        assert render(trouble(), Page(detail=-1)) == render(trouble(), Page())
        assert render(thread(), Page(detail=-1)) == render(thread(), Page())

    def test_clean_audits_have_pictures_only_where_detail_is_asked_for(self) -> None:
        made = report([clean()])
        assert not read(made).all("figure") and not read(made).all("div", "heat")
        full = read(made, 1)
        assert full.all("figure", "memory") and full.all("div", "heat")
        assert read(report([ROW_5_IMPLICIT])).all("figure", "memory")

    def test_files_of_which_nothing_ran_are_a_line_each(self) -> None:
        made = report([clean(), *not_run()])
        page = read(made)
        assert len(page.all("details", "audit")) == 1
        (skipped,) = [
            one for one in page.all("section", "file") if one.attributes.get("data-state") == "skipped"
        ]
        assert skipped.says == (
            "3 audits skipped it runs Python code cases/jax/a.toml one, two cases/jax/b.toml one"
        )
        anchors = {one.attributes.get("id") for one in page.all("i")}
        assert {"jax/a:one:jax:explicit", "jax/b:one:jax:explicit"} <= anchors
        assert len(read(made, 1).all("details", "audit")) == 4


class TestHead:
    def test_it_says_how_it_was_made(self) -> None:
        (facts,) = read(exhibition()).all("dl", "facts")
        wanted = ["command aliascheck run cases", "started 2026-01-02 03:04:05 UTC", "Python 3.13.1"]
        for word in [*wanted, "NumPy 2.3.0", "torch 2.8.0", "jax 0.9.0", "seed 0, 3"]:
            assert word in facts.says

    def test_it_says_what_failed_and_why_each_reason_once(self) -> None:
        made = report(
            [
                clean(),
                *(
                    audit("9", "", mode=mode, status="error", error="out of memory\nmore")
                    for mode in ("implicit", "explicit")
                ),
            ]
        )
        (failures,) = read(made).all("ol", "failures")
        assert failures.says == "cases/zygote-991/examples.toml · 9 · implicit explicit out of memory"

    def test_many_failures_are_folded_after_the_first(self) -> None:
        made = report([audit(str(n), "", status="error", error="x") for n in range(40)])
        first, rest = read(made).all("ol", "failures")
        assert first.says.count("·") == 50 and rest.says.count("·") == 30

    def test_findings_below_the_bar_are_told_from_known_ones_as_on_a_terminal(self) -> None:
        new, old = (
            replace(ROW_5_IMPLICIT, id=name, findings=[replace(ROW_5_IMPLICIT.findings[0], **what)])
            for name, what in (("new", {"expected": False, "severity": "warning"}), ("old", {}))
        )
        page = read(report([new, old]))
        (states,) = page.all("ul", "states")
        assert states.says == "1 with findings below the bar 1 with known findings"
        folds = [one.says for one in page.all("details", "audit")]
        assert [text.split(":")[0] for text in folds] == ["! findings below the bar", "! known findings"]
        labels = [one.says for look in ("below", "known") for one in page.all("label", look)]
        assert labels == ["findings below the bar", "known findings"]
        assert "1 shows known findings, 1 with findings below the bar" in page.all("header")[0].says

    @pytest.mark.parametrize(("number", "said"), [(1, "1 error"), (2, "2 errors")])
    def test_numbers_agree_with_their_nouns(self, number: int, said: str) -> None:
        broken = [audit(str(n), "", status="error", error="x") for n in range(number)]
        assert read(report(broken)).all("ul", "states")[0].says == said

    def test_the_trend_names_new_known_and_fixed(self) -> None:
        (header,) = read(exhibition()).all("header")
        assert "Against the baseline: 1 new, 0 changed, 1 known, 2 fixed." in header.says
        assert "AC104 double at w (cases/layers/tied.toml old torch implicit)" in header.says
        (plain,) = read(trouble()).all("header")
        assert "baseline" not in plain.says


class TestTables:
    def test_every_table_has_a_caption_and_scoped_headings(self) -> None:
        page = read(exhibition(), 1)
        assert len(page.all("caption")) == len(page.all("table"))
        assert all(one.attributes["scope"] in ("row", "col") for one in page.all("th"))

    def test_every_picture_says_what_it_shows(self) -> None:
        page = read(exhibition(), 1)
        pictures = [one for one in page.all("svg") if "aria-hidden" not in one.attributes]
        assert pictures and all(one.attributes["role"] == "img" for one in pictures)
        assert len(page.all("title")) == len(pictures) + 1

    def test_engines_stand_side_by_side(self) -> None:
        (side,) = [one for one in read(report(on_engines())).all("table", "side") if "engines" in one.says]
        assert side.says == (
            "engines side by side slot torch implicit torch explicit jax explicit "
            "x 1 split 1 split 1 partial xt 1 split 1 split -"
        )
        assert not read(thread()).all("table", "side")

    def test_what_an_optimizer_does_is_shown_where_it_was_measured(self) -> None:
        (side,) = [one for one in read(report(on_engines())).all("table", "side") if "step" in one.says]
        assert side.says == "what a training step does name drift safe adam 0.25 false sgd - true"

    @pytest.mark.parametrize(
        ("entry", "shade"),
        [(0, "none"), (1, "once"), (2, "more"), ("part", "part"), ("w", "wrong"), (None, "undefined")],
    )
    def test_each_entry_has_its_shade(self, entry: int | str | None, shade: str) -> None:
        assert heat_cell(entry).shade == shade


def group(attribution: list[list[int | str | None]], **more: object) -> GroupResult:
    settings: dict[str, object] = {
        "slots": ["x", "y"],
        "accesses": ["x", "y"],
        "cells": 6,
        "memory": [Lane(name="x", cells=[0, 1, 2, 3]), Lane(name="y", cells=[2, 3, 5])],
    }
    return GroupResult(attribution=attribution, residual=0.0, conserved=True, **settings | more)  # type: ignore[arg-type]


class TestMemoryPicture:
    def test_it_says_who_reads_what_and_where_it_landed(self) -> None:
        picture = memory_picture(group([[1, 0], [0, 1]]))
        assert picture is not None
        assert picture.words == (
            "x reads cells 0 to 3. y reads cells 2 to 3, 5. "
            "Slot x shows cells 0 to 3 and got x once. Slot y shows cells 2 to 3, 5 and got y once."
        )

    def test_a_contribution_lands_on_the_cells_that_both_slot_and_access_show(self) -> None:
        picture = memory_picture(group([[0, 1], [0, 0]]))
        assert picture is not None
        looks = {mark.look: mark.path.count("M") for mark in picture.marks}
        assert looks == {"empty": 3, "lost": 1, "h1": 3}  # y reads two stretches, one of them in x
        h1 = next(mark.path for mark in picture.marks if mark.look == "h1")
        assert re.findall(r"h(\d+)v", h1) == ["48", "24", "48"]  # cells 2 and 3, 5; and 2 and 3 in x

    def test_what_is_nowhere_is_marked_as_lost_and_what_is_zero_is_not(self) -> None:
        lost, zero = memory_picture(group([[1, 0], [0, 0]])), memory_picture(group([[1, None], [0, None]]))
        assert lost is not None and zero is not None
        assert [mark.look for mark in lost.marks].count("lost") == 1 and "in no slot" in lost.words
        assert "lost" not in [mark.look for mark in zero.marks] and "nothing at this point" in zero.words

    def test_marks_stay_within_the_picture(self) -> None:
        picture = memory_picture(group([[2, "w"], ["part", 1]]))
        assert picture is not None
        for mark in picture.marks:
            for left, top, width, height in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", mark.path):
                assert (
                    float(left) + float(width) <= picture.width
                    and float(top) + float(height) <= picture.height
                )

    def test_large_memory_is_drawn_to_scale(self) -> None:
        lanes = [
            Lane(name="x", cells=[], runs=[[0, 50_000]]),
            Lane(name="y", cells=[], runs=[[25_000, 50_000]]),
        ]
        picture = memory_picture(group([[1, 0], [0, 1]], cells=50_000, memory=lanes))
        assert picture is not None and picture.grid is None
        (first,) = re.findall(r"h([\d.]+)v", next(m.path for m in picture.marks if m.look == "h0"))[:1]
        (half,) = re.findall(r"h([\d.]+)v", next(m.path for m in picture.marks if m.look == "h1"))[:1]
        assert float(half) * 2 == float(first)

    @pytest.mark.parametrize("layers", [[1, 10, 11], [1, 2], ["a" * 20 + "1", "a" * 20 + "2"]])
    def test_names_that_are_shortened_stay_different(self, layers: list[object]) -> None:
        names = [f"model.encoder.layers[{n}].attention.weight" for n in layers]
        shown = shorten([*names, "x"])
        assert len(set(shown.values())) == len(names) + 1 and shown["x"] == "x"
        picture = memory_picture(
            group(
                [[int(row == column) for row in range(len(names))] for column in range(len(names))],
                slots=names,
                accesses=names,
                memory=[Lane(name=name, cells=[0, number + 1]) for number, name in enumerate(names)],
            )
        )
        assert picture is not None
        labels = [label.text for label in picture.labels if "…" in label.text or "weight" in label.text]
        assert sorted(labels) == sorted(3 * [shown[name] for name in names])
        assert all(label.x + len(label.text) * CHARACTER <= picture.width for label in picture.labels)

    def test_a_name_is_shortened_where_that_hides_nothing(self) -> None:
        assert shorten(["a" * 40]) == {"a" * 40: "a" * 15 + "…" + "a" * 14}

    def test_there_is_none_where_the_cells_are_not_told_or_one_place_alone_reads_them(self) -> None:
        assert memory_picture(group([[1, 0], [0, 1]], memory=[])) is None
        alone = group([["w"]], slots=["x"], accesses=["x"], memory=[Lane(name="x", cells=[0, 1])])
        assert memory_picture(alone) is None


ENTRIES = st.sampled_from([0, 1, 2, -1, "part", "w", "?", None])
CELLS = st.integers(-2, 8) | st.sampled_from([10**9, 10**18, -(10**9)])
LANES = st.builds(
    Lane,
    name=st.sampled_from(["x", "y", "x.parent"]),
    cells=st.lists(CELLS, max_size=4),
    runs=st.lists(st.lists(CELLS, max_size=3), max_size=3),
)
GROUPS = st.builds(
    GroupResult,
    slots=st.lists(st.sampled_from("xyz"), max_size=3),
    accesses=st.lists(st.sampled_from(["x", "y", "y (stopped)"]), max_size=3),
    attribution=st.lists(st.lists(ENTRIES, max_size=4), max_size=4),
    residual=st.sampled_from([0.0, 1.0, "nan"]),
    conserved=st.booleans(),
    cells=CELLS,
    memory=st.lists(LANES, max_size=4),
)


@settings(max_examples=150, deadline=None)
@given(GROUPS)
def test_what_does_not_fit_together_in_a_stored_report_is_drawn_as_far_as_it_fits(one: GroupResult) -> None:
    made = report([replace(ROW_5_IMPLICIT, groups=[one], status="failed")])
    read(made)
    table.render(made, Page())


def test_a_lane_of_many_stretches_takes_no_more_marks_than_can_be_seen() -> None:
    even = Lane(name="x", cells=[], runs=[[cell, cell + 1] for cell in range(0, 50_000, 2)])
    lanes = [even, Lane(name="y", cells=[], runs=[[0, 10], [40_000, 50_000]])]
    picture = memory_picture(group([[1, 0], [0, 1]], cells=50_000, memory=lanes))
    assert picture is not None and sum(mark.path.count("M") for mark in picture.marks) == 9


def test_a_located_fault_of_a_shape_that_is_no_matrix_is_not_drawn() -> None:
    for shape, rectangles in (([0, 0], [[0, 1, 0, 1]]), ([4], [[0, 1, 0, 1]]), ([2, 2], [[0, 1]])):
        found = finding("AC105", "wrong", "w", "", "", spot=SpotResult(shape=shape, rectangles=rectangles))
        large = slot("w", None, None, None, "wrong", shape=[0, -1])
        assert difference_maps(audit("1", "", findings=[found]), large) == []


def faulty(reported: object, path: object, total: object, **more: object) -> SlotResult:
    return slot("w", reported, path, total, "wrong", **{"shape": [2, 2], **more})


class TestDifferenceMaps:
    def test_both_truths_are_compared_where_they_differ(self) -> None:
        one = faulty([[1.0, 2.0], [3.0, 5.0]], [[1.0, 2.0], [3.0, 4.0]], [[2.0, 4.0], [6.0, 8.0]])
        path, total = difference_maps(audit("1", ""), one)
        assert path.caption == "reported − path: 1 of 4 differ, farthest 1 at [1, 1]"
        assert total.caption == "reported − total: 4 of 4 differ, farthest -3 at [1, 0]"
        assert [shade.look for shade in path.shades] == ["even", "p4"]

    def test_each_element_stands_in_its_row_and_column(self) -> None:
        right = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        one = faulty([[0.0, 0.0, 0.0], [0.0, 0.0, -1.0]], right, right, shape=[2, 3])
        (only,) = difference_maps(audit("1", ""), one)
        assert {shade.look: shade.path for shade in only.shades}["n4"] == "M45 23h22v22h-22z"

    def test_of_a_split_slot_it_says_where_the_rest_is(self) -> None:
        own, total = [[1.0, 1.0], [1.0, 1.0]], [[3.0, 3.0], [3.0, 3.0]]
        split = replace(faulty(own, own, total), verdict="split")
        same, rest = difference_maps(audit("1", ""), split)
        assert same.caption.startswith("reported − path: equal, within")
        assert rest.caption == (
            "reported − total: 4 of 4 differ, farthest -2 at [0, 0]"
            "; the slot is split: other slots hold the rest"
        )
        assert "rest" not in difference_maps(audit("1", ""), faulty(own, own, total))[1].caption

    def test_one_truth_is_enough_where_both_are_the_same(self) -> None:
        one = faulty([[1.0, "nan"], [-3.0, 4.0]], *[[[1.0, 2.0], [3.0, 4.0]]] * 2)
        (only,) = difference_maps(audit("1", ""), one)
        assert only.caption == "reported − total: 1 of 4 not finite"
        assert {shade.look for shade in only.shades} == {"odd", "n4", "even"}

    def test_the_located_fault_is_marked_at_its_elements(self) -> None:
        right = [[1.0, 2.0], [3.0, 4.0]]
        found = finding(
            "AC105", "wrong", "w", "", "", spot=SpotResult(shape=[2, 2], rectangles=[[1, 2, 0, 1]])
        )
        (only,) = difference_maps(
            audit("1", "", findings=[found]), faulty([[1.0, 2.0], [0.0, 4.0]], right, right)
        )
        assert only.located == "M1 23h22v22h-22z"

    def test_of_a_large_matrix_the_place_is_shown(self) -> None:
        found = finding(
            "AC105", "wrong", "w", "", "", spot=SpotResult(shape=[100, 50], rectangles=[[50, 100, 0, 25]])
        )
        large = slot(
            "w",
            {"shape": [100, 50], "norm": 1.0, "max": 1.0, "head": []},
            None,
            None,
            "wrong",
            shape=[100, 50],
        )
        (only,) = difference_maps(audit("1", "", findings=[found]), large)
        assert only.caption == "where w is wrong, 100 × 50: rows 50 to 99, columns 0 to 24"
        assert {shade.look: shade.path for shade in only.shades}["fault"] == "M1 91h45v90h-45z"

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_there_is_no_number_that_cannot_be_drawn(self, data: st.DataObject) -> None:
        reported, path, total = (data.draw(st.lists(NUMBERS, min_size=4, max_size=4)) for _ in range(3))
        bound = data.draw(st.none() | NUMBERS)
        rows = ([four[:2], four[2:]] for four in (reported, path, total))
        one = faulty(*rows, error_bound=bound)
        read(report([audit("1", "", slots=[one], status="failed")]), 1)
        for drawn in difference_maps(audit("1", ""), one):
            assert {shade.look for shade in drawn.shades} <= {"even", "odd"} | LOOKS

    def test_the_farthest_has_the_strongest_shade_however_large_it_is(self) -> None:
        zeros = [[0.0, 0.0], [0.0, 0.0]]
        (only,) = difference_maps(audit("1", ""), faulty([[1.7e308, -4e307], [0.0, 5e-324]], zeros, zeros))
        assert {shade.look for shade in only.shades} == {"p4", "n1", "even"}

    def test_nothing_is_drawn_where_nothing_can_be_compared_or_nothing_differs(self) -> None:
        right = [[1.0, 2.0], [3.0, 4.0]]
        assert difference_maps(audit("1", ""), faulty("nothing", right, right)) == []
        assert difference_maps(audit("1", ""), faulty(right, right, right)) == []


def repeated(results: list[AuditResult], *, failing: int = 0, audits: int = 1000) -> Report:
    """Results again and again, in files of other names, of which every `failing`th audit fails."""
    named: dict[tuple[str, str], list[AuditResult]] = {}
    for result in results:
        named.setdefault((result.file, result.id), []).append(result)
    several = list(named.values())
    made: list[AuditResult] = []
    for number in range(audits):
        turn, place = divmod(number, len(several))
        status = {"status": "failed"} if failing and number % failing == 0 else {}
        made += [replace(result, file=f"{turn}/{result.file}", **status) for result in several[place]]
    return report(made)


@pytest.fixture(scope="module", params=["zygote-991", "layers"])
def shipped(request: pytest.FixtureRequest) -> list[AuditResult]:
    """The results of a folder of shipped cases that ran."""
    ran = run_cases([ROOT / "cases" / request.param]).audits
    return [result for result in ran if result.status != "skipped"]


@pytest.mark.parametrize("failing", [0, 1, 2], ids=["passing", "failing", "mixed"])
def test_a_thousand_audits_stay_under_five_megabytes(shipped: list[AuditResult], failing: int) -> None:
    assert len(render(repeated(shipped, failing=failing), Page()).encode()) < 5_000_000


class TestBudget:
    def test_the_first_that_failed_have_pictures_and_are_unfolded(self) -> None:
        page = read(repeated([replace(ROW_5_IMPLICIT, status="failed")], audits=AUDITS + 7))
        folds = page.all("details", "audit")
        assert ["open" in one.attributes for one in folds] == [True] * AUDITS + [False] * 7
        assert len(page.all("figure", "memory")) == AUDITS and len(page.all("p", "left-out")) == 7
        assert [one.says.count("no pictures here") for one in folds] == [0] * AUDITS + [1] * 7

    def test_those_that_failed_come_before_those_with_known_findings(self) -> None:
        known = [replace(ROW_5_IMPLICIT, id=str(n), file="cases/a.toml") for n in range(AUDITS)]
        failed = [
            replace(ROW_5_IMPLICIT, id=f"{n} failed", file="cases/b.toml", status="failed") for n in range(3)
        ]
        page = read(report([*known, *failed]))
        plain = [one for one in page.all("details", "audit") if "no pictures here" in one.says]
        assert len(page.all("figure", "memory")) == AUDITS
        assert [one.says.split()[3] for one in plain] == ["197", "198", "199"]

    def test_where_detail_is_asked_for_all_have_pictures(self) -> None:
        page = read(repeated([replace(ROW_5_IMPLICIT, status="failed")], audits=AUDITS + 7), 1)
        assert len(page.all("figure", "memory")) == AUDITS + 7 and not page.all("p", "left-out")

    def test_clean_audits_do_not_tell_of_pictures_that_they_would_not_have(self) -> None:
        assert not read(repeated([clean()], audits=AUDITS + 1)).all("p", "left-out")
