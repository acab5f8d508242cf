"""The JSON reporter writes format 1, losslessly and in safe characters."""

from __future__ import annotations

import json

import msgspec

from aliascheck.report import Report
from aliascheck.reporters import json as reporter
from aliascheck.reporters.page import Page
from tests.reporters.samples import HOSTILE, ROW_5_IMPLICIT, audit, report, thread, trouble

PROMISED = {
    "file",
    "line",
    "id",
    "title",
    "engine",
    "mode",
    "contract",
    "status",
    "loss",
    "entries",
    "slots",
    "groups",
    "findings",
    "optimizers",
    "evaluations",
    "seconds",
    "error",
}


def test_it_reads_back_as_it_was_written() -> None:
    assert msgspec.json.decode(reporter.render(thread(), Page()), type=Report) == thread()


def test_every_promised_key_is_there() -> None:
    data = json.loads(reporter.render(report([ROW_5_IMPLICIT]), Page()))
    assert data["format"] == 1
    assert {"audits", "results", "passed", "failed", "errors", "skipped", "findings"} <= set(data["summary"])
    assert set(data["audits"][0]) >= PROMISED
    assert data["audits"][0]["entries"] == {"x": [2.0], "xt": "nothing", "Main.x": [1.0]}


def test_steering_characters_are_escaped_and_keep_their_value() -> None:
    text = reporter.render(report([audit("1", HOSTILE + "\x9b\u2028")]), Page())
    assert all(char.isprintable() or char == "\n" for char in text)
    assert json.loads(text)["audits"][0]["title"] == HOSTILE + "\x9b\u2028"


def test_half_a_character_does_not_stop_it() -> None:
    data = json.loads(reporter.render(trouble(), Page()))
    assert data["audits"][-1]["file"] == "cases/\\udcff\x1b]0;title\x07.toml"
