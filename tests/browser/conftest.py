"""Chromium, started once for all tests, and reports on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aliascheck.reporters.html import render
from aliascheck.reporters.page import Page
from tests.browser.chromium import Window, chromium
from tests.reporters.exhibition import exhibition


@pytest.fixture(scope="session")
def browser() -> Iterator[Window]:
    with chromium() as window:
        yield window


@pytest.fixture
def window(browser: Window) -> Window:
    """The window as it is for most people: 1,000 pixels, light, scripts on, nothing remembered."""
    browser.look()
    browser.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "file://", "storageTypes": "all"})
    return browser


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with everything in it, as a file."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(exhibition(), Page(detail=1)), encoding="utf-8")
    return path
