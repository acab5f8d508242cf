"""The HTML report in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aliascheck.report import FileError
from aliascheck.reporters.html import render
from aliascheck.reporters.page import Page
from tests.browser.chromium import Window, chromium
from tests.reporters.exhibition import HOSTILE_TEXTS, not_run
from tests.reporters.samples import ROW_5_IMPLICIT, clean, report

TO_SLOTS = (
    "[...document.querySelectorAll('table.slots')].at(arguments[0]).scrollIntoView({ block: 'center' })"
)
COUNT_MEASUREMENTS = """
window.measured = 0;
const own = Object.getOwnPropertyDescriptor(Element.prototype, "scrollWidth");
const get = function () { window.measured += 1; return own.get.call(this); };
Object.defineProperty(Element.prototype, "scrollWidth", { get });
"""
ANCHOR = "#zygote-991/examples:5:builtin:implicit"


@pytest.mark.parametrize("width", [400, 1000, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_without_complaints_and_fits_the_window(
    window: Window, page: Path, width: int, dark: bool
) -> None:
    window.look(width=width, dark=dark)
    window.open(page)
    window.one("#unfold").click()
    assert window.complaints() == []
    assert window.ask("return performance.getEntriesByType('resource').length") == 0
    assert window.ask("return document.documentElement.scrollWidth") <= width
    cut = "return [...document.querySelectorAll('.audit')].filter(one => one.scrollWidth > one.clientWidth)"
    window.wait(lambda: window.ask(cut) == [])  # what is far from the window is laid out when it is asked for


class TestScrolling:
    """What is wider than its place can be reached by keyboard; only what is near the window is measured."""

    @pytest.fixture
    def long(self, tmp_path: Path) -> Path:
        path = tmp_path / "report.html"
        many = [replace(ROW_5_IMPLICIT, id=str(n), status="failed") for n in range(150)]
        path.write_text(render(report(many), Page()), encoding="utf-8")
        return path

    def stops(self, window: Window) -> list[list[bool]]:
        """Of each part that can be seen: whether it is wider than its place, a stop, and named."""
        seen: list[list[bool]] = window.ask(
            "return [...document.querySelectorAll('.scroll')].filter(part => { const at ="
            " part.getBoundingClientRect();"
            " return part.checkVisibility() && at.top < innerHeight && at.bottom > 0; })"
            ".map(part => [part.scrollWidth > part.clientWidth, part.tabIndex === 0, !!part.ariaLabel])"
        )
        return seen

    @pytest.mark.parametrize("place", [0, -1])
    def test_stops_are_what_scrolls(self, window: Window, long: Path, place: int) -> None:
        for width, wide in ((1000, False), (300, True)):
            window.look(width=width)
            window.open(long)
            window.ask(TO_SLOTS, place)
            window.wait(lambda: all(len(set(one)) == 1 for one in self.stops(window)))
            assert any(scrolls for scrolls, _, _ in self.stops(window)) == wide

    def test_stops_follow_the_width_of_the_window(self, window: Window, long: Path) -> None:
        window.open(long)
        window.ask(TO_SLOTS, 0)
        window.wait(lambda: not any(stop for _, stop, _ in self.stops(window)))
        window.look(width=300)
        window.ask(TO_SLOTS, 0)
        window.wait(lambda: all(len(set(one)) == 1 for one in self.stops(window)))
        assert any(stop for _, stop, _ in self.stops(window))

    def test_few_are_measured_though_all_are_unfolded(self, window: Window, long: Path) -> None:
        window.open(long)
        window.ask(COUNT_MEASUREMENTS)
        window.one("#fold").click()
        window.one("#unfold").click()
        window.wait(lambda: window.ask("return window.measured") > 0)
        window.look(width=900)
        assert window.ask("return window.measured") < len(window.all(".scroll")) / 4


def test_no_column_of_a_narrow_table_is_covered_by_another(window: Window, page: Path) -> None:
    window.look(width=400)
    window.open(page)
    covered = (
        "return [...document.querySelectorAll('.audit[open] .slots tr')].filter(row => { const last ="
        " row.lastElementChild; return last.getBoundingClientRect().left <"
        " last.previousElementSibling.getBoundingClientRect().right - 1; }).length"
    )
    assert window.ask(covered) == 0


def test_hostile_texts_do_nothing(window: Window, page: Path) -> None:
    window.open(page)
    for element in [*window.all(".result"), *window.all(".audit > summary")]:
        window.ask("arguments[0].dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))", element)
    assert window.ask(
        "return [window.hacked === undefined, document.images.length, document.scripts.length]"
    ) == [
        True,
        0,
        1,
    ]
    shown = window.one("main").text
    assert all(text in shown for text in HOSTILE_TEXTS[:1] + HOSTILE_TEXTS[2:4])


class TestFolds:
    def test_what_needs_attention_is_open_and_a_click_opens_the_rest(
        self, window: Window, page: Path
    ) -> None:
        window.open(page)
        folded = window.all("details.audit:not([open])")
        assert len(window.all("details.audit[open]")) == 7 and len(folded) == 5
        (table, *_) = folded[0].find_elements("css selector", "table.slots")
        assert not table.is_displayed()
        folded[0].find_element("css selector", "summary").click()
        assert table.is_displayed()

    def test_all_are_unfolded_and_folded_at_once(self, window: Window, page: Path) -> None:
        window.open(page)
        window.one("#unfold").click()
        assert not window.all("details.audit:not([open])")
        window.one("#fold").click()
        assert not window.all("details.audit[open]")

    def test_on_paper_all_are_unfolded(self, window: Window, page: Path) -> None:
        window.open(page)
        hidden = (
            "return [...document.querySelectorAll('.slots td')].filter(one => !one.checkVisibility()).length"
        )
        assert window.ask(hidden) > 0
        window.look(media="print")
        assert window.ask(hidden) == 0
        assert not window.shown("#filter")


class TestAnchors:
    @pytest.mark.parametrize("how", ["opened", "followed", "told"])
    def test_an_anchor_unfolds_what_it_names(self, window: Window, page: Path, how: str) -> None:
        window.open(page, ANCHOR if how == "opened" else "")
        if how == "followed":
            window.ask(f"location.hash = {ANCHOR!r}")
        if how == "told":  # as in a browser that unfolds nothing by itself
            window.ask(f"history.replaceState(null, '', {ANCHOR!r}); dispatchEvent(new Event('hashchange'))")
        window.wait(lambda: bool(window.ask("return document.activeElement.id") == ANCHOR[1:]))
        result = window.ask("return document.activeElement")
        assert result.is_displayed()
        assert 0 <= window.ask("return arguments[0].getBoundingClientRect().top", result) < 900

    @pytest.mark.parametrize("width", [400, 760, 1000])
    @pytest.mark.parametrize("how", ["opened", "followed"])
    def test_the_title_of_its_audit_is_in_sight(
        self, window: Window, page: Path, width: int, how: str
    ) -> None:
        window.look(width=width)
        window.open(page, ANCHOR if how == "opened" else "")
        if how == "followed":
            window.ask(f"location.hash = {ANCHOR!r}")
        window.wait(lambda: bool(window.ask("return document.activeElement.id") == ANCHOR[1:]))
        title = "document.activeElement.closest('.audit').querySelector('summary').getBoundingClientRect()"
        window.wait(lambda: bool(window.ask(f"return {title}.top") < 200))
        bar = "document.getElementById('filter').getBoundingClientRect().bottom"
        assert window.ask(f"return {title}.top >= Math.max(0, Math.min({bar}, 200) - 1)")
        assert window.ask("return document.activeElement.getBoundingClientRect().top < innerHeight")

    def test_a_result_far_below_its_title_is_in_sight_itself(self, window: Window, tmp_path: Path) -> None:
        path = tmp_path / "report.html"
        several = [replace(ROW_5_IMPLICIT, engine=f"engine{n}", status="failed") for n in range(8)]
        path.write_text(render(report(several), Page()), encoding="utf-8")
        window.open(path, "#zygote-991/examples:5:engine6:implicit")
        window.wait(lambda: bool(window.ask("return document.activeElement.dataset.engine") == "engine6"))
        assert 0 <= window.ask("return document.activeElement.getBoundingClientRect().top") < 450

    def test_an_anchor_is_found_though_the_filter_hides_it(self, window: Window, page: Path) -> None:
        window.open(page)
        window.one("[name=text]").send_keys("tied.toml")
        window.wait(lambda: len(window.shown("details.audit")) == 2)
        window.ask(f"location.hash = {ANCHOR!r}")
        window.wait(lambda: bool(window.ask("return document.activeElement.id") == ANCHOR[1:]))

    def test_links_to_what_failed_lead_there(self, window: Window, page: Path) -> None:
        window.open(page)
        window.one("#fold").click()
        for link in window.all(".failures a"):
            name = window.ask("return decodeURIComponent(arguments[0].hash.slice(1))", link)
            link.click()
            window.wait(lambda name=name: bool(window.ask("return document.activeElement.id") == name))  # type: ignore[misc]
            assert window.ask("return document.activeElement").is_displayed()

    @pytest.mark.parametrize("anchor", ["#", "#nothing-of-that-name", "#%", "#failed"])
    def test_other_anchors_do_no_harm(self, window: Window, page: Path, anchor: str) -> None:
        window.open(page, anchor)
        assert window.complaints() == []
        assert len(window.shown("details.audit")) == 12


class TestFilter:
    def count(self, window: Window) -> int:
        return len(window.shown("details.audit"))

    def test_by_status(self, window: Window, page: Path) -> None:
        window.open(page)
        for state, left in (("bad", 5), ("clean", 3), ("known", 1), ("skipped", 0)):
            window.one(f"[name=state][value={state}]").click()
            window.wait(lambda left=left: self.count(window) == left)  # type: ignore[misc]
        assert window.one("#nothing").is_displayed() and not window.shown(".file")
        assert window.one("#shown").text == "0 of 12 audits"

    def test_by_finding(self, window: Window, page: Path) -> None:
        window.open(page)
        window.one("[name=code] option[value=AC105]").click()
        window.wait(lambda: self.count(window) == 1)
        assert "matrices" in window.shown("details.audit")[0].text

    def test_by_engine_with_its_results_only(self, window: Window, page: Path) -> None:
        window.open(page)
        window.one("#unfold").click()
        (option,) = [one for one in window.all("[name=engine] option") if one.text == "jax"]
        option.click()
        window.wait(lambda: self.count(window) == 1)
        assert len(window.shown(".result")) == 1

    def test_by_text_each_word_of_it(self, window: Window, page: Path) -> None:
        window.open(page)
        box = window.one("[name=text]")
        box.send_keys("DIRECTLY adjoint")
        window.wait(lambda: self.count(window) == 1)
        assert window.one("#shown").text == "1 of 12 audits"
        box.clear()
        box.send_keys("window.hacked=1")
        window.wait(lambda: self.count(window) == 3)

    def states(self, window: Window) -> list[str]:
        return [one.get_attribute("data-state") for one in window.shown(".file")]

    def test_files_that_were_skipped_or_are_bad_by_status_and_text(
        self, window: Window, tmp_path: Path
    ) -> None:
        path = tmp_path / "report.html"
        bad = FileError(file="cases/bad.toml", message="cases/bad.toml: not TOML")
        path.write_text(render(report([clean(), *not_run()], [bad]), Page()), encoding="utf-8")
        window.open(path)
        assert len(window.shown(".file")) == 3
        box = window.one("[name=text]")
        for words, left in (("Python CODE", "skipped"), ("not toml", "error")):
            box.clear()
            box.send_keys(words)
            window.wait(lambda left=left: self.states(window) == [left])  # type: ignore[misc]
        box.clear()
        box.send_keys(" ")
        window.wait(lambda: len(window.shown(".file")) == 3)
        window.one("[name=state][value=skipped]").click()
        window.wait(lambda: len(window.shown(".file")) == 2)

    def test_enter_does_not_leave_the_page(self, window: Window, page: Path) -> None:
        window.open(page)
        window.one("[name=text]").send_keys("adjoint\n")
        window.wait(lambda: self.count(window) == 3)
        assert window.complaints() == []
        assert "?" not in window.driver.current_url


class TestColours:
    def ground(self, window: Window) -> str:
        return str(window.ask("return getComputedStyle(document.documentElement).backgroundColor"))

    def test_they_follow_the_system_and_the_button(self, window: Window, page: Path) -> None:
        window.open(page)
        light = self.ground(window)
        window.look(dark=True)
        dark = self.ground(window)
        assert light != dark
        button = window.one("#theme")
        assert button.text == "Light"
        button.click()
        assert self.ground(window) == light and button.text == "Dark"

    def test_what_was_chosen_is_remembered(self, window: Window, page: Path) -> None:
        window.open(page)
        light = self.ground(window)
        window.one("#theme").click()
        window.open(page)
        assert self.ground(window) != light

    def test_paper_is_light(self, window: Window, page: Path) -> None:
        window.look(dark=True)
        window.open(page)
        dark_ink = window.ask("return getComputedStyle(document.body).color")
        window.look(dark=True, media="print")
        assert window.ask("return getComputedStyle(document.body).color") != dark_ink


def test_without_scripts_everything_can_be_read(page: Path) -> None:
    with chromium(scripts=False) as window:
        window.look()
        window.open(page, ANCHOR)
        assert not window.shown("#filter") and not window.shown("#theme")
        assert len(window.shown("details.audit")) == 12
        opened = window.all("details.audit[open]")
        assert len(opened) >= 7
        assert all(one.find_element("css selector", "table.slots").is_displayed() for one in opened[-6:])
        (summary, *_) = window.shown("details.audit:not([open]) > summary")
        summary.click()
        assert summary.find_element("xpath", "..").find_element("css selector", "table.slots").is_displayed()
        assert window.complaints() == []


@pytest.mark.parametrize("width", [400, 1000])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(window: Window, page: Path, width: int, dark: bool) -> None:
    """No violation of any rule, however slight, with all audits unfolded."""
    home = Path(pytest.importorskip("axe_core_python", reason="needs axe-core-python").__file__).parent
    window.look(width=width, dark=dark)
    window.open(page)
    window.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    window.ask((home / "axe.min.js").read_text(encoding="utf-8"))
    found = window.driver.execute_async_script(
        "const done = arguments[0]; axe.run().then(r => done(r.violations.map(v => [v.id, v.impact,"
        " v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)])))"
    )
    assert found == []
