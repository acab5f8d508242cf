"""A window of a real Chromium, in which a report is opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SETTINGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}


def find_program(names: tuple[str, ...]) -> str:
    """The first of several programs that is there; skips the test where none is."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs one of {', '.join(names)}")
    return found


@contextmanager
def chromium(*, scripts: bool = True) -> Iterator[Window]:
    """A Chromium of its own, closed in the end; skips the test where it, or selenium, is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = find_program(PROGRAMS)
    for setting in SETTINGS:
        options.add_argument(setting)
    if not scripts:
        options.add_experimental_option("prefs", NO_SCRIPTS)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=find_program(("chromedriver",)))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Window(driver)
    finally:
        driver.quit()


class Window:
    """One window, whose size and colours can be chosen before a page is opened."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def look(self, *, width: int = 1000, dark: bool = False, media: str = "") -> None:
        """Set the width, whether the system is dark, and whether it is `screen` or `print`."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})

    def open(self, path: Path, anchor: str = "") -> None:
        """Open a file afresh, at an anchor where given."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri() + anchor)

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a script gives in the page."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        """The elements that a selector names."""
        found: list[Any] = self.driver.find_elements("css selector", selector)
        return found

    def one(self, selector: str) -> Any:
        """The only element that a selector names."""
        (found,) = self.all(selector)
        return found

    def shown(self, selector: str) -> list[Any]:
        """The elements that can be seen."""
        return [one for one in self.all(selector) if one.is_displayed()]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so. Raises: TimeoutException where it never is."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 10, poll_frequency=0.05).until(lambda _: condition())

    def complaints(self) -> list[str]:
        """What the console says, since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
