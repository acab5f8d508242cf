"""The table that `aliascheck compare` shows."""

from __future__ import annotations

import pytest

from aliascheck.reporters.comparison import markdown, render
from aliascheck.reporters.page import Page
from tests.reporters.samples import ROW_5_EXPLICIT, ROW_5_IMPLICIT, audit, finding, report, slot


def lines(*audits: object, width: int = 80) -> list[str]:
    text = render(report(list(audits)), Page(width=width))  # type: ignore[arg-type]
    assert max(map(len, text.splitlines())) <= width
    return text.splitlines()


def test_a_row_for_each_mode_and_the_truth_below() -> None:
    shown = lines(ROW_5_IMPLICIT, ROW_5_EXPLICIT)
    assert shown[2:5] == [
        "  5  x and its adjoint in the set, the parent read directly",
        "     loss sum(xt.parent * x)",
        "     engine              mode      x            xt",
    ]
    assert shown[5] == "     builtin             implicit  2 misplaced  nothing"
    assert shown[6].startswith("     builtin             explicit  ")
    assert shown[7] == "     finite differences            1 of 2       1 of 2"


def test_engines_whose_memory_aliases_otherwise_have_a_truth_of_their_own() -> None:
    views = audit("a", "", engine="torch", slots=[slot("x", [1.0], [1.0], [2.0], "split")])
    copies = audit("a", "", engine="jax", mode="explicit", slots=[slot("x", [1.0], [1.0], [1.0], "total")])
    shown = lines(views, copies)
    assert "     torch               implicit  1 split" in shown
    assert "     jax                 explicit  1 total" in shown
    assert "     finite differences  torch     1 of 2" in shown
    assert "     finite differences  jax       1" in shown


def test_what_did_not_run_says_why() -> None:
    done = audit("a", "", slots=[slot("x", [1.0], [1.0], [1.0], "total")])
    lacking = audit("a", "", engine="jax", mode="explicit", status="skipped", error="jax has no 'pinv'")
    assert "     jax explicit: skipped: jax has no 'pinv'" in lines(done, lacking)
    assert "     jax explicit: skipped: jax has no 'pinv'" in lines(lacking)
    assert lines(done, lacking)[-1] == "1 audit on builtin, jax: 2 results, 1 skipped."


def test_a_slot_that_only_one_engine_has() -> None:
    one = audit("a", "", slots=[slot("x", [1.0], [1.0], [1.0], "total")])
    other = audit("a", "", engine="torch", slots=[slot("y", [2.0], [2.0], [2.0], "total")])
    shown = "\n".join(lines(one, other))
    assert "     builtin             implicit  1 total  -" in shown
    assert "     torch               implicit  -        2 total" in shown


def test_findings_of_the_whole_audit_stand_beside() -> None:
    noisy = audit(
        "a",
        "",
        slots=[slot("x", [1.0], [1.0], [1.0], "total")],
        findings=[finding("AC203", "mutates", None, "it writes", "do not")],
    )
    assert any(line.split() == ["engine", "mode", "x", "besides"] for line in lines(noisy))
    assert any(line.endswith("AC203") for line in lines(noisy))


def test_a_narrow_page_stacks_the_slots() -> None:
    names = [f"model.layers[{number}].weight" for number in range(6)]
    wide = audit("a", "", slots=[slot(name, [1.5], [1.5], [1.5], "total") for name in names])
    shown = lines(wide)
    assert any(line.strip().startswith("builtin implicit") for line in shown)
    assert sum("1.5 total" in line for line in shown) == 6


def test_merged_slots_stand_under_each_of_their_names() -> None:
    merged = audit("a", "", slots=[slot("x", [2.0], [2.0], [2.0], "total", names=["x", "y"])])
    parted = audit(
        "a", "", mode="explicit", slots=[slot(name, [1.0], [1.0], [2.0], "split") for name in "xy"]
    )
    shown = lines(merged, parted)
    assert "     builtin             implicit  2 total  2 total" in shown
    assert "     builtin             explicit  1 split  1 split" in shown


def test_a_further_name_of_a_member_is_no_slot() -> None:
    """Torch knows `x` as `xs` as well; the set is `x` alone."""
    merged = audit(
        "a",
        "",
        engine="torch",
        params=["x"],
        slots=[slot("x", [4.0], [4.0], [4.0], "total", names=["x", "xs"])],
    )
    other = audit("a", "", params=["x"], slots=[slot("x", [3.0], [3.0], [4.0], "partial")])
    shown = lines(other, merged)
    assert any(line.split() == ["engine", "mode", "x"] for line in shown)
    assert any(line.split() == ["torch", "implicit", "4", "total"] for line in shown)
    assert not any("xs" in line.split() for line in shown)


def test_a_member_that_every_engine_merges_keeps_its_column() -> None:
    merged = audit(
        "a", "", params=["x", "y"], slots=[slot("x", [2.0], [2.0], [2.0], "total", names=["x", "y", "z"])]
    )
    shown = lines(merged)
    assert any(line.split() == ["engine", "mode", "x", "y"] for line in shown)


def test_markdown_has_the_same_rows() -> None:
    pytest.importorskip("cmarkgfm")
    import cmarkgfm

    hostile = audit("a|b", "<script>alert(1)</script>", slots=[slot("x|y", [1.0], [1.0], [1.0], "total")])
    text = markdown(report([ROW_5_IMPLICIT, ROW_5_EXPLICIT, hostile]), Page())
    assert "| builtin | implicit | 2 misplaced | nothing |" in text
    assert "| finite differences |  | 1 of 2 | 1 of 2 |" in text
    page = cmarkgfm.github_flavored_markdown_to_html(text)
    assert page.count("<table>") == 2 and "<script" not in page and "x|y" in page
